/* Wire formats of Remote NDIS as network adapters on VMBus use it: control messages, packets, and
 * the object identifiers (OIDs) of queries. Little-endian. All offsets inside messages count from
 * the end of struct rndis_header. */
#ifndef VENEER_VMBUS_RNDIS_H
#define VENEER_VMBUS_RNDIS_H

#include <stddef.h>
#include <stdint.h>

#define RNDIS_MESSAGE_PACKET 1u
#define RNDIS_MESSAGE_INITIALIZE 2u
#define RNDIS_MESSAGE_HALT 3u
#define RNDIS_MESSAGE_QUERY 4u
#define RNDIS_MESSAGE_SET 5u
#define RNDIS_MESSAGE_RESET 6u
#define RNDIS_MESSAGE_INDICATE_STATUS 7u
#define RNDIS_MESSAGE_KEEPALIVE 8u
#define RNDIS_MESSAGE_COMPLETE 0x80000000u /* of an answer, besides the request's type */

#define RNDIS_STATUS_SUCCESS 0u
#define RNDIS_STATUS_MEDIA_CONNECT 0x4001000bu
#define RNDIS_STATUS_MEDIA_DISCONNECT 0x4001000cu
#define RNDIS_STATUS_NOT_SUPPORTED 0xc00000bbu
#define RNDIS_STATUS_BAD_VERSION 0xc0010004u
#define RNDIS_STATUS_ADAPTER_NOT_READY 0xc0010011u
#define RNDIS_STATUS_INVALID_LENGTH 0xc0010014u
#define RNDIS_STATUS_INVALID_DATA 0xc0010015u

#define RNDIS_MAJOR_VERSION 1u
#define RNDIS_MINOR_VERSION 0u
#define RNDIS_DEVICE_CONNECTIONLESS 1u
#define RNDIS_MEDIUM_802_3 0u

struct rndis_header {
    uint32_t type;
    uint32_t length; /* bytes of the message with this header */
};

struct rndis_initialize {
    struct rndis_header header;
    uint32_t request_id;
    uint32_t major, minor;
    uint32_t maximum_transfer; /* bytes of a message to the guest */
};

struct rndis_initialize_complete {
    struct rndis_header header;
    uint32_t request_id, status;
    uint32_t major, minor;
    uint32_t device_flags, medium;
    uint32_t maximum_packets;  /* in a message of the guest's */
    uint32_t maximum_transfer; /* bytes of such a message */
    uint32_t alignment;        /* of the packets in it: a power of two, this is its exponent */
    uint32_t address_family_offset, address_family_size;
};

/* A query or a set; its information is what is asked with, or to be set. */
struct rndis_request {
    struct rndis_header header;
    uint32_t request_id;
    uint32_t oid;
    uint32_t information_length, information_offset;
    uint32_t device_handle;
};

/* Completes HALT's and others' requests that have no more to say: set, keep-alive. */
struct rndis_complete {
    struct rndis_header header;
    uint32_t request_id, status;
};

struct rndis_query_complete {
    struct rndis_header header;
    uint32_t request_id, status;
    uint32_t information_length, information_offset;
};

struct rndis_reset_complete {
    struct rndis_header header;
    uint32_t status;
    uint32_t addressing_reset; /* not 0: packet filter and multicast list are to be set again */
};

struct rndis_indicate_status {
    struct rndis_header header;
    uint32_t status;
    uint32_t buffer_length, buffer_offset;
};

/* A frame. */
struct rndis_packet {
    struct rndis_header header;
    uint32_t data_offset, data_length;
    uint32_t oob_offset, oob_length, oob_count;
    uint32_t info_offset, info_length; /* per-packet information */
    uint32_t vc_handle, reserved;
};

#define RNDIS_INFO_CHECKSUM 0u
#define RNDIS_INFO_LARGE_SEND 2u
#define RNDIS_INFO_VLAN 6u              /* bits 2:0 priority, 3 CFI, 15:4 VLAN */
#define RNDIS_INFO_INTERNAL 0x80000000u /* of @type: the numbers of types are others */

/* A piece of per-packet information. */
struct rndis_packet_info {
    uint32_t size; /* bytes with this header */
    uint32_t type;
    uint32_t offset; /* of the value, from the start of this header */
};

/* What an adapter is to receive. */
#define RNDIS_PACKET_TYPE_DIRECTED 0x01u
#define RNDIS_PACKET_TYPE_MULTICAST 0x02u
#define RNDIS_PACKET_TYPE_ALL_MULTICAST 0x04u
#define RNDIS_PACKET_TYPE_BROADCAST 0x08u
#define RNDIS_PACKET_TYPE_PROMISCUOUS 0x20u

