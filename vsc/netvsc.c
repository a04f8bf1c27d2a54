#include "vsc/netvsc.h"

#include "lib/string.h"

#define CONTROL_ID UINT64_MAX /* transaction of what is not a frame or a request */
#define RECEIVE_BUFFER_ID 0xcafeu
#define SEND_BUFFER_ID 0u
#define ETHERNET_HEADER 14u
#define VLAN_TAG 4u
#define MAXIMUM_TRANSFER 0x4000u /* bytes of a control message to this client, generously */
#define NDIS_VERSION_MAJOR 6u
#define NDIS_VERSION_MINOR 0x1eu

static const uint32_t versions[] = {NVSP_VERSION_6_1, NVSP_VERSION_6, NVSP_VERSION_5,
                                    NVSP_VERSION_4,   NVSP_VERSION_2, NVSP_VERSION_1};

/* --- From the host --- */

static void receive_frame(struct vsc_network *network, const uint8_t *message, uint32_t size)
{
    const uint32_t base = sizeof(struct rndis_header);
    struct rndis_packet packet;

    if (size < sizeof(packet)) {
        network->failed = true;
        return;
    }
    memcpy(&packet, message, sizeof(packet));
    if (packet.data_offset > size - base || packet.data_length > size - base - packet.data_offset) {
        network->failed = true;
        return;
    }
    network->frames++;
    if (network->received != NULL)
        network->received(network->context, message + base + packet.data_offset,
                          packet.data_length);
}

static void receive_status(struct vsc_network *network, const uint8_t *message, uint32_t size)
{
    struct rndis_indicate_status indication = {0};

    memcpy(&indication, message, size < sizeof(indication) ? size : sizeof(indication));
    if (indication.status == RNDIS_STATUS_MEDIA_CONNECT)
        network->link_up = true;
    if (indication.status == RNDIS_STATUS_MEDIA_DISCONNECT)
        network->link_up = false;
}

/* An answer to a control request; one to another than the last is late, nobody waits for it. */
static void receive_response(struct vsc_network *network, const uint8_t *message, uint32_t size)
{
    struct rndis_complete head;

    if (size < sizeof(head) || size > sizeof(network->response)) {
        network->failed = true;
        return;
    }
    memcpy(&head, message, sizeof(head));
    if (head.request_id != network->request_id)
        return;
    memcpy(network->response, message, size);
    network->response_size = size;
    network->responded = true;
}

/* An RNDIS message in the receive buffer. */
static void receive_message(struct vsc_network *network, const struct vmbus_transfer_range *range)
{
    struct rndis_header header;

    if (range->byte_offset > network->receive_size ||
        range->byte_count > network->receive_size - range->byte_offset ||
        range->byte_count < sizeof(header)) {
        network->failed = true;
        return;
    }
    const uint8_t *message = network->receive + range->byte_offset;

    memcpy(&header, message, sizeof(header));
    if (header.length < sizeof(header) || header.length > range->byte_count)
        network->failed = true;
    else if (header.type == RNDIS_MESSAGE_PACKET)
        receive_frame(network, message, header.length);
    else if (header.type == RNDIS_MESSAGE_INDICATE_STATUS)
        receive_status(network, message, header.length);
    else if ((header.type & RNDIS_MESSAGE_COMPLETE) != 0)
        receive_response(network, message, header.length);
}

/* Gives sections of the receive buffer back. */
static void complete(struct vsc_network *network, uint64_t transaction)
{
    const struct nvsp_message message = {.type = NVSP_MESSAGE_RNDIS_PACKET_COMPLETE,
                                         .rndis_complete.status = NVSP_STATUS_SUCCESS};
    struct vmbus_ring_piece piece = {&message, sizeof(message.type) + sizeof(uint32_t)};
    struct vsc_bus *bus = network->channel->bus;
    enum vmbus_ring_status status;

    while ((status = vsc_channel_write(network->channel, VMBUS_PACKET_COMPLETION, 0, transaction, 0,
                                       &piece, 1)) == VMBUS_RING_FULL) {
        vsc_channel_flush(network->channel);
        if (!bus->operations->wait(bus->context))
            break;
    }
    network->failed |= status != VMBUS_RING_OK;
}

