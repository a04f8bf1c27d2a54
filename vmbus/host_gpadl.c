/* GPADLs: lists of guest pages that the guest names once and then by a number. A header and, if
 * they are many, bodies bring the page numbers; the answer comes with the last one. */
#include "lib/string.h"
#include "vmbus/host_internal.h"

#define STATUS_OK 0u
#define STATUS_UNSUCCESSFUL 0xc0000001u
/* Of a range: byte count and offset before the page numbers. */
#define RANGE_HEADER_BYTES 8u

static void answer(struct vmbus_host *host, uint32_t relid, uint32_t id, uint32_t status)
{
    struct vmbus_gpadl_created message = {
        .header = {.type = VMBUS_MESSAGE_GPADL_CREATED},
        .relid = relid,
        .gpadl = id,
        .status = status,
    };
    host_queue(host, &message, sizeof(message));
}

static void free_slot(struct vmbus_channel *channel, uint32_t slot)
{
    struct vmbus_gpadl *gpadl = channel->gpadls[slot];
    struct vmbus_host *host = channel->host;
    __atomic_store_n(&channel->gpadls[slot], NULL, __ATOMIC_RELEASE);
    host->page_count -= gpadl->page_count;
    host->operations->free(host->context, gpadl);
}

void gpadl_free_all(struct vmbus_channel *channel, bool only_torn_down)
{
    for (uint32_t i = 0; i < VMBUS_HOST_MAX_GPADLS; i++) {
        if (channel->gpadls[i] && (!only_torn_down || channel->gpadls[i]->torn_down))
            free_slot(channel, i);
    }
}

/* The GPADL is not there any more for the guest. An open channel may be using it: its pages stay
 * the guest's in any case, so a guest that uses them for something else now harms only itself. */
static void drop(struct vmbus_channel *channel, uint32_t slot)
{
    if (channel->state == CHANNEL_OPEN)
        __atomic_store_n(&channel->gpadls[slot]->torn_down, true, __ATOMIC_RELEASE);
    else
        free_slot(channel, slot);
}

/* A GPADL that the guest has not torn down, complete or not. */
static bool find_slot(struct vmbus_host *host, uint32_t id, struct vmbus_channel **channel,
                      uint32_t *slot)
{
    for (uint32_t i = 0; i < VMBUS_HOST_MAX_CHANNELS; i++) {
        *channel = &host->channels[i];
        for (*slot = 0; *slot < VMBUS_HOST_MAX_GPADLS; ++*slot) {
            const struct vmbus_gpadl *gpadl = (*channel)->gpadls[*slot];
            if (gpadl && !gpadl->torn_down && gpadl->id == id)
                return true;
        }
    }
    return false;
}

struct vmbus_gpadl *gpadl_find(const struct vmbus_channel *channel, uint32_t id)
{
    for (uint32_t i = 0; i < VMBUS_HOST_MAX_GPADLS; i++) {
        struct vmbus_gpadl *gpadl = __atomic_load_n(&channel->gpadls[i], __ATOMIC_ACQUIRE);
        if (gpadl && gpadl->id == id && !__atomic_load_n(&gpadl->torn_down, __ATOMIC_ACQUIRE) &&
            __atomic_load_n(&gpadl->filled, __ATOMIC_ACQUIRE) == gpadl->page_count)
            return gpadl;
    }
    return NULL;
}

/* Takes @count page numbers. False: one is not the guest's memory. What is more than the GPADL has
 * is ignored, as guests send whole messages. */
static bool fill(struct vmbus_host *host, struct vmbus_gpadl *gpadl, const uint8_t *numbers,
                 uint32_t count)
{
    struct vmbus_guest_range range = {0};
    uint32_t filled = gpadl->filled;
    for (uint32_t i = 0; i < count && filled < gpadl->page_count; i++) {
        uint64_t number, address;
        memcpy(&number, numbers + i * sizeof(number), sizeof(number));
        if (!host_find_page(host, &range, number, &address))
            return false;
        gpadl->pages[filled++] = range.memory + address;
    }
    __atomic_store_n(&gpadl->filled, filled, __ATOMIC_RELEASE);
    return true;
}

