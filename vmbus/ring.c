#include "vmbus/ring.h"

#include "lib/string.h"

/* Indices stay below 2 GiB, so that sums of two of them fit 32 bits. */
#define MAX_DATA_PAGES ((1u << 31) / VMBUS_PAGE_SIZE - 1)
#define LENGTH_UNIT 8u /* of the lengths in headers; all indices are multiples of it */
#define MAX_PACKET_SIZE (UINT16_MAX * LENGTH_UNIT)

static uint32_t load(const uint32_t *shared)
{
    return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *shared, uint32_t value)
{
    __atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

static void full_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool vmbus_ring_init(struct vmbus_ring *ring, uint8_t *const *pages, uint32_t page_count,
                     bool fresh)
{
    if (page_count < 2 || page_count - 1 > MAX_DATA_PAGES)
        return false;
    *ring = (struct vmbus_ring){
        .control = (struct vmbus_ring_control *)(void *)pages[0],
        .pages = pages + 1,
        .size = (page_count - 1) * VMBUS_PAGE_SIZE,
    };
    if (fresh)
        memset(ring->control, 0, sizeof(*ring->control));
    /* Of both directions, as other systems do: the peer looks only at what this side writes. */
    store(&ring->control->feature_bits, VMBUS_RING_FEATURE_PENDING_SEND_SIZE);
    return true;
}

static uint32_t advance(const struct vmbus_ring *ring, uint32_t index, uint32_t size)
{
    index += size;
    return index >= ring->size ? index - ring->size : index;
}

/* Bytes from @from up to @to, going forward. */
static uint32_t distance(const struct vmbus_ring *ring, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : ring->size - from + to;
}

/* Reads the peer's index; false, and the ring is broken: it is none. */
static bool peer_index(struct vmbus_ring *ring, const uint32_t *shared, uint32_t *index)
{
    *index = load(shared);
    if (*index < ring->size && *index % LENGTH_UNIT == 0)
        return true;
    ring->broken = true;
    return false;
}

/* --- Writing --- */

/* Copies to the ring, from @index on, what fits into it; the index behind. */
static uint32_t copy_in(const struct vmbus_ring *ring, uint32_t index, const void *data,
                        size_t size)
{
    const uint8_t *from = data;

    while (size > 0) {
        uint32_t in_page = index % VMBUS_PAGE_SIZE;
        size_t part = VMBUS_PAGE_SIZE - in_page;

        if (part > size)
            part = size;
        memcpy(ring->pages[index / VMBUS_PAGE_SIZE] + in_page, from, part);
        index = advance(ring, index, (uint32_t)part);
        from += part;
        size -= part;
    }
    return index;
}

/* Whether more than @size bytes are free: an index that met the other would say "empty". */
static bool has_room(struct vmbus_ring *ring, uint32_t size)
{
    uint32_t read_index;

    if (!peer_index(ring, &ring->control->read_index, &read_index))
        return false;
    return ring->size - distance(ring, read_index, ring->index) > size;
}

/* The same, and asks for a signal if there is none. */
static bool wait_for_room(struct vmbus_ring *ring, uint32_t size)
{
    if (!has_room(ring, size)) {
        if (ring->broken)
            return false;
        store(&ring->control->pending_send_size, size);
        ring->pending = true;
        /* A reader that has not seen the size has written its index before. */
        full_barrier();
        if (!has_room(ring, size))
            return false;
    }
    if (ring->pending)
        store(&ring->control->pending_send_size, 0);
    ring->pending = false;
    return true;
}

enum vmbus_ring_status vmbus_ring_write(struct vmbus_ring *ring, uint16_t type, uint16_t flags,
                                        uint64_t transaction_id, uint32_t descriptor_size,
                                        const struct vmbus_ring_piece *pieces, uint32_t count)
{
    static const uint8_t padding[LENGTH_UNIT];
    size_t length = sizeof(struct vmbus_packet_header);

    if (ring->broken)
        return VMBUS_RING_BROKEN;
    for (uint32_t i = 0; i < count; i++) {
        if (pieces[i].size > MAX_PACKET_SIZE - length)
            return VMBUS_RING_TOO_LARGE;
        length += pieces[i].size;
    }
    size_t padded = (length + LENGTH_UNIT - 1) / LENGTH_UNIT * LENGTH_UNIT;
    size_t total = padded + sizeof(struct vmbus_packet_trailer);

    if (total >= ring->size || descriptor_size % LENGTH_UNIT != 0 ||
        descriptor_size > length - sizeof(struct vmbus_packet_header))
        return VMBUS_RING_TOO_LARGE;
    if (!wait_for_room(ring, (uint32_t)total))
        return ring->broken ? VMBUS_RING_BROKEN : VMBUS_RING_FULL;

    struct vmbus_packet_header header = {
        .type = type,
        .data_offset = (uint16_t)((sizeof(header) + descriptor_size) / LENGTH_UNIT),
        .length = (uint16_t)(padded / LENGTH_UNIT),
        .flags = flags,
        .transaction_id = transaction_id,
    };
    struct vmbus_packet_trailer trailer = {.start = ring->index};
    uint32_t index = copy_in(ring, ring->index, &header, sizeof(header));

    for (uint32_t i = 0; i < count; i++)
        index = copy_in(ring, index, pieces[i].data, pieces[i].size);
    index = copy_in(ring, index, padding, padded - length);
    ring->index = copy_in(ring, index, &trailer, sizeof(trailer));
    return VMBUS_RING_OK;
}

bool vmbus_ring_publish(struct vmbus_ring *ring)
{
    uint32_t before = ring->published;

    if (ring->broken || ring->index == before)
        return false;
    store(&ring->control->write_index, ring->index);
    ring->published = ring->index;
    /* Either the reader, which clears its mask before it looks a last time, sees the index, or its
     * cleared mask is seen here. */
    full_barrier();
    if (load(&ring->control->interrupt_mask) != 0)
        return false;
    return load(&ring->control->read_index) == before;
}

/* --- Reading --- */

static void copy_out(const struct vmbus_ring *ring, uint32_t index, void *data, size_t size)
{
    uint8_t *to = data;

    while (size > 0) {
        uint32_t in_page = index % VMBUS_PAGE_SIZE;
        size_t part = VMBUS_PAGE_SIZE - in_page;

        if (part > size)
            part = size;
        memcpy(to, ring->pages[index / VMBUS_PAGE_SIZE] + in_page, part);
        index = advance(ring, index, (uint32_t)part);
        to += part;
        size -= part;
    }
}

static enum vmbus_ring_status break_ring(struct vmbus_ring *ring)
{
    ring->broken = true;
    return VMBUS_RING_BROKEN;
}

enum vmbus_ring_status vmbus_ring_read(struct vmbus_ring *ring, struct vmbus_packet *packet,
                                       void *buffer, size_t capacity)
{
    struct vmbus_packet_header header;
    uint32_t write_index;

    if (ring->broken || !peer_index(ring, &ring->control->write_index, &write_index))
        return VMBUS_RING_BROKEN;
    uint32_t available = distance(ring, ring->index, write_index);

    if (available == 0)
        return VMBUS_RING_EMPTY;
    if (available < sizeof(header) + sizeof(struct vmbus_packet_trailer))
        return break_ring(ring);
    /* The peer may change it meanwhile: only this copy counts. */
    copy_out(ring, ring->index, &header, sizeof(header));
    uint32_t length = header.length * LENGTH_UNIT, data_offset = header.data_offset * LENGTH_UNIT;

    if (data_offset < sizeof(header) || data_offset > length ||
        length > available - sizeof(struct vmbus_packet_trailer))
        return break_ring(ring);
    uint32_t size = length - (uint32_t)sizeof(header);

    if (size > capacity)
        return VMBUS_RING_TOO_LARGE;
    copy_out(ring, advance(ring, ring->index, sizeof(header)), buffer, size);
    *packet = (struct vmbus_packet){
        .type = header.type,
        .flags = header.flags,
        .transaction_id = header.transaction_id,
        .descriptor_size = data_offset - (uint32_t)sizeof(header),
        .size = size,
    };
    ring->index = advance(ring, ring->index, length + sizeof(struct vmbus_packet_trailer));
    return VMBUS_RING_OK;
}

bool vmbus_ring_release(struct vmbus_ring *ring)
{
    uint32_t freed = distance(ring, ring->published, ring->index), write_index;

    if (ring->broken || freed == 0)
        return false;
    store(&ring->control->read_index, ring->index);
    ring->published = ring->index;
    /* The writer sets the size before it looks at the index a last time. */
    full_barrier();
    uint32_t pending = load(&ring->control->pending_send_size);

    if (pending == 0 || !peer_index(ring, &ring->control->write_index, &write_index))
        return false;
    uint32_t free = ring->size - distance(ring, ring->index, write_index);

    /* With an index that the peer has moved back, less may be free than has been freed. */
    return free > pending && (free < freed || free - freed <= pending);
}

void vmbus_ring_mask(struct vmbus_ring *ring)
{
    store(&ring->control->interrupt_mask, 1);
    full_barrier();
}

bool vmbus_ring_unmask(struct vmbus_ring *ring)
{
    if (ring->broken)
        return false;
    store(&ring->control->interrupt_mask, 0);
    /* A writer that has seen the mask has written its index before. */
    full_barrier();
    return load(&ring->control->write_index) != ring->index;
}