static void take_messages(struct vsc_network *network, const struct vmbus_packet *packet)
{
    struct vmbus_transfer_pages transfer;
    struct vmbus_transfer_range range;
    const uint8_t *ranges = network->packet + sizeof(transfer);

    if (packet->descriptor_size < sizeof(transfer)) {
        network->failed = true;
        return;
    }
    memcpy(&transfer, network->packet, sizeof(transfer));
    if (transfer.page_set_id != RECEIVE_BUFFER_ID ||
        transfer.range_count > (packet->descriptor_size - sizeof(transfer)) / sizeof(range)) {
        network->failed = true;
        return;
    }
    for (uint32_t i = 0; i < transfer.range_count && !network->failed; i++) {
        memcpy(&range, ranges + i * sizeof(range), sizeof(range));
        receive_message(network, &range);
    }
    complete(network, packet->transaction_id);
}

static void take_completion(struct vsc_network *network, const struct vmbus_packet *packet)
{
    uint32_t size = packet->size - packet->descriptor_size;
    uint64_t id = packet->transaction_id;

    if (id == CONTROL_ID) {
        memset(&network->answer, 0, sizeof(network->answer));
        memcpy(&network->answer, network->packet + packet->descriptor_size,
               size < sizeof(network->answer) ? size : sizeof(network->answer));
        network->answered = true;
    } else if (id < network->send_section_count && (network->send_busy >> id & 1) != 0) {
        network->send_busy &= ~(1ull << id);
    } else {
        network->failed = true;
    }
}

uint32_t vsc_network_poll(struct vsc_network *network)
{
    uint32_t before = network->frames;
    struct vmbus_packet packet;

    vmbus_ring_mask(&network->channel->incoming);
    while (!network->failed) {
        enum vmbus_ring_status status =
            vsc_channel_read(network->channel, &packet, network->packet, sizeof(network->packet));

        if (status == VMBUS_RING_EMPTY)
            break;
        if (status != VMBUS_RING_OK)
            network->failed = true;
        else if (packet.type == VMBUS_PACKET_TRANSFER_PAGES)
            take_messages(network, &packet);
        else if (packet.type == VMBUS_PACKET_COMPLETION)
            take_completion(network, &packet);
        /* What else the host says by itself is about things that this client does not use. */
    }
    vsc_channel_flush(network->channel);
    return network->frames - before;
}

/* Polls until *@flag. False: it does not come. */
static bool wait_for(struct vsc_network *network, const bool *flag)
{
    struct vsc_bus *bus = network->channel->bus;

    for (;;) {
        vsc_network_poll(network);
        if (*flag)
            return true;
        if (network->failed || !bus->operations->wait(bus->context))
            return false;
    }
}

/* --- To the host --- */

/* A message that is about the channel itself; with @answer, waits for its completion. */
static bool control(struct vsc_network *network, const struct nvsp_message *message, bool answer)
{
    struct vmbus_ring_piece piece = {message, sizeof(*message)};

    network->answered = false;
    if (vsc_channel_write(network->channel, VMBUS_PACKET_DATA_INBAND,
                          answer ? VMBUS_PACKET_FLAG_COMPLETION_REQUESTED : 0, CONTROL_ID, 0,
                          &piece, 1) != VMBUS_RING_OK)
        return false;
    vsc_channel_flush(network->channel);
    return !answer || wait_for(network, &network->answered);
}

/* A section of the send buffer, or -1. */
static int take_section(struct vsc_network *network)
{
    for (uint32_t i = 0; i < network->send_section_count; i++) {
        if ((network->send_busy >> i & 1) == 0)
            return (int)i;
    }
    return -1;
}

/* Sends the RNDIS message of @size bytes that is in @section. */
static bool send_section(struct vsc_network *network, uint32_t section, uint32_t channel,
                         uint32_t size)
{
    const struct nvsp_message message = {
        .type = NVSP_MESSAGE_RNDIS_PACKET,
        .rndis = {.channel = channel, .section = section, .size = size},
    };
    struct vmbus_ring_piece piece = {&message, sizeof(message)};

    if (vsc_channel_write(network->channel, VMBUS_PACKET_DATA_INBAND,
                          VMBUS_PACKET_FLAG_COMPLETION_REQUESTED, section, 0, &piece,
                          1) != VMBUS_RING_OK)
        return false;
    network->send_busy |= 1ull << section;
    return true;
}

