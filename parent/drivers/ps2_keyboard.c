/* IBM PS/2 Hardware Interface Technical Reference, keyboard and auxiliary device controller. The
 * controller translates to scan code set 1. The second device, a mouse, is off. */
#include "parent/drivers/ps2_keyboard.h"

#include "lib/x86/cpu.h"
#include "parent/drivers/keymap.h"
#include "parent/include/input.h"
#include "parent/include/interrupt.h"
#include "parent/include/log.h"
#include "parent/include/time.h"
#include "parent/kernel/console.h"

#define DATA_PORT 0x60
#define STATUS_PORT 0x64
#define COMMAND_PORT 0x64

#define STATUS_OUTPUT_FULL 0x01 /* there is something to read */
#define STATUS_INPUT_FULL 0x02  /* the controller has not taken the last byte yet */
#define STATUS_SECOND_DEVICE 0x20

#define COMMAND_READ_CONFIGURATION 0x20
#define COMMAND_WRITE_CONFIGURATION 0x60
#define COMMAND_DISABLE_SECOND 0xa7
#define COMMAND_DISABLE_FIRST 0xad
#define COMMAND_ENABLE_FIRST 0xae

#define CONFIGURATION_INTERRUPT_1 0x01
#define CONFIGURATION_INTERRUPT_2 0x02
#define CONFIGURATION_CLOCK_1_OFF 0x10
#define CONFIGURATION_CLOCK_2_OFF 0x20
#define CONFIGURATION_TRANSLATION 0x40

#define KEYBOARD_ENABLE 0xf4
#define KEYBOARD_ACKNOWLEDGE 0xfa

#define KEYBOARD_IRQ 1
#define LIMIT_US 100000u
#define BUFFER_LIMIT 32 /* bytes in a row; the controller holds fewer */

static struct keymap keymap; /* the handler's */

/* Waits until the status has the bits @value under @mask. */
static bool wait_status(uint8_t mask, uint8_t value)
{
    uint64_t deadline = time_now() + LIMIT_US;

    while ((inb(STATUS_PORT) & mask) != value) {
        if (time_now() > deadline)
            return false;
        time_delay(10);
    }
    return true;
}

static bool send_command(uint8_t command)
{
    if (!wait_status(STATUS_INPUT_FULL, 0))
        return false;
    outb(COMMAND_PORT, command);
    return true;
}

static bool send_data(uint8_t byte)
{
    if (!wait_status(STATUS_INPUT_FULL, 0))
        return false;
    outb(DATA_PORT, byte);
    return true;
}

static bool read_data(uint8_t *byte)
{
    if (!wait_status(STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL))
        return false;
    *byte = inb(DATA_PORT);
    return true;
}

static void discard_data(void)
{
    for (int i = 0; i < BUFFER_LIMIT && (inb(STATUS_PORT) & STATUS_OUTPUT_FULL); i++)
        inb(DATA_PORT);
}

static bool configure_controller(void)
{
    uint8_t configuration;

    if (!send_command(COMMAND_DISABLE_FIRST) || !send_command(COMMAND_DISABLE_SECOND))
        return false;
    discard_data();
    if (!send_command(COMMAND_READ_CONFIGURATION) || !read_data(&configuration))
        return false;
    configuration |=
        CONFIGURATION_INTERRUPT_1 | CONFIGURATION_TRANSLATION | CONFIGURATION_CLOCK_2_OFF;
    configuration &= (uint8_t) ~(CONFIGURATION_INTERRUPT_2 | CONFIGURATION_CLOCK_1_OFF);
    return send_command(COMMAND_WRITE_CONFIGURATION) && send_data(configuration) &&
           send_command(COMMAND_ENABLE_FIRST);
}

static void take_code(uint8_t code)
{
    char text[KEYMAP_TEXT_SIZE];
    enum keymap_action action;
    size_t length = keymap_translate(&keymap, code, text, &action);

    if (length > 0)
        input_put(text, length);
    else if (action == KEYMAP_SCROLL_UP)
        console_scroll(true);
    else if (action == KEYMAP_SCROLL_DOWN)
        console_scroll(false);
}

static bool keyboard_interrupt(void *context)
{
    bool ours = false;

    (void)context;
    for (int i = 0; i < BUFFER_LIMIT; i++) {
        uint8_t status = inb(STATUS_PORT);

        if (!(status & STATUS_OUTPUT_FULL))
            break;

        uint8_t code = inb(DATA_PORT);

        ours = true;
        if (!(status & STATUS_SECOND_DEVICE))
            take_code(code);
    }
    return ours;
}

bool ps2_keyboard_start(void)
{
    uint8_t answer;

    if (inb(STATUS_PORT) == UINT8_MAX) /* a bus without controller floats */
        return false;
    if (!configure_controller()) {
        log_print(LOG_WARNING, "keyboard: the controller does not answer");
        return false;
    }
    if (!send_data(KEYBOARD_ENABLE) || !read_data(&answer) || answer != KEYBOARD_ACKNOWLEDGE) {
        log_print(LOG_INFO, "keyboard: none");
        return false;
    }
    return interrupt_connect_isa(KEYBOARD_IRQ, keyboard_interrupt, NULL);
}
