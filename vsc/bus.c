#include "vsc/bus.h"

#include "lib/string.h"

static const uint32_t versions[] = {
    VMBUS_VERSION(5, 3), VMBUS_VERSION(5, 2), VMBUS_VERSION(5, 1), VMBUS_VERSION(5, 0),
    VMBUS_VERSION(4, 1), VMBUS_VERSION(4, 0), VMBUS_VERSION(3, 0), VMBUS_VERSION(2, 4),
};

/* --- Messages --- */

static struct vsc_channel *by_relid(struct vsc_bus *bus, uint32_t relid)
{
    for (unsigned i = 0; i < VSC_MAX_CHANNELS; i++) {
        if (bus->channels[i].offered && bus->channels[i].offer.relid == relid)
            return &bus->channels[i];
    }
    return NULL;
}

static void receive_offer(struct vsc_bus *bus, const struct vmbus_offer_channel *offer)
{
    if (by_relid(bus, offer->relid) != NULL)
        return;
    for (unsigned i = 0; i < VSC_MAX_CHANNELS; i++) {
        if (!bus->channels[i].offered) {
            bus->channels[i] = (struct vsc_channel){.bus = bus, .offer = *offer, .offered = true};
            return;
        }
    }
    bus->operations->log(bus->context, "channel %u is not used: this client has room for %u\n",
                         offer->relid, VSC_MAX_CHANNELS);
}

static bool post(struct vsc_bus *bus, const void *message, size_t size)
{
    return bus->operations->post(bus->context, bus->connection, message, (uint32_t)size);
}

static void release(struct vsc_channel *channel)
{
    struct vmbus_relid_message message = {.header.type = VMBUS_MESSAGE_RELID_RELEASED,
                                          .relid = channel->offer.relid};

    channel->offered = false;
    post(channel->bus, &message, sizeof(message));
}

static void receive_rescind(struct vsc_bus *bus, const struct vmbus_relid_message *message)
{
    struct vsc_channel *channel = by_relid(bus, message->relid);

    if (channel == NULL)
        return;
    channel->rescinded = true;
    if (!channel->open)
        release(channel);
}

void vsc_bus_receive(struct vsc_bus *bus, const void *message, size_t size)
{
    union {
        struct vmbus_header header;
        struct vmbus_offer_channel offer;
        struct vmbus_relid_message relid;
        uint8_t bytes[VMBUS_MESSAGE_MAX];
    } copy = {0};

    if (size < sizeof(copy.header) || size > sizeof(copy))
        return;
    memcpy(&copy, message, size);
    switch (copy.header.type) {
    case VMBUS_MESSAGE_OFFER_CHANNEL:
        if (size >= sizeof(copy.offer))
            receive_offer(bus, &copy.offer);
        return;
    case VMBUS_MESSAGE_RESCIND_CHANNEL_OFFER:
        if (size >= sizeof(copy.relid))
            receive_rescind(bus, &copy.relid);
        return;
    case VMBUS_MESSAGE_ALL_OFFERS_DELIVERED:
        bus->all_offers = true;
        return;
    default:
        bus->answer_type = copy.header.type;
        memcpy(bus->answer, copy.bytes, sizeof(bus->answer));
    }
}

/* Posts and waits for an answer of @type; a short one is followed by zeros. NULL: none came. */
static const void *ask(struct vsc_bus *bus, const void *message, size_t size, uint32_t type)
{
    bus->answer_type = 0;
    if (!post(bus, message, size))
        return NULL;
    while (bus->answer_type != type) {
        if (!bus->operations->wait(bus->context))
            return NULL;
    }
    return bus->answer;
}

/* --- Connection --- */

static bool try_version(struct vsc_bus *bus, uint32_t version, uint32_t vp, uint8_t sint)
{
    struct vmbus_initiate_contact message = {
        .header.type = VMBUS_MESSAGE_INITIATE_CONTACT, .version = version, .target_vp = vp};
    bool new_style = version >= VMBUS_VERSION(5, 0);

    if (new_style)
        message.sint = sint;
    else
        message.interrupt_page = bus->operations->address(bus->context, bus->pages.interrupt);
    for (unsigned i = 0; i < 2; i++)
        message.monitor_pages[i] = bus->operations->address(bus->context, bus->pages.monitor[i]);
    bus->connection = new_style ? VMBUS_CONNECTION_NEW : VMBUS_CONNECTION_OLD;
    const struct vmbus_version_response *response =
        ask(bus, &message, sizeof(message), VMBUS_MESSAGE_VERSION_RESPONSE);

    if (response == NULL || !response->supported || response->connection_state != 0)
        return false;
    bus->version = version;
    if (new_style)
        bus->connection = response->message_connection_id;
    return true;
}

