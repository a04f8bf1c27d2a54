/* What the screen of the machine shows, for requests of the control pipe: written to memory that is
 * shared with the parent. */
#ifndef VENEER_WORKER_CONTROL_SCREEN_H
#define VENEER_WORKER_CONTROL_SCREEN_H

#include "include/machine_control.h"

struct vga;

/* Writes the text screen, or the picture, of @vga to @size bytes at @data, and its measures to
 * *answer. Takes the machine's lock. */
enum machine_control_status control_text(const struct vga *vga, void *data, uint32_t size,
                                         struct machine_control_answer *answer);
enum machine_control_status control_picture(const struct vga *vga, void *data, uint32_t size,
                                            struct machine_control_answer *answer);

#endif
