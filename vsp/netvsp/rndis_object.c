/* The objects (OIDs) of the adapter that a guest may query and set. */
#include "lib/string.h"
#include "vsp/netvsp/internal.h"

#define LINK_SPEED 100000000u /* 10 Gbit/s in units of 100 bit/s */
#define MULTICAST_LIST_MAX 32u
#define VENDOR_ID 0xffffffu    /* none */
#define DRIVER_VERSION 0x0600u /* of NDIS: 6.0 */
#define VENDOR_DRIVER_VERSION 1u
#define PACKET_TYPES                                                                               \
    (RNDIS_PACKET_TYPE_DIRECTED | RNDIS_PACKET_TYPE_MULTICAST | RNDIS_PACKET_TYPE_ALL_MULTICAST |  \
     RNDIS_PACKET_TYPE_BROADCAST | RNDIS_PACKET_TYPE_PROMISCUOUS)
#define OBJECT_MAX (NETVSP_RESPONSE_MAX - sizeof(struct rndis_query_complete))

static const char vendor[] = "Veneer network adapter";

static const uint32_t supported[] = {
    OID_GEN_SUPPORTED_LIST,
    OID_GEN_HARDWARE_STATUS,
    OID_GEN_MEDIA_SUPPORTED,
    OID_GEN_MEDIA_IN_USE,
    OID_GEN_MAXIMUM_LOOKAHEAD,
    OID_GEN_MAXIMUM_FRAME_SIZE,
    OID_GEN_LINK_SPEED,
    OID_GEN_TRANSMIT_BUFFER_SPACE,
    OID_GEN_RECEIVE_BUFFER_SPACE,
    OID_GEN_TRANSMIT_BLOCK_SIZE,
    OID_GEN_RECEIVE_BLOCK_SIZE,
    OID_GEN_VENDOR_ID,
    OID_GEN_VENDOR_DESCRIPTION,
    OID_GEN_CURRENT_PACKET_FILTER,
    OID_GEN_CURRENT_LOOKAHEAD,
    OID_GEN_DRIVER_VERSION,
    OID_GEN_MAXIMUM_TOTAL_SIZE,
    OID_GEN_MAC_OPTIONS,
    OID_GEN_MEDIA_CONNECT_STATUS,
    OID_GEN_MAXIMUM_SEND_PACKETS,
    OID_GEN_VENDOR_DRIVER_VERSION,
    OID_GEN_PHYSICAL_MEDIUM,
    OID_GEN_RECEIVE_SCALE_CAPABILITIES,
    OID_GEN_XMIT_OK,
    OID_GEN_RCV_OK,
    OID_GEN_XMIT_ERROR,
    OID_GEN_RCV_ERROR,
    OID_GEN_RCV_NO_BUFFER,
    OID_802_3_PERMANENT_ADDRESS,
    OID_802_3_CURRENT_ADDRESS,
    OID_802_3_MULTICAST_LIST,
    OID_802_3_MAXIMUM_LIST_SIZE,
    OID_802_3_RCV_ERROR_ALIGNMENT,
    OID_802_3_XMIT_ONE_COLLISION,
    OID_802_3_XMIT_MORE_COLLISIONS,
    OID_TCP_OFFLOAD_CURRENT_CONFIG,
    OID_TCP_OFFLOAD_PARAMETERS,
    OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES,
};

_Static_assert(sizeof(supported) <= OBJECT_MAX && NDIS_OFFLOAD_SIZE_REVISION_3 <= OBJECT_MAX,
               "all values fit");

/* --- Queries --- */

/* Counters of 32 bits wrap. False: @oid is no counter. */
static bool get_counter(struct netvsp *adapter, uint32_t oid, uint32_t *number)
{
    struct netvsp_statistics statistics;

    netvsp_get_statistics(adapter, &statistics);
    switch (oid) {
    case OID_GEN_XMIT_OK:
        *number = (uint32_t)statistics.sent.packets;
        return true;
    case OID_GEN_RCV_OK:
        *number = (uint32_t)statistics.received.packets;
        return true;
    case OID_GEN_XMIT_ERROR:
        *number = (uint32_t)statistics.sent.errors;
        return true;
    case OID_GEN_RCV_ERROR:
        *number = (uint32_t)statistics.received.errors;
        return true;
    case OID_GEN_RCV_NO_BUFFER:
        *number = (uint32_t)statistics.received.dropped;
        return true;
    case OID_802_3_RCV_ERROR_ALIGNMENT: /* there is no wire on which that could happen */
    case OID_802_3_XMIT_ONE_COLLISION:
    case OID_802_3_XMIT_MORE_COLLISIONS:
        *number = 0;
        return true;
    default:
        return false;
    }
}