bool vsc_network_send(struct vsc_network *network, const void *frame, uint32_t size)
{
    struct rndis_packet head = {
        .header = {RNDIS_MESSAGE_PACKET, (uint32_t)sizeof(head) + size},
        .data_offset = sizeof(head) - sizeof(head.header),
        .data_length = size,
    };
    int section = take_section(network);

    if (network->failed || section < 0 || size > network->mtu + ETHERNET_HEADER + VLAN_TAG ||
        size > network->send_section_size - sizeof(head))
        return false;
    uint8_t *place = network->send + (uint32_t)section * network->send_section_size;

    memcpy(place, &head, sizeof(head));
    memcpy(place + sizeof(head), frame, size);
    return send_section(network, (uint32_t)section, NVSP_CHANNEL_DATA, head.header.length);
}

void vsc_network_submit(struct vsc_network *network)
{
    vsc_channel_flush(network->channel);
}

/* Sends the control request @message of @size bytes; its response is in network->response. */
static bool request(struct vsc_network *network, const void *message, uint32_t size)
{
    int section = take_section(network);

    if (section < 0)
        return false;
    network->responded = false;
    memcpy(network->send + (uint32_t)section * network->send_section_size, message, size);
    if (!send_section(network, (uint32_t)section, NVSP_CHANNEL_CONTROL, size))
        return false;
    vsc_channel_flush(network->channel);
    return wait_for(network, &network->responded);
}

int vsc_network_query(struct vsc_network *network, uint32_t oid, void *value, uint32_t size)
{
    const uint32_t base = sizeof(struct rndis_header);
    const struct rndis_request message = {
        .header = {RNDIS_MESSAGE_QUERY, sizeof(message)},
        .request_id = ++network->request_id,
        .oid = oid,
        .information_offset = sizeof(message) - base,
    };
    struct rndis_query_complete response;

    if (!request(network, &message, sizeof(message)) || network->response_size < sizeof(response))
        return -1;
    memcpy(&response, network->response, sizeof(response));
    uint32_t left = network->response_size - base;

    if (response.status != RNDIS_STATUS_SUCCESS || response.information_offset > left ||
        response.information_length > left - response.information_offset)
        return -1;
    memcpy(value, network->response + base + response.information_offset,
           response.information_length < size ? response.information_length : size);
    return (int)response.information_length;
}

bool vsc_network_set_filter(struct vsc_network *network, uint32_t filter)
{
    const struct {
        struct rndis_request request;
        uint32_t value;
    } message = {
        .request = {.header = {RNDIS_MESSAGE_SET, sizeof(message)},
                    .request_id = ++network->request_id,
                    .oid = OID_GEN_CURRENT_PACKET_FILTER,
                    .information_length = sizeof(filter),
                    .information_offset = sizeof(message.request) - sizeof(struct rndis_header)},
        .value = filter,
    };
    struct rndis_complete response;

    if (!request(network, &message, sizeof(message)))
        return false;
    memcpy(&response, network->response, sizeof(response));
    return response.status == RNDIS_STATUS_SUCCESS;
}

/* --- Opening --- */

static bool negotiate(struct vsc_network *network, uint32_t mtu)
{
    struct nvsp_message message = {.type = NVSP_MESSAGE_INIT};

    for (unsigned i = 0; i < sizeof(versions) / sizeof(versions[0]) && network->version == 0; i++) {
        message.init.minimum_version = message.init.maximum_version = versions[i];
        if (!control(network, &message, true))
            return false;
        if (network->answer.type == NVSP_MESSAGE_INIT_COMPLETE &&
            network->answer.init_complete.status == NVSP_STATUS_SUCCESS)
            network->version = versions[i];
    }
    if (network->version == 0)
        return false;
    message = (struct nvsp_message){.type = NVSP_MESSAGE_SEND_NDIS_CONFIG,
                                    .ndis_config.mtu = mtu + ETHERNET_HEADER};
    if (network->version != NVSP_VERSION_1 && !control(network, &message, false))
        return false;
    message = (struct nvsp_message){.type = NVSP_MESSAGE_SEND_NDIS_VERSION,
                                    .ndis_version = {NDIS_VERSION_MAJOR, NDIS_VERSION_MINOR}};
    return control(network, &message, false);
}

static bool give_receive_buffer(struct vsc_network *network,
                                const struct vsc_network_memory *memory)
{
    network->receive = memory->receive_pages[0];
    network->receive_size = memory->receive_page_count * VMBUS_PAGE_SIZE;
    network->receive_gpadl =
        vsc_gpadl_create(network->channel, memory->receive_pages, memory->receive_page_count);
    const struct nvsp_message message = {
        .type = NVSP_MESSAGE_SEND_RECEIVE_BUFFER,
        .buffer = {.gpadl = network->receive_gpadl, .id = RECEIVE_BUFFER_ID}};

    return network->receive_gpadl != 0 && control(network, &message, true) &&
           network->answer.type == NVSP_MESSAGE_SEND_RECEIVE_BUFFER_COMPLETE &&
           network->answer.receive_buffer_complete.status == NVSP_STATUS_SUCCESS;
}

