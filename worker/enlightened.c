#include "worker/enlightened.h"

#include "worker/acpi.h"
#include "worker/devices/i82093.h"
#include "worker/io.h"
#include "worker/guest_memory.h"
#include "worker/machine.h"
#include "worker/devices/mc146818.h"
#include "worker/pc.h"
#include "worker/serial_console.h"
#include "worker/devices/uart16550.h"

static struct i82093 ioapic;
static struct uart16550 com1, com2;
static struct mc146818 rtc;

/* Parts of a redirection entry (82093AA, 3.2.4). */
#define ENTRY_VECTOR 0xffu
#define ENTRY_MODE_SHIFT 8
#define ENTRY_MODE_MASK 7u
#define ENTRY_LOGICAL (1u << 11)
#define ENTRY_LEVEL (1u << 15)
#define ENTRY_DESTINATION_SHIFT 56

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

void enlightened_eoi(uint8_t vector)
{
    lock_take(&machine.lock);
    i82093_eoi(&ioapic, vector);
    lock_release(&machine.lock);
}

static struct device_line irq(uint32_t number)
{
    return (struct device_line){.set = i82093_set_input, .controller = &ioapic, .input = number};
}

void enlightened_add_devices(uint32_t console)
{
    const struct acpi_machine tables = {
        .vp_count = machine.vp_count,
        .ioapic_address = I82093_ADDRESS,
        .memory = guest_memory_ram(MEMORY_ACPI_START, MEMORY_ACPI_SIZE),
    };
    i82093_init(&ioapic, deliver, NULL);
    io_add_mmio(&ioapic.mmio);
    uart16550_init(&com1, COM1_PORT, irq(COM1_IRQ));
    io_add_ports(&com1.ports.ports);
    serial_console_start(&com1, console);
    uart16550_init(&com2, COM2_PORT, irq(COM2_IRQ));
    io_add_ports(&com2.ports.ports);
    mc146818_init(&rtc, &machine.host, irq(RTC_IRQ));
    io_add_ports(&rtc.ports.ports);
    acpi_add_registers(&machine.host);
    acpi_write_tables(&tables);
    acpi_write_reset_vector(guest_memory_ram(ACPI_RESET_VECTOR, ACPI_RESET_VECTOR_SIZE));
}
