/* Unit test of the DMA controllers: registers, addresses, both widths, all modes. */
#include "worker/devices/i8237.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"

static struct fake_machine machine;
static struct i8237 dma;

static void start(void)
{
    fake_create(&machine);
    i8237_init(&dma, &machine.host);
    for (int i = 0; i < 3; i++)
        fake_add_ports(&machine, &dma.ports[i].ports);
    fake_outb(&machine, 0xd6, 0xc0); /* cascade */
    fake_outb(&machine, 0xd4, 0x00);
}

static void end(void)
{
    fake_destroy(&machine);
}

/* Programs a channel of the first controller. */
static void program(uint8_t channel, uint8_t mode, uint32_t address, uint16_t count)
{
    static const uint8_t pages[] = {0x87, 0x83, 0x81, 0x82};

    fake_outb(&machine, 0x0a, 4 | channel);
    fake_outb(&machine, 0x0c, 0);
    fake_outb(&machine, 0x0b, mode | channel);
    fake_outb(&machine, (uint16_t)(2 * channel), (uint8_t)address);
    fake_outb(&machine, (uint16_t)(2 * channel), (uint8_t)(address >> 8));
    fake_outb(&machine, pages[channel], (uint8_t)(address >> 16));
    fake_outb(&machine, (uint16_t)(2 * channel + 1), (uint8_t)count);
    fake_outb(&machine, (uint16_t)(2 * channel + 1), (uint8_t)(count >> 8));
    fake_outb(&machine, 0x0a, channel);
}

static uint16_t get16(uint16_t port)
{
    uint8_t low = fake_inb(&machine, port);

    return (uint16_t)(low | fake_inb(&machine, port) << 8);
}

static void registers(void)
{
    start();
    CHECK_EQUAL(fake_inb(&machine, 0x0f), 0xff);
    CHECK_EQUAL(fake_inb(&machine, 0xde), 0xfe);
    program(2, 0x44, 0x12345, 0x01ff);
    CHECK_EQUAL(fake_inb(&machine, 0x0f), 0xfb);
    CHECK_EQUAL(get16(4), 0x2345);
    CHECK_EQUAL(get16(5), 0x01ff);
    CHECK_EQUAL(fake_inb(&machine, 0x81), 0x01);
    fake_inb(&machine, 4);
    fake_outb(&machine, 0x0c, 0);
    CHECK_EQUAL(fake_inb(&machine, 4), 0x45);
    fake_outb(&machine, 0x09, 0x06);
    CHECK_EQUAL(fake_inb(&machine, 0x08), 0x40);
    fake_outb(&machine, 0x0d, 0);
    CHECK_EQUAL(fake_inb(&machine, 0x08), 0);
    CHECK_EQUAL(fake_inb(&machine, 0x0f), 0xff);
    CHECK_EQUAL(fake_inb(&machine, 4), 0x45);
    fake_outb(&machine, 0x0e, 0);
    CHECK_EQUAL(fake_inb(&machine, 0x0f), 0xf0);
    fake_outb(&machine, 0x0f, 0x05);
    CHECK_EQUAL(fake_inb(&machine, 0x0f), 0xf5);
    fake_outb(&machine, 0x80, 0x5a); /* POST codes */
    CHECK_EQUAL(fake_inb(&machine, 0x80), 0x5a);
    fake_outb(&machine, 0xc1, 0x34); /* the odd port of the second controller */
    fake_outb(&machine, 0xc0, 0x12);
    CHECK_EQUAL(get16(0xc0), 0x1234);
    i8237_reset(&dma);
    CHECK_EQUAL(fake_inb(&machine, 0x80), 0);
    CHECK_EQUAL(fake_inb(&machine, 0xde), 0xff);
    end();
}

static void to_memory(void)
{
    uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    bool terminal;

    start();
    program(2, 0x44, 0x1fffe, 5);
    CHECK_EQUAL(i8237_write(&dma, 2, data, 3, &terminal), 3);
    CHECK(!terminal);
    CHECK_EQUAL(machine.ram[0x1fffe], 1);
    CHECK_EQUAL(machine.ram[0x10000], 3); /* within its 64 KiB */
    CHECK_EQUAL(machine.ram[0x20000], 0);
    CHECK_EQUAL(i8237_write(&dma, 2, data, 8, &terminal), 3);
    CHECK(terminal);
    CHECK_EQUAL(machine.ram[0x10003], 3);
    CHECK_EQUAL(machine.ram[0x10004], 0);
    CHECK_EQUAL(get16(5), 0xffff);
    CHECK_EQUAL(fake_inb(&machine, 0x0f), 0xff);
    CHECK_EQUAL(fake_inb(&machine, 0x08), 0x04);
    CHECK_EQUAL(fake_inb(&machine, 0x08), 0x00);
    CHECK_EQUAL(i8237_write(&dma, 2, data, 8, &terminal), 0);
    end();
}

