#include "worker/pc_machine.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "worker/control.h"
#include "worker/devices/dec21140.h"
#include "worker/devices/i440bx.h"
#include "worker/devices/i8042.h"
#include "worker/devices/i8237.h"
#include "worker/devices/i8254.h"
#include "worker/devices/mc146818.h"
#include "worker/devices/piix4_isa.h"
#include "worker/devices/piix4_pm.h"
#include "worker/devices/uart16550.h"
#include "worker/devices/vga.h"
#include "worker/io.h"
#include "worker/load.h"
#include "worker/machine.h"
#include "worker/options.h"
#include "worker/pc.h"
#include "worker/nic_host.h"
#include "worker/pc_drives.h"
#include "worker/pc_firmware.h"
#include "worker/pc_interrupt.h"
#include "worker/pc_memory.h"
#include "worker/pc_reset.h"
#include "worker/serial_console.h"

static struct i8254 pit;
static struct i8042 keyboard;
static struct mc146818 rtc;
static struct uart16550 com1, com2;
static struct i8237 dma;
static struct pci_bus pci;
static struct i440bx host_bridge;
static struct piix4_isa isa_bridge;
static struct piix4_pm power;
static struct vga vga;
static struct nic_host network;
static struct dec21140 adapter;
static bool has_adapter;
static struct control control;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add_byte_ports(const struct byte_ports *ports, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        io_add_ports(&ports[i].ports);
}

/* --- What is on the ISA bus --- */

static void make_isa_devices(uint32_t console)
{
    static const struct device_line a20; /* always on: pc_memory.h */
    i8254_init(&pit, &machine.host, pc_irq(TIMER_IRQ));
    add_byte_ports(pit.ports, COUNT(pit.ports));
    i8042_init(&keyboard, &machine.host, pc_irq(KEYBOARD_IRQ), pc_irq(MOUSE_IRQ), a20);
    add_byte_ports(keyboard.ports, COUNT(keyboard.ports));
    mc146818_init(&rtc, &machine.host, pc_irq(RTC_IRQ));
    io_add_ports(&rtc.ports.ports);
    uart16550_init(&com1, COM1_PORT, pc_irq(COM1_IRQ));
    io_add_ports(&com1.ports.ports);
    serial_console_start(&com1, console);
    uart16550_init(&com2, COM2_PORT, pc_irq(COM2_IRQ));
    io_add_ports(&com2.ports.ports);
    i8237_init(&dma, &machine.host);
    add_byte_ports(dma.ports, COUNT(dma.ports));
}

/* --- What is on the PCI bus --- */

static void map_ports(void *context, const struct device_ports *ports)
{
    (void)context;
    io_add_ports(ports);
}

static void unmap_ports(void *context, const struct device_ports *ports)
{
    (void)context;
    io_remove_ports(ports);
}

static void map_mmio(void *context, const struct device_mmio *mmio)
{
    (void)context;
    io_add_mmio(mmio);
}

static void unmap_mmio(void *context, const struct device_mmio *mmio)
{
    (void)context;
    io_remove_mmio(mmio);
}

static void make_pci_devices(void)
{
    static const struct pci_ranges ranges = {NULL, map_ports, unmap_ports, map_mmio, unmap_mmio};
    static const uint8_t nowhere[PIIX4_PIRQS]; /* the firmware routes interrupts */
    struct device_line irqs[ISA_IRQS];
    for (uint32_t i = 0; i < ISA_IRQS; i++)
        irqs[i] = pc_irq_of_pci(i);
    pci_init(&pci, &machine.host, &ranges);
    io_add_ports(&pci.ports);
    i440bx_init(&host_bridge, NULL, pc_memory_set_shadow);
    pci_add(&pci, 0, 0, &host_bridge.function);
    piix4_isa_init(&isa_bridge, irqs, nowhere);
    pci_add(&pci, PIIX4_DEVICE, 0, &isa_bridge.function);
    piix4_pm_init(&power, &machine.host, pc_irq(SCI_IRQ), 0);
    pci_add(&pci, PIIX4_DEVICE, 3, &power.function);
    io_add_ports(&power.apm_ports.ports);
    vga_init(&vga, &machine.host);
    pci_add(&pci, VGA_DEVICE, 0, &vga.function);
    io_add_ports(&vga.ports.ports);
    io_add_ports(&vga.dispi);
    io_add_mmio(&vga.mmio);
}

