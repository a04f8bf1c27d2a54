/* Unit test of the VGA: registers, DISPI, windows, and planes against a model that goes pixel by
 * pixel. */
#include "worker/devices/vga.h"

#include <stdlib.h>

#include "tests/devices/vga_machine.h"
#include "tests/unit/unit.h"
#include "worker/devices/vga_registers.h"

#define MS 1000000ull

static struct vga_machine machine;
static struct fake_machine *const fake = &machine.fake;

static void start(void)
{
    vga_machine_create(&machine);
}

static void end(void)
{
    vga_machine_destroy(&machine);
}

/* The mapping at @address; NULL if accesses there go to registers. */
static const struct fake_window *window_at(uint64_t address)
{
    for (int i = 0; i < FAKE_RANGES; i++) {
        const struct fake_window *window = &fake->windows[i];

        if (window->data != NULL && address >= window->first &&
            address - window->first < window->size)
            return window;
    }
    return NULL;
}

/* --- Registers --- */

static void registers(void)
{
    start();
    CHECK_EQUAL(fake_inb(fake, 0x3d5), 0xff); /* after a reset the CRTC is at 3B4h */
    CHECK_EQUAL(fake_inb(fake, 0x3b5), 0);
    CHECK_EQUAL(fake_inb(fake, 0x3bc), 0xff); /* a printer's */
    fake_outb(fake, 0x3c2, 0x01);
    CHECK_EQUAL(fake_inb(fake, 0x3cc), 0x01);
    CHECK_EQUAL(fake_inb(fake, 0x3b5), 0xff);
    for (uint8_t i = 0; i < 26; i++)
        vga_set_crtc(&machine, i, i == 0x11 ? 0x7f : 0x5a);
    fake_outb(fake, 0x3d4, 0x19);
    CHECK_EQUAL(fake_inb(fake, 0x3d5), 0);
    vga_set_crtc(&machine, 0x11, 0x80); /* 0 to 7 are protected, but line compare's bit */
    for (uint8_t i = 0; i < 25; i++) {
        vga_set_crtc(&machine, i, i == 0x11 ? 0xff : 0xa5);
        CHECK_EQUAL(fake_inb(fake, 0x3d4), i);
        CHECK_EQUAL(fake_inb(fake, 0x3d5), i < 7 ? 0x5a : i == 7 ? 0x4a : i == 0x11 ? 0xff : 0xa5);
    }
    vga_set_sequencer(&machine, 4, 0xff);
    CHECK_EQUAL(fake_inb(fake, 0x3c5), 0x0e);
    vga_set_sequencer(&machine, 5, 0xff);
    CHECK_EQUAL(fake_inb(fake, 0x3c5), 0);
    vga_set_graphics(&machine, 8, 0x81);
    CHECK_EQUAL(fake_in(fake, 0x3ce, 2), 0x8108);
    vga_set_graphics(&machine, 0xff, 0x81);
    CHECK_EQUAL(fake_inb(fake, 0x3cf), 0);
    fake_outb(fake, 0x3da, 0xff);
    CHECK_EQUAL(fake_inb(fake, 0x3ca), 0x0b);
    vga_reset(&machine.vga);
    CHECK_EQUAL(fake_inb(fake, 0x3cc), 0);
    end();
}

static void attribute_and_dac(void)
{
    start();
    fake_outb(fake, 0x3c2, 0x01);
    fake_inb(fake, 0x3da);
    fake_outb(fake, 0x3c0, 0x33);
    CHECK_EQUAL(fake_inb(fake, 0x3c0), 0x33);
    fake_inb(fake, 0x3ba); /* not here, so still data is next */
    fake_outb(fake, 0x3c0, 0x0e);
    fake_outb(fake, 0x3c0, 0x31);
    fake_inb(fake, 0x3da); /* index is next */
    fake_outb(fake, 0x3c0, 0x13);
    CHECK_EQUAL(fake_inb(fake, 0x3c1), 0x0e);
    fake_outb(fake, 0x3c0, 0x02);
    fake_outb(fake, 0x3c0, 0x1f); /* no such register */
    fake_outb(fake, 0x3c0, 0xff);
    CHECK_EQUAL(fake_inb(fake, 0x3c1), 0);

    CHECK_EQUAL(fake_inb(fake, 0x3c6), 0xff);
    fake_outb(fake, 0x3c8, 0xff);
    CHECK_EQUAL(fake_inb(fake, 0x3c7), 0);
    for (uint8_t i = 0; i < 6; i++) /* goes on at colour 0 */
        fake_outb(fake, 0x3c9, 0xc1 + i);
    CHECK_EQUAL(fake_inb(fake, 0x3c8), 1);
    fake_outb(fake, 0x3c7, 0xff);
    CHECK_EQUAL(fake_inb(fake, 0x3c7), 3);
    for (uint8_t i = 0; i < 6; i++)
        CHECK_EQUAL(fake_inb(fake, 0x3c9), 1 + i);
    vga_set_dispi(&machine, 4, 0x20);
    fake_outb(fake, 0x3c8, 7);
    fake_outb(fake, 0x3c9, 0xc1);
    fake_outb(fake, 0x3c7, 7);
    CHECK_EQUAL(fake_inb(fake, 0x3c9), 0xc1);
    end();
}

