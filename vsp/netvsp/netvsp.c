/* The adapter: its channel, what goes to the guest, and the link. */
#include "vsp/netvsp/netvsp.h"

#include "lib/string.h"
#include "parent/include/memory.h"
#include "vsp/netvsp/internal.h"

#define PACKETS_PER_TURN 64u /* of the guest's, until what was written is shown to it */

/* --- To the guest --- */

/* Sends what waits in the receive buffer. False: the ring is full, or broken. */
static bool write_messages(struct netvsp *adapter, enum receive_kind kind)
{
    struct {
        struct vmbus_transfer_pages transfer;
        struct vmbus_transfer_range ranges[NETVSP_BATCH];
    } descriptor = {.transfer.page_set_id = adapter->receive_id};
    const struct nvsp_message message = {
        .type = NVSP_MESSAGE_RNDIS_PACKET,
        .rndis = {.channel = kind == RECEIVE_DATA ? NVSP_CHANNEL_DATA : NVSP_CHANNEL_CONTROL,
                  .section = NVSP_SECTION_NONE},
    };

    for (;;) {
        uint64_t flags = spin_lock(&adapter->lock);
        uint32_t count =
            receive_buffer_peek(&adapter->receive, kind, descriptor.ranges, NETVSP_BATCH);
        uint64_t transaction = receive_buffer_transaction(&adapter->receive, kind);

        spin_unlock(&adapter->lock, flags);
        if (count == 0)
            return true;
        uint32_t size =
            (uint32_t)(sizeof(descriptor.transfer) + count * sizeof(descriptor.ranges[0]));
        struct vmbus_ring_piece pieces[] = {{&descriptor, size}, {&message, sizeof(message)}};

        descriptor.transfer.range_count = count;
        if (vmbus_channel_write(adapter->channel, VMBUS_PACKET_TRANSFER_PAGES,
                                VMBUS_PACKET_FLAG_COMPLETION_REQUESTED, transaction, size, pieces,
                                2) != VMBUS_RING_OK)
            return false;
        flags = spin_lock(&adapter->lock);
        receive_buffer_sent(&adapter->receive, kind, count);
        spin_unlock(&adapter->lock, flags);
    }
}

/* Queues a control message to the guest. False: it has no room for one. */
static bool queue_control(struct netvsp *adapter, const void *message, uint32_t size)
{
    uint64_t flags = spin_lock(&adapter->lock);
    uint16_t section = receive_buffer_take(&adapter->receive, RECEIVE_CONTROL);

    if (section != RECEIVE_SECTION_NONE) {
        receive_buffer_write(&adapter->receive, section, 0, message, size);
        receive_buffer_ready(&adapter->receive, RECEIVE_CONTROL, section, size);
    }
    spin_unlock(&adapter->lock, flags);
    return section != RECEIVE_SECTION_NONE;
}

/* Tells the guest about its link, if that has changed since it was told. */
static void announce_link(struct netvsp *adapter)
{
    bool up = __atomic_load_n(&adapter->link_up, __ATOMIC_ACQUIRE);
    struct rndis_indicate_status message = {
        .header = {RNDIS_MESSAGE_INDICATE_STATUS, sizeof(message)},
        .status = up ? RNDIS_STATUS_MEDIA_CONNECT : RNDIS_STATUS_MEDIA_DISCONNECT,
    };

    if (!adapter->initialized || adapter->link_told == up)
        return;
    /* Without room, it is tried again when the guest has given sections back. */
    if (queue_control(adapter, &message, sizeof(message)))
        adapter->link_told = up;
}

/* Writes the answer that waits. False: there is no room in the ring. */
static bool write_answer(struct netvsp *adapter)
{
    struct vmbus_ring_piece piece = {&adapter->answer, adapter->answer_size};

    if (adapter->answering &&
        vmbus_channel_write(adapter->channel, VMBUS_PACKET_COMPLETION, 0,
                            adapter->answer_transaction, 0, &piece, 1) != VMBUS_RING_OK)
        return false;
    adapter->answering = false;
    return true;
}

/* --- From the guest --- */

