#include "vmbus/host.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "vmbus/host_internal.h"

/* Statuses in answers: NT status codes; guests tell 0 from others only. */
#define STATUS_OK 0u
#define STATUS_UNSUCCESSFUL 0xc0000001u

#define SINT_COUNT 16u

#define VERSION_5_0 VMBUS_VERSION(5, 0)
#define VERSION_5_3 VMBUS_VERSION(5, 3)

static const uint32_t versions[] = {
    VMBUS_VERSION(5, 3), VMBUS_VERSION(5, 2), VMBUS_VERSION(5, 1), VMBUS_VERSION(5, 0),
    VMBUS_VERSION(4, 1), VMBUS_VERSION(4, 0), VMBUS_VERSION(3, 0), VMBUS_VERSION(2, 4),
};

/* --- Small parts --- */

static void log_line(struct vmbus_host *host, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void log_line(struct vmbus_host *host, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    host->operations->log(host->context, format, arguments);
    va_end(arguments);
}

void host_log(struct vmbus_host *host, struct vmbus_channel *channel, const char *format, ...)
{
    uint32_t *lines = channel ? &channel->log_lines : &host->log_lines;
    char text[LOG_TEXT_MAX];
    va_list arguments;
    if (__atomic_load_n(lines, __ATOMIC_RELAXED) > LOG_LINES_MAX)
        return; /* without counting on: it never wraps */
    uint32_t before = __atomic_fetch_add(lines, 1, __ATOMIC_RELAXED);
    if (before > LOG_LINES_MAX)
        return;
    if (before == LOG_LINES_MAX) {
        log_line(host, "%s: further messages about it are not shown",
                 channel ? channel->name : "bus");
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_line(host, "%s: %s", channel ? channel->name : "bus", text);
}

void host_queue(struct vmbus_host *host, const void *message, uint32_t size)
{
    if (host->count == OUTGOING_MAX) {
        host_log(host, NULL, "an answer is lost: the guest does not take its messages");
        return;
    }
    struct outgoing *outgoing = &host->outgoing[(host->first + host->count++) % OUTGOING_MAX];
    outgoing->size = size;
    memcpy(outgoing->data, message, size);
}

bool vmbus_host_send(struct vmbus_host *host)
{
    while (host->count > 0) {
        const struct outgoing *outgoing = &host->outgoing[host->first];
        if (host->operations->post(host->context, host->message_vp, host->message_sint,
                                   outgoing->data, outgoing->size) == VMBUS_POST_BUSY)
            return true;
        /* One that cannot be delivered is the guest's loss. */
        host->first = (host->first + 1) % OUTGOING_MAX;
        host->count--;
    }
    return false;
}

bool vmbus_host_can_receive(const struct vmbus_host *host)
{
    return OUTGOING_MAX - host->count >= ANSWERS_MAX + VMBUS_HOST_MAX_CHANNELS;
}

struct vmbus_channel *host_channel(struct vmbus_host *host, uint32_t relid)
{
    if (relid == 0 || relid > VMBUS_HOST_MAX_CHANNELS)
        return NULL;
    struct vmbus_channel *channel = &host->channels[relid - 1];
    return channel->announced ? channel : NULL;
}

uint32_t vmbus_host_version(const struct vmbus_host *host)
{
    return host->version;
}

/* --- Offers --- */

static void queue_offer(struct vmbus_channel *channel)
{
    const struct vmbus_offer *offer = &channel->offer;
    struct vmbus_offer_channel message = {
        .header = {.type = VMBUS_MESSAGE_OFFER_CHANNEL},
        .class_id = offer->class_id,
        .instance_id = offer->instance_id,
        .channel_flags = offer->flags,
        .relid = channel->relid,
        .is_dedicated_interrupt = 1,
        .connection_id = VMBUS_EVENT_CONNECTION(channel->relid),
    };
    memcpy(message.user_data, offer->user_data, sizeof(message.user_data));
    channel->announced = true;
    host_queue(channel->host, &message, sizeof(message));
}

bool vmbus_host_offer(struct vmbus_host *host, uint32_t relid, const struct vmbus_offer *offer,
                      const char *name)
{
    if (relid == 0 || relid > VMBUS_HOST_MAX_CHANNELS)
        return false;
    struct vmbus_channel *channel = &host->channels[relid - 1];
    if (channel->state != CHANNEL_FREE)
        return false;
    *channel = (struct vmbus_channel){
        .host = host, .relid = relid, .state = CHANNEL_OFFERED, .offer = *offer};
    string_copy(channel->name, name, sizeof(channel->name));
    if (host->offers_requested)
        queue_offer(channel);
    return true;
}

static void request_offers(struct vmbus_host *host)
{
    struct vmbus_header end = {.type = VMBUS_MESSAGE_ALL_OFFERS_DELIVERED};
    if (host->offers_requested)
        return; /* the guest has all of them */
    host->offers_requested = true;
    for (uint32_t i = 0; i < VMBUS_HOST_MAX_CHANNELS; i++) {
        if (host->channels[i].state == CHANNEL_OFFERED)
            queue_offer(&host->channels[i]);
    }
    host_queue(host, &end, sizeof(end));
}

static void release_relid(struct vmbus_host *host, uint32_t relid)
{
    struct vmbus_channel *channel = host_channel(host, relid);
    if (!channel || channel->state != CHANNEL_RESCINDED)
        return;
    gpadl_free_all(channel, false);
    channel->state = CHANNEL_FREE;
    channel->announced = false;
}

void vmbus_host_remove(struct vmbus_host *host, uint32_t relid)
{
    if (relid == 0 || relid > VMBUS_HOST_MAX_CHANNELS)
        return;
    struct vmbus_channel *channel = &host->channels[relid - 1];
    if (channel->state != CHANNEL_OFFERED && channel->state != CHANNEL_OPEN)
        return;
    host_close(channel);
    channel->state = CHANNEL_RESCINDED;
    if (channel->announced) {
        struct vmbus_relid_message message = {
            .header = {.type = VMBUS_MESSAGE_RESCIND_CHANNEL_OFFER}, .relid = relid};
        host_queue(host, &message, sizeof(message));
        return;
    }
    gpadl_free_all(channel, false);
    channel->state = CHANNEL_FREE;
}

/* --- Opening and closing --- */

void host_close(struct vmbus_channel *channel)
{
    struct vmbus_host *host = channel->host;
    if (channel->state != CHANNEL_OPEN)
        return;
    host->operations->stop(host->context, channel->relid);
    channel->state = CHANNEL_OFFERED;
    channel->ring_gpadl = NULL;
    gpadl_free_all(channel, true);
}

void vmbus_host_close_failed(struct vmbus_host *host, uint32_t relid)
{
    struct vmbus_channel *channel = host_channel(host, relid);
    if (channel && __atomic_load_n(&channel->failed, __ATOMIC_ACQUIRE))
        host_close(channel);
}

/* The two rings in the GPADL: from the guest, and from page @split on to the guest. */
static bool set_up_rings(struct vmbus_channel *channel, const struct vmbus_gpadl *gpadl,
                         uint32_t split)
{
    if (split >= gpadl->page_count)
        return false;
    return vmbus_ring_init(&channel->in, gpadl->pages, split, false) &&
           vmbus_ring_init(&channel->out, gpadl->pages + split, gpadl->page_count - split, false);
}

static bool open_channel(struct vmbus_channel *channel, const struct vmbus_open_channel *message)
{
    struct vmbus_host *host = channel->host;
    const struct vmbus_gpadl *gpadl = gpadl_find(channel, message->ring_gpadl);
    if (channel->state != CHANNEL_OFFERED || !gpadl ||
        !set_up_rings(channel, gpadl, message->downstream_page_offset))
        return false;
    channel->ring_gpadl = gpadl;
    channel->vp = message->target_vp;
    channel->failed = channel->drained = false;
    memcpy(channel->open_data, message->user_data, sizeof(channel->open_data));
    channel->state = CHANNEL_OPEN;
    if (host->operations->start(host->context, channel->relid, channel))
        return true;
    channel->state = CHANNEL_OFFERED;
    channel->ring_gpadl = NULL;
    gpadl_free_all(channel, true);
    return false;
}

static void receive_open(struct vmbus_host *host, const void *data, uint32_t size)
{
    struct vmbus_open_channel message;
    (void)size;
    memcpy(&message, data, sizeof(message));
    struct vmbus_channel *channel = host_channel(host, message.relid);
    bool opened = channel && open_channel(channel, &message);
    struct vmbus_open_result result = {
        .header = {.type = VMBUS_MESSAGE_OPEN_CHANNEL_RESULT},
        .relid = message.relid,
        .open_id = message.open_id,
        .status = opened ? STATUS_OK : STATUS_UNSUCCESSFUL,
    };
    if (!opened)
        host_log(host, channel, "channel %u is not opened: %s", message.relid,
                 channel ? "it is open, its rings are not valid, or its provider refuses"
                         : "there is none");
    host_queue(host, &result, sizeof(result));
    if (opened)
        host->operations->schedule(host->context, channel->relid);
}

static uint32_t relid_of(const void *message)
{
    return ((const struct vmbus_relid_message *)message)->relid;
}

static void receive_close(struct vmbus_host *host, const void *message, uint32_t size)
{
    struct vmbus_channel *channel = host_channel(host, relid_of(message));
    (void)size;
    if (channel)
        host_close(channel);
}

static void receive_release(struct vmbus_host *host, const void *message, uint32_t size)
{
    (void)size;
    release_relid(host, relid_of(message));
}

static void receive_modify(struct vmbus_host *host, const void *data, uint32_t size)
{
    const struct vmbus_modify_channel *message = data;
    struct vmbus_channel *channel = host_channel(host, message->relid);
    bool valid = channel && channel->state == CHANNEL_OPEN;
    (void)size;
    if (valid)
        __atomic_store_n(&channel->vp, message->target_vp, __ATOMIC_RELEASE);
    if (host->version < VERSION_5_3)
        return; /* such guests do not know the answer */
    struct vmbus_modify_channel_response response = {
        .header = {.type = VMBUS_MESSAGE_MODIFY_CHANNEL_RESPONSE},
        .relid = message->relid,
        .status = valid ? STATUS_OK : STATUS_UNSUCCESSFUL,
    };
    host_queue(host, &response, sizeof(response));
}

/* --- Connecting --- */

/* The guest knows nothing any more: it has unloaded its bus, has started anew, or goes. */
static void disconnect(struct vmbus_host *host)
{
    for (uint32_t i = 0; i < VMBUS_HOST_MAX_CHANNELS; i++) {
        struct vmbus_channel *channel = &host->channels[i];
        host_close(channel);
        gpadl_free_all(channel, false);
        channel->announced = false;
        if (channel->state == CHANNEL_RESCINDED)
            channel->state = CHANNEL_FREE;
    }
    host->version = 0;
    host->offers_requested = false;
    host->count = 0;
}

static bool is_supported(uint32_t version, uint32_t connection_id)
{
    uint32_t expected = version >= VERSION_5_0 ? VMBUS_CONNECTION_NEW : VMBUS_CONNECTION_OLD;
    for (uint32_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        if (versions[i] == version)
            return connection_id == expected;
    }
    return false;
}

static void initiate_contact(struct vmbus_host *host, uint32_t connection_id,
                             const struct vmbus_initiate_contact *message)
{
    uint32_t version = message->version;
    bool names_sint = version >= VERSION_5_0 && message->sint < SINT_COUNT && message->sint != 0;
    disconnect(host);
    host->message_vp = message->target_vp;
    host->message_sint = names_sint ? message->sint : VMBUS_SINT;
    struct vmbus_version_response response = {
        .header = {.type = VMBUS_MESSAGE_VERSION_RESPONSE},
        .supported = is_supported(version, connection_id),
        .message_connection_id = connection_id,
    };
    if (response.supported) {
        host->version = version;
        host->connection_id = connection_id;
    } else {
        host_log(host, NULL, "protocol version %u.%u is not supported", version >> 16,
                 version & 0xffff);
    }
    host_queue(host, &response, sizeof(response));
}

static void unload(struct vmbus_host *host)
{
    struct vmbus_header response = {.type = VMBUS_MESSAGE_UNLOAD_RESPONSE};
    disconnect(host);
    host_queue(host, &response, sizeof(response));
}

/* --- Messages --- */

static void receive_request_offers(struct vmbus_host *host, const void *message, uint32_t size)
{
    (void)message;
    (void)size;
    request_offers(host);
}

static void receive_unload(struct vmbus_host *host, const void *message, uint32_t size)
{
    (void)message;
    (void)size;
    unload(host);
}

/* What a connected guest may send. Others are ignored, as requests to connect a socket to the host
 * are. */
static const struct message_kind {
    uint32_t type;
    uint32_t size; /* at least */
    void (*receive)(struct vmbus_host *host, const void *message, uint32_t size);
} kinds[] = {
    {VMBUS_MESSAGE_REQUEST_OFFERS, sizeof(struct vmbus_header), receive_request_offers},
    {VMBUS_MESSAGE_OPEN_CHANNEL, sizeof(struct vmbus_open_channel), receive_open},
    {VMBUS_MESSAGE_CLOSE_CHANNEL, sizeof(struct vmbus_relid_message), receive_close},
    {VMBUS_MESSAGE_GPADL_HEADER, sizeof(struct vmbus_gpadl_header), gpadl_header},
    {VMBUS_MESSAGE_GPADL_BODY, sizeof(struct vmbus_gpadl_body), gpadl_body},
    {VMBUS_MESSAGE_GPADL_TEARDOWN, sizeof(struct vmbus_gpadl_teardown), gpadl_teardown},
    {VMBUS_MESSAGE_RELID_RELEASED, sizeof(struct vmbus_relid_message), receive_release},
    {VMBUS_MESSAGE_UNLOAD, sizeof(struct vmbus_header), receive_unload},
    {VMBUS_MESSAGE_MODIFY_CHANNEL, sizeof(struct vmbus_modify_channel), receive_modify},
};

void vmbus_host_receive(struct vmbus_host *host, uint32_t connection_id, const void *data,
                        uint32_t size)
{
    uint64_t copy[VMBUS_MESSAGE_MAX / sizeof(uint64_t)] = {0}; /* aligned */
    const struct vmbus_header *header = (const struct vmbus_header *)copy;
    if (size < sizeof(*header) || size > sizeof(copy))
        return;
    memcpy(copy, data, size);
    if (header->type == VMBUS_MESSAGE_INITIATE_CONTACT) {
        if (size >= sizeof(struct vmbus_initiate_contact))
            initiate_contact(host, connection_id, (const struct vmbus_initiate_contact *)copy);
        return;
    }
    if (host->version == 0 || connection_id != host->connection_id)
        return;
    for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].type == header->type && size >= kinds[i].size) {
            kinds[i].receive(host, copy, size);
            return;
        }
    }
    host_log(host, NULL, "message of type %u and %u bytes is ignored", header->type, size);
}

/* --- Life --- */

struct vmbus_host *vmbus_host_create(const struct vmbus_host_operations *operations, void *context,
                                     const char *name)
{
    struct vmbus_host *host = operations->allocate(context, sizeof(*host));
    if (!host)
        return NULL;
    host->operations = operations;
    host->context = context;
    string_copy(host->name, name, sizeof(host->name));
    for (uint32_t i = 0; i < VMBUS_HOST_MAX_CHANNELS; i++)
        host->channels[i].host = host;
    return host;
}

void vmbus_host_destroy(struct vmbus_host *host)
{
    disconnect(host);
    host->operations->free(host->context, host);
}