/* A guest that polls sees as many retraces as there are, however seldom it polls. */
static void retraces(void)
{
    static const uint32_t steps_ns[] = {1000, 50000, 300000, 3000000};
    uint32_t seen[2] = {0, 0};

    start();
    vga_set_mode(&machine, 3);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t rises = 0, disabled = 0;
        bool last = false;

        for (uint64_t t = 0; t < 1000 * MS; t += steps_ns[i]) {
            uint8_t status = fake_inb(fake, 0x3da);

            rises += status & 8 && !last;
            last = status & 8;
            disabled += status & 1;
            fake_pass(fake, steps_ns[i]);
        }
        CHECK(rises >= 69 && rises <= 72); /* 70.09 Hz */
        CHECK(disabled > 0 && disabled < 1000 * MS / steps_ns[i]);
    }
    for (int i = 0; i < 20; i++) { /* slower than the frames: loops for either value end */
        fake_pass(fake, 40 * MS);
        seen[fake_inb(fake, 0x3da) >> 3 & 1]++;
    }
    CHECK(seen[0] > 0 && seen[1] > 0);
    vga_reset(&machine.vga); /* registers of 0 divide nothing by 0 */
    for (int i = 0; i < 20; i++) {
        fake_inb(fake, 0x3ba);
        fake_pass(fake, 333);
    }
    end();
}

/* --- Windows --- */

static void text_window(void)
{
    start();
    vga_set_mode(&machine, 3);
    CHECK(window_at(0xb8000) != NULL && window_at(0xb8000)->size == 0x8000);
    CHECK(window_at(0xa0000) == NULL && window_at(0xb7fff) == NULL);
    fake_write(fake, 0xb8000, 4, 0x1f421e41);
    fake_write(fake, 0xbfffe, 2, 0x1d43);
    CHECK_EQUAL(fake_read(fake, 0xb7ffc, 4), 0xffffffff);
    /* Through the planes: characters in 0, attributes in 1, at even offsets. */
    vga_set_sequencer(&machine, 4, 6);
    vga_set_graphics(&machine, 5, 0);
    vga_set_graphics(&machine, 6, 4);
    CHECK(window_at(0xb8000) == NULL);
    CHECK_EQUAL(fake_read(fake, 0xa0000, 4), 0x00420041);
    CHECK_EQUAL(fake_read(fake, 0xa7ffe, 1), 0x43);
    vga_set_graphics(&machine, 4, 1);
    CHECK_EQUAL(fake_read(fake, 0xa0000, 4), 0x001f001e);
    /* A font in plane 2, which the text window does not touch. */
    vga_set_sequencer(&machine, 2, 4);
    fake_write(fake, 0xa0000, 8, 0x8877665544332211);
    vga_set_mode(&machine, 3);
    CHECK_EQUAL(fake_read(fake, 0xb8000, 4), 0x1f421e41);
    fake_write(fake, 0xb8000, 8, 0);
    vga_set_sequencer(&machine, 4, 6);
    vga_set_graphics(&machine, 5, 0);
    vga_set_graphics(&machine, 6, 4);
    vga_set_graphics(&machine, 4, 2);
    CHECK_EQUAL(fake_read(fake, 0xa0000, 8), 0x8877665544332211);
    vga_set_mode(&machine, 3);
    fake_outb(fake, 0x3c2, 0x65); /* memory off */
    CHECK_EQUAL(fake_read(fake, 0xb8000, 2), 0xffff);
    fake_outb(fake, 0x3c2, 0x67);
    vga_set_graphics(&machine, 6, 0x0a); /* monochrome */
    CHECK(window_at(0xb0000) != NULL && window_at(0xb8000) == NULL);
    CHECK_EQUAL(fake_read(fake, 0xb7ffe, 2), 0x1d43);
    vga_reset(&machine.vga);
    CHECK(window_at(0xb0000) == NULL);
    end();
}

