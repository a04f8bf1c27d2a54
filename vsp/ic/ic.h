/* Integration services: shutdown, heartbeat and time synchronization. Each is a channel; the host
 * negotiates versions when the guest has opened it. */
#ifndef VENEER_VSP_IC_H
#define VENEER_VSP_IC_H

#include <stdbool.h>
#include <stdint.h>

#include "vmbus/channel.h"

enum ic_kind { IC_SHUTDOWN, IC_HEARTBEAT, IC_TIME_SYNC, IC_KIND_COUNT };

struct ic;

/* NULL: no memory. Thread. */
struct ic *ic_create(enum ic_kind kind);

/* Its channel is closed. */
void ic_destroy(struct ic *ic);

/* What to offer to the guest; the context is @ic. */
void ic_offer(struct ic *ic, struct vmbus_offer *offer);
const char *ic_name(enum ic_kind kind);

/* IC_SHUTDOWN: asks the guest's system to power off or restart, in order. False: it does not listen
 * (it has no such service, or has not started it yet). Any. */
bool ic_request_shutdown(struct ic *ic, bool restart);

/* IC_HEARTBEAT: when the guest last answered, as time_now(). False: not since it was started. Any.
 */
bool ic_last_beat(struct ic *ic, uint64_t *time);

#endif
