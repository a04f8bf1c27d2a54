/* Wire formats of the synthetic network adapter's channel: NVSP. The frames and control messages
 * that it carries are RNDIS (rndis.h). Little-endian; what a guest has written is not to be
 * trusted. */
#ifndef VENEER_VMBUS_NETVSC_H
#define VENEER_VMBUS_NETVSC_H

#include <stddef.h>
#include <stdint.h>

/* Versions of the protocol; the older ones are a word of their own. */
#define NVSP_VERSION_1 0x00002u
#define NVSP_VERSION_2 0x30002u
#define NVSP_VERSION_4 0x40000u
#define NVSP_VERSION_5 0x50000u
#define NVSP_VERSION_6 0x60000u
#define NVSP_VERSION_6_1 0x60001u

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
#define NVSP_MESSAGE_SEND_NDIS_CONFIG 125u       /* from version 2 on */
#define NVSP_MESSAGE_SEND_VF_ASSOCIATION 128u    /* from 4 on */
#define NVSP_MESSAGE_SWITCH_DATA_PATH 129u       /* from 4 on */
#define NVSP_MESSAGE_SUBCHANNEL 133u             /* from 5 on; request and answer */
#define NVSP_MESSAGE_SEND_INDIRECTION_TABLE 134u /* from 5 on */

#define NVSP_STATUS_SUCCESS 1u
#define NVSP_STATUS_FAIL 2u
#define NVSP_STATUS_PROTOCOL_TOO_NEW 3u
#define NVSP_STATUS_PROTOCOL_TOO_OLD 4u
#define NVSP_STATUS_INVALID_RNDIS_PACKET 5u

#define NVSP_CHANNEL_DATA 0u
#define NVSP_CHANNEL_CONTROL 1u
#define NVSP_SECTION_NONE 0xffffffffu /* the message is in the packet's pages */

#define NVSP_SUBCHANNEL_ALLOCATE 1u

/* How a receive buffer is divided. */
struct nvsp_receive_section {
    uint32_t offset;
    uint32_t sub_allocation_size;
    uint32_t sub_allocation_count;
    uint32_t end_offset;
};

/* A message. Guests check the size of answers against the largest one of any version, so all are
 * sent in full; what a guest sends may be as short as its type needs. */
struct nvsp_message {
    uint32_t type;
    union {
        struct {
            uint32_t minimum_version, maximum_version;
        } init;
        struct {
            uint32_t version;
            uint32_t maximum_chain_length; /* pieces of memory of a message; guests ignore it */
            uint32_t status;
        } init_complete;
        struct {
            uint32_t major, minor;
        } ndis_version;
        struct {
            uint32_t mtu; /* bytes of a frame with its Ethernet header */
            uint32_t reserved;
            uint32_t capabilities[2];
        } ndis_config;
        struct {
            uint32_t gpadl;
            uint16_t id;
        } buffer;
        struct {
            uint16_t id;
        } revoke;
        struct {
            uint32_t status;
            uint32_t section_count;
            struct nvsp_receive_section section;
        } receive_buffer_complete;
        struct {
            uint32_t status;
            uint32_t section_size;
        } send_buffer_complete;
        struct {
            uint32_t channel; /* NVSP_CHANNEL_* */
            uint32_t section; /* of the send buffer, or NVSP_SECTION_NONE */
            uint32_t size;    /* bytes in the section; the rest is in the packet's pages */
        } rndis;
        struct {
            uint32_t status;
        } rndis_complete;
        struct {
            uint32_t operation, count;
        } subchannel;
        struct {
            uint32_t status, count;
        } subchannel_complete;
        uint32_t words[9];
    };
};

_Static_assert(sizeof(struct nvsp_message) == 40, "wire format");
_Static_assert(offsetof(struct nvsp_message, receive_buffer_complete.section) == 12, "wire format");
_Static_assert(offsetof(struct nvsp_message, buffer.id) == 8, "wire format");

#endif
