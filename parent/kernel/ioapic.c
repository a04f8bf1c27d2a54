#include "parent/kernel/ioapic.h"

#include <stddef.h>

#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/kernel/power.h"

/* Registers and bits: 82093AA data sheet, chapter 3. */
#define IOREGSEL 0x00
#define IOWIN 0x10
#define REGISTERS_SIZE 0x20
#define IOAPICVER 0x01
#define IOREDTBL 0x10 /* two registers for each pin */
#define IOREDTBL_ACTIVE_LOW (1u << 13)
#define IOREDTBL_LEVEL (1u << 15)
#define IOREDTBL_MASKED (1u << 16)
#define IOREDTBL_DESTINATION_SHIFT 24 /* of the upper register */

#define MAX_IOAPICS 16

struct ioapic {
    volatile uint32_t *registers;
    uint32_t first; /* global number of pin 0 */
    uint32_t count; /* pins */
};

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_IOAPIC); /* all registers */
static struct ioapic ioapics[MAX_IOAPICS];                 /* constant after boot */
static uint32_t ioapic_count;

static uint32_t read_register(const struct ioapic *ioapic, uint32_t index)
{
    ioapic->registers[IOREGSEL / 4] = index;
    return ioapic->registers[IOWIN / 4];
}

static void write_register(const struct ioapic *ioapic, uint32_t index, uint32_t value)
{
    ioapic->registers[IOREGSEL / 4] = index;
    ioapic->registers[IOWIN / 4] = value;
}

static void add(const struct acpi_ioapic *found)
{
    struct ioapic *ioapic = &ioapics[ioapic_count];
    ioapic->registers = memory_map_device(found->address, REGISTERS_SIZE, MEMORY_UNCACHED);
    if (!ioapic->registers) {
        log_print(LOG_ERROR, "ioapic: %u at %lx cannot be mapped", found->id, found->address);
        return;
    }
    ioapic->first = found->first_interrupt;
    ioapic->count = (read_register(ioapic, IOAPICVER) >> 16 & 0xff) + 1;
    for (uint32_t pin = 0; pin < ioapic->count; pin++)
        write_register(ioapic, IOREDTBL + 2 * pin, IOREDTBL_MASKED);
    log_print(LOG_DEBUG, "ioapic: %u at %lx has interrupts %u to %u", found->id, found->address,
              ioapic->first, ioapic->first + ioapic->count - 1);
    ioapic_count++;
}

void ioapic_init(void)
{
    const struct acpi_header *madt = acpi_table("APIC");
    struct acpi_ioapic found;
    uint32_t offset = 0;
    while (madt && ioapic_count < MAX_IOAPICS && acpi_madt_next_ioapic(madt, &offset, &found))
        add(&found);
    if (ioapic_count == 0)
        log_print(LOG_ERROR, "ioapic: the firmware names none; devices need MSI to be served");
}

static const struct ioapic *find(uint32_t number)
{
    for (uint32_t i = 0; i < ioapic_count; i++) {
        if (number >= ioapics[i].first && number - ioapics[i].first < ioapics[i].count)
            return &ioapics[i];
    }
    return NULL;
}

bool ioapic_connect(uint32_t number, uint8_t vector, uint32_t apic_id, bool level, bool active_low)
{
    const struct ioapic *ioapic = find(number);
    if (!ioapic)
        return false;
    uint32_t low = vector;
    low |= level ? IOREDTBL_LEVEL : 0;
    low |= active_low ? IOREDTBL_ACTIVE_LOW : 0;
    uint32_t index = IOREDTBL + 2 * (number - ioapic->first);
    uint64_t flags = spin_lock(&lock);
    /* The mask goes last: no interrupt with half of the settings. */
    write_register(ioapic, index, low | IOREDTBL_MASKED);
    write_register(ioapic, index + 1, apic_id << IOREDTBL_DESTINATION_SHIFT);
    write_register(ioapic, index, low);
    spin_unlock(&lock, flags);
    return true;
}

void ioapic_mask(uint32_t number)
{
    const struct ioapic *ioapic = find(number);
    if (!ioapic)
        return;
    uint32_t index = IOREDTBL + 2 * (number - ioapic->first);
    uint64_t flags = spin_lock(&lock);
    write_register(ioapic, index, read_register(ioapic, index) | IOREDTBL_MASKED);
    spin_unlock(&lock, flags);
}
