#include "parent/kernel/console.h"

#include <stdarg.h>
#include <stddef.h>

#include "lib/cmdline.h"
#include "lib/printf.h"
#include "lib/screen.h"
#include "lib/serial.h"
#include "lib/string.h"
#include "parent/drivers/ps2_keyboard.h"
#include "parent/drivers/serial.h"
#include "parent/drivers/terminal.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/include/thread.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/mm/memory.h"

#define COM1 0x3f8
#define COM2 0x2f8
#define HISTORY_LINES 1000 /* that have left the screen and can be looked at again */

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_LOG); /* serial and screen */
static bool seized;                                     /* a panic writes without the lock */
static struct serial serial;
static bool serial_driven; /* the driver has the port, until a panic */
static struct screen screen;
static struct screen_cells cells;
static struct terminal terminal = {.screen = &screen};
static int scroll_steps; /* that were asked for: > 0 up, < 0 down */

static uint16_t serial_port(void)
{
    char text[16];
    uint64_t number;
    if (!boot_option("serial", text, sizeof(text)) || strcmp(text, "com1") == 0)
        return COM1;
    if (strcmp(text, "com2") == 0)
        return COM2;
    if (parse_number(text, &number) && number <= UINT16_MAX - 7)
        return (uint16_t)number;
    return 0;
}

void console_init_serial(void)
{
    uint16_t port = serial_port();
    if (port)
        serial_init(&serial, port);
}

static struct screen_mode boot_screen_mode(void)
{
    const struct boot_framebuffer *boot = &boot_info.framebuffer;
    struct screen_mode mode = {
        .pitch = boot->pitch,
        .width = boot->width,
        .height = boot->height,
        .bytes_per_pixel = (uint8_t)((boot->bits_per_pixel + 7) / 8),
        .red_shift = boot->red_shift,
        .red_bits = boot->red_bits,
        .green_shift = boot->green_shift,
        .green_bits = boot->green_bits,
        .blue_shift = boot->blue_shift,
        .blue_bits = boot->blue_bits,
    };
    if (boot->type == BOOT_FRAMEBUFFER_RGB)
        mode.type = SCREEN_RGB;
    else if (boot->type == BOOT_FRAMEBUFFER_TEXT)
        mode.type = SCREEN_VGA_TEXT;
    return mode;
}

/* The screen becomes a terminal; without memory one that does not look back. */
static void start_terminal(void)
{
    struct terminal_line *history = heap_allocate(HISTORY_LINES * sizeof(*history));
    struct screen_cells *live = heap_allocate(sizeof(*live));
    uint32_t lines = history && live ? HISTORY_LINES : 0;
    uint64_t flags = spin_lock(&lock);
    terminal_init(&terminal, &screen, history, lines, live);
    spin_unlock(&lock, flags);
}

void console_init_screen(void)
{
    struct screen_mode mode = boot_screen_mode();
    uint64_t size = screen_memory_size(&mode);
    if (size == 0)
        return;
    enum memory_cache cache = mode.type == SCREEN_RGB ? MEMORY_WRITE_COMBINING : MEMORY_UNCACHED;
    volatile void *memory = memory_map_device(boot_info.framebuffer.address, size, cache);
    if (!memory)
        return;
    uint64_t flags = spin_lock(&lock);
    screen_init(&screen, &mode, memory, &cells);
    spin_unlock(&lock, flags);
    start_terminal();
}

void console_start(void)
{
    if (serial_start(serial.port))
        __atomic_store_n(&serial_driven, true, __ATOMIC_RELEASE);
    ps2_keyboard_start();
}

static void put(void *context, char c)
{
    (void)context;
    if (serial_driven && !seized)
        serial_send(c);
    else
        serial_put(&serial, c);
    terminal_put(&terminal, c);
}

void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (seized) {
        print_format(put, NULL, format, arguments);
    } else {
        uint64_t flags = spin_lock(&lock);
        print_format(put, NULL, format, arguments);
        spin_unlock(&lock, flags);
    }
    va_end(arguments);
}

void console_show_cursor(bool visible)
{
    uint64_t flags = spin_lock(&lock);
    terminal_show_cursor(&terminal, visible);
    spin_unlock(&lock, flags);
}

static void scroll(struct work *work)
{
    (void)work;
    uint64_t flags = spin_lock(&lock);
    for (; scroll_steps > 0; scroll_steps--)
        terminal_scroll(&terminal, true);
    for (; scroll_steps < 0; scroll_steps++)
        terminal_scroll(&terminal, false);
    spin_unlock(&lock, flags);
}

void console_scroll(bool up)
{
    static struct work work = {.function = scroll};
    uint64_t flags = spin_lock(&lock);
    scroll_steps += up ? 1 : -1;
    spin_unlock(&lock, flags);
    work_queue(&work);
}

void console_seize(void)
{
    seized = true;
    if (serial_driven)
        serial_flush(true);
}

void console_drain(void)
{
    if (serial_driven)
        serial_flush(seized);
    else
        serial_drain(&serial);
}