#define OID_GEN_SUPPORTED_LIST 0x00010101u
#define OID_GEN_HARDWARE_STATUS 0x00010102u
#define OID_GEN_MEDIA_SUPPORTED 0x00010103u
#define OID_GEN_MEDIA_IN_USE 0x00010104u
#define OID_GEN_MAXIMUM_LOOKAHEAD 0x00010105u
#define OID_GEN_MAXIMUM_FRAME_SIZE 0x00010106u /* bytes of payload */
#define OID_GEN_LINK_SPEED 0x00010107u         /* 100 bit/s */
#define OID_GEN_TRANSMIT_BUFFER_SPACE 0x00010108u
#define OID_GEN_RECEIVE_BUFFER_SPACE 0x00010109u
#define OID_GEN_TRANSMIT_BLOCK_SIZE 0x0001010au
#define OID_GEN_RECEIVE_BLOCK_SIZE 0x0001010bu
#define OID_GEN_VENDOR_ID 0x0001010cu
#define OID_GEN_VENDOR_DESCRIPTION 0x0001010du
#define OID_GEN_CURRENT_PACKET_FILTER 0x0001010eu
#define OID_GEN_CURRENT_LOOKAHEAD 0x0001010fu
#define OID_GEN_DRIVER_VERSION 0x00010110u
#define OID_GEN_MAXIMUM_TOTAL_SIZE 0x00010111u
#define OID_GEN_MAC_OPTIONS 0x00010113u
#define OID_GEN_MEDIA_CONNECT_STATUS 0x00010114u
#define OID_GEN_MAXIMUM_SEND_PACKETS 0x00010115u
#define OID_GEN_VENDOR_DRIVER_VERSION 0x00010116u
#define OID_GEN_PHYSICAL_MEDIUM 0x00010202u
#define OID_GEN_RECEIVE_SCALE_CAPABILITIES 0x00010203u
#define OID_GEN_RECEIVE_SCALE_PARAMETERS 0x00010204u
#define OID_GEN_RNDIS_CONFIG_PARAMETER 0x0001021bu
#define OID_GEN_XMIT_OK 0x00020101u
#define OID_GEN_RCV_OK 0x00020102u
#define OID_GEN_XMIT_ERROR 0x00020103u
#define OID_GEN_RCV_ERROR 0x00020104u
#define OID_GEN_RCV_NO_BUFFER 0x00020105u
#define OID_GEN_FRIENDLY_NAME 0x00020216u
#define OID_802_3_PERMANENT_ADDRESS 0x01010101u
#define OID_802_3_CURRENT_ADDRESS 0x01010102u
#define OID_802_3_MULTICAST_LIST 0x01010103u
#define OID_802_3_MAXIMUM_LIST_SIZE 0x01010104u
#define OID_802_3_RCV_ERROR_ALIGNMENT 0x01020101u
#define OID_802_3_XMIT_ONE_COLLISION 0x01020102u
#define OID_802_3_XMIT_MORE_COLLISIONS 0x01020103u
#define OID_TCP_OFFLOAD_CURRENT_CONFIG 0xfc01020bu
#define OID_TCP_OFFLOAD_PARAMETERS 0xfc01020cu
#define OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES 0xfc01020du

#define NDIS_MEDIA_STATE_CONNECTED 0u
#define NDIS_MEDIA_STATE_DISCONNECTED 1u
#define NDIS_PHYSICAL_MEDIUM_802_3 14u
#define NDIS_MAC_OPTION_NO_LOOPBACK 0x08u
#define NDIS_MAC_OPTION_FULL_DUPLEX 0x10u

/* In front of structures that grow with the revisions of NDIS. */
struct ndis_object_header {
    uint8_t type, revision;
    uint16_t size; /* bytes with this header */
};

#define NDIS_OBJECT_TYPE_DEFAULT 0x80u
#define NDIS_OBJECT_TYPE_RSS_CAPABILITIES 0x88u
#define NDIS_OBJECT_TYPE_OFFLOAD 0xa7u

/* Sizes of what an adapter can do for its guest, which is all zero but the header here. */
#define NDIS_OFFLOAD_SIZE_REVISION_1 112u
#define NDIS_OFFLOAD_SIZE_REVISION_2 144u
#define NDIS_OFFLOAD_SIZE_REVISION_3 156u

/* The bytes of OID_TCP_OFFLOAD_PARAMETERS behind its header: one for each kind of offload. */
#define NDIS_OFFLOAD_NO_CHANGE 0u
#define NDIS_OFFLOAD_DISABLED 1u
#define NDIS_OFFLOAD_KINDS 11u

struct ndis_receive_scale_capabilities {
    struct ndis_object_header header;
    uint32_t flags;
    uint32_t interrupt_count;
    uint32_t queue_count;
    uint16_t table_entry_count;
} __attribute__((packed));

_Static_assert(sizeof(struct rndis_header) == 8, "wire format");
_Static_assert(sizeof(struct rndis_initialize) == 24, "wire format");
_Static_assert(sizeof(struct rndis_initialize_complete) == 52, "wire format");
_Static_assert(sizeof(struct rndis_request) == 28, "wire format");
_Static_assert(sizeof(struct rndis_complete) == 16, "wire format");
_Static_assert(sizeof(struct rndis_query_complete) == 24, "wire format");
_Static_assert(sizeof(struct rndis_reset_complete) == 16, "wire format");
_Static_assert(sizeof(struct rndis_indicate_status) == 20, "wire format");
_Static_assert(sizeof(struct rndis_packet) == 44, "wire format");
_Static_assert(offsetof(struct rndis_packet, info_offset) == 28, "wire format");
_Static_assert(sizeof(struct rndis_packet_info) == 12, "wire format");
_Static_assert(sizeof(struct ndis_receive_scale_capabilities) == 18, "wire format");

#endif