/* A control message. The NVSP status of its transfer, or 0: the channel fails. */
static uint32_t take_control(struct netvsp *adapter)
{
    uint32_t size = adapter->message.size;

    if (adapter->receive.pages == NULL)
        return NVSP_STATUS_FAIL; /* there is nowhere to answer */
    if (size > sizeof(adapter->request))
        size = sizeof(adapter->request);
    transmit_copy(&adapter->message, 0, adapter->request, size);
    uint32_t response = rndis_control(adapter, size);

    if (response > 0 && !queue_control(adapter, adapter->response, response)) {
        vmbus_channel_fail(adapter->channel,
                           "the guest sends control requests without taking the answers");
        return 0;
    }
    return NVSP_STATUS_SUCCESS;
}

/* A message with frames or a control message. The NVSP status, or 0: the channel fails. */
static uint32_t take_rndis(struct netvsp *adapter, const struct vmbus_packet *packet,
                           const struct nvsp_message *nvsp)
{
    if (!transmit_gather(adapter, packet, nvsp))
        return NVSP_STATUS_INVALID_RNDIS_PACKET;
    if (nvsp->rndis.channel == NVSP_CHANNEL_CONTROL)
        return take_control(adapter);
    if (nvsp->rndis.channel != NVSP_CHANNEL_DATA || !adapter->initialized)
        return NVSP_STATUS_FAIL;
    return transmit_frames(adapter) ? NVSP_STATUS_SUCCESS : NVSP_STATUS_INVALID_RNDIS_PACKET;
}

/* The guest gives sections back. False: the channel fails. */
static bool take_completion(struct netvsp *adapter, const struct vmbus_packet *packet)
{
    uint64_t flags = spin_lock(&adapter->lock);
    bool good = receive_buffer_complete(&adapter->receive, packet->transaction_id);

    spin_unlock(&adapter->lock, flags);
    if (!good)
        vmbus_channel_fail(adapter->channel, "the guest completes what it was not sent");
    return good;
}

/* False: the channel fails. */
static bool handle(struct netvsp *adapter, const struct vmbus_packet *packet)
{
    uint32_t size = packet->size - packet->descriptor_size, answer_size;
    struct nvsp_message message = {0};

    if (packet->type == VMBUS_PACKET_COMPLETION)
        return take_completion(adapter, packet);
    if (packet->type != VMBUS_PACKET_DATA_INBAND && packet->type != VMBUS_PACKET_GPA_DIRECT) {
        vmbus_channel_fail(adapter->channel, "a packet of a type that an adapter has not");
        return false;
    }
    if (size < sizeof(message.type)) {
        vmbus_channel_fail(adapter->channel, "a packet that is too short");
        return false;
    }
    memcpy(&message, adapter->packet + packet->descriptor_size,
           size < sizeof(message) ? size : sizeof(message));
    if (message.type == NVSP_MESSAGE_RNDIS_PACKET) {
        uint32_t status = take_rndis(adapter, packet, &message);

        if (status == 0)
            return false;
        message = (struct nvsp_message){.type = NVSP_MESSAGE_RNDIS_PACKET_COMPLETE,
                                        .rndis_complete.status = status};
        answer_size = sizeof(message);
    } else {
        answer_size = nvsp_control(adapter, &message);
    }
    if ((packet->flags & VMBUS_PACKET_FLAG_COMPLETION_REQUESTED) != 0) {
        adapter->answering = true;
        adapter->answer_transaction = packet->transaction_id;
        adapter->answer_size = answer_size;
        adapter->answer = message;
    }
    return true;
}

/* --- The channel --- */

static void channel_run(struct vmbus_channel *channel)
{
    struct netvsp *adapter = vmbus_channel_context(channel);

    for (uint32_t turn = 1;; turn++) {
        struct vmbus_packet packet;

        announce_link(adapter);
        if (!write_answer(adapter) || !write_messages(adapter, RECEIVE_CONTROL) ||
            !write_messages(adapter, RECEIVE_DATA))
            return; /* when there is room, it is called again */
        enum vmbus_ring_status status =
            vmbus_channel_read(channel, &packet, adapter->packet, sizeof(adapter->packet));

        if (status == VMBUS_RING_TOO_LARGE)
            vmbus_channel_fail(channel, "a packet larger than the largest message");
        if (status != VMBUS_RING_OK || !handle(adapter, &packet))
            return;
        if (turn % PACKETS_PER_TURN == 0)
            vmbus_channel_flush(channel);
    }
}

