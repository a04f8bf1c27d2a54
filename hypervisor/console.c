#include "hypervisor/console.h"

#include <stdarg.h>

#include "hypervisor/lock.h"
#include "hypervisor/lp.h"
#include "hypervisor/pool.h"
#include "lib/cmdline.h"
#include "lib/printf.h"
#include "lib/screen.h"
#include "lib/serial.h"
#include "lib/string.h"

#define COM1_PORT 0x3f8
#define COM2_PORT 0x2f8

static struct spinlock console_lock = SPINLOCK(LOCK_LEVEL_CONSOLE);
static bool lock_in_use; /* from the moment that LPs have their own stacks; not in a panic */
static struct serial serial;
static struct screen screen;
static struct screen_cells boot_cells __attribute__((section(".scratch")));
static bool screen_is_ours;

void console_init_serial(const char *command_line)
{
    char value[16];
    uint64_t port = COM1_PORT;

    if (cmdline_find(command_line, "serial", value, sizeof(value))) {
        if (strcmp(value, "off") == 0)
            port = 0;
        else if (strcmp(value, "com2") == 0)
            port = COM2_PORT;
        else if (strcmp(value, "com1") != 0 && (!parse_number(value, &port) || port > 0xfff8))
            port = COM1_PORT;
    }
    serial.port = 0;
    if (port != 0)
        serial_init(&serial, (uint16_t)port);
}

void console_init_screen(const struct boot_framebuffer *framebuffer, volatile void *memory)
{
    struct screen_mode mode = {
        .type = framebuffer->type == BOOT_FRAMEBUFFER_RGB    ? SCREEN_RGB
                : framebuffer->type == BOOT_FRAMEBUFFER_TEXT ? SCREEN_VGA_TEXT
                                                             : SCREEN_NONE,
        .pitch = framebuffer->pitch,
        .width = framebuffer->width,
        .height = framebuffer->height,
        .bytes_per_pixel = (uint8_t)((framebuffer->bits_per_pixel + 7) / 8),
        .red_shift = framebuffer->red_shift,
        .red_bits = framebuffer->red_bits,
        .green_shift = framebuffer->green_shift,
        .green_bits = framebuffer->green_bits,
        .blue_shift = framebuffer->blue_shift,
        .blue_bits = framebuffer->blue_bits,
    };
    screen_is_ours = screen_init(&screen, &mode, memory, &boot_cells);
}

void console_move_screen(volatile void *memory)
{
    uint64_t pages = (sizeof(struct screen_cells) + PAGE_SIZE - 1) / PAGE_SIZE;

    screen_move(&screen, memory, spa_to_va(pool_take(pages)));
}

uint64_t console_screen_size(void)
{
    return screen.mode.type == SCREEN_NONE ? 0 : screen_memory_size(&screen.mode);
}

void console_leave_screen(void)
{
    screen_is_ours = false;
}

void console_use_lock(void)
{
    lock_in_use = true;
}

void console_seize(void)
{
    lock_in_use = false;
    screen_is_ours = screen.mode.type != SCREEN_NONE;
}

static void put(void *context, char c)
{
    (void)context;
    serial_put(&serial, c);
    if (screen_is_ours)
        screen_put(&screen, c);
}

void vprint(const char *format, va_list arguments)
{
    bool locked = lock_in_use;

    if (locked)
        spin_lock(&console_lock);
    print_format(put, NULL, format, arguments);
    if (locked)
        spin_unlock(&console_lock);
}

void print(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vprint(format, arguments);
    va_end(arguments);
}
