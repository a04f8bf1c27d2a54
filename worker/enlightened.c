#include "worker/enlightened.h"

#include "worker/acpi.h"
#include "worker/devices/i82093.h"
#include "worker/io.h"
#include "worker/ioapic.h"
#include "worker/guest_memory.h"
#include "worker/machine.h"
#include "worker/devices/mc146818.h"
#include "worker/pc.h"
#include "worker/serial_console.h"
#include "worker/devices/uart16550.h"

static struct uart16550 com1, com2;
static struct mc146818 rtc;

void enlightened_add_devices(uint32_t console)
{
    const struct acpi_machine tables = {
        .vp_count = machine.vp_count,
        .ioapic_address = I82093_ADDRESS,
        .memory = guest_memory_ram(MEMORY_ACPI_START, MEMORY_ACPI_SIZE),
    };
    ioapic_init();
    uart16550_init(&com1, COM1_PORT, ioapic_line(COM1_IRQ));
    io_add_ports(&com1.ports.ports);
    serial_console_start(&com1, console);
    uart16550_init(&com2, COM2_PORT, ioapic_line(COM2_IRQ));
    io_add_ports(&com2.ports.ports);
    mc146818_init(&rtc, &machine.host, ioapic_line(RTC_IRQ));
    io_add_ports(&rtc.ports.ports);
    acpi_add_registers(&machine.host);
    acpi_write_tables(&tables);
    acpi_write_reset_vector(guest_memory_ram(ACPI_RESET_VECTOR, ACPI_RESET_VECTOR_SIZE));
}
