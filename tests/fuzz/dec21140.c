/* Fuzzer of the network card: a driver that writes registers and descriptors as it likes, frames
 * that come, time that passes. The sanitizers watch; nothing may go on without end. */
#include "worker/devices/dec21140.h"

#include "tests/devices/fake.h"
#include "tests/fuzz/fuzz.h"

#define PORT 0xec00
#define CONFIG 0x80005000u /* device 10 */
#define SLOTS 16u          /* places for descriptors, of 32 bytes */
#define AT_ONCE 256u       /* frames that one access may send */

static struct fake_machine machine;
static struct fake_line line;
static struct pci_bus bus;
static struct dec21140 nic;
static struct nic_link cable;
static uint32_t sent; /* by the last step */

static void map_ports(void *context, const struct device_ports *ports)
{
    fake_add_ports(context, ports);
}

static void unmap_ports(void *context, const struct device_ports *ports)
{
    fake_remove_ports(context, ports);
}

static void map_mmio(void *context, const struct device_mmio *mmio)
{
    fake_add_mmio(context, mmio);
}

static void unmap_mmio(void *context, const struct device_mmio *mmio)
{
    fake_remove_mmio(context, mmio);
}

static void send(struct nic_link *link, const void *frame, uint32_t size)
{
    static uint8_t copy[NIC_MAX_FRAME];

    FUZZ_CHECK(link == &cable && link->up && size >= 14 && size <= NIC_MAX_FRAME);
    memcpy(copy, frame, size);
    sent++;
}

static void set_config(uint32_t offset, uint32_t value)
{
    fake_out(&machine, 0xcf8, 4, CONFIG | offset);
    fake_out(&machine, 0xcfc, 4, value);
}

static void set_csr(uint32_t number, uint32_t value)
{
    fake_out(&machine, (uint16_t)(PORT + 8 * number), 4, value);
}

static void create(void)
{
    static const struct pci_ranges ranges = {&machine, map_ports, unmap_ports, map_mmio,
                                             unmap_mmio};

    fake_create(&machine);
    line = (struct fake_line){0};
    cable = (struct nic_link){.mac = {0x00, 0x15, 0x5d, 1, 2, 3}, .up = true, .send = send};
    pci_init(&bus, &machine.host, &ranges);
    dec21140_init(&nic, &machine.host, fake_line(&line), &cable);
    pci_add(&bus, 10, 0, &nic.function);
    fake_add_ports(&machine, &bus.ports);
    set_config(0x10, PORT);
    set_config(0x04, 7);
    set_csr(3, 0);
    set_csr(4, 0);
}

/* An address of a descriptor, of any memory, or of none. */
static uint32_t address(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);

    if (choice < 0xe0)
        return choice % SLOTS * 32;
    if (choice < 0xf0)
        return (uint32_t)(FAKE_RAM_SIZE - fuzz_number(in, 2));
    return (uint32_t)fuzz_number(in, 4);
}

static void write_descriptor(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);
    uint32_t words[4] = {
        choice & 0x80 ? 0x80000000u : 0,
        (uint32_t)fuzz_byte(in) << 24 | (uint32_t)fuzz_number(in, 3),
        address(in),
        address(in),
    };
    uint32_t copies = choice & 0x40 ? 32 : 1; /* many at once, one behind the other */

    for (uint32_t i = 0; i < copies; i++)
        memcpy(machine.ram + choice % SLOTS * 32 + 16 * i, words, sizeof(words));
}

static void arrive(struct fuzz_input *in)
{
    static uint8_t frame[NIC_MAX_FRAME];
    uint8_t choice = fuzz_byte(in);
    uint32_t size = 14 + (uint32_t)fuzz_number(in, 2) % (NIC_MAX_FRAME - 13);

    memset(frame, choice & 4 ? 0xff : choice, 6);
    if (choice & 1)
        memcpy(frame, cable.mac, 6);
    for (uint32_t i = 0; i < (choice & 2u ? 20u : 1u); i++)
        cable.receive(cable.device, frame, size);
}

static void write_csr(struct fuzz_input *in)
{
    static const uint32_t useful[] = {0x2002, 0x2402, 0x2042, 0x2082, 0, 2, 0x2000, 0x40002002};
    uint8_t choice = fuzz_byte(in);

    if ((choice & 15) == 6 && choice & 0x40)
        set_csr(6, useful[fuzz_byte(in) & 7]);
    else if ((choice & 15) == 3 || (choice & 15) == 4)
        set_csr(choice & 15, address(in));
    else
        set_csr(choice & 15, (uint32_t)fuzz_number(in, 4));
}

/* Bits over the wires of the EEPROM or of the transceiver, sometimes with a right beginning. */
static void wires(struct fuzz_input *in, bool eeprom, uint8_t choice)
{
    uint32_t bits = (uint32_t)fuzz_number(in, 4);

    if (choice & 1)
        bits = eeprom ? 0xc0000000 | bits >> 3 : 0x60800000 | (bits & 0x1f7fffff);
    for (uint32_t i = 32; i-- > 0;) {
        uint32_t bit = bits >> i & 1;
        uint32_t pins = eeprom ? 0x800 | bit << 2 | (i != 31) : bit << 17;

        if (!eeprom && i < 18 && choice & 2)
            pins |= 0x40000; /* it listens */
        set_csr(9, pins);
        set_csr(9, pins | (eeprom ? 2 : 0x10000));
    }
}

static void step(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);

    switch (choice & 7) {
    case 0:
        fake_in(&machine, (uint16_t)(PORT + (fuzz_byte(in) & 127)), 1u << (choice >> 3 & 1));
        fake_in(&machine, (uint16_t)(PORT + 8 * (choice >> 4)), 4);
        break;
    case 1:
    case 2:
        write_csr(in);
        break;
    case 3:
    case 4:
        write_descriptor(in);
        break;
    case 5:
        arrive(in);
        break;
    case 6:
        wires(in, choice & 8, choice >> 4);
        break;
    default:
        if (choice & 0x40) {
            cable.up = choice & 0x10;
            cable.changed(cable.device);
        } else if (choice & 0x20) {
            set_config(0x04, choice & 0x10 ? 3 : 7);
        } else {
            machine.now_ns += fuzz_number(in, 3) << 10;
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    create();
    for (uint32_t i = 0; in.size > 0 && i < 300; i++) {
        sent = 0;
        step(&in);
        FUZZ_CHECK(sent <= AT_ONCE);
        FUZZ_CHECK(fake_in(&machine, PORT + 8 * 5, 4) != UINT32_MAX);
        FUZZ_CHECK(nic.state.frame_size <= DEC21140_MAX_FRAME);
        if (i % 8 == 0)
            fake_pass(&machine, 100000);
    }
    set_csr(0, 1);
    FUZZ_CHECK(!line.asserted && nic.timer.deadline == DEVICE_NEVER);
    FUZZ_CHECK(nic.poll.deadline == DEVICE_NEVER && fake_in(&machine, PORT + 40, 4) == 0xfc000000);
    fake_destroy(&machine);
    return 0;
}