static void set_channel(struct netvsp *adapter, struct vmbus_channel *channel)
{
    uint64_t flags = spin_lock(&adapter->lock);

    adapter->channel = channel;
    spin_unlock(&adapter->lock, flags);
}

static bool channel_open(struct vmbus_channel *channel,
                         const uint8_t user_data[VMBUS_USER_DATA_SIZE])
{
    struct netvsp *adapter = vmbus_channel_context(channel);

    (void)user_data;
    adapter->answering = false;
    nvsp_reset(adapter);
    set_channel(adapter, channel);
    return true;
}

static void channel_close(struct vmbus_channel *channel)
{
    struct netvsp *adapter = vmbus_channel_context(channel);

    nvsp_reset(adapter);
    set_channel(adapter, NULL);
}

/* --- For the owner --- */

struct netvsp *netvsp_create(const struct mac_address *mac, const struct netvsp_network *network,
                             void *context)
{
    struct netvsp *adapter = heap_allocate(sizeof(*adapter));

    if (adapter == NULL)
        return NULL;
    adapter->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_DRIVER);
    adapter->network = network;
    adapter->context = context;
    adapter->mac = *mac;
    adapter->link_up = true;
    adapter->mtu = NETVSP_MTU_DEFAULT;
    return adapter;
}

void netvsp_destroy(struct netvsp *adapter)
{
    heap_free(adapter);
}

void netvsp_offer(struct netvsp *adapter, const struct vmbus_guid *instance,
                  struct vmbus_offer *offer)
{
    static const struct vmbus_provider provider = {channel_open, channel_close, channel_run};

    *offer = (struct vmbus_offer){.class_id = VMBUS_CLASS_NETWORK,
                                  .instance_id = *instance,
                                  .provider = &provider,
                                  .context = adapter};
}

/* Under the lock. The section with @frame behind its RNDIS header; its size. */
static void copy_frame(struct netvsp *adapter, uint16_t section, const struct net_frame *frame)
{
    struct rndis_packet packet = {
        .header = {RNDIS_MESSAGE_PACKET, (uint32_t)sizeof(packet) + frame->size},
        .data_offset = sizeof(packet) - sizeof(packet.header),
        .data_length = frame->size,
    };
    uint32_t offset = sizeof(packet);

    receive_buffer_write(&adapter->receive, section, 0, &packet, sizeof(packet));
    for (uint32_t i = 0; i < frame->segment_count; i++) {
        const struct net_segment *segment = &frame->segments[i];

        receive_buffer_write(&adapter->receive, section, offset, segment->data, segment->size);
        offset += segment->size;
    }
}

bool netvsp_receive(struct netvsp *adapter, const struct net_frame *frame)
{
    struct net_statistics *statistics = &adapter->statistics.received;
    uint16_t section = RECEIVE_SECTION_NONE;
    uint64_t flags = spin_lock(&adapter->lock);

    if (frame->size > NET_HEADER_SIZE + NET_VLAN_TAG_SIZE + adapter->mtu)
        statistics->errors++;
    else if ((section = receive_buffer_take(&adapter->receive, RECEIVE_DATA)) ==
             RECEIVE_SECTION_NONE)
        statistics->dropped++;
    if (section != RECEIVE_SECTION_NONE) {
        copy_frame(adapter, section, frame);
        statistics->packets++;
        statistics->bytes += frame->size;
        if (receive_buffer_ready(&adapter->receive, RECEIVE_DATA, section,
                                 (uint32_t)sizeof(struct rndis_packet) + frame->size))
            vmbus_channel_schedule(adapter->channel);
    }
    spin_unlock(&adapter->lock, flags);
    return section != RECEIVE_SECTION_NONE;
}

void netvsp_set_link(struct netvsp *adapter, bool up)
{
    uint64_t flags = spin_lock(&adapter->lock);

    __atomic_store_n(&adapter->link_up, up, __ATOMIC_RELEASE);
    if (adapter->channel != NULL)
        vmbus_channel_schedule(adapter->channel);
    spin_unlock(&adapter->lock, flags);
}

void netvsp_get_statistics(struct netvsp *adapter, struct netvsp_statistics *statistics)
{
    uint64_t flags = spin_lock(&adapter->lock);

    *statistics = adapter->statistics;
    spin_unlock(&adapter->lock, flags);
}
