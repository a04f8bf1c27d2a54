#include "worker/devices/ps2.h"

/* Commands and replies. IBM PS/2 Technical Reference, Keyboard. */
enum {
    KBD_SET_LEDS = 0xed,
    KBD_ECHO = 0xee,
    KBD_SCAN_CODE_SET = 0xf0,
    KBD_READ_ID = 0xf2,
    KBD_SET_RATE = 0xf3,
    KBD_ENABLE = 0xf4,
    KBD_DISABLE = 0xf5,
    KBD_SET_DEFAULT = 0xf6,
    KBD_ALL_KEYS_FIRST = 0xf7, /* to FDh: kinds of keys, which only set 3 has */
    KBD_ALL_KEYS_LAST = 0xfa,
    KBD_RESEND = 0xfe,
    KBD_RESET = 0xff,
};

#define REPLY_ACK 0xfa
#define REPLY_RESEND 0xfe
#define REPLY_SELF_TEST_PASSED 0xaa
#define BREAK 0xf0

/* Set 2 codes by their set 1 code: the controller's translation, read backwards. */
static const uint8_t set2_codes[128] = {
    0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
    0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b,
    0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a,
    0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05, 0x06, 0x04, 0x0c, 0x03,
    0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, 0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69,
    0x72, 0x7a, 0x70, 0x71, 0x84, 0x60, 0x61, 0x78, 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f,
    0x47, 0x4f, 0x56, 0x5e, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x57, 0x6f,
    0x13, 0x19, 0x39, 0x51, 0x53, 0x5c, 0x5f, 0x62, 0x63, 0x64, 0x65, 0x67, 0x68, 0x6a, 0x6d, 0x6e,
};

uint8_t ps2_translate(uint8_t code)
{
    /* Two more that the controller's table has, besides the codes of these keys. */
    if (code == 0x02)
        return 0x41;
    if (code == 0x7f)
        return 0x54;
    for (uint8_t i = 1; i < sizeof(set2_codes); i++) {
        if (set2_codes[i] == code)
            return i;
    }
    return code;
}

bool ps2_queue_put(struct ps2_queue *queue, uint8_t byte)
{
    if (queue->count == PS2_QUEUE_SIZE)
        return false;
    queue->bytes[(queue->first + queue->count++) % PS2_QUEUE_SIZE] = byte;
    return true;
}

bool ps2_queue_take(struct ps2_queue *queue, uint8_t *byte)
{
    if (queue->count == 0)
        return false;
    *byte = queue->bytes[queue->first];
    queue->first = (queue->first + 1) % PS2_QUEUE_SIZE;
    queue->count--;
    return true;
}

void ps2_keyboard_reset(struct ps2_keyboard *keyboard)
{
    *keyboard = (struct ps2_keyboard){.scan_code_set = 2, .scanning = true};
}

static void write_parameter(struct ps2_keyboard *keyboard, uint8_t command, uint8_t byte)
{
    if (command == KBD_SCAN_CODE_SET && byte > 2) {
        ps2_queue_put(&keyboard->replies, REPLY_RESEND);
        return;
    }
    ps2_queue_put(&keyboard->replies, REPLY_ACK);
    if (command == KBD_SET_LEDS)
        keyboard->leds = byte & 7;
    else if (command == KBD_SCAN_CODE_SET && byte == 0)
        ps2_queue_put(&keyboard->replies, keyboard->scan_code_set);
    else if (command == KBD_SCAN_CODE_SET)
        keyboard->scan_code_set = byte;
}

void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte)
{
    struct ps2_queue *replies = &keyboard->replies;
    uint8_t command = keyboard->command;

    keyboard->command = 0;
    /* What would be a command is never a parameter: the guest has given up on the last one. */
    if (command != 0 && byte < KBD_SET_LEDS) {
        write_parameter(keyboard, command, byte);
        return;
    }
    switch (byte) {
    case KBD_SET_LEDS:
    case KBD_SCAN_CODE_SET:
    case KBD_SET_RATE:
        keyboard->command = byte;
        ps2_queue_put(replies, REPLY_ACK);
        break;
    case KBD_ECHO:
        ps2_queue_put(replies, KBD_ECHO);
        break;
    case KBD_READ_ID:
        ps2_queue_put(replies, REPLY_ACK);
        ps2_queue_put(replies, 0xab);
        ps2_queue_put(replies, 0x83);
        break;
    case KBD_RESEND:
        ps2_queue_put(replies, keyboard->last);
        break;
    case KBD_ENABLE:
    case KBD_DISABLE:
    case KBD_SET_DEFAULT:
        keyboard->codes.count = 0;
        if (byte != KBD_ENABLE)
            keyboard->scan_code_set = 2;
        if (byte != KBD_SET_DEFAULT)
            keyboard->scanning = byte == KBD_ENABLE;
        ps2_queue_put(replies, REPLY_ACK);
        break;
    case KBD_RESET:
        ps2_keyboard_reset(keyboard);
        ps2_queue_put(replies, REPLY_ACK);
        ps2_queue_put(replies, REPLY_SELF_TEST_PASSED);
        break;
    default:
        ps2_queue_put(replies, byte >= KBD_ALL_KEYS_FIRST && byte <= KBD_ALL_KEYS_LAST
                                   ? REPLY_ACK
                                   : REPLY_RESEND);
        break;
    }
}

bool ps2_keyboard_take(struct ps2_keyboard *keyboard, uint8_t *byte)
{
    if (!ps2_queue_take(&keyboard->replies, byte) && !ps2_queue_take(&keyboard->codes, byte))
        return false;
    keyboard->last = *byte;
    return true;
}

bool ps2_keyboard_key(struct ps2_keyboard *keyboard, uint8_t prefix, uint8_t code, bool released)
{
    struct ps2_queue *codes = &keyboard->codes;

    if (!keyboard->scanning || code == 0 || code >= sizeof(set2_codes) ||
        codes->count > PS2_QUEUE_SIZE - 3)
        return false;
    if (prefix != 0)
        ps2_queue_put(codes, prefix);
    if (keyboard->scan_code_set == 1) {
        ps2_queue_put(codes, released ? code | 0x80 : code);
        return true;
    }
    if (released)
        ps2_queue_put(codes, BREAK);
    ps2_queue_put(codes, set2_codes[code]);
    return true;
}
