/* Fuzzer of the VGA: any registers and accesses in any order, and what the screen then shows. */
#include "tests/devices/vga_machine.h"
#include "tests/fuzz/fuzz.h"
#include "worker/devices/vga_registers.h"
#include "worker/screen.h"

static struct vga_machine machine;
static struct fake_machine *const fake = &machine.fake;

static void memory_access(struct fuzz_input *in, uint8_t choice)
{
    uint32_t size = 1u << (choice >> 4 & 3);
    uint64_t address = 0xa0000 + fuzz_number(in, 3) % 0x20000;

    if (choice & 0x40 && machine.vga.function.bars[0].mapped)
        address = machine.vga.bar.first + fuzz_number(in, 3) % VGA_MEMORY_SIZE;
    address &= ~(uint64_t)(size - 1);
    if (choice & 0x80)
        fake_read(fake, address, size);
    else
        fake_write(fake, address, size, fuzz_number(in, size));
}

static void set_register(struct fuzz_input *in, uint8_t choice)
{
    uint8_t index = fuzz_byte(in), value = fuzz_byte(in);

    switch (choice >> 4 & 7) {
    case 0:
        vga_set_sequencer(&machine, index % 6, value);
        break;
    case 1:
        vga_set_graphics(&machine, index % 10, value);
        break;
    case 2:
    case 3:
        vga_set_crtc(&machine, index % 26, value);
        break;
    case 4:
        vga_set_attribute(&machine, index % 22, value);
        break;
    case 5:
        vga_set_dispi(&machine, index % 12, (uint16_t)(value | fuzz_byte(in) << 8));
        break;
    case 6:
        vga_set_config(&machine, index & 0xfc, (uint32_t)fuzz_number(in, 4));
        break;
    default:
        vga_set_vbe(&machine, (uint16_t)(index * 4 + 1), (value & 7) + 1, value & 0x38);
        break;
    }
}

static void read_screen(void)
{
    static char lines[20000];
    struct screen_text text;
    struct screen_picture picture;
    size_t length = screen_text(&machine.vga, &text, lines, sizeof(lines));
    uint8_t *rgb;

    FUZZ_CHECK(length < sizeof(lines) && lines[length] == '\0');
    FUZZ_CHECK(text.columns <= 256 && text.rows <= 1024);
    FUZZ_CHECK(!text.cursor || (text.cursor_column < text.columns && text.cursor_row < text.rows));
    screen_picture(&machine.vga, &picture);
    FUZZ_CHECK(picture.width > 0 && picture.width <= SCREEN_MAX_WIDTH);
    FUZZ_CHECK(picture.height > 0 && picture.height <= SCREEN_MAX_HEIGHT);
    rgb = malloc(3 * (size_t)picture.width); /* of its size, so that its end is watched */
    FUZZ_CHECK(rgb != NULL);
    screen_picture_row(&picture, 0, rgb);
    screen_picture_row(&picture, picture.height / 2, rgb);
    screen_picture_row(&picture, picture.height - 1, rgb);
    free(rgb);
}

static void step(struct fuzz_input *in)
{
    static const uint32_t sizes[] = {1, 1, 2, 4};
    static const uint8_t modes[] = {0x03, 0x04, 0x06, 0x12, 0x13};
    uint8_t choice = fuzz_byte(in);
    uint32_t size = sizes[choice >> 6];
    uint16_t port;

    switch (choice & 7) {
    case 0:
    case 1:
        memory_access(in, choice);
        break;
    case 2:
    case 3:
    case 4:
        set_register(in, choice);
        break;
    case 5:
        port = choice & 8 ? 0x1ce + (choice >> 5 & 1) : (uint16_t)(0x3b0 + fuzz_byte(in) % 0x30);
        if (choice & 0x10)
            fake_in(fake, port, size);
        else
            fake_out(fake, port, size, (uint32_t)fuzz_number(in, size));
        break;
    case 6:
        fake_pass(fake, fuzz_number(in, 4));
        vga_set_mode(&machine, modes[(choice >> 3) % 5]);
        break;
    default:
        read_screen();
        break;
    }
}

/* One machine for all inputs, since making one takes longer than most of them. What VBE has left in
 * video memory stays. */
static void start(void)
{
    static bool created;

    if (!created)
        vga_machine_create(&machine);
    created = true;
    vga_reset(&machine.vga);
    pci_reset(&machine.bus);
    FUZZ_CHECK(machine.vga.low.size == 0 && machine.vga.linear.size == 0);
    machine.vga.state.text_layout = false;
    memset(machine.vga.memory.data, 0, VGA_PLANES * VGA_PLANE_SIZE);
    fake->now_ns = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    start();
    for (uint32_t i = 0; in.size > 0 && i < 50; i++)
        step(&in);
    read_screen();
    return 0;
}
