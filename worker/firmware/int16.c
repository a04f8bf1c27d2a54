/* INT 16h: the keys that INT 09h has stored. */

#include "worker/firmware/bda.h"
#include "worker/firmware/keyboard.h"
#include "worker/firmware/keyboard_map.h"
#include "worker/firmware/timing.h"

#define KEYBOARD_LEDS 0xed
#define KEYBOARD_TYPEMATIC 0xf3
#define KEYBOARD_ACK 0xfa
#define LEDS 0x07
#define LED_SHIFT 4             /* of BDA_KEYBOARD_FLAGS */
#define FUNCTIONS_ENHANCED 0x30 /* AH=09h: typematic rate, and AH=10h to 12h */

void keyboard_service(struct frame *frame);

/* A command with an argument, for which the keyboard's interrupt is out of the way. */
static void set_keyboard(uint8_t command, uint8_t argument)
{
    uint8_t mode, answer;

    if (!kbc_get_mode(&mode))
        return;
    kbc_set_mode(mode & (uint8_t)~KBC_MODE_KEYBOARD_IRQ);
    if (kbc_data(command) && kbc_read(false, &answer) && answer == KEYBOARD_ACK &&
        kbc_data(argument))
        kbc_read(false, &answer);
    kbc_set_mode(mode);
}

static void update_leds(void)
{
    uint8_t wanted = (bda_read8(BDA_KEYBOARD_FLAGS) >> LED_SHIFT) & LEDS;
    uint8_t leds = bda_read8(BDA_KEYBOARD_LEDS);

    if (wanted == (leds & LEDS))
        return;
    bda_write8(BDA_KEYBOARD_LEDS, (uint8_t)((leds & ~LEDS) | wanted));
    set_keyboard(KEYBOARD_LEDS, wanted);
}

static bool peek(uint16_t *key)
{
    uint16_t head = bda_read16(BDA_KEY_HEAD);

    if (head == bda_read16(BDA_KEY_TAIL))
        return false;
    *key = bda_read16(head);
    return true;
}

static void drop(void)
{
    uint16_t next = (uint16_t)(bda_read16(BDA_KEY_HEAD) + 2);

    bda_write16(BDA_KEY_HEAD,
                next >= bda_read16(BDA_KEY_BUFFER + 2) ? bda_read16(BDA_KEY_BUFFER) : next);
}

/* What keyboards of 84 keys do not have becomes what they have, or nothing (false). */
static bool make_classic(uint16_t *key)
{
    uint8_t code = (uint8_t)(*key >> 8), character = (uint8_t)*key;

    if (code == 0xe0) /* the keypad's Enter and / */
        *key = (uint16_t)((character == '/' ? 0x35 : 0x1c) << 8 | character);
    else if (code > 0x84 || character == 0xf0)
        return false;
    else if (character == 0xe0 && code)
        *key &= 0xff00;
    return true;
}

/* The first key; those that the caller does not know are thrown away. */
static bool look(bool enhanced, uint16_t *key)
{
    while (peek(key)) {
        if (enhanced) {
            if ((*key & 0xff) == 0xf0 && *key >> 8)
                *key &= 0xff00;
            return true;
        }
        if (make_classic(key))
            return true;
        drop();
    }
    return false;
}

static void read(struct frame *frame, bool enhanced)
{
    uint16_t key;

    while (!look(enhanced, &key)) {
        update_leds();
        idle();
    }
    drop();
    frame->ax = key;
}

static void check(struct frame *frame, bool enhanced)
{
    uint16_t key;

    update_leds();
    if (look(enhanced, &key)) {
        frame->ax = key;
        frame->flags &= (uint16_t)~FLAG_ZF;
        return;
    }
    frame->flags |= FLAG_ZF;
    /* Programs that ask again and again let interrupts through here. */
    enable_interrupts();
    __asm__ volatile("nop");
    disable_interrupts();
}

static uint8_t extended_flags(void)
{
    uint8_t held = bda_read8(BDA_KEYBOARD_FLAGS + 1);
    uint8_t right = bda_read8(BDA_KEYBOARD_MODE) & (MODE_RIGHT_CTRL | MODE_RIGHT_ALT);

    return (uint8_t)((held & (FLAG2_LEFT_CTRL | FLAG2_LEFT_ALT)) | right | (held & 0x70) |
                     (held & 0x04 ? 0x80 : 0));
}

void keyboard_service(struct frame *frame)
{
    switch (frame->ah) {
    case 0x00:
    case 0x10:
        read(frame, frame->ah);
        return;
    case 0x01:
    case 0x11:
        check(frame, frame->ah != 0x01);
        return;
    case 0x12:
        frame->ah = extended_flags();
        frame->al = bda_read8(BDA_KEYBOARD_FLAGS);
        return;
    case 0x02:
        frame->al = bda_read8(BDA_KEYBOARD_FLAGS);
        return;
    case 0x03:
        if (frame->al == 0x05)
            set_keyboard(KEYBOARD_TYPEMATIC, (uint8_t)((frame->bh & 3) << 5 | (frame->bl & 0x1f)));
        return;
    case 0x05:
        frame->al = !keyboard_store(frame->cx);
        return;
    case 0x09:
        frame->al = FUNCTIONS_ENHANCED;
        return;
    default:
        return;
    }
}