static void from_memory(void)
{
    uint8_t data[4] = {0};
    bool terminal;

    start();
    memcpy(machine.ram + 0x3000, "abcd", 4);
    program(1, 0x68, 0x3003, 3); /* downwards */
    CHECK_EQUAL(i8237_read(&dma, 1, data, 4, &terminal), 4);
    CHECK(terminal && memcmp(data, "dcba", 4) == 0);
    program(1, 0x58, 0x3000, 1); /* again and again */
    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(i8237_read(&dma, 1, data, 4, &terminal), 2);
        CHECK(terminal && memcmp(data, "ab", 2) == 0);
    }
    program(1, 0x48, 0xfffffe, 3); /* no RAM, and the end of the address space */
    memset(data, 0, 4);
    CHECK_EQUAL(i8237_read(&dma, 1, data, 4, &terminal), 4);
    CHECK(data[0] == 0xff && data[3] == 0xff);
    program(1, 0x44, 0xfffffe, 3);
    CHECK_EQUAL(i8237_write(&dma, 1, data, 4, &terminal), 4);
    end();
}

/* Neither verification nor a transfer the other way moves anything, but they count. */
static void other_modes(void)
{
    uint8_t data[2] = {7, 7};
    bool terminal;

    start();
    program(3, 0x40, 0x4000, 1);
    CHECK_EQUAL(i8237_write(&dma, 3, data, 2, &terminal), 2);
    CHECK(terminal && machine.ram[0x4000] == 0);
    program(3, 0x48, 0x4000, 1);
    CHECK_EQUAL(i8237_write(&dma, 3, data, 2, &terminal), 2);
    CHECK(terminal && machine.ram[0x4000] == 0);
    program(3, 0x44, 0x4000, 1);
    CHECK_EQUAL(i8237_read(&dma, 3, data, 2, &terminal), 2);
    CHECK(data[0] == 0xff && data[1] == 0xff);
    program(3, 0xc4, 0x4000, 1); /* cascade */
    CHECK_EQUAL(i8237_write(&dma, 3, data, 2, &terminal), 0);
    program(3, 0x44, 0x4000, 1);
    fake_outb(&machine, 0x08, 0x04); /* disabled */
    CHECK_EQUAL(i8237_write(&dma, 3, data, 2, &terminal), 0);
    fake_outb(&machine, 0x08, 0x00);
    fake_outb(&machine, 0xd4, 0x04); /* the cascade masked */
    CHECK_EQUAL(i8237_write(&dma, 3, data, 2, &terminal), 0);
    fake_outb(&machine, 0xd4, 0x00);
    CHECK_EQUAL(i8237_write(&dma, 3, data, 2, &terminal), 2);
    CHECK_EQUAL(machine.ram[0x4000], 0xff);
    end();
}

static void words(void)
{
    uint8_t data[5] = {1, 2, 3, 4, 5};
    bool terminal;

    start();
    fake_outb(&machine, 0xd8, 0);
    fake_outb(&machine, 0xd6, 0x45);
    fake_outb(&machine, 0xc4, 0xff);
    fake_outb(&machine, 0xc4, 0xff);
    fake_outb(&machine, 0xc6, 2);
    fake_outb(&machine, 0xc6, 0);
    fake_outb(&machine, 0x8b, 0x05); /* its bit 0 does not count */
    fake_outb(&machine, 0xd4, 1);
    CHECK_EQUAL(i8237_write(&dma, 5, data, 5, &terminal), 4);
    CHECK(!terminal);
    CHECK_EQUAL(machine.ram[0x5fffe], 1);
    CHECK_EQUAL(machine.ram[0x5ffff], 2);
    CHECK_EQUAL(machine.ram[0x40000], 3);
    CHECK_EQUAL(i8237_write(&dma, 5, data, 4, &terminal), 2);
    CHECK(terminal);
    CHECK_EQUAL(fake_inb(&machine, 0xd0), 0x02);
    end();
}

int main(void)
{
    registers();
    to_memory();
    from_memory();
    other_modes();
    words();
    return unit_result();
}
