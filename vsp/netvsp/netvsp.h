/* The network provider: a synthetic network adapter behind a channel. What it is connected to, such
 * as a port of a virtual switch, is its owner's. */
#ifndef VENEER_VSP_NETVSP_NETVSP_H
#define VENEER_VSP_NETVSP_NETVSP_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/net_device.h"
#include "vmbus/channel.h"

#define NETVSP_MTU_DEFAULT 1500u
#define NETVSP_MTU_MAX 9000u

struct netvsp;

/* Where the guest's frames go. Called in the channel's thread, without locks. */
struct netvsp_network {
    /* Lends @frame for the call. It has at least NET_FRAME_MIN bytes. Its Ethernet header is
     * private memory; what is behind it may be the guest's, which may change it at any time. */
    void (*send)(void *context, const struct net_frame *frame);
    /* What the guest wants to receive: RNDIS_PACKET_TYPE_*; 0: nothing, or it is gone. */
    void (*set_filter)(void *context, uint32_t filter);
};

struct netvsp_statistics {
    struct net_statistics sent;     /* by the guest; errors: malformed, or not allowed */
    struct net_statistics received; /* by it; dropped: it had no room; errors: too large for it */
};

/* An adapter with the address @mac, its link up. NULL: no memory. The caller's, until
 * netvsp_destroy(). Thread. */
struct netvsp *netvsp_create(const struct mac_address *mac, const struct netvsp_network *network,
                             void *context);

/* Frees an adapter whose channel is closed and not offered any more, and which nobody calls. */
void netvsp_destroy(struct netvsp *adapter);

/* Fills in @offer; @instance is kept by the caller from one start of the guest to the next. */
void netvsp_offer(struct netvsp *adapter, const struct vmbus_guid *instance,
                  struct vmbus_offer *offer);

/* Copies @frame into the guest's receive buffer. False: there is no guest, or it has no room; that
 * is counted. Any; takes a lock of LOCK_LEVEL_DRIVER. */
bool netvsp_receive(struct netvsp *adapter, const struct net_frame *frame);

/* Tells the guest that its cable is in or out. Any; takes locks of LOCK_LEVEL_DRIVER and above. */
void netvsp_set_link(struct netvsp *adapter, bool up);

/* Any; takes a lock of LOCK_LEVEL_DRIVER. */
void netvsp_get_statistics(struct netvsp *adapter, struct netvsp_statistics *statistics);

#endif
