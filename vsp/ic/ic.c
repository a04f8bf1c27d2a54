#include "vsp/ic/ic.h"

#include "include/vmbus/guid.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/include/time.h"
#include "vsp/ic/ic_message.h"

#define HEARTBEAT_MICROSECONDS 2000000u
#define TIME_SYNC_MICROSECONDS 5000000u
/* Guests answer with the message that they got, of which the shutdown's is the longest. */
#define BUFFER_SIZE 4096u
#define SECONDS_1601_TO_1970 11644473600ull
#define SHUTDOWN_TIMEOUT_SECONDS 60u

enum ic_state { IC_OPENED, IC_NEGOTIATING, IC_READY, IC_REFUSED };

struct ic_service {
    const char *name;
    struct vmbus_guid class_id;
    uint32_t period; /* microseconds between own messages; 0: there are none */
    uint32_t version_count;
    struct vmbus_ic_version versions[IC_SERVICE_VERSIONS_MAX];
    bool (*send)(struct ic *ic);
    void (*answered)(struct ic *ic, const void *data, size_t size);
};

struct ic {
    const struct ic_service *service;
    uint8_t instance; /* of the instance GUID: unlike all others of the guest */

    struct spinlock lock;          /* what follows */
    struct vmbus_channel *channel; /* NULL: closed */
    bool listening;                /* versions have been agreed on */
    bool requested, restart;       /* the shutdown */
    uint64_t last_beat;            /* 0: none */

    /* The channel's thread's. */
    enum ic_state state;
    struct ic_versions versions;
    uint64_t sequence; /* of messages sent */
    uint64_t next;     /* when the next one is due */
    struct timer timer;
    uint64_t buffer[BUFFER_SIZE / sizeof(uint64_t)];
};

/* --- Sending --- */

/* False: the ring is full. */
static bool send(struct ic *ic, enum vmbus_ic_type type, const void *data, size_t size,
                 const void *text, size_t text_size)
{
    struct vmbus_ic_header header;
    ic_message_header(&header, &ic->versions, type, size + text_size, (uint8_t)ic->sequence);
    const struct vmbus_ring_piece pieces[] = {
        {&header, sizeof(header)}, {data, size}, {text, text_size}};
    if (vmbus_channel_write(ic->channel, VMBUS_PACKET_DATA_INBAND, 0, ic->sequence, 0, pieces,
                            text_size > 0 ? 3 : 2) != VMBUS_RING_OK)
        return false;
    ic->sequence++;
    return true;
}

static bool send_negotiation(struct ic *ic)
{
    struct ic_negotiation message;
    const struct ic_service *service = ic->service;
    size_t size = ic_message_negotiation(&message, service->versions, service->version_count);
    const struct vmbus_ring_piece piece = {&message, size};
    return vmbus_channel_write(ic->channel, VMBUS_PACKET_DATA_INBAND, 0, ic->sequence, 0, &piece,
                               1) == VMBUS_RING_OK;
}

static bool send_heartbeat(struct ic *ic)
{
    const struct vmbus_ic_heartbeat heartbeat = {.sequence = ic->sequence};
    return send(ic, VMBUS_IC_HEARTBEAT, &heartbeat, sizeof(heartbeat), NULL, 0);
}

static void heartbeat_answered(struct ic *ic, const void *data, size_t size)
{
    (void)data;
    if (size < sizeof(uint64_t))
        return;
    uint64_t now = time_now();
    uint64_t flags = spin_lock(&ic->lock);
    ic->last_beat = now > 0 ? now : 1;
    spin_unlock(&ic->lock, flags);
}

/* In 100 ns since 1601. */
static uint64_t host_time(void)
{
    uint64_t now, seconds;
    do { /* until both are of the same second */
        now = time_now();
        seconds = time_wall_clock();
    } while (time_now() / 1000000 != now / 1000000);
    return (seconds + SECONDS_1601_TO_1970) * 10000000 + now % 1000000 * 10;
}

/* The first message sets the guest's clock, the others are samples for its own judgement. */
static bool send_time(struct ic *ic)
{
    const struct vmbus_ic_time_sync message = {
        .host_time = host_time(),
        .flags = ic->sequence == 0 ? VMBUS_IC_TIME_SYNC_SET : VMBUS_IC_TIME_SYNC_SAMPLE,
    };
    return send(ic, VMBUS_IC_TIME_SYNC, &message, VMBUS_IC_TIME_SYNC_SIZE, NULL, 0);
}

static bool send_shutdown(struct ic *ic)
{
    static uint8_t no_text[VMBUS_IC_SHUTDOWN_TEXT_SIZE];
    uint64_t flags = spin_lock(&ic->lock);
    bool requested = ic->requested;
    bool restart = ic->restart;
    ic->requested = false;
    spin_unlock(&ic->lock, flags);
    if (!requested)
        return true;
    const struct vmbus_ic_shutdown message = {
        .timeout = SHUTDOWN_TIMEOUT_SECONDS,
        .flags = restart ? VMBUS_IC_SHUTDOWN_RESTART : VMBUS_IC_SHUTDOWN_POWER_OFF,
    };
    return send(ic, VMBUS_IC_SHUTDOWN, &message, sizeof(message), no_text, sizeof(no_text));
}

