/* ACPI tables as both machines have them, the enlightened one (acpi.c) and the PC
 * (firmware_acpi.c): their layouts, and what is the same in them. Numbers in parentheses are
 * sections of the ACPI specification 6.4. Any context. */
#ifndef VENEER_WORKER_ACPI_TABLES_H
#define VENEER_WORKER_ACPI_TABLES_H

#include "lib/acpi.h"
#include "worker/aml.h"

#define ACPI_LAPIC_ADDRESS 0xfee00000u

/* 5.2.5.3 */
struct acpi_rsdp {
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
} __attribute__((packed));

/* 5.2.3.2 */
struct acpi_address {
    uint8_t space, width, offset, access;
    uint64_t address;
} __attribute__((packed));
#define ACPI_ACCESS_BYTE 1

/* 5.2.9; what always is 0 in ours has no name. */
struct acpi_fadt {
    struct acpi_header header;
    uint32_t firmware_control, dsdt;
    uint8_t reserved0, preferred_profile;
    uint16_t sci;
    uint32_t smi_command;
    uint8_t acpi_enable, acpi_disable, s4_bios, pstate;
    uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
    uint8_t pm1_event_length, pm1_control_length, pm2_control_length, pm_timer_length, gpe0_length,
        gpe1_length, gpe1_base, cstate;
    uint16_t c2_latency, c3_latency;
    uint8_t reserved1[8];
    uint8_t century;
    uint16_t boot_flags;
    uint8_t reserved2;
    uint32_t flags;
    struct acpi_address reset;
    uint8_t reset_value;
    uint16_t arm_boot_flags;
    uint8_t minor_revision;
    uint64_t x_firmware_control, x_dsdt;
    struct acpi_address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control, x_pm2_control,
        x_pm_timer, x_gpe0, x_gpe1;
    struct acpi_address sleep_control, sleep_status; /* from here on: revision 5 */
    char hypervisor_vendor[8];
} __attribute__((packed));
#define ACPI_FADT_REVISION_3_SIZE 244
#define ACPI_FLAG_WBINVD (1u << 0)
#define ACPI_FLAG_C1 (1u << 2)
#define ACPI_FLAG_NO_POWER_BUTTON (1u << 4) /* among the fixed registers */
#define ACPI_FLAG_NO_SLEEP_BUTTON (1u << 5)
#define ACPI_FLAG_NO_RTC (1u << 6)
#define ACPI_FLAG_RESET_REGISTER (1u << 10)
#define ACPI_FLAG_HARDWARE_REDUCED (1u << 20)

/* 5.2.12 */
struct acpi_madt {
    struct acpi_header header;
    uint32_t lapic_address, flags;
} __attribute__((packed));
#define ACPI_MADT_PIC (1u << 0) /* flags: two 8259 too */

_Static_assert(sizeof(struct acpi_rsdp) == 36, "5.2.5.3");
_Static_assert(sizeof(struct acpi_fadt) == 276, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, flags) == 112, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, sleep_control) == ACPI_FADT_REVISION_3_SIZE, "5.2.9");

/* The byte that makes the sum of the @size bytes at @data 0, if it is added to one that was 0. */
uint8_t acpi_checksum(const void *data, size_t size);

/* Fills in @header, whose table has @length bytes, which are all there. */
void acpi_finish(struct acpi_header *header, const char *signature, uint8_t revision,
                 size_t length);

/* Writes an RSDP for the RSDT (0: there is none) and the XSDT at these addresses. */
void acpi_write_rsdp(struct acpi_rsdp *rsdp, uint32_t rsdt, uint64_t xsdt);

/* Writes at @at an XSDT (or an RSDT) with the addresses of @count tables: 36 bytes and 8 (4) for
 * each. */
void acpi_write_xsdt(void *at, const uint32_t *tables, uint32_t count);
void acpi_write_rsdt(void *at, const uint32_t *tables, uint32_t count);

/* Writes a MADT with the local APICs 0 to @vp_count - 1 and an I/O APIC that has the next id; then
 * interrupts that are not as on an ISA bus can be added, and acpi_end_madt() gives its length. 44
 * bytes, 8 for each processor, 12, 10 for each override. */
void acpi_begin_madt(struct acpi_madt *madt, uint32_t vp_count, uint32_t ioapic_address);
#define ACPI_CONFORMS 0x0000u
#define ACPI_LEVEL_HIGH 0x000du
void acpi_madt_override(struct acpi_madt *madt, uint8_t irq, uint32_t interrupt, uint16_t flags);
/* LINT1 of all processors is an NMI: 6 bytes. */
void acpi_madt_nmi(struct acpi_madt *madt);
uint32_t acpi_end_madt(struct acpi_madt *madt);

/* The bus for synthetic devices, for the scope \_SB_. */
void acpi_write_vmbus(struct aml *aml);

#endif
