/* RNDIS control messages, and what they do to the adapter. */
#include "lib/string.h"
#include "vsp/netvsp/internal.h"

static uint32_t initialize(struct netvsp *adapter)
{
    struct rndis_initialize request;
    struct rndis_initialize_complete response = {
        .header = {RNDIS_MESSAGE_INITIALIZE | RNDIS_MESSAGE_COMPLETE, sizeof(response)},
        .major = RNDIS_MAJOR_VERSION,
        .minor = RNDIS_MINOR_VERSION,
        .device_flags = RNDIS_DEVICE_CONNECTIONLESS,
        .medium = RNDIS_MEDIUM_802_3,
        .maximum_packets = NETVSP_PACKETS_MAX,
        .maximum_transfer = NETVSP_TRANSFER_MAX,
        .alignment = NETVSP_ALIGNMENT,
    };

    memcpy(&request, adapter->request, sizeof(request));
    response.request_id = request.request_id;
    if (request.major == RNDIS_MAJOR_VERSION) {
        rndis_halt(adapter);
        adapter->initialized = true;
        /* Guests that do not ask take it for granted. */
        adapter->link_told = true;
    } else {
        response.status = RNDIS_STATUS_BAD_VERSION;
    }
    memcpy(adapter->response, &response, sizeof(response));
    return sizeof(response);
}

static uint32_t query(struct netvsp *adapter, const struct rndis_request *request)
{
    struct rndis_query_complete response = {
        .header.type = RNDIS_MESSAGE_QUERY | RNDIS_MESSAGE_COMPLETE,
        .request_id = request->request_id,
        .status = RNDIS_STATUS_ADAPTER_NOT_READY,
    };

    if (adapter->initialized)
        response.status =
            rndis_object_get(adapter, request->oid, adapter->response + sizeof(response),
                             &response.information_length);
    if (response.status == RNDIS_STATUS_SUCCESS)
        response.information_offset = sizeof(response) - sizeof(response.header);
    response.header.length = (uint32_t)sizeof(response) + response.information_length;
    memcpy(adapter->response, &response, sizeof(response));
    return response.header.length;
}

/* @length: of the message, all of which has been copied. */
static uint32_t set(struct netvsp *adapter, const struct rndis_request *request, uint32_t length)
{
    const uint32_t base = sizeof(struct rndis_header);
    uint32_t offset = request->information_offset;

    if (!adapter->initialized)
        return RNDIS_STATUS_ADAPTER_NOT_READY;
    if (offset < sizeof(*request) - base - sizeof(request->device_handle) ||
        offset > length - base || request->information_length > length - base - offset)
        return RNDIS_STATUS_INVALID_DATA;
    return rndis_object_set(adapter, request->oid, adapter->request + base + offset,
                            request->information_length);
}

/* The answer that is a status only. */
static uint32_t complete(struct netvsp *adapter, uint32_t type, uint32_t id, uint32_t status)
{
    struct rndis_complete response = {
        .header = {type | RNDIS_MESSAGE_COMPLETE, sizeof(response)},
        .request_id = id,
        .status = status,
    };

    memcpy(adapter->response, &response, sizeof(response));
    return sizeof(response);
}

static uint32_t reset(struct netvsp *adapter)
{
    struct rndis_reset_complete response = {
        .header = {RNDIS_MESSAGE_RESET | RNDIS_MESSAGE_COMPLETE, sizeof(response)},
    };

    memcpy(adapter->response, &response, sizeof(response));
    return sizeof(response);
}

/* Bytes that a message of @type has at least; 0: no such message. */
static uint32_t least_size(uint32_t type)
{
    switch (type) {
    case RNDIS_MESSAGE_INITIALIZE:
        return sizeof(struct rndis_initialize);
    case RNDIS_MESSAGE_QUERY:
    case RNDIS_MESSAGE_SET:
        return sizeof(struct rndis_request);
    case RNDIS_MESSAGE_HALT:
    case RNDIS_MESSAGE_RESET:
    case RNDIS_MESSAGE_KEEPALIVE:
        return sizeof(struct rndis_header) + sizeof(uint32_t);
    default:
        return 0;
    }
}

uint32_t rndis_control(struct netvsp *adapter, uint32_t size)
{
    struct rndis_request request = {0};
    uint32_t copied = size < sizeof(request) ? size : (uint32_t)sizeof(request);

    memcpy(&request, adapter->request, copied);
    uint32_t type = request.header.type, length = request.header.length;
    uint32_t least = least_size(type);

    if (least == 0 || size < sizeof(request.header) + sizeof(request.request_id))
        return 0; /* nothing that has an answer */
    if (length < least || length > size)
        return complete(adapter, type, request.request_id, RNDIS_STATUS_INVALID_LENGTH);
    switch (type) {
    case RNDIS_MESSAGE_INITIALIZE:
        return initialize(adapter);
    case RNDIS_MESSAGE_QUERY:
        return query(adapter, &request);
    case RNDIS_MESSAGE_SET:
        return complete(adapter, type, request.request_id, set(adapter, &request, length));
    case RNDIS_MESSAGE_RESET:
        return reset(adapter);
    case RNDIS_MESSAGE_KEEPALIVE:
        return complete(adapter, type, request.request_id, RNDIS_STATUS_SUCCESS);
    default: /* HALT: the guest does not wait */
        rndis_halt(adapter);
        return 0;
    }
}

void rndis_halt(struct netvsp *adapter)
{
    adapter->initialized = false;
    if (adapter->filter != 0)
        adapter->network->set_filter(adapter->context, 0);
    adapter->filter = 0;
}