/* By enum ic_kind. */
static const struct ic_service services[IC_KIND_COUNT] = {
    [IC_SHUTDOWN] = {.name = "shutdown",
                     .class_id = VMBUS_CLASS_SHUTDOWN,
                     .version_count = 2,
                     .versions = {{3, 0}, {1, 0}},
                     .send = send_shutdown},
    [IC_HEARTBEAT] = {.name = "heartbeat",
                      .class_id = VMBUS_CLASS_HEARTBEAT,
                      .period = HEARTBEAT_MICROSECONDS,
                      .version_count = 2,
                      .versions = {{3, 0}, {1, 0}},
                      .send = send_heartbeat,
                      .answered = heartbeat_answered},
    /* Not 4.0, whose messages hold the guest's reference time. */
    [IC_TIME_SYNC] = {.name = "time synchronization",
                      .class_id = VMBUS_CLASS_TIME_SYNC,
                      .period = TIME_SYNC_MICROSECONDS,
                      .version_count = 2,
                      .versions = {{3, 0}, {1, 0}},
                      .send = send_time},
};

/* --- The provider --- */

static void timer_fired(struct timer *timer)
{
    vmbus_channel_schedule(CONTAINER_OF(timer, struct ic, timer)->channel);
}

static bool open(struct vmbus_channel *channel, const uint8_t user_data[VMBUS_USER_DATA_SIZE])
{
    struct ic *ic = vmbus_channel_context(channel);
    (void)user_data;
    uint64_t flags = spin_lock(&ic->lock);
    ic->channel = channel;
    ic->last_beat = 0;
    ic->requested = false;
    spin_unlock(&ic->lock, flags);
    ic->state = IC_OPENED;
    ic->versions = (struct ic_versions){0};
    ic->sequence = 0;
    ic->next = 0;
    return true;
}

static void close(struct vmbus_channel *channel)
{
    struct ic *ic = vmbus_channel_context(channel);
    timer_cancel(&ic->timer);
    uint64_t flags = spin_lock(&ic->lock);
    ic->listening = false;
    ic->channel = NULL;
    spin_unlock(&ic->lock, flags);
}

static void negotiated(struct ic *ic, const struct vmbus_ic_header *header, size_t data_size)
{
    const struct ic_service *service = ic->service;
    if (!ic_message_chosen(header, data_size, service->versions, service->version_count,
                           &ic->versions)) {
        ic->state = IC_REFUSED; /* the guest does without */
        return;
    }
    ic->state = IC_READY;
    uint64_t flags = spin_lock(&ic->lock);
    ic->listening = true;
    spin_unlock(&ic->lock, flags);
}

static void receive(struct ic *ic, const struct vmbus_packet *packet)
{
    size_t data_size;
    if (packet->type != VMBUS_PACKET_DATA_INBAND)
        return;
    const struct vmbus_ic_header *header =
        ic_message_response(ic->buffer, packet->size, &data_size);
    if (!header)
        return;
    if (ic->state == IC_NEGOTIATING)
        negotiated(ic, header, data_size);
    else if (ic->state == IC_READY && header->type != VMBUS_IC_NEGOTIATE && ic->service->answered)
        ic->service->answered(ic, header + 1, data_size);
}

/* Says what is to be said now. */
static void act(struct ic *ic)
{
    uint64_t now = time_now();
    if (ic->state == IC_OPENED && send_negotiation(ic))
        ic->state = IC_NEGOTIATING;
    if (ic->state != IC_READY || now < ic->next)
        return;
    /* What does not fit into the ring is not worth waiting for. */
    ic->service->send(ic);
    if (ic->service->period > 0) {
        ic->next = now + ic->service->period;
        timer_start(&ic->timer, ic->next);
    }
}

static void run(struct vmbus_channel *channel)
{
    struct ic *ic = vmbus_channel_context(channel);
    struct vmbus_packet packet;
    enum vmbus_ring_status status;
    while ((status = vmbus_channel_read(channel, &packet, ic->buffer, sizeof(ic->buffer))) ==
           VMBUS_RING_OK)
        receive(ic, &packet);
    if (status == VMBUS_RING_TOO_LARGE)
        vmbus_channel_fail(channel, "the guest's answer is longer than any question");
    else if (status == VMBUS_RING_EMPTY)
        act(ic);
}

static const struct vmbus_provider provider = {.open = open, .close = close, .run = run};

/* --- For the rest of the parent --- */

const char *ic_name(enum ic_kind kind)
{
    return services[kind].name;
}

struct ic *ic_create(enum ic_kind kind)
{
    struct ic *ic = heap_allocate(sizeof(*ic));
    if (!ic)
        return NULL;
    ic->service = &services[kind];
    ic->instance = (uint8_t)(kind + 1);
    ic->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_DRIVER);
    timer_setup(&ic->timer, timer_fired);
    return ic;
}

void ic_destroy(struct ic *ic)
{
    heap_free(ic);
}

void ic_offer(struct ic *ic, struct vmbus_offer *offer)
{
    *offer = (struct vmbus_offer){
        .class_id = ic->service->class_id,
        .instance_id = VMBUS_GUID(0x56454e45u, 0x4552, 0x4943, 0, 0, 0, 0, 0, 0, 0, ic->instance),
        .provider = &provider,
        .context = ic,
        .pipe = true,
    };
}

bool ic_request_shutdown(struct ic *ic, bool restart)
{
    uint64_t flags = spin_lock(&ic->lock);
    bool listening = ic->listening;
    if (listening) {
        ic->requested = true;
        ic->restart = restart;
        vmbus_channel_schedule(ic->channel);
    }
    spin_unlock(&ic->lock, flags);
    return listening;
}

bool ic_last_beat(struct ic *ic, uint64_t *time)
{
    uint64_t flags = spin_lock(&ic->lock);
    *time = ic->last_beat;
    spin_unlock(&ic->lock, flags);
    return *time != 0;
}
