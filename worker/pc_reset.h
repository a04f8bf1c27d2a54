/* The PC's reset, within the process: memory, video memory and CMOS RAM stay, as they do in
 * hardware; disks and network too. */
#ifndef VENEER_WORKER_PC_RESET_H
#define VENEER_WORKER_PC_RESET_H

#include <stdbool.h>

struct vp;

/* A reset of the machine comes: all VPs leave their guest and come to pc_reset_take_part(). As a
 * host's function: with the machine's lock. */
void pc_reset_request(void *machine);

/* Whether one has been requested. Any thread. */
bool pc_reset_is_requested(void);

/* Waits until no VP is being served, has the machine start anew, and returns. The thread of @vp,
 * without the lock; the VP's intercept has been handled. */
void pc_reset_take_part(struct vp *vp);

#endif