/* Adds page numbers to the GPADL in @slot, and answers if that was the last or a bad one. */
static void add_pages(struct vmbus_channel *channel, uint32_t slot, const uint8_t *numbers,
                      uint32_t count)
{
    struct vmbus_host *host = channel->host;
    struct vmbus_gpadl *gpadl = channel->gpadls[slot];
    uint32_t id = gpadl->id;
    if (!fill(host, gpadl, numbers, count)) {
        host_log(host, channel, "GPADL %u has a page that is not in the guest's memory", id);
        drop(channel, slot);
        answer(host, channel->relid, id, STATUS_UNSUCCESSFUL);
    } else if (gpadl->filled == gpadl->page_count) {
        answer(host, channel->relid, id, STATUS_OK);
    }
}

/* How many pages the header's range has; 0: it is not valid. One range of whole pages is what
 * guests send. */
static uint32_t pages_of(const struct vmbus_gpadl_header *header)
{
    uint32_t count = header->range_byte_count / VMBUS_PAGE_SIZE;
    if (header->range_count != 1 || header->range_byte_offset != 0 ||
        header->range_byte_count % VMBUS_PAGE_SIZE != 0 || count > VMBUS_HOST_MAX_GPADL_PAGES ||
        header->range_buffer_length != RANGE_HEADER_BYTES + count * sizeof(uint64_t))
        return 0;
    return count;
}

/* Makes an empty GPADL. False: why not is in the log. */
static bool create(struct vmbus_channel *channel, uint32_t id, uint32_t page_count, uint32_t *slot)
{
    struct vmbus_host *host = channel->host;
    for (*slot = 0; *slot < VMBUS_HOST_MAX_GPADLS && channel->gpadls[*slot]; ++*slot)
        ;
    if (*slot == VMBUS_HOST_MAX_GPADLS || page_count > VMBUS_HOST_MAX_PAGES - host->page_count) {
        host_log(host, channel, "GPADL %u: the guest has too many", id);
        return false;
    }
    struct vmbus_gpadl *gpadl = host->operations->allocate(
        host->context, sizeof(*gpadl) + page_count * sizeof(gpadl->pages[0]));
    if (!gpadl) {
        host_log(host, channel, "GPADL %u: no memory for a list of %u pages", id, page_count);
        return false;
    }
    gpadl->id = id;
    gpadl->page_count = page_count;
    host->page_count += page_count;
    __atomic_store_n(&channel->gpadls[*slot], gpadl, __ATOMIC_RELEASE);
    return true;
}

void gpadl_header(struct vmbus_host *host, const void *message, uint32_t size)
{
    const struct vmbus_gpadl_header *header = message;
    uint32_t relid = header->relid;
    uint32_t id = header->gpadl;
    struct vmbus_channel *channel = host_channel(host, relid);
    struct vmbus_channel *other;
    uint32_t slot;
    uint32_t page_count = pages_of(header);
    if (!channel || channel->state == CHANNEL_RESCINDED || page_count == 0 ||
        find_slot(host, id, &other, &slot) || !create(channel, id, page_count, &slot)) {
        answer(host, relid, id, STATUS_UNSUCCESSFUL);
        return;
    }
    add_pages(channel, slot, (const uint8_t *)message + sizeof(*header),
              (size - (uint32_t)sizeof(*header)) / (uint32_t)sizeof(uint64_t));
}

void gpadl_body(struct vmbus_host *host, const void *message, uint32_t size)
{
    const struct vmbus_gpadl_body *body = message;
    struct vmbus_channel *channel;
    uint32_t slot;
    if (!find_slot(host, body->gpadl, &channel, &slot) ||
        channel->gpadls[slot]->filled == channel->gpadls[slot]->page_count)
        return; /* refused before, or complete */
    add_pages(channel, slot, (const uint8_t *)message + sizeof(*body),
              (size - (uint32_t)sizeof(*body)) / (uint32_t)sizeof(uint64_t));
}

void gpadl_teardown(struct vmbus_host *host, const void *data, uint32_t size)
{
    const struct vmbus_gpadl_teardown *message = data;
    struct vmbus_gpadl_torndown response = {.header = {.type = VMBUS_MESSAGE_GPADL_TORNDOWN},
                                            .gpadl = message->gpadl};
    struct vmbus_channel *channel;
    uint32_t slot;
    (void)size;
    if (find_slot(host, message->gpadl, &channel, &slot))
        drop(channel, slot);
    /* Answered whatever it was: guests wait for it without end. */
    host_queue(host, &response, sizeof(response));
}
