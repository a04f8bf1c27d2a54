/* A keyboard and a mouse as they are seen through a PS/2 port. All functions: machine's lock held.
 * None of them calls anything: their controller (worker/devices/i8042.h) takes what they have to
 * say. */
#ifndef VENEER_WORKER_DEVICES_PS2_H
#define VENEER_WORKER_DEVICES_PS2_H

#include <stdbool.h>
#include <stdint.h>

#define PS2_QUEUE_SIZE 32

/* Bytes that wait to be taken. */
struct ps2_queue {
    uint8_t bytes[PS2_QUEUE_SIZE];
    uint8_t first, count;
};

struct ps2_keyboard {
    struct ps2_queue replies, codes; /* replies are sent first */
    uint8_t scan_code_set;           /* 1 or 2 */
    uint8_t command;                 /* whose parameter is expected, or 0 */
    uint8_t last;                    /* sent, for RESEND */
    uint8_t leds;                    /* bits: 0 scroll lock, 1 num lock, 2 caps lock */
    bool scanning;
};

struct ps2_mouse {
    struct ps2_queue replies, packet;
    int32_t dx, dy, dz; /* not yet reported */
    uint8_t buttons;    /* bits: 0 left, 1 right, 2 middle, 3 and 4 the side ones */
    uint8_t reported;   /* buttons of the last packet */
    uint8_t id;         /* 0 plain, 3 with wheel, 4 with wheel and five buttons */
    uint8_t command;    /* whose parameter is expected, or 0 */
    uint8_t resolution, rate;
    uint8_t rates[2]; /* that were set before: three in a row change the id */
    uint8_t last;
    bool reporting, remote, wrap, scaling;
};

/* Power-on: nothing to say, defaults; the keyboard scans, the mouse does not report. */
void ps2_keyboard_reset(struct ps2_keyboard *keyboard);
void ps2_mouse_reset(struct ps2_mouse *mouse);

/* A byte from the guest. */
void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte);
void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t byte);

/* Takes the next byte for the guest; false if there is none. */
bool ps2_keyboard_take(struct ps2_keyboard *keyboard, uint8_t *byte);
bool ps2_mouse_take(struct ps2_mouse *mouse, uint8_t *byte);

/* A key goes down or up: @code is the make code of scan code set 1 (01h to 7Fh) behind @prefix (0,
 * E0h or E1h). False if it is dropped: the guest does not listen, or its buffer is full. */
bool ps2_keyboard_key(struct ps2_keyboard *keyboard, uint8_t prefix, uint8_t code, bool released);

/* The mouse moves by @dx to the right and @dy downwards, its wheel by @dz notches towards the user,
 * and its buttons are @buttons now. */
void ps2_mouse_move(struct ps2_mouse *mouse, int32_t dx, int32_t dy, int32_t dz, uint8_t buttons);

/* The set 1 code of @code of set 2, as the controller translates it; bytes that are no make codes
 * stay as they are. */
uint8_t ps2_translate(uint8_t code);

/* For the two devices. Puts @byte at the end; false, and nothing done, if @queue is full. */
bool ps2_queue_put(struct ps2_queue *queue, uint8_t byte);
bool ps2_queue_take(struct ps2_queue *queue, uint8_t *byte);

#endif
