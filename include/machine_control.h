/* What the parent asks of a worker with an emulated machine, through its control pipe: a request,
 * and an answer with the same id. One request is under way at a time; an answer that comes too late
 * is dropped. Neither side trusts the other's numbers. */
#ifndef VENEER_INCLUDE_MACHINE_CONTROL_H
#define VENEER_INCLUDE_MACHINE_CONTROL_H

#include <stdint.h>

#define MACHINE_CONTROL_MAX_KEYS 32 /* of one request */
#define MACHINE_DRIVE_NAME 8        /* "cd:2" and its NUL; see worker/main.c */

enum machine_control_type {
    MACHINE_CONTROL_INSERT,  /* the message's handle is the disk for the empty drive `drive` */
    MACHINE_CONTROL_EJECT,   /* the medium of `drive`; the worker closes its handle */
    MACHINE_CONTROL_KEYS,    /* the first `count` of `keys`; the answer's `done` were taken */
    MACHINE_CONTROL_MOUSE,   /* `mouse` */
    MACHINE_CONTROL_BUTTON,  /* the power button */
    MACHINE_CONTROL_TEXT,    /* the text screen, into the first `count` bytes of the memory that the
                                message's handle is: `done` bytes of UTF-8, a line per row */
    MACHINE_CONTROL_PICTURE, /* the same with its picture: rows of pixels, RGB, 3 bytes each */
};

enum machine_control_status {
    MACHINE_CONTROL_DONE,
    MACHINE_CONTROL_INVALID,     /* the request makes no sense */
    MACHINE_CONTROL_NO_DRIVE,    /* no drive of that name takes media */
    MACHINE_CONTROL_NOT_EMPTY,   /* a medium is in the drive */
    MACHINE_CONTROL_NO_MEDIUM,   /* none is, or the drive cannot take this one */
    MACHINE_CONTROL_UNAVAILABLE, /* the machine has no such device */
    MACHINE_CONTROL_NO_TEXT,     /* the screen shows graphics */
    MACHINE_CONTROL_TOO_LARGE,   /* it does not fit into the memory */
};

/* A key goes down or up. */
struct machine_control_key {
    uint8_t prefix; /* 0, E0h or E1h */
    uint8_t code;   /* make code of scan code set 1 */
    uint8_t released;
    uint8_t zero;
};

struct machine_control_mouse {
    int32_t dx, dy, dz; /* to the right, down, wheel towards the user */
    uint32_t buttons;   /* bits: 0 left, 1 right, 2 middle */
};

struct machine_control_request {
    uint32_t id;
    uint32_t type; /* enum machine_control_type */
    char drive[MACHINE_DRIVE_NAME];
    uint32_t count; /* of keys, or bytes of memory */
    struct machine_control_key keys[MACHINE_CONTROL_MAX_KEYS];
    struct machine_control_mouse mouse;
};

struct machine_control_answer {
    uint32_t id;
    uint32_t status; /* enum machine_control_status */
    uint32_t done;
    uint32_t width, height; /* of the screen: columns and rows, or pixels */
};

_Static_assert(sizeof(struct machine_control_request) == 164, "layout");
_Static_assert(sizeof(struct machine_control_answer) == 20, "layout");

#endif
