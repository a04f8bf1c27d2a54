/* Fuzzer of the devices of a virtual machine: accesses to their ports, lines, keys and time that
 * passes, in any order. The sanitizers watch; nothing may hang or arm a timer for ever. */
#include "tests/devices/fake.h"
#include "tests/fuzz/fuzz.h"
#include "worker/devices/i440bx.h"
#include "worker/devices/i82093.h"
#include "worker/devices/i8042.h"
#include "worker/devices/i8254.h"
#include "worker/devices/i8259.h"
#include "worker/devices/mc146818.h"
#include "worker/devices/piix4_isa.h"
#include "worker/devices/piix4_pm.h"
#include "worker/devices/uart16550.h"

static struct fake_machine machine;
static struct i8259 pic;
static struct i8254 pit;
static struct mc146818 rtc;
static struct i8042 kbc;
static struct pci_bus bus;
static struct i440bx bridge;
static struct piix4_isa isa;
static struct piix4_pm pm;
static struct uart16550 uart;
static struct i82093 ioapic;
static struct fake_line intr, a20;

static struct device_line irq(uint32_t input)
{
    return (struct device_line){i8259_set_irq, &pic, input};
}

static void map_ports(void *context, const struct device_ports *ports)
{
    FUZZ_CHECK(ports->first > 0 && ports->first <= 0x10000 - ports->count);
    fake_add_ports(context, ports);
}

static void unmap_ports(void *context, const struct device_ports *ports)
{
    fake_remove_ports(context, ports);
}

static void set_shadow(void *context, uint32_t first, uint32_t size, bool read, bool write)
{
    (void)context;
    (void)read;
    (void)write;
    FUZZ_CHECK(first >= 0xc0000 && first % 0x4000 == 0 && size > 0 && size % 0x4000 == 0);
    FUZZ_CHECK(first + size <= 0x100000);
}

static void create_bus(void)
{
    static const struct pci_ranges ranges = {&machine, map_ports, unmap_ports, NULL, NULL};
    static const uint8_t pirqs[4] = {10, 0, 11, 0};
    struct device_line irqs[16];

    for (uint32_t i = 0; i < 16; i++)
        irqs[i] = irq(i);
    pci_init(&bus, &machine.host, &ranges);
    i440bx_init(&bridge, &machine, set_shadow);
    piix4_isa_init(&isa, irqs, pirqs);
    piix4_pm_init(&pm, &machine.host, irq(9), 0x400);
    fake_add_ports(&machine, &bus.ports);
    fake_add_ports(&machine, &pm.apm_ports.ports);
    pci_add(&bus, 0, 0, &bridge.function);
    pci_add(&bus, 7, 0, &isa.function);
    pci_add(&bus, 7, 3, &pm.function);
}

static void deliver(void *context, uint64_t redirection)
{
    (void)context;
    FUZZ_CHECK(!(redirection & 0x10000)); /* masked */
}

static void create(void)
{
    fake_create(&machine);
    intr = a20 = (struct fake_line){0};
    i8259_init(&pic, fake_line(&intr));
    i8254_init(&pit, &machine.host, irq(0));
    mc146818_init(&rtc, &machine.host, irq(8));
    i8042_init(&kbc, &machine.host, irq(1), irq(12), fake_line(&a20));
    for (int i = 0; i < 3; i++) {
        fake_add_ports(&machine, &pic.ports[i].ports);
        fake_add_ports(&machine, &kbc.ports[i].ports);
    }
    fake_add_ports(&machine, &pit.ports[0].ports);
    fake_add_ports(&machine, &pit.ports[1].ports);
    fake_add_ports(&machine, &rtc.ports.ports);
    uart16550_init(&uart, 0x3f8, irq(4));
    fake_add_ports(&machine, &uart.ports.ports);
    i82093_init(&ioapic, deliver, NULL);
    fake_add_mmio(&machine, &ioapic.mmio);
    create_bus();
}

/* A port of one of the devices. */
static uint16_t port(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);
    const struct device_ports *ports = machine.ports[choice % 13];

    if (ports == NULL) /* the one that moves */
        return (uint16_t)fuzz_number(in, 2);
    return (uint16_t)(ports->first + fuzz_byte(in) % ports->count);
}

/* A register by an index in another one. */
static void indexed(uint16_t port, uint8_t index, uint8_t value)
{
    fake_outb(&machine, port, index);
    fake_outb(&machine, port + 1, value);
}