static void chained_window(void)
{
    start();
    vga_set_mode(&machine, 0x13);
    CHECK(window_at(0xa0000) != NULL && window_at(0xa0000)->size == 0x10000);
    fake_write(fake, 0xa0000, 8, 0x8877665544332211);
    fake_write(fake, 0xaffff, 1, 0x99);
    vga_set_sequencer(&machine, 4, 6); /* unchained: pixels 0 and 4 at offsets 0 and 4 of plane 0 */
    CHECK(window_at(0xa0000) == NULL);
    CHECK_EQUAL(fake_read(fake, 0xa0000, 8), 0x0000005500000011);
    vga_set_graphics(&machine, 4, 3);
    CHECK_EQUAL(fake_read(fake, 0xa0000, 8), 0x0000008800000044);
    CHECK_EQUAL(fake_read(fake, 0xafffc, 1), 0x99);
    vga_set_mode(&machine, 3); /* into the other layout, and back */
    vga_set_mode(&machine, 0x13);
    CHECK_EQUAL(fake_read(fake, 0xa0000, 8), 0x8877665544332211);
    vga_set_sequencer(&machine, 2, 5);
    CHECK(window_at(0xa0000) == NULL);
    fake_write(fake, 0xa0000, 4, 0);
    CHECK_EQUAL(fake_read(fake, 0xa0000, 4), 0x44002200);
    end();
}

/* --- DISPI and the frame buffer --- */

static void dispi(void)
{
    start();
    CHECK_EQUAL(vga_get_dispi(&machine, 0), 0xb0c5);
    vga_set_dispi(&machine, 0, 0xb0c2);
    CHECK_EQUAL(vga_get_dispi(&machine, 0), 0xb0c2);
    vga_set_dispi(&machine, 0, 0xb0c6);
    CHECK_EQUAL(vga_get_dispi(&machine, 0), 0xb0c2);
    CHECK_EQUAL(vga_get_dispi(&machine, 10), 64);
    vga_set_dispi(&machine, 4, 2);
    CHECK_EQUAL(vga_get_dispi(&machine, 1), DISPI_MAX_XRES);
    CHECK_EQUAL(vga_get_dispi(&machine, 3), 32);
    vga_set_vbe(&machine, 1024, 768, 32);
    CHECK_EQUAL(vga_get_dispi(&machine, 4), 0x41);
    CHECK_EQUAL(vga_get_dispi(&machine, 6), 1024);
    CHECK_EQUAL(vga_get_dispi(&machine, 7), 1024);
    vga_set_dispi(&machine, 1, 640); /* on: not changed */
    CHECK_EQUAL(vga_get_dispi(&machine, 1), 1024);
    vga_set_dispi(&machine, 6, 1366);
    CHECK_EQUAL(vga_get_dispi(&machine, 6), 1024); /* 768 lines would not fit */
    vga_set_dispi(&machine, 6, 1360);
    CHECK_EQUAL(vga_get_dispi(&machine, 7), 771);
    vga_set_dispi(&machine, 6, 1000); /* less than what is shown */
    CHECK_EQUAL(vga_get_dispi(&machine, 6), 1360);
    vga_set_vbe(&machine, 1280, 1024, 32); /* does not fit */
    CHECK_EQUAL(vga_get_dispi(&machine, 4), 0x40);
    vga_set_vbe(&machine, 0, 1, 8);
    CHECK_EQUAL(vga_get_dispi(&machine, 4), 0x40);
    vga_set_vbe(&machine, 1024, 768, 4);
    CHECK_EQUAL(vga_get_dispi(&machine, 4), 0x40);
    vga_set_vbe(&machine, 800, 600, 4);
    CHECK_EQUAL(vga_get_dispi(&machine, 4), 0x41);
    fake_out(fake, 0x1ce, 1, 5); /* bytes are not written */
    fake_out(fake, 0x1cf, 1, 0);
    CHECK_EQUAL(fake_in(fake, 0x1ce, 2), 4);
    CHECK_EQUAL(fake_in(fake, 0x1cf, 2), 0x41);
    CHECK_EQUAL(fake_in(fake, 0x1cf, 1), 0x41);
    vga_get_dispi(&machine, 11); /* no such register */
    CHECK_EQUAL(fake_in(fake, 0x1cf, 2), 0);
    vga_set_vbe(&machine, 640, 480, 7); /* no such depth: as it was */
    CHECK_EQUAL(vga_get_dispi(&machine, 3), 4);
    end();
}

