#include "worker/ioapic.h"

#include "worker/devices/i82093.h"
#include "worker/io.h"
#include "worker/machine.h"

/* Parts of a redirection entry (82093AA, 3.2.4). */
#define ENTRY_VECTOR 0xffu
#define ENTRY_MODE_SHIFT 8
#define ENTRY_MODE_MASK 7u
#define ENTRY_LOGICAL (1u << 11)
#define ENTRY_LEVEL (1u << 15)
#define ENTRY_DESTINATION_SHIFT 56

static struct i82093 ioapic;

/* The hypervisor's numbers of delivery modes are those of the entry. What it refuses, such as a
 * mode that is reserved, is lost as on the APIC bus. */
static void deliver(void *context, uint64_t entry)
{
    struct hv_input_assert_virtual_interrupt input = {
        .interrupt_control = (entry >> ENTRY_MODE_SHIFT & ENTRY_MODE_MASK) |
                             (entry & ENTRY_LEVEL ? HV_INTERRUPT_CONTROL_LEVEL_TRIGGERED : 0) |
                             (entry & ENTRY_LOGICAL ? HV_INTERRUPT_CONTROL_LOGICAL_DESTINATION : 0),
        .destination_address = entry >> ENTRY_DESTINATION_SHIFT,
        .requested_vector = entry & ENTRY_VECTOR,
    };
    (void)context;
    machine_call(HVCALL_ASSERT_VIRTUAL_INTERRUPT, 0, &input, sizeof(input));
}

void ioapic_init(void)
{
    i82093_init(&ioapic, deliver, NULL);
    io_add_mmio(&ioapic.mmio);
}

void ioapic_reset(void)
{
    i82093_reset(&ioapic);
}

struct device_line ioapic_line(uint32_t pin)
{
    return (struct device_line){.set = i82093_set_input, .controller = &ioapic, .input = pin};
}

void ioapic_end(uint8_t vector)
{
    i82093_eoi(&ioapic, vector);
}

void ioapic_eoi(uint8_t vector)
{
    lock_take(&machine.lock);
    ioapic_end(vector);
    lock_release(&machine.lock);
}