/* --- The network --- */

/* False: there is no adapter. */
static bool make_network(const struct options *options)
{
    const struct attached *nic = options_find(options, "nic:0");
    if (!nic)
        return false;
    nic_host_init(&network, nic->handle);
    dec21140_init(&adapter, &machine.host, piix4_isa_line(&isa_bridge, NIC_DEVICE, 0),
                  &network.link);
    pci_add(&pci, NIC_DEVICE, 0, &adapter.function);
    nic_host_start(&network);
    return true;
}

/* --- Registers that need no exit of their own --- */

/* Port 80h, which systems write to pass time: the DMA controller's spare page register, which holds
 * what was written last. */
static void declare_posted(void)
{
    for (uint32_t i = 0; i < machine.vp_count; i++) {
        const struct hv_input_veneer_set_vp_register_rule rule = {.vp_index = i,
                                                                  .address = DELAY_PORT,
                                                                  .kind = VENEER_REGISTER_PORT,
                                                                  .size = 1,
                                                                  .flags =
                                                                      VENEER_RULE_POSTED_WRITES};
        if (machine_call(HVCALL_VENEER_SET_VP_REGISTER_RULE, 0, &rule, sizeof(rule)) != 0)
            machine_fail("the hypervisor refuses a rule for port %x", DELAY_PORT);
    }
}

static void take_posted(struct vp *vp, const struct veneer_posted_write *write)
{
    io_write_port(vp, (uint16_t)write->address, write->size, write->value);
}

static void make_memory(const struct load_file *firmware, const struct load_file *option_rom)
{
    if (firmware->size < PC_FIRMWARE_MIN || firmware->size > PC_FIRMWARE_MAX ||
        firmware->size % PAGE_SIZE != 0)
        machine_fail("firmware of %lu bytes: it has whole pages, from 64 KiB to 16 MiB",
                     firmware->size);
    if (option_rom->size > PC_OPTION_ROM_MAX)
        machine_fail("an option ROM of %lu bytes: it has at most 128 KiB", option_rom->size);
    pc_memory_init(firmware->data, firmware->size);
    if (option_rom->size > 0)
        pc_memory_add_option_rom(option_rom->data, option_rom->size);
}

void pc_machine_make(const struct options *options, const struct load_file *firmware,
                     const struct load_file *option_rom)
{
    if (!options->has_bus) /* what that has of the guest ends only with the partition */
        machine.host.reset = pc_reset_request;
    machine.resets_by_triple_fault = true;
    machine.posted = take_posted;
    make_memory(firmware, option_rom);
    pc_interrupt_init();
    make_isa_devices(options->console);
    make_pci_devices();
    pc_drives_make(options, &pci, &dma, &control);
    has_adapter = make_network(options);
    pc_firmware_inform(options, &rtc);
    declare_posted();
    control.keyboard = &keyboard;
    control.power = &power;
    control.screen = &vga;
    control_start(&control, options->control);
}

void pc_machine_reset(void)
{
    pci_reset(&pci);
    piix4_pm_reset(&power);
    vga_reset(&vga);
    if (has_adapter)
        dec21140_reset(&adapter);
    pc_drives_reset();
    i8237_reset(&dma);
    i8254_reset(&pit);
    i8042_reset(&keyboard);
    mc146818_reset(&rtc);
    uart16550_reset(&com1);
    uart16550_reset(&com2);
}
