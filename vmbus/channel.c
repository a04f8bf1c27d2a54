/* Channels as providers use them: rings, signals, guest memory. In the channel's thread. */
#include "vmbus/channel.h"

#include "lib/string.h"
#include "vmbus/host_internal.h"

#define RANGE_HEADER_BYTES 8u

void *vmbus_channel_context(const struct vmbus_channel *channel)
{
    return channel->offer.context;
}

const char *vmbus_channel_name(const struct vmbus_channel *channel)
{
    return channel->name;
}

void vmbus_channel_schedule(struct vmbus_channel *channel)
{
    channel->host->operations->schedule(channel->host->context, channel->relid);
}

void vmbus_channel_set_busy(struct vmbus_channel *channel, bool busy)
{
    channel->busy = busy;
}

/* --- The thread's turns --- */

bool vmbus_channel_enter(struct vmbus_channel *channel)
{
    channel->busy = false;
    return channel->offer.provider->open(channel, channel->open_data);
}

bool vmbus_channel_is_busy(const struct vmbus_channel *channel)
{
    return channel->busy;
}

void vmbus_channel_leave(struct vmbus_channel *channel)
{
    channel->offer.provider->close(channel);
}

static bool has_failed(const struct vmbus_channel *channel)
{
    return __atomic_load_n(&channel->failed, __ATOMIC_ACQUIRE);
}

static void fail(struct vmbus_channel *channel)
{
    if (!__atomic_exchange_n(&channel->failed, true, __ATOMIC_ACQ_REL))
        channel->host->operations->failed(channel->host->context, channel->relid);
}

void vmbus_channel_serve(struct vmbus_channel *channel)
{
    if (has_failed(channel))
        return;
    vmbus_ring_mask(&channel->in);
    channel->drained = false;
    channel->offer.provider->run(channel);
    vmbus_channel_flush(channel);
    /* A provider that cannot take more now leaves the ring as it is and schedules itself later: the
     * guest need not signal until then. */
    if (!has_failed(channel) && channel->drained && vmbus_ring_unmask(&channel->in))
        vmbus_channel_schedule(channel);
}

void vmbus_channel_fail(struct vmbus_channel *channel, const char *why)
{
    host_log(channel->host, channel, "%s; the channel is closed", why);
    fail(channel);
}

/* --- Rings --- */

enum vmbus_ring_status vmbus_channel_read(struct vmbus_channel *channel,
                                          struct vmbus_packet *packet, void *buffer,
                                          size_t capacity)
{
    if (has_failed(channel))
        return VMBUS_RING_BROKEN;
    enum vmbus_ring_status status = vmbus_ring_read(&channel->in, packet, buffer, capacity);
    channel->drained = status == VMBUS_RING_EMPTY;
    if (status == VMBUS_RING_BROKEN)
        vmbus_channel_fail(channel, "the guest's ring is damaged");
    return status;
}

enum vmbus_ring_status vmbus_channel_write(struct vmbus_channel *channel, uint16_t type,
                                           uint16_t flags, uint64_t transaction_id,
                                           uint32_t descriptor_size,
                                           const struct vmbus_ring_piece *pieces, uint32_t count)
{
    if (has_failed(channel))
        return VMBUS_RING_BROKEN;
    enum vmbus_ring_status status = vmbus_ring_write(&channel->out, type, flags, transaction_id,
                                                     descriptor_size, pieces, count);
    if (status == VMBUS_RING_BROKEN)
        vmbus_channel_fail(channel, "the ring to the guest is damaged");
    return status;
}

void vmbus_channel_flush(struct vmbus_channel *channel)
{
    struct vmbus_host *host = channel->host;
    bool written = vmbus_ring_publish(&channel->out);
    bool read = vmbus_ring_release(&channel->in);
    if (written || read)
        host->operations->signal(host->context, __atomic_load_n(&channel->vp, __ATOMIC_ACQUIRE),
                                 host->message_sint, channel->relid);
}

/* --- Guest memory --- */

/* How many of the bytes from @place up to @end are in the first one's page. */
static uint32_t length_in_page(uint64_t place, uint64_t end)
{
    uint32_t room = VMBUS_PAGE_SIZE - place % VMBUS_PAGE_SIZE;
    return end - place < room ? (uint32_t)(end - place) : room;
}

int vmbus_channel_gpa_segments(struct vmbus_channel *channel, const void *range, size_t range_size,
                               uint32_t offset, uint32_t size, struct vmbus_segment *segments,
                               uint32_t limit)
{
    const struct vmbus_host *host = channel->host;
    struct vmbus_guest_range mapped = {0};
    uint32_t head[2]; /* byte count, byte offset */
    uint32_t count = 0;
    uint64_t behind = 0; /* the last segment */
    if (range_size < sizeof(head))
        return -1;
    memcpy(head, range, sizeof(head));
    if (head[1] >= VMBUS_PAGE_SIZE || offset > head[0] || size > head[0] - offset)
        return -1;
    uint64_t place = (uint64_t)head[1] + offset;
    uint64_t end = place + size;
    const uint8_t *numbers = (const uint8_t *)range + sizeof(head);
    if ((end + VMBUS_PAGE_SIZE - 1) / VMBUS_PAGE_SIZE >
        (range_size - sizeof(head)) / sizeof(uint64_t))
        return -1;
    while (place < end) {
        uint32_t length = length_in_page(place, end);
        uint64_t number, address;
        /* Of a private copy, so it may be inline. */
        __builtin_memcpy(&number, numbers + place / VMBUS_PAGE_SIZE * sizeof(number),
                         sizeof(number));
        if (!host_find_page(host, &mapped, number, &address))
            return -1;
        address += place % VMBUS_PAGE_SIZE;
        if (address == behind && count > 0) {
            segments[count - 1].size += length;
        } else {
            if (count == limit)
                return -1;
            segments[count++] = (struct vmbus_segment){
                .data = mapped.memory + address, .address = address, .size = length};
        }
        behind = address + length;
        place += length;
    }
    return (int)count;
}

uint8_t *const *vmbus_channel_gpadl(struct vmbus_channel *channel, uint32_t gpadl,
                                    uint32_t *page_count)
{
    const struct vmbus_gpadl *found = gpadl_find(channel, gpadl);
    if (!found || found == channel->ring_gpadl)
        return NULL;
    *page_count = found->page_count;
    return found->pages;
}
