/* Makes a screen with our VGA, for compare.py, which makes the same one with QEMU's.
 * Usage: screens NAME SCRIPT PICTURE. What it does to the VGA goes into SCRIPT as commands of
 * QEMU's qtest, and what the screen then shows into PICTURE as PPM. Without arguments it lists the
 * names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/devices/vga_machine.h"
#include "worker/devices/vga_registers.h"
#include "worker/screen.h"

static struct vga_machine machine;
static FILE *script;

static uint32_t random_number(void)
{
    static uint64_t seed = 1;

    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33);
}

/* --- Accesses that are written down --- */

static uint32_t logged_read(void *device, uint16_t offset, uint32_t size)
{
    const struct device_ports *ports = device;

    fprintf(script, "in%c 0x%x\n", size == 1 ? 'b' : 'w', ports->first + offset);
    return ports->read(ports->device, offset, size);
}

static void logged_write(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    const struct device_ports *ports = device;

    fprintf(script, "out%c 0x%x 0x%x\n", size == 1 ? 'b' : 'w', ports->first + offset, value);
    ports->write(ports->device, offset, size, value);
}

static void log_ports(struct device_ports *logged, struct device_ports *ports)
{
    *logged = (struct device_ports){ports->first, ports->count, logged_read, logged_write, ports};
    fake_remove_ports(&machine.fake, ports);
    fake_add_ports(&machine.fake, logged);
}

static void store(uint32_t address, uint8_t value)
{
    fprintf(script, "writeb 0x%x 0x%x\n", address, value);
    fake_write(&machine.fake, address, 1, value);
}

/* Random bytes. */
static void fill(uint32_t address, uint32_t size)
{
    fprintf(script, "write 0x%x 0x%x 0x", address, size);
    for (uint32_t i = 0; i < size; i++) {
        uint8_t value = (uint8_t)random_number();

        fprintf(script, "%02x", value);
        fake_write(&machine.fake, address + i, 1, value);
    }
    fprintf(script, "\n");
}

static void set_palette(void)
{
    fake_outb(&machine.fake, 0x3c8, 0);
    for (uint32_t i = 0; i < 3 * 256; i++)
        fake_outb(&machine.fake, 0x3c9, random_number() & 0x3f);
}

static void set_mode(uint32_t number)
{
    vga_set_mode(&machine, number);
    for (uint8_t i = 0; i < 16; i++)
        vga_set_attribute(&machine, i, (uint8_t)((5 * i + 3) & 0x3f));
    set_palette();
}

/* --- Screens --- */

/* No blinking and no cursor, which QEMU shows at times; no characters B0h to BFh, whose ninth dot
 * it takes for that of line graphics. */
static void text(uint32_t start)
{
    set_mode(3);
    vga_set_sequencer(&machine, 2, 4);
    vga_set_sequencer(&machine, 4, 7);
    vga_set_graphics(&machine, 5, 0);
    vga_set_graphics(&machine, 6, 4);
    fill(0xa0000, 0x4000);
    set_mode(3);
    vga_set_sequencer(&machine, 3, 0x04);
    vga_set_attribute(&machine, 0x10, 0x04);
    vga_set_crtc(&machine, 0x0a, 0x20);
    vga_set_crtc(&machine, 0x0d, (uint8_t)start);
    for (uint32_t i = 0; i < 8000; i += 2) {
        uint8_t character = (uint8_t)random_number();

        store(0xb8000 + i, (character & 0xf0) == 0xb0 ? ' ' : character);
        store(0xb8001 + i, (uint8_t)random_number());
    }
}

static void cga(uint32_t mode)
{
    set_mode(mode);
    fill(0xb8000, 0x4000);
}

static void planes(uint32_t size)
{
    for (uint8_t plane = 0; plane < 4; plane++) {
        vga_set_sequencer(&machine, 2, (uint8_t)(1 << plane));
        fill(0xa0000, size);
    }
}

static void planar(uint32_t split)
{
    set_mode(0x12);
    planes(0xa000);
    if (!split)
        return;
    vga_set_crtc(&machine, 0x07, 0x2e);
    vga_set_crtc(&machine, 0x09, 0x00);
    vga_set_crtc(&machine, 0x18, 100);
    vga_set_crtc(&machine, 0x0c, 0x10);
}