bool vsc_bus_connect(struct vsc_bus *bus, const struct vsc_operations *operations, void *context,
                     const struct vsc_bus_pages *pages, uint32_t newest, uint32_t vp, uint8_t sint)
{
    struct vmbus_header request = {.type = VMBUS_MESSAGE_REQUEST_OFFERS};

    memset(bus, 0, sizeof(*bus));
    bus->operations = operations;
    bus->context = context;
    bus->pages = *pages;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]) && bus->version == 0; i++) {
        if (versions[i] <= newest)
            try_version(bus, versions[i], vp, sint);
    }
    if (bus->version == 0 || !post(bus, &request, sizeof(request)))
        return false;
    while (!bus->all_offers) {
        if (!operations->wait(context))
            return false;
    }
    return true;
}

struct vsc_channel *vsc_bus_find(struct vsc_bus *bus, const struct vmbus_guid *class_id,
                                 unsigned index)
{
    for (unsigned i = 0; i < VSC_MAX_CHANNELS; i++) {
        struct vsc_channel *channel = &bus->channels[i];

        if (channel->offered && !channel->rescinded &&
            memcmp(&channel->offer.class_id, class_id, sizeof(*class_id)) == 0 && index-- == 0)
            return channel;
    }
    return NULL;
}

bool vsc_bus_unload(struct vsc_bus *bus)
{
    struct vmbus_header message = {.type = VMBUS_MESSAGE_UNLOAD};

    bool answered = ask(bus, &message, sizeof(message), VMBUS_MESSAGE_UNLOAD_RESPONSE) != NULL;

    bus->version = 0;
    memset(bus->channels, 0, sizeof(bus->channels));
    return answered;
}

/* --- GPADLs --- */

static void page_numbers(struct vsc_bus *bus, uint8_t *to, uint8_t *const *pages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = bus->operations->address(bus->context, pages[i]) / VMBUS_PAGE_SIZE;

        memcpy(to + i * sizeof(number), &number, sizeof(number));
    }
}

/* What did not fit into the header. */
static bool post_bodies(struct vsc_bus *bus, uint32_t gpadl, uint8_t *const *pages, uint32_t count)
{
    for (uint32_t number = 0; count > 0; number++) {
        struct vmbus_gpadl_body body = {
            .header.type = VMBUS_MESSAGE_GPADL_BODY, .number = number, .gpadl = gpadl};
        uint32_t part = count < VMBUS_GPADL_BODY_PAGES ? count : (uint32_t)VMBUS_GPADL_BODY_PAGES;
        uint8_t message[VMBUS_MESSAGE_MAX];

        memcpy(message, &body, sizeof(body));
        page_numbers(bus, message + sizeof(body), pages, part);
        if (!post(bus, message, sizeof(body) + part * sizeof(uint64_t)))
            return false;
        pages += part;
        count -= part;
    }
    return true;
}

uint32_t vsc_gpadl_create(struct vsc_channel *channel, uint8_t *const *pages, uint32_t count)
{
    struct vsc_bus *bus = channel->bus;
    uint32_t part = count < VMBUS_GPADL_HEADER_PAGES ? count : (uint32_t)VMBUS_GPADL_HEADER_PAGES;
    uint64_t length = sizeof(struct vmbus_gpa_range) + (uint64_t)count * sizeof(uint64_t);
    uint8_t message[VMBUS_MESSAGE_MAX];

    if (count == 0 || length > UINT16_MAX)
        return 0;
    struct vmbus_gpadl_header header = {
        .header.type = VMBUS_MESSAGE_GPADL_HEADER,
        .relid = channel->offer.relid,
        .gpadl = ++bus->last_gpadl,
        .range_buffer_length = (uint16_t)length,
        .range_count = 1,
        .range_byte_count = count * VMBUS_PAGE_SIZE,
    };

    memcpy(message, &header, sizeof(header));
    page_numbers(bus, message + sizeof(header), pages, part);
    bus->answer_type = 0;
    if (!post(bus, message, sizeof(header) + part * sizeof(uint64_t)) ||
        !post_bodies(bus, header.gpadl, pages + part, count - part))
        return 0;
    while (bus->answer_type != VMBUS_MESSAGE_GPADL_CREATED) {
        if (!bus->operations->wait(bus->context))
            return 0;
    }
    const struct vmbus_gpadl_created *created = (const void *)bus->answer;

    return created->gpadl == header.gpadl && created->status == 0 ? header.gpadl : 0;
}