static void *all_ram(void *context, uint64_t address, uint64_t size)
{
    (void)address;
    (void)size;
    return context;
}

static void banks_and_frame_buffer(void)
{
    start();
    vga_set_mode(&machine, 3);
    vga_set_config(&machine, PCI_BAR0, 0xffffffff);
    CHECK_EQUAL(fake_in(fake, 0xcfc, 4), 0xffc00000);
    vga_set_config(&machine, PCI_BAR0, 0xf8000000);
    CHECK(window_at(0xf8000000) == NULL);
    vga_set_config(&machine, PCI_COMMAND, PCI_COMMAND_MEMORY);
    CHECK(window_at(0xf8000000) != NULL && window_at(0xf83fffff) != NULL);
    fake_write(fake, 0xf8000000, 8, 0x1111111111111111);
    vga_set_vbe(&machine, 640, 480, 16);
    CHECK_EQUAL(fake_read(fake, 0xf8000000, 8), 0);
    CHECK(window_at(0xa0000) != NULL && window_at(0xb8000) == NULL);
    vga_set_dispi(&machine, 5, 63);
    fake_write(fake, 0xaffff, 1, 0x77);
    CHECK_EQUAL(fake_read(fake, 0xf83fffff, 1), 0x77);
    vga_set_dispi(&machine, 5, 64); /* beyond */
    CHECK_EQUAL(vga_get_dispi(&machine, 5), 63);
    fake_write(fake, 0xf8000000, 1, 0x12);
    vga_set_dispi(&machine, 4, 0);
    CHECK(window_at(0xa0000) == NULL && window_at(0xb8000) != NULL);
    vga_set_dispi(&machine, 4, 0xc1); /* without clearing */
    CHECK_EQUAL(fake_read(fake, 0xa0000, 1), 0x12);

    vga_set_config(&machine, PCI_BAR0, 0xf0000000);
    CHECK(window_at(0xf8000000) == NULL);
    CHECK_EQUAL(fake_read(fake, 0xf0000000, 1), 0x12);
    vga_set_config(&machine, PCI_BAR0, 0xfec00000); /* over the I/O APIC: only where it is not */
    CHECK(window_at(0xfec00000) == NULL);
    fake_write(fake, 0xfec00001, 2, 0x5678);
    CHECK_EQUAL(fake_read(fake, 0xfec00000, 4), 0x567812);
    pci_reset(&machine.bus);
    CHECK_EQUAL(fake_read(fake, 0xfec00000, 4), 0xffffffff);
    fake->host.memory = all_ram; /* which goes first */
    vga_set_config(&machine, PCI_BAR0, 0xf8000000);
    vga_set_config(&machine, PCI_COMMAND, PCI_COMMAND_MEMORY);
    CHECK(machine.vga.function.bars[0].mapped && window_at(0xf8000000) == NULL);
    end();
}

/* --- Planes against the model --- */

static uint8_t model_planes[4][0x10000], model_latches[4];

static uint32_t random_number(void)
{
    static uint64_t seed = 1;

    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33);
}

static bool bit(uint32_t value, uint32_t number)
{
    return value >> number & 1;
}

/* Offset in the planes of @address; -1 if the window does not have it. */
static int32_t model_offset(uint32_t address)
{
    uint8_t map = machine.vga.state.graphics[6] >> 2 & 3;

    if (!(machine.vga.state.misc & 2))
        return -1;
    if (map == 0)
        return (int32_t)(address & 0xffff);
    if (map == 1)
        return address < 0xb0000 ? (int32_t)(address - 0xa0000) : -1;
    if (map == 2)
        return address >= 0xb0000 && address < 0xb8000 ? (int32_t)(address - 0xb0000) : -1;
    return address >= 0xb8000 ? (int32_t)(address - 0xb8000) : -1;
}

static bool model_new_bit(uint32_t plane, uint32_t pixel, uint8_t data)
{
    const uint8_t *gc = machine.vga.state.graphics;
    uint8_t mode = gc[5] & 3, turn = gc[3] & 7;
    bool latch = bit(model_latches[plane], pixel), rotated = bit(data, (pixel + turn) % 8);
    bool masked = bit(gc[8], pixel), new;

    if (mode == 1)
        return latch;
    if (mode == 0)
        new = bit(gc[1], plane) ? bit(gc[0], plane) : rotated;
    else if (mode == 2)
        new = bit(data, plane);
    else
        new = bit(gc[0], plane);
    if (mode == 3)
        masked = masked && rotated;
    if (!masked)
        return latch;
    switch (gc[3] >> 3) {
    case 1:
        return new &&latch;
    case 2:
        return new || latch;
    case 3:
        return new != latch;
    default:
        return new;
    }
}