static void write_modes(uint32_t unused)
{
    static const uint8_t registers[] = {0, 1, 3, 8};

    (void)unused;
    planar(0);
    vga_set_sequencer(&machine, 2, 15);
    for (uint32_t i = 0; i < 4000; i++) {
        uint32_t address = 0xa0000 + random_number() % 38400;

        vga_set_graphics(&machine, 5, random_number() & 3);
        vga_set_graphics(&machine, registers[i % 4], (uint8_t)random_number());
        if (i % 5 == 0)
            vga_set_sequencer(&machine, 2, random_number() & 15);
        fprintf(script, "readb 0x%x\n", address);
        fake_read(&machine.fake, address, 1);
        store(0xa0000 + random_number() % 38400, (uint8_t)random_number());
    }
}

static void mode_13h(uint32_t unused)
{
    (void)unused;
    set_mode(0x13);
    fill(0xa0000, 64000);
}

static void mode_x(uint32_t maximum_scan_line)
{
    set_mode(0x13);
    vga_set_sequencer(&machine, 4, 6);
    vga_set_crtc(&machine, 0x14, 0);
    vga_set_crtc(&machine, 0x17, 0xe3);
    vga_set_crtc(&machine, 0x09, (uint8_t)maximum_scan_line);
    planes(32000);
}

static void vbe(uint32_t bpp)
{
    set_mode(0x13);
    vga_set_vbe(&machine, 320, 200, (uint16_t)bpp);
    set_palette();
    for (uint16_t bank = 0; bank < 5; bank++) {
        vga_set_dispi(&machine, 5, bank);
        fill(0xa0000, 0x10000);
    }
}

static void vbe_moved(uint32_t bpp)
{
    vbe(bpp);
    vga_set_dispi(&machine, 6, 400);
    vga_set_dispi(&machine, 8, 8);
    vga_set_dispi(&machine, 9, 3);
}

static const struct {
    const char *name;
    void (*make)(uint32_t argument);
    uint32_t argument;
} screens[] = {
    {"text", text, 0},
    {"text-scrolled", text, 80},
    {"cga-4", cga, 4},
    {"cga-6", cga, 6},
    {"planar", planar, 0},
    {"planar-split", planar, 1},
    {"write-modes", write_modes, 0},
    {"13h", mode_13h, 0},
    {"x-200", mode_x, 0x41},
    {"x-400", mode_x, 0x40},
    {"vbe-8", vbe, 8},
    {"vbe-15", vbe, 15},
    {"vbe-16", vbe, 16},
    {"vbe-24", vbe, 24},
    {"vbe-32", vbe, 32},
    {"vbe-8-moved", vbe_moved, 8},
    {"vbe-24-moved", vbe_moved, 24},
};
#define SCREENS (sizeof(screens) / sizeof(screens[0]))

/* --- Program --- */

static FILE *create(const char *path)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

static void write_picture(const char *path)
{
    static uint8_t rgb[3 * SCREEN_MAX_WIDTH];
    struct screen_picture picture;
    FILE *file = create(path);

    screen_picture(&machine.vga, &picture);
    fprintf(file, "P6\n%u %u\n255\n", picture.width, picture.height);
    for (uint32_t row = 0; row < picture.height; row++) {
        screen_picture_row(&picture, row, rgb);
        fwrite(rgb, 3, picture.width, file);
    }
    fclose(file);
}

int main(int count, char **arguments)
{
    struct device_ports vga, dispi;
    size_t i = 0;

    if (count != 4) {
        for (i = 0; i < SCREENS; i++)
            puts(screens[i].name);
        return 0;
    }
    while (i < SCREENS && strcmp(arguments[1], screens[i].name) != 0)
        i++;
    if (i == SCREENS)
        return 2;
    script = create(arguments[2]);
    vga_machine_create(&machine);
    log_ports(&vga, &machine.vga.ports.ports);
    log_ports(&dispi, &machine.vga.dispi);
    screens[i].make(screens[i].argument);
    fclose(script);
    write_picture(arguments[3]);
    vga_machine_destroy(&machine);
    return 0;
}
