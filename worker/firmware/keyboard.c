/* INT 09h: from the keyboard's scan codes (set 1, as the 8042 translates them) to keys. */

#include "worker/firmware/keyboard.h"
#include "worker/firmware/bda.h"
#include "worker/firmware/keyboard_map.h"
#include "worker/firmware/pic.h"

#define CMD_SELF_TEST 0xaa
#define CMD_KEYBOARD_ON 0xae
#define SELF_TEST_GOOD 0x55
#define KEYBOARD_RESET 0xff
#define KEYBOARD_ENABLE 0xf4
#define KEYBOARD_ACK 0xfa
#define IRQ_KEYBOARD 1

#define SCAN_RELEASED 0x80
#define SCAN_E0 0xe0
#define SCAN_E1 0xe1
#define SCAN_CTRL 0x1d
#define SCAN_LEFT_SHIFT 0x2a
#define SCAN_RIGHT_SHIFT 0x36
#define SCAN_PRINT 0x37
#define SCAN_ALT 0x38
#define SCAN_CAPS 0x3a
#define SCAN_NUM 0x45
#define SCAN_SCROLL 0x46
#define SCAN_INSERT 0x52
#define SCAN_DELETE 0x53

void keyboard_interrupt(struct frame *frame);

void keyboard_init(void)
{
    uint8_t answer = 0;

    bda_write8(BDA_KEYBOARD_MODE, MODE_ENHANCED);
    kbc_flush();
    if (!kbc_command(CMD_SELF_TEST) || !kbc_read(false, &answer) || answer != SELF_TEST_GOOD)
        return;
    kbc_set_mode(KBC_MODE_SYSTEM | KBC_MODE_AUX_OFF | KBC_MODE_TRANSLATE);
    kbc_command(CMD_KEYBOARD_ON);
    if (kbc_data(KEYBOARD_RESET) && kbc_read(false, &answer) && answer == KEYBOARD_ACK)
        kbc_read(false, &answer);
    if (kbc_data(KEYBOARD_ENABLE))
        kbc_read(false, &answer);
    kbc_set_mode(KBC_MODE_SYSTEM | KBC_MODE_AUX_OFF | KBC_MODE_TRANSLATE | KBC_MODE_KEYBOARD_IRQ);
    pic_enable(IRQ_KEYBOARD);
}

/* Puts a key where INT 16h looks for it; without room it is lost. */
bool keyboard_store(uint16_t key)
{
    uint16_t tail = bda_read16(BDA_KEY_TAIL), next = (uint16_t)(tail + 2);

    if (next >= bda_read16(BDA_KEY_BUFFER + 2))
        next = bda_read16(BDA_KEY_BUFFER);
    if (next == bda_read16(BDA_KEY_HEAD))
        return false;
    bda_write16(tail, key);
    bda_write16(BDA_KEY_TAIL, next);
    return true;
}

static void set_flag(uint16_t offset, uint8_t flag, bool on)
{
    uint8_t flags = bda_read8(offset);

    bda_write8(offset, (uint8_t)(on ? flags | flag : flags & ~flag));
}

/* Keys that change others. Returns whether @code is one. */
static bool modifier(uint8_t code, bool pressed, bool extended)
{
    switch (code) {
    case SCAN_LEFT_SHIFT:
    case SCAN_RIGHT_SHIFT:
        if (!extended) /* else it only belongs to the code of another key */
            set_flag(BDA_KEYBOARD_FLAGS,
                     code == SCAN_LEFT_SHIFT ? FLAG_LEFT_SHIFT : FLAG_RIGHT_SHIFT, pressed);
        return true;
    case SCAN_CTRL:
        set_flag(extended ? BDA_KEYBOARD_MODE : BDA_KEYBOARD_FLAGS + 1,
                 extended ? MODE_RIGHT_CTRL : FLAG2_LEFT_CTRL, pressed);
        set_flag(BDA_KEYBOARD_FLAGS, FLAG_CTRL,
                 bda_read8(BDA_KEYBOARD_MODE) & MODE_RIGHT_CTRL ||
                     bda_read8(BDA_KEYBOARD_FLAGS + 1) & FLAG2_LEFT_CTRL);
        return true;
    case SCAN_ALT:
        set_flag(extended ? BDA_KEYBOARD_MODE : BDA_KEYBOARD_FLAGS + 1,
                 extended ? MODE_RIGHT_ALT : FLAG2_LEFT_ALT, pressed);
        set_flag(BDA_KEYBOARD_FLAGS, FLAG_ALT,
                 bda_read8(BDA_KEYBOARD_MODE) & MODE_RIGHT_ALT ||
                     bda_read8(BDA_KEYBOARD_FLAGS + 1) & FLAG2_LEFT_ALT);
        return true;
    default:
        return false;
    }
}

/* A key that turns something on and off; when held it must not do so again and again. */
static void toggle(uint8_t flag, bool pressed)
{
    uint8_t held = bda_read8(BDA_KEYBOARD_FLAGS + 1);

    if (pressed && !(held & flag))
        bda_write8(BDA_KEYBOARD_FLAGS, bda_read8(BDA_KEYBOARD_FLAGS) ^ flag);
    set_flag(BDA_KEYBOARD_FLAGS + 1, flag, pressed);
}