static void model_write(uint32_t address, uint8_t data)
{
    const uint8_t *seq = machine.vga.state.sequencer;
    int32_t offset = model_offset(address);

    for (uint32_t plane = 0; offset >= 0 && plane < 4; plane++) {
        bool enabled = bit(seq[2], plane);
        uint32_t at = (uint32_t)offset;
        uint8_t new = 0;

        if (bit(seq[4], 3)) {
            enabled = enabled && plane == (at & 3);
            at -= at % 4;
        } else if (!bit(seq[4], 2)) {
            enabled = enabled && plane % 2 == at % 2;
            at -= at % 2;
        }
        for (uint32_t pixel = 0; pixel < 8; pixel++)
            new |= (uint8_t)(model_new_bit(plane, pixel, data) << pixel);
        if (enabled)
            model_planes[plane][at] = new;
    }
}

static uint8_t model_read(uint32_t address, bool load)
{
    const uint8_t *gc = machine.vga.state.graphics;
    bool chain = bit(machine.vga.state.sequencer[4], 3), odd_even = bit(gc[5], 4);
    int32_t offset = model_offset(address);
    uint32_t at = (uint32_t)offset, plane = gc[4];
    uint8_t result = 0;

    if (offset < 0)
        return 0xff;
    if (chain)
        plane = at & 3;
    else if (odd_even)
        plane = (plane & 2) + (at & 1);
    at -= chain ? at % 4 : odd_even ? at % 2 : 0;
    for (uint32_t i = 0; load && i < 4; i++)
        model_latches[i] = model_planes[i][at];
    if (!bit(gc[5], 3))
        return model_planes[plane][at];
    for (uint32_t pixel = 0; pixel < 8; pixel++) {
        bool same = true;

        for (uint32_t i = 0; i < 4; i++)
            same = same && (!bit(gc[7], i) || bit(model_planes[i][at], pixel) == bit(gc[2], i));
        result |= (uint8_t)(same << pixel);
    }
    return result;
}

static void random_register(void)
{
    static const uint8_t modes[] = {0x03, 0x04, 0x06, 0x12, 0x13};
    uint32_t choice = random_number() % 16;

    if (choice == 0)
        vga_set_mode(&machine, modes[random_number() % 5]);
    else if (choice < 4)
        vga_set_sequencer(&machine, random_number() % 2 ? 4 : 2, (uint8_t)random_number());
    else if (choice == 4)
        fake_outb(fake, 0x3c2, random_number() % 4 == 0 ? 0x01 : 0x63);
    else
        vga_set_graphics(&machine, (uint8_t)(random_number() % 9), (uint8_t)random_number());
}

static void random_access(void)
{
    uint32_t size = 1u << random_number() % 4;
    uint32_t address = 0xa0000 + random_number() % 0x20000;
    uint64_t value = (uint64_t)random_number() << 32 ^ random_number(), expected = 0;
    bool trapped;

    if (random_number() % 4 != 0) /* the same few again and again */
        address = (address & 0xf8000) + random_number() % 64;
    address &= ~(size - 1);
    trapped = window_at(address) == NULL;
    if (random_number() % 2) {
        fake_write(fake, address, size, value);
        for (uint32_t i = 0; i < size; i++)
            model_write(address + i, (uint8_t)(value >> 8 * i));
        return;
    }
    for (uint32_t i = 0; i < size; i++)
        expected |= (uint64_t)model_read(address + i, trapped) << 8 * i;
    CHECK_EQUAL(fake_read(fake, address, size), expected);
}

static void planes(void)
{
    uint32_t mapped = 0;

    start();
    for (uint32_t i = 0; i < 400000 && unit_failures == 0; i++) {
        if (random_number() % 4 == 0)
            random_register();
        random_access();
        mapped += machine.vga.low.size != 0;
    }
    CHECK(mapped > 1000);
    for (uint32_t plane = 0; plane < 4; plane++) {
        for (uint32_t at = 0; at < 0x10000 && unit_failures == 0; at++)
            CHECK_EQUAL(machine.vga.memory.data[vga_cell(&machine.vga.state, at, plane)],
                        model_planes[plane][at]);
    }
    end();
}

int main(void)
{
    registers();
    attribute_and_dac();
    retraces();
    text_window();
    chained_window();
    dispi();
    banks_and_frame_buffer();
    planes();
    return unit_result();
}