/* The guest knows the link's state from now on. */
static uint32_t get_link(struct netvsp *adapter)
{
    adapter->link_told = __atomic_load_n(&adapter->link_up, __ATOMIC_ACQUIRE);
    return adapter->link_told ? NDIS_MEDIA_STATE_CONNECTED : NDIS_MEDIA_STATE_DISCONNECTED;
}

/* False: @oid is no number. */
static bool get_number(struct netvsp *adapter, uint32_t oid, uint32_t *number)
{
    switch (oid) {
    case OID_GEN_HARDWARE_STATUS: /* ready */
        *number = 0;
        return true;
    case OID_GEN_MEDIA_SUPPORTED:
    case OID_GEN_MEDIA_IN_USE:
        *number = RNDIS_MEDIUM_802_3;
        return true;
    case OID_GEN_PHYSICAL_MEDIUM:
        *number = NDIS_PHYSICAL_MEDIUM_802_3;
        return true;
    case OID_GEN_MAXIMUM_LOOKAHEAD:
    case OID_GEN_CURRENT_LOOKAHEAD:
    case OID_GEN_MAXIMUM_FRAME_SIZE:
        *number = adapter->mtu;
        return true;
    case OID_GEN_MAXIMUM_TOTAL_SIZE:
    case OID_GEN_TRANSMIT_BLOCK_SIZE:
    case OID_GEN_RECEIVE_BLOCK_SIZE:
        *number = adapter->mtu + NET_HEADER_SIZE;
        return true;
    case OID_GEN_TRANSMIT_BUFFER_SPACE:
        *number = adapter->send_pages ? adapter->send_sections * NETVSP_SEND_SECTION_SIZE : 0;
        return true;
    case OID_GEN_RECEIVE_BUFFER_SPACE:
        *number = adapter->receive.section_count * adapter->receive.section_size;
        return true;
    case OID_GEN_MEDIA_CONNECT_STATUS:
        *number = get_link(adapter);
        return true;
    case OID_GEN_CURRENT_PACKET_FILTER:
        *number = adapter->filter;
        return true;
    default:
        return get_counter(adapter, oid, number);
    }
}

/* What never changes. False: @oid is no such number. */
static bool get_constant(uint32_t oid, uint32_t *number)
{
    static const struct {
        uint32_t oid, number;
    } constants[] = {
        {OID_GEN_LINK_SPEED, LINK_SPEED},
        {OID_GEN_VENDOR_ID, VENDOR_ID},
        {OID_GEN_DRIVER_VERSION, DRIVER_VERSION},
        {OID_GEN_VENDOR_DRIVER_VERSION, VENDOR_DRIVER_VERSION},
        {OID_GEN_MAC_OPTIONS, NDIS_MAC_OPTION_NO_LOOPBACK | NDIS_MAC_OPTION_FULL_DUPLEX},
        {OID_GEN_MAXIMUM_SEND_PACKETS, NETVSP_PACKETS_MAX},
        {OID_802_3_MAXIMUM_LIST_SIZE, MULTICAST_LIST_MAX},
    };

    for (unsigned i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        if (constants[i].oid == oid) {
            *number = constants[i].number;
            return true;
        }
    }
    return false;
}

/* One queue: the guest need not ask for further channels. */
static uint32_t get_receive_scale(uint8_t *value)
{
    struct ndis_receive_scale_capabilities capabilities = {
        .header = {.type = NDIS_OBJECT_TYPE_RSS_CAPABILITIES,
                   .revision = 2,
                   .size = sizeof(capabilities)},
        .queue_count = 1,
    };

    memcpy(value, &capabilities, sizeof(capabilities));
    return sizeof(capabilities);
}

/* None: frames between children need no work that a checksum would save, and others would need it
 * done here. The size is that of the revision which belongs to the guest's version. */
static uint32_t get_offload(const struct netvsp *adapter, uint8_t *value)
{
    struct ndis_object_header header = {NDIS_OBJECT_TYPE_OFFLOAD, 3, NDIS_OFFLOAD_SIZE_REVISION_3};

    if (adapter->version < NVSP_VERSION_5)
        header =
            (struct ndis_object_header){NDIS_OBJECT_TYPE_OFFLOAD, 2, NDIS_OFFLOAD_SIZE_REVISION_2};
    if (adapter->version < NVSP_VERSION_4)
        header =
            (struct ndis_object_header){NDIS_OBJECT_TYPE_OFFLOAD, 1, NDIS_OFFLOAD_SIZE_REVISION_1};
    memset(value, 0, header.size);
    memcpy(value, &header, sizeof(header));
    return header.size;
}