bool vsc_gpadl_teardown(struct vsc_channel *channel, uint32_t gpadl)
{
    struct vmbus_gpadl_teardown message = {
        .header.type = VMBUS_MESSAGE_GPADL_TEARDOWN, .relid = channel->offer.relid, .gpadl = gpadl};
    const struct vmbus_gpadl_torndown *answer =
        ask(channel->bus, &message, sizeof(message), VMBUS_MESSAGE_GPADL_TORNDOWN);

    return answer != NULL && answer->gpadl == gpadl;
}

/* --- Channels --- */

bool vsc_channel_open(struct vsc_channel *channel, uint8_t *const *pages, uint32_t page_count,
                      uint32_t vp)
{
    struct vsc_bus *bus = channel->bus;
    uint32_t half = page_count / 2;

    if (channel->open || channel->rescinded ||
        !vmbus_ring_init(&channel->outgoing, pages, half, true) ||
        !vmbus_ring_init(&channel->incoming, pages + half, page_count - half, true))
        return false;
    channel->ring_gpadl = vsc_gpadl_create(channel, pages, page_count);
    if (channel->ring_gpadl == 0)
        return false;
    struct vmbus_open_channel message = {.header.type = VMBUS_MESSAGE_OPEN_CHANNEL,
                                         .relid = channel->offer.relid,
                                         .open_id = ++bus->last_open_id,
                                         .ring_gpadl = channel->ring_gpadl,
                                         .target_vp = vp,
                                         .downstream_page_offset = half};
    const struct vmbus_open_result *result =
        ask(bus, &message, sizeof(message), VMBUS_MESSAGE_OPEN_CHANNEL_RESULT);

    if (result == NULL || result->status != 0 || result->open_id != message.open_id) {
        vsc_gpadl_teardown(channel, channel->ring_gpadl);
        return false;
    }
    channel->open = true;
    channel->polled = false;
    return true;
}

void vsc_channel_close(struct vsc_channel *channel)
{
    struct vmbus_relid_message message = {.header.type = VMBUS_MESSAGE_CLOSE_CHANNEL,
                                          .relid = channel->offer.relid};

    if (!channel->open)
        return;
    channel->open = false;
    post(channel->bus, &message, sizeof(message));
    /* The GPADLs of a rescinded channel are gone: nobody would answer. */
    if (channel->rescinded)
        release(channel);
    else
        vsc_gpadl_teardown(channel, channel->ring_gpadl);
}

enum vmbus_ring_status vsc_channel_write(struct vsc_channel *channel, uint16_t type, uint16_t flags,
                                         uint64_t transaction_id, uint32_t descriptor_size,
                                         const struct vmbus_ring_piece *pieces, uint32_t count)
{
    return vmbus_ring_write(&channel->outgoing, type, flags, transaction_id, descriptor_size,
                            pieces, count);
}

static void signal(struct vsc_channel *channel)
{
    struct vsc_bus *bus = channel->bus;
    uint32_t relid = channel->offer.relid;

    /* The second half of the page is the guest's: a bit per relid. */
    if (!channel->offer.is_dedicated_interrupt && relid < VMBUS_PAGE_SIZE / 2 * 8)
        __atomic_fetch_or(&bus->pages.interrupt[VMBUS_PAGE_SIZE / 2 + relid / 8],
                          (uint8_t)(1u << relid % 8), __ATOMIC_ACQ_REL);
    bus->operations->signal(bus->context, channel->offer.connection_id);
}

void vsc_channel_flush(struct vsc_channel *channel)
{
    if (vmbus_ring_publish(&channel->outgoing))
        signal(channel);
}

enum vmbus_ring_status vsc_channel_read(struct vsc_channel *channel, struct vmbus_packet *packet,
                                        void *buffer, size_t capacity)
{
    enum vmbus_ring_status status = vmbus_ring_read(&channel->incoming, packet, buffer, capacity);

    if (status != VMBUS_RING_EMPTY)
        return status;
    if (vmbus_ring_release(&channel->incoming))
        signal(channel);
    if (channel->polled)
        return VMBUS_RING_EMPTY;
    return vmbus_ring_unmask(&channel->incoming)
               ? vmbus_ring_read(&channel->incoming, packet, buffer, capacity)
               : VMBUS_RING_EMPTY;
}