static void pause(void)
{
    set_flag(BDA_KEYBOARD_FLAGS + 1, FLAG2_PAUSED, true);
    pic_end_master();
    while (bda_read8(BDA_KEYBOARD_FLAGS + 1) & FLAG2_PAUSED)
        __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}

static void restart(void)
{
    bda_write16(BDA_RESET_FLAG, WARM_BOOT);
    kbc_command(0xfe);
    for (;;)
        __asm__ volatile("hlt");
}

static void control_break(void)
{
    struct frame call = {.flags = 0};

    bda_write8(BDA_BREAK, 0x80);
    bda_write16(BDA_KEY_HEAD, bda_read16(BDA_KEY_BUFFER));
    bda_write16(BDA_KEY_TAIL, bda_read16(BDA_KEY_BUFFER));
    call_interrupt(0x1b, &call);
    keyboard_store(0);
}

/* Alt with digits of the keypad makes a character by its number. Returns whether it took the key.
 */
static bool alt_digit(uint8_t code)
{
    static const uint8_t digits[] = {7, 8, 9, 0xff, 4, 5, 6, 0xff, 1, 2, 3, 0};
    uint8_t digit;

    if (code < 0x47 || code > SCAN_INSERT)
        return false;
    digit = digits[code - 0x47];
    if (digit == 0xff)
        return false;
    bda_write8(BDA_KEYPAD_NUMBER, (uint8_t)(bda_read8(BDA_KEYPAD_NUMBER) * 10 + digit));
    return true;
}

/* Keys that do something else than to be stored. Returns whether @code was one. */
static bool special_key(uint8_t code, bool pressed, bool extended, uint8_t flags)
{
    struct frame call = {.flags = 0};

    if (code == SCAN_CAPS || (code == SCAN_NUM && !(flags & FLAG_CTRL))) {
        toggle(code == SCAN_CAPS ? FLAG_CAPS : FLAG_NUM, pressed);
        return true;
    }
    if (code == SCAN_NUM) { /* Ctrl-Num is Pause on keyboards without that key */
        if (pressed)
            pause();
        return true;
    }
    if (code == SCAN_SCROLL) {
        if (!(flags & FLAG_CTRL) && !extended)
            toggle(FLAG_SCROLL, pressed);
        else if (pressed)
            control_break();
        return true;
    }
    if (code == SCAN_INSERT && !(flags & (FLAG_CTRL | FLAG_ALT)) &&
        (extended || !(flags & FLAG_NUM) || flags & FLAG_SHIFTS))
        toggle(FLAG_INSERT, pressed); /* and is stored */
    if (!pressed)
        return true;
    if (code == SCAN_DELETE && (flags & (FLAG_CTRL | FLAG_ALT)) == (FLAG_CTRL | FLAG_ALT))
        restart();
    if (code == SCAN_PRINT && extended && !(flags & (FLAG_CTRL | FLAG_ALT))) {
        call_interrupt(0x05, &call);
        return true;
    }
    return flags & FLAG_ALT && !extended && alt_digit(code);
}

static void end_of_alt(bool pressed)
{
    uint8_t number = bda_read8(BDA_KEYPAD_NUMBER);

    if (pressed || !number)
        return;
    bda_write8(BDA_KEYPAD_NUMBER, 0);
    keyboard_store(number);
}

static void handle(uint8_t byte)
{
    uint8_t mode = bda_read8(BDA_KEYBOARD_MODE), flags = bda_read8(BDA_KEYBOARD_FLAGS);
    bool extended = mode & MODE_LAST_E0, pressed = !(byte & SCAN_RELEASED);
    uint8_t code = byte & (uint8_t)~SCAN_RELEASED;
    uint16_t key;

    if (byte == SCAN_E0 || byte == SCAN_E1) {
        set_flag(BDA_KEYBOARD_MODE, byte == SCAN_E0 ? MODE_LAST_E0 : MODE_LAST_E1, true);
        return;
    }
    if (mode & MODE_LAST_E1) { /* Pause: E1 1D 45 and the same released */
        if (code == SCAN_NUM) {
            set_flag(BDA_KEYBOARD_MODE, MODE_LAST_E1, false);
            if (pressed)
                pause();
        }
        return;
    }
    set_flag(BDA_KEYBOARD_MODE, MODE_LAST_E0, false);
    if (modifier(code, pressed, extended)) {
        if (code == SCAN_ALT)
            end_of_alt(pressed);
        return;
    }
    if (pressed && bda_read8(BDA_KEYBOARD_FLAGS + 1) & FLAG2_PAUSED) {
        set_flag(BDA_KEYBOARD_FLAGS + 1, FLAG2_PAUSED, false);
        return;
    }
    if (special_key(code, pressed, extended, flags))
        return;
    key = keyboard_map(code, extended, flags);
    if (key)
        keyboard_store(key);
}

/* IRQ 1 */
void keyboard_interrupt(struct frame *frame)
{
    struct frame call = *frame;
    uint8_t status = inb(KBC_STATUS);

    if ((status & (KBC_STATUS_OUTPUT | KBC_STATUS_AUX)) != KBC_STATUS_OUTPUT) {
        pic_end_master();
        return;
    }
    call.ah = 0x4f;
    call.al = inb(KBC_DATA);
    call.flags = FLAG_CF;
    call_interrupt(0x15, &call);
    enable_interrupts();
    if (call.flags & FLAG_CF)
        handle(call.al);
    disable_interrupts();
    pic_end_master();
}