/* What only writes that belong together do. */
static void dialogue(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in), what = fuzz_byte(in), value = fuzz_byte(in);

    switch (choice & 7) {
    case 0: /* to the mouse, or what the controller and the keyboard say */
    case 1:
        fake_outb(&machine, 0x64, 0xd4);
        fake_outb(&machine, 0x60, choice & 0x10 ? 0xe8 + (what & 31) % 24 : what);
        for (uint32_t i = 0; i < (choice & 0xe0u) >> 5; i++)
            fake_inb(&machine, 0x60);
        break;
    case 2:
        fake_outb(&machine, 0x64, choice & 8 ? 0x60 : 0xd1 + (choice >> 4 & 3));
        fake_outb(&machine, 0x60, what);
        break;
    case 3:
        fake_outb(&machine, 0x60, 0xed + what % 19);
        fake_outb(&machine, 0x60, value);
        break;
    case 4:
        indexed(0x70, choice & 8 ? 0x0a + (what & 1) : what & 15, value);
        break;
    case 5: /* a counter's mode and its value */
        fake_outb(&machine, 0x43, what);
        fake_outb(&machine, (uint16_t)(0x40 + (what >> 6) % 3), value);
        fake_outb(&machine, (uint16_t)(0x40 + (what >> 6) % 3), choice);
        fake_outb(&machine, 0x61, choice >> 3);
        break;
    case 6: /* an entry of the I/O APIC, and its line */
        fake_write(&machine, I82093_ADDRESS, 4, 0x10 + what % 48);
        fake_write(&machine, I82093_ADDRESS + 0x10, 4, fuzz_number(in, 4));
        fake_read(&machine, I82093_ADDRESS + 0x10, 4);
        i82093_set_input(&ioapic, (what % 48) / 2, choice & 8);
        i82093_eoi(&ioapic, value);
        break;
    default: /* the timer's interrupt, or where the power management's ports are */
        if (choice & 8) {
            fake_out(&machine, 0xcf8, 4, 0x80003b40);
            fake_out(&machine, 0xcfc, 4, fuzz_number(in, 2) & 0xffc1);
            fake_out(&machine, 0xcf8, 4, 0x80003b80);
            fake_out(&machine, 0xcfc, 1, what);
        } else {
            static const uint8_t words[] = {0x11, 0x08, 0x04, 0x01};

            for (uint32_t i = 0; i < 4; i++)
                fake_outb(&machine, i == 0 ? 0x20 : 0x21, words[i] ^ (i == (what & 7) ? value : 0));
            fake_outb(&machine, 0x20, value);
        }
    }
}

static void step(struct fuzz_input *in)
{
    static const uint32_t sizes[] = {1, 1, 2, 4};
    uint8_t choice = fuzz_byte(in);
    uint32_t size = sizes[choice >> 6];
    uint16_t at;

    switch (choice & 7) {
    case 0:
        dialogue(in);
        break;
    case 1:
        fake_in(&machine, port(in), size);
        break;
    case 2: /* a register of one of the three functions, which 32 random bits seldom name */
        if (choice & 8) {
            static const uint32_t functions[] = {0x0000, 0x3800, 0x3b00, 0x3b00};

            fake_out(&machine, 0xcf8, 4,
                     0x80000000 | functions[choice >> 4 & 3] | (fuzz_byte(in) & 0xfc));
            fake_out(&machine, (uint16_t)(0xcfc + (choice >> 6)), size,
                     (uint32_t)fuzz_number(in, size));
            break;
        }
        /* fall through */
    case 3:
    case 4:
        at = port(in);
        fake_out(&machine, at, size, (uint32_t)fuzz_number(in, size));
        break;
    case 5: /* up to 67 ms, or up to 3 days, when even a fast timer rang only now */
        if (choice & 8)
            machine.now_ns += fuzz_number(in, 6);
        fake_pass(&machine, fuzz_number(in, 3) * (choice & 0x10 ? 4 : 1));
        break;
    case 6:
        if (choice & 0x20) {
            uart16550_receive(&uart, choice);
            fake_write(&machine, I82093_ADDRESS + (choice & 0xc0), 4, fuzz_number(in, 4));
            fake_write(&machine, I82093_ADDRESS + 0x10, 4, fuzz_number(in, 4));
            i82093_set_input(&ioapic, fuzz_byte(in) % I82093_INPUTS, choice & 8);
            i82093_eoi(&ioapic, fuzz_byte(in));
            break;
        }
        i8042_key(&kbc, choice & 8 ? 0xe0 : 0, fuzz_byte(in), choice & 0x10);
        i8042_mouse(&kbc, (int32_t)fuzz_number(in, 4), (int32_t)fuzz_number(in, 2), choice,
                    choice >> 3);
        break;
    default:
        if (choice & 0x20) {
            uint8_t pins = fuzz_byte(in);
            struct device_line line = piix4_isa_line(&isa, pins & 31, pins >> 5 & 3);

            device_line_set(&line, pins & 0x80);
            if (choice & 0x10)
                piix4_pm_power_button(&pm);
        }
        if (choice & 8)
            machine.wall_start_ns = fuzz_number(in, 7);
        else
            i8259_acknowledge(&pic);
        break;
    }
    FUZZ_CHECK(intr.asserted == pic.state.intr);
    FUZZ_CHECK(uart16550_room(&uart) <= UART_FIFO_SIZE);
    FUZZ_CHECK(pit.timer.deadline > 0 && rtc.timer.deadline > 0 && pm.timer.deadline > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    create();
    for (uint32_t i = 0; in.size > 0 && i < 500; i++)
        step(&in);
    i8259_reset(&pic);
    i8254_reset(&pit);
    mc146818_reset(&rtc);
    i8042_reset(&kbc);
    uart16550_reset(&uart);
    i82093_reset(&ioapic);
    piix4_pm_reset(&pm);
    pci_reset(&bus);
    FUZZ_CHECK(a20.asserted && !intr.asserted && pit.timer.deadline == DEVICE_NEVER);
    fake_destroy(&machine);
    return 0;
}
