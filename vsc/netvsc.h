/* A virtual network adapter as its guest sees it: frames in both directions, one at a time or many.
 *
 * Calls on one adapter do not overlap, see vsc/bus.h. */
#ifndef VENEER_VSC_NETVSC_H
#define VENEER_VSC_NETVSC_H

#include <stdbool.h>
#include <stdint.h>

#include "include/vmbus/netvsc.h"
#include "include/vmbus/rndis.h"
#include "vsc/bus.h"

#define VSC_NETWORK_MAC_SIZE 6u
#define VSC_NETWORK_SECTIONS 64u  /* of the send buffer that are used: frames under way */
#define VSC_NETWORK_RESPONSE 512u /* bytes of a control message from the host */
#define VSC_NETWORK_PACKET 4608u  /* bytes of a packet in the ring */

/* Memory of the kernel's that stays until the adapter is closed: pages, whose arrays stay, too. The
 * pages of a buffer follow each other in the kernel's addresses. */
struct vsc_network_memory {
    uint8_t *const *ring_pages; /* see vsc_channel_open() */
    uint32_t ring_page_count;
    uint8_t *const *receive_pages;
    uint32_t receive_page_count;
    uint8_t *const *send_pages;
    uint32_t send_page_count;
};

struct vsc_network {
    struct vsc_channel *channel;
    uint32_t version; /* NVSP_VERSION_* */
    uint32_t mtu;     /* bytes of payload of a frame, at most */
    uint8_t mac[VSC_NETWORK_MAC_SIZE];
    bool link_up;
    bool failed; /* the host has left the protocol, or does not answer */

    /* A frame has come; lent for the call, which may send. From vsc_network_poll(). Set by the user
     * after opening; NULL: frames are thrown away. */
    void (*received)(void *context, const uint8_t *frame, uint32_t size);
    void *context;

    uint8_t *receive, *send; /* the buffers */
    uint32_t receive_size;   /* bytes */
    uint32_t send_section_size, send_section_count;
    uint64_t send_busy; /* bit per section that is with the host */
    uint32_t receive_gpadl, send_gpadl;
    uint32_t frames; /* that have been received */

    bool answered; /* @answer is the one that is waited for */
    struct nvsp_message answer;
    uint32_t request_id; /* the last one */
    bool responded;
    uint32_t response_size;
    uint8_t response[VSC_NETWORK_RESPONSE] __attribute__((aligned(8)));
    uint8_t packet[VSC_NETWORK_PACKET] __attribute__((aligned(8)));
};

/* Opens @channel, negotiates, and asks for frames of up to @mtu bytes of payload; receives nothing
 * yet. False: refused, the channel is closed. */
bool vsc_network_open(struct vsc_network *network, struct vsc_channel *channel,
                      const struct vsc_network_memory *memory, uint32_t mtu, uint32_t vp);

/* Frames that are under way are forgotten. */
void vsc_network_close(struct vsc_network *network);

/* What to receive: RNDIS_PACKET_TYPE_*. False: refused. */
bool vsc_network_set_filter(struct vsc_network *network, uint32_t filter);

/* The value of an object, which is copied to @value; its size, at most @size bytes are kept. -1:
 * the host does not have it. */
int vsc_network_query(struct vsc_network *network, uint32_t oid, void *value, uint32_t size);

/* Queues a copy of @frame, not yet seen by the host. False: no place is free now, or never (too
 * large). */
bool vsc_network_send(struct vsc_network *network, const void *frame, uint32_t size);

/* Shows the host what is queued. */
void vsc_network_submit(struct vsc_network *network);

/* Takes what has come, and gives frames to received(); how many. */
uint32_t vsc_network_poll(struct vsc_network *network);

#endif
