/* What the files of the network provider share. */
#ifndef VENEER_NETVSP_INTERNAL_H
#define VENEER_NETVSP_INTERNAL_H

#include "include/vmbus/netvsc.h"
#include "include/vmbus/rndis.h"
#include "parent/include/spinlock.h"
#include "vsp/netvsp/netvsp.h"
#include "vsp/netvsp/receive_buffer.h"

#define NETVSP_SEND_SECTION_SIZE 6144u
#define NETVSP_RECEIVE_SECTION_MIN 1728u /* bytes: what fits an ordinary frame */
#define NETVSP_FRAME_MAX (NET_HEADER_SIZE + NET_VLAN_TAG_SIZE + NETVSP_MTU_MAX)
#define NETVSP_PACKETS_MAX 8u        /* RNDIS packets in a message of the guest's */
#define NETVSP_ALIGNMENT 3u          /* of them, as a power of two */
#define NETVSP_TRANSFER_MAX 0x20000u /* bytes of such a message */
#define NETVSP_SEGMENTS_MAX 64u      /* pieces of memory of a message */
#define NETVSP_PACKET_SIZE 2048u     /* of the guest's in the ring: ranges of pages, and NVSP */
#define NETVSP_BATCH 64u             /* messages to the guest in one packet: what any guest takes */
#define NETVSP_REQUEST_MAX 2048u     /* bytes of a control request */
#define NETVSP_RESPONSE_MAX 512u

/* A message of the guest's, wherever its parts are. The guest may change them at any time. */
struct netvsp_message {
    uint32_t size, count;
    struct vmbus_segment segments[NETVSP_SEGMENTS_MAX];
};

struct netvsp {
    const struct netvsp_network *network;
    void *context; /* for @network */
    struct mac_address mac;
    bool link_up;    /* atomic: as the administrator has it */
    uint32_t filter; /* RNDIS_PACKET_TYPE_* */

    /* Under the lock: what netvsp_receive() needs, called while a switch's lock is held. */
    struct spinlock lock;          /* LOCK_LEVEL_DRIVER */
    struct vmbus_channel *channel; /* NULL: not open */
    struct receive_buffer receive;
    struct netvsp_statistics statistics;

    /* All below belongs to the channel's thread. */
    uint32_t version; /* NVSP_VERSION_*; 0: not negotiated */
    uint32_t mtu;     /* changes under the lock */
    uint16_t receive_id;
    bool initialized; /* RNDIS */
    bool link_told;   /* the link as the guest knows it */

    uint8_t *const *send_pages; /* NULL: the guest has given no send buffer */
    uint32_t send_sections;
    uint16_t send_id;

    /* The answer that waits for room in the ring: nothing is read until it is written. */
    bool answering;
    uint64_t answer_transaction;
    uint32_t answer_size;
    struct nvsp_message answer;

    /* For the packet in work. */
    struct netvsp_message message;
    uint8_t request[NETVSP_REQUEST_MAX], response[NETVSP_RESPONSE_MAX];
    /* The header of the frame in work: a network decides by it, so that the guest must not change
     * it between a decision and the delivery. */
    uint8_t frame_header[NET_HEADER_SIZE + NET_VLAN_TAG_SIZE];
    uint8_t bounce[NETVSP_FRAME_MAX]; /* a frame that is in too many pieces */
    _Alignas(8) uint8_t packet[NETVSP_PACKET_SIZE];
};

/* --- nvsp.c --- */

/* Acts on a message that is not RNDIS's, a private copy that is zeros behind what the guest has
 * sent. The number of bytes of the answer, which replaces it; 0: one without content. */
uint32_t nvsp_control(struct netvsp *adapter, struct nvsp_message *message);

/* Forgets everything that the guest has set up. */
void nvsp_reset(struct netvsp *adapter);

/* --- rndis_control.c --- */

/* Acts on the control message in @adapter->request, of which @size bytes are there. The number of
 * bytes of the response in @adapter->response; 0: there is none. */
uint32_t rndis_control(struct netvsp *adapter, uint32_t size);

/* Ends the connection on the level of RNDIS: nothing is received any more. */
void rndis_halt(struct netvsp *adapter);

/* --- rndis_object.c --- */

/* The value of object @oid, at most NETVSP_RESPONSE_MAX bytes with the response's header, and its
 * size. RNDIS_STATUS_*. */
uint32_t rndis_object_get(struct netvsp *adapter, uint32_t oid, uint8_t *value, uint32_t *size);

/* Sets it to the @size bytes at @value, a private copy. RNDIS_STATUS_*. */
uint32_t rndis_object_set(struct netvsp *adapter, uint32_t oid, const uint8_t *value,
                          uint32_t size);

/* --- transmit.c --- */

/* Finds the message of @nvsp, whose other pages @packet names; it is in @adapter->message. False:
 * it is malformed. */
bool transmit_gather(struct netvsp *adapter, const struct vmbus_packet *packet,
                     const struct nvsp_message *nvsp);

/* Copies bytes of the message, all of which are in it. */
void transmit_copy(const struct netvsp_message *message, uint32_t offset, void *target,
                   uint32_t size);

/* Sends the frames of the message. False: it is malformed, from some packet on. */
bool transmit_frames(struct netvsp *adapter);

#endif
