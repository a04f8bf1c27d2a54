/* Wire formats of the synthetic network adapter: NVSP, the protocol of its channel, and RNDIS,
 * which NVSP carries. Little-endian; what a guest has written is not to be trusted. */
#ifndef VENEER_VMBUS_NETVSC_H
#define VENEER_VMBUS_NETVSC_H

#include <stddef.h>
#include <stdint.h>

#define NVSP_MESSAGE_INIT 1u
#define NVSP_MESSAGE_INIT_COMPLETE 2u
#define NVSP_MESSAGE_SEND_NDIS_VERSION 100u
#define NVSP_MESSAGE_SEND_RECEIVE_BUFFER 101u
#define NVSP_MESSAGE_SEND_RECEIVE_BUFFER_COMPLETE 102u
#define NVSP_MESSAGE_REVOKE_RECEIVE_BUFFER 103u
#define NVSP_MESSAGE_SEND_SEND_BUFFER 104u
#define NVSP_MESSAGE_SEND_SEND_BUFFER_COMPLETE 105u
#define NVSP_MESSAGE_REVOKE_SEND_BUFFER 106u
#define NVSP_MESSAGE_RNDIS_PACKET 107u
#define NVSP_MESSAGE_RNDIS_PACKET_COMPLETE 108u

#define NVSP_STATUS_SUCCESS 1u
#define NVSP_STATUS_FAIL 2u

#define NVSP_CHANNEL_DATA 0u
#define NVSP_CHANNEL_CONTROL 1u
#define NVSP_SECTION_NONE 0xffffffffu /* the message is in the packet's pages */

/* The message that NVSP_MESSAGE_RNDIS_PACKET announces. */
struct nvsp_rndis_packet {
    uint32_t type;
    uint32_t channel_type;
    uint32_t send_section; /* index, or NVSP_SECTION_NONE */
    uint32_t send_size;    /* bytes used of the section */
};

/* How a receive buffer is divided: the answer has one of these. */
struct nvsp_receive_section {
    uint32_t offset;
    uint32_t sub_allocation_size;
    uint32_t sub_allocation_count;
    uint32_t end_offset;
};

#define RNDIS_MESSAGE_PACKET 1u

struct rndis_header {
    uint32_t type;
    uint32_t length; /* bytes of the message with this header */
};

/* A frame. All offsets count from the end of struct rndis_header. */
struct rndis_packet {
    struct rndis_header header;
    uint32_t data_offset, data_length;
    uint32_t oob_offset, oob_length, oob_count;
    uint32_t info_offset, info_length; /* per-packet information */
    uint32_t vc_handle, reserved;
};

#define RNDIS_INFO_CHECKSUM 0u
#define RNDIS_INFO_LARGE_SEND 2u
#define RNDIS_INFO_VLAN 6u
#define RNDIS_INFO_TYPE_MASK 0x7fffffffu
#define RNDIS_INFO_INTERNAL 0x80000000u /* of @type: the numbers of types are others */

/* A piece of per-packet information. */
struct rndis_packet_info {
    uint32_t size; /* bytes with this header */
    uint32_t type;
    uint32_t offset; /* of the value, from the start of this header */
};

_Static_assert(sizeof(struct nvsp_rndis_packet) == 16, "wire format");
_Static_assert(sizeof(struct nvsp_receive_section) == 16, "wire format");
_Static_assert(sizeof(struct rndis_header) == 8, "wire format");
_Static_assert(sizeof(struct rndis_packet) == 44, "wire format");
_Static_assert(offsetof(struct rndis_packet, info_offset) == 28, "wire format");
_Static_assert(sizeof(struct rndis_packet_info) == 12, "wire format");

#endif
