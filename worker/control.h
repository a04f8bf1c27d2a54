/* What the administrator asks of the machine through its control pipe (include/machine_control.h):
 * media, keys, the power button, what the screen shows. */
#ifndef VENEER_WORKER_CONTROL_H
#define VENEER_WORKER_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "include/machine_control.h"

#define CONTROL_MAX_DRIVES 8

struct disk;
struct i8042;
struct piix4_pm;
struct vga;

/* A drive as the worker's words name it ("cd:2"), made by disk_host_open(). */
struct control_drive {
    char name[MACHINE_DRIVE_NAME];
    struct disk *disk;
};

/* The machine's devices; those that it does not have are NULL. */
struct control {
    struct control_drive drives[CONTROL_MAX_DRIVES];
    uint32_t drive_count;
    struct i8042 *keyboard; /* also the mouse's */
    struct piix4_pm *power;
    const struct vga *screen;
};

/* Serves requests that come through the pipe @handle, in a thread; @control must stay. No VP runs
 * yet. */
void control_start(const struct control *control, uint32_t handle);

#endif
