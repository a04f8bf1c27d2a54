/* ACPI of the PC: fixed hardware of the PIIX4, and what systems need to find the rest. */
#include "lib/string.h"
#include "worker/acpi_tables.h"
#include "worker/devices/i82093.h"
#include "worker/firmware_tables.h"
#include "worker/pc.h"

/* 5.2.10 */
struct facs {
    char signature[4];
    uint32_t length, hardware_signature, waking_vector, global_lock, flags;
    uint64_t x_waking_vector;
    uint8_t version;
    uint8_t reserved[31];
} __attribute__((packed));
_Static_assert(sizeof(struct facs) == 64, "5.2.10");

#define FADT_REVISION 3
#define DSDT_REVISION 1 /* 32-bit integers, for systems of ACPI 1.0 */

/* Registers at FIRMWARE_PM_BASE. 82371AB, 7.3. */
#define PM1_EVENT 0x00
#define PM1_CONTROL 0x04
#define PM_TIMER 0x08
#define GPE0 0x0c

#define BOOT_LEGACY_DEVICES (1u << 0)
#define BOOT_8042 (1u << 1)
#define NO_C2 101 /* µs: more than the state may take, so it is not there */
#define NO_C3 1001
#define RESET_PORT 0xcf9
#define RESET_VALUE 0x06

static struct acpi_address port_register(uint32_t port, uint8_t width)
{
    return (struct acpi_address){.space = ACPI_SPACE_IO, .width = width, .address = port};
}

static uint32_t write_facs(struct firmware_area *area)
{
    struct facs *facs = firmware_take(area, sizeof(*facs), 64);

    *facs = (struct facs){.length = sizeof(*facs), .version = 1};
    memcpy(facs->signature, "FACS", sizeof(facs->signature));
    return firmware_address(area, facs);
}

/* Takes what is left, and gives back what it does not need. */
static uint32_t write_dsdt(const struct firmware_machine *machine, struct firmware_area *area)
{
    struct acpi_header *header = firmware_take(area, sizeof(*header), 16);
    size_t size =
        firmware_write_dsdt(machine, (uint8_t *)(header + 1), FIRMWARE_TABLES_SIZE - area->used);

    firmware_take(area, (uint32_t)size, 1);
    acpi_finish(header, "DSDT", DSDT_REVISION, sizeof(*header) + size);
    return firmware_address(area, header);
}

static uint32_t write_fadt(struct firmware_area *area, uint32_t facs, uint32_t dsdt)
{
    struct acpi_fadt fadt = {
        .firmware_control = facs,
        .dsdt = dsdt,
        .sci = FIRMWARE_SCI_IRQ,
        .smi_command = APM_PORT,
        .acpi_enable = FIRMWARE_ACPI_ENABLE,
        .acpi_disable = FIRMWARE_ACPI_DISABLE,
        .pm1a_event = FIRMWARE_PM_BASE + PM1_EVENT,
        .pm1a_control = FIRMWARE_PM_BASE + PM1_CONTROL,
        .pm_timer = FIRMWARE_PM_BASE + PM_TIMER,
        .gpe0 = FIRMWARE_PM_BASE + GPE0,
        .pm1_event_length = 4,
        .pm1_control_length = 2,
        .pm_timer_length = 4,
        .gpe0_length = 4,
        .c2_latency = NO_C2,
        .c3_latency = NO_C3,
        .century = RTC_CENTURY,
        .boot_flags = BOOT_LEGACY_DEVICES | BOOT_8042,
        .flags = ACPI_FLAG_WBINVD | ACPI_FLAG_C1 | ACPI_FLAG_NO_SLEEP_BUTTON | ACPI_FLAG_NO_RTC |
                 ACPI_FLAG_RESET_REGISTER,
        .reset = port_register(RESET_PORT, 8),
        .reset_value = RESET_VALUE,
        .x_firmware_control = facs,
        .x_dsdt = dsdt,
        .x_pm1a_event = port_register(FIRMWARE_PM_BASE + PM1_EVENT, 32),
        .x_pm1a_control = port_register(FIRMWARE_PM_BASE + PM1_CONTROL, 16),
        .x_pm_timer = port_register(FIRMWARE_PM_BASE + PM_TIMER, 32),
        .x_gpe0 = port_register(FIRMWARE_PM_BASE + GPE0, 32),
    };
    void *at = firmware_take(area, ACPI_FADT_REVISION_3_SIZE, 16);

    memcpy(at, &fadt, ACPI_FADT_REVISION_3_SIZE);
    acpi_finish(at, "FACP", FADT_REVISION, ACPI_FADT_REVISION_3_SIZE);
    return firmware_address(area, at);
}

static uint32_t write_madt(const struct firmware_machine *machine, struct firmware_area *area)
{
    static const uint8_t pirq_irqs[] = FIRMWARE_PIRQ_IRQS;
    struct acpi_madt *madt = firmware_take(area, 0, 16);

    acpi_begin_madt(madt, machine->vp_count, (uint32_t)I82093_ADDRESS);
    madt->flags = ACPI_MADT_PIC;
    acpi_madt_override(madt, 0, IOAPIC_TIMER_PIN, ACPI_CONFORMS);
    acpi_madt_override(madt, FIRMWARE_SCI_IRQ, FIRMWARE_SCI_IRQ, ACPI_LEVEL_HIGH);
    for (uint32_t i = 0; i < sizeof(pirq_irqs); i++) {
        if (i == 0 || pirq_irqs[i] != pirq_irqs[i - 1])
            acpi_madt_override(madt, pirq_irqs[i], pirq_irqs[i], ACPI_LEVEL_HIGH);
    }
    acpi_madt_nmi(madt);
    firmware_take(area, acpi_end_madt(madt), 1);
    return firmware_address(area, madt);
}

uint32_t firmware_write_acpi(const struct firmware_machine *machine, struct firmware_area *area)
{
    uint32_t tables[2];
    struct acpi_rsdp *rsdp = firmware_take(area, sizeof(*rsdp), 16);
    void *rsdt = firmware_take(area, sizeof(struct acpi_header) + sizeof(tables), 16);
    void *xsdt = firmware_take(area, sizeof(struct acpi_header) + 2 * sizeof(tables), 16);
    uint32_t facs = write_facs(area);

    tables[1] = write_madt(machine, area);
    tables[0] = write_fadt(area, facs, write_dsdt(machine, area));
    acpi_write_rsdt(rsdt, tables, 2);
    acpi_write_xsdt(xsdt, tables, 2);
    acpi_write_rsdp(rsdp, firmware_address(area, rsdt), firmware_address(area, xsdt));
    return firmware_address(area, rsdp);
}
