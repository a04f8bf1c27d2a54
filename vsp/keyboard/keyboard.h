/* The synthetic keyboard: key strokes for a guest, as scan codes of set 1. */
#ifndef VENEER_VSP_KEYBOARD_H
#define VENEER_VSP_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "vmbus/channel.h"

struct keyboard;

/* NULL: no memory. Thread. */
struct keyboard *keyboard_create(void);

/* Its channel is closed. */
void keyboard_destroy(struct keyboard *keyboard);

/* What to offer to the guest; the context is @keyboard. */
void keyboard_offer(struct keyboard *keyboard, struct vmbus_offer *offer);

/* Sends a key stroke; @flags: VMBUS_KEYBOARD_BREAK, E0, E1 (include/vmbus/ic.h). False: the guest
 * does not listen, or has not taken those before. Any. */
bool keyboard_key(struct keyboard *keyboard, uint16_t make_code, uint32_t flags);

#endif