uint32_t rndis_object_get(struct netvsp *adapter, uint32_t oid, uint8_t *value, uint32_t *size)
{
    uint32_t number;

    *size = 0;
    if (get_constant(oid, &number) || get_number(adapter, oid, &number)) {
        memcpy(value, &number, sizeof(number));
        *size = sizeof(number);
        return RNDIS_STATUS_SUCCESS;
    }
    switch (oid) {
    case OID_GEN_SUPPORTED_LIST:
        memcpy(value, supported, sizeof(supported));
        *size = sizeof(supported);
        return RNDIS_STATUS_SUCCESS;
    case OID_GEN_VENDOR_DESCRIPTION:
        memcpy(value, vendor, sizeof(vendor));
        *size = sizeof(vendor);
        return RNDIS_STATUS_SUCCESS;
    case OID_GEN_RECEIVE_SCALE_CAPABILITIES:
        *size = get_receive_scale(value);
        return RNDIS_STATUS_SUCCESS;
    case OID_802_3_PERMANENT_ADDRESS:
    case OID_802_3_CURRENT_ADDRESS:
        memcpy(value, &adapter->mac, sizeof(adapter->mac));
        *size = sizeof(adapter->mac);
        return RNDIS_STATUS_SUCCESS;
    case OID_802_3_MULTICAST_LIST: /* none is kept: see set_multicast() */
        return RNDIS_STATUS_SUCCESS;
    case OID_TCP_OFFLOAD_CURRENT_CONFIG:
    case OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES:
        *size = get_offload(adapter, value);
        return RNDIS_STATUS_SUCCESS;
    default:
        return RNDIS_STATUS_NOT_SUPPORTED;
    }
}

/* --- Setting --- */

static uint32_t set_filter(struct netvsp *adapter, const uint8_t *value, uint32_t size)
{
    uint32_t filter;

    if (size < sizeof(filter))
        return RNDIS_STATUS_INVALID_LENGTH;
    memcpy(&filter, value, sizeof(filter));
    if ((filter & ~PACKET_TYPES) != 0)
        return RNDIS_STATUS_NOT_SUPPORTED;
    adapter->filter = filter;
    adapter->network->set_filter(adapter->context, filter);
    return RNDIS_STATUS_SUCCESS;
}

/* All of multicast is received when some of it is wanted, and the guest picks. */
static uint32_t set_multicast(uint32_t size)
{
    return size % MAC_SIZE == 0 && size <= MULTICAST_LIST_MAX * MAC_SIZE
               ? RNDIS_STATUS_SUCCESS
               : RNDIS_STATUS_INVALID_LENGTH;
}

/* Nothing may be turned on. */
static uint32_t set_offload(const uint8_t *value, uint32_t size)
{
    struct ndis_object_header header;

    if (size < sizeof(header) + NDIS_OFFLOAD_KINDS)
        return RNDIS_STATUS_INVALID_LENGTH;
    memcpy(&header, value, sizeof(header));
    if (header.type != NDIS_OBJECT_TYPE_DEFAULT)
        return RNDIS_STATUS_INVALID_DATA;
    for (unsigned i = 0; i < NDIS_OFFLOAD_KINDS; i++) {
        if (value[sizeof(header) + i] > NDIS_OFFLOAD_DISABLED)
            return RNDIS_STATUS_NOT_SUPPORTED;
    }
    return RNDIS_STATUS_SUCCESS;
}

uint32_t rndis_object_set(struct netvsp *adapter, uint32_t oid, const uint8_t *value, uint32_t size)
{
    switch (oid) {
    case OID_GEN_CURRENT_PACKET_FILTER:
        return set_filter(adapter, value, size);
    case OID_GEN_CURRENT_LOOKAHEAD: /* frames are always whole */
        return size >= sizeof(uint32_t) ? RNDIS_STATUS_SUCCESS : RNDIS_STATUS_INVALID_LENGTH;
    case OID_802_3_MULTICAST_LIST:
        return set_multicast(size);
    case OID_TCP_OFFLOAD_PARAMETERS:
        return set_offload(value, size);
    default:
        return RNDIS_STATUS_NOT_SUPPORTED;
    }
}