static bool give_send_buffer(struct vsc_network *network, const struct vsc_network_memory *memory)
{
    uint32_t size = memory->send_page_count * VMBUS_PAGE_SIZE;

    network->send = memory->send_pages[0];
    network->send_gpadl =
        vsc_gpadl_create(network->channel, memory->send_pages, memory->send_page_count);
    const struct nvsp_message message = {
        .type = NVSP_MESSAGE_SEND_SEND_BUFFER,
        .buffer = {.gpadl = network->send_gpadl, .id = SEND_BUFFER_ID}};

    if (network->send_gpadl == 0 || !control(network, &message, true) ||
        network->answer.type != NVSP_MESSAGE_SEND_SEND_BUFFER_COMPLETE ||
        network->answer.send_buffer_complete.status != NVSP_STATUS_SUCCESS)
        return false;
    uint32_t section = network->answer.send_buffer_complete.section_size;

    if (section < sizeof(struct rndis_packet) + ETHERNET_HEADER || section > size)
        return false;
    network->send_section_size = section;
    network->send_section_count =
        size / section < VSC_NETWORK_SECTIONS ? size / section : VSC_NETWORK_SECTIONS;
    return true;
}

/* RNDIS: the adapter's address, MTU and link. */
static bool initialize(struct vsc_network *network, uint32_t mtu)
{
    const struct rndis_initialize message = {
        .header = {RNDIS_MESSAGE_INITIALIZE, sizeof(message)},
        .request_id = ++network->request_id,
        .major = RNDIS_MAJOR_VERSION,
        .minor = RNDIS_MINOR_VERSION,
        .maximum_transfer = MAXIMUM_TRANSFER,
    };
    struct rndis_complete response;
    uint32_t state = NDIS_MEDIA_STATE_CONNECTED;

    if (!request(network, &message, sizeof(message)))
        return false;
    memcpy(&response, network->response, sizeof(response));
    if (response.status != RNDIS_STATUS_SUCCESS ||
        vsc_network_query(network, OID_GEN_MAXIMUM_FRAME_SIZE, &network->mtu,
                          sizeof(network->mtu)) != sizeof(network->mtu) ||
        vsc_network_query(network, OID_802_3_CURRENT_ADDRESS, network->mac, sizeof(network->mac)) !=
            sizeof(network->mac) ||
        vsc_network_query(network, OID_GEN_MEDIA_CONNECT_STATUS, &state, sizeof(state)) !=
            sizeof(state))
        return false;
    if (network->mtu > mtu)
        network->mtu = mtu;
    network->link_up = state == NDIS_MEDIA_STATE_CONNECTED;
    return true;
}

bool vsc_network_open(struct vsc_network *network, struct vsc_channel *channel,
                      const struct vsc_network_memory *memory, uint32_t mtu, uint32_t vp)
{
    *network = (struct vsc_network){.channel = channel};
    if (!vsc_channel_open(channel, memory->ring_pages, memory->ring_page_count, vp))
        return false;
    if (negotiate(network, mtu) && give_receive_buffer(network, memory) &&
        give_send_buffer(network, memory) && initialize(network, mtu))
        return true;
    vsc_network_close(network);
    return false;
}

static void halt(struct vsc_network *network)
{
    const struct {
        struct rndis_header header;
        uint32_t request_id;
    } message = {{RNDIS_MESSAGE_HALT, sizeof(message)}, ++network->request_id};
    int section = take_section(network);

    if (section < 0)
        return;
    memcpy(network->send + (uint32_t)section * network->send_section_size, &message,
           sizeof(message));
    if (send_section(network, (uint32_t)section, NVSP_CHANNEL_CONTROL, sizeof(message)))
        vsc_channel_flush(network->channel);
}

void vsc_network_close(struct vsc_network *network)
{
    struct vsc_channel *channel = network->channel;
    bool rescinded = channel->rescinded;

    /* The host forgets the buffers when the channel is closed; this is for its frames' sake. */
    halt(network);
    vsc_channel_close(channel);
    if (rescinded)
        return;
    if (network->receive_gpadl != 0)
        vsc_gpadl_teardown(channel, network->receive_gpadl);
    if (network->send_gpadl != 0)
        vsc_gpadl_teardown(channel, network->send_gpadl);
}
