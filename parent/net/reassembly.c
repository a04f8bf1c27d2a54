#include "parent/net/reassembly.h"

#include "lib/string.h"
#include "parent/net/net.h"

#define REASSEMBLY_TIME (15 * NET_SECOND) /* RFC 791, 3.2 */

enum placement { PLACE_NEW, PLACE_REPEATED, PLACE_OVERLAPS };

static bool unit_present(const struct reassembly_slot *slot, size_t unit)
{
    return slot->present[unit / 64] >> unit % 64 & 1;
}

static struct reassembly_slot *find(struct net_stack *stack,
                                    const struct reassembly_fragment *fragment)
{
    for (unsigned i = 0; i < REASSEMBLY_SLOTS; i++) {
        struct reassembly_slot *slot = &stack->reassembly.slots[i];

        if (slot->used && slot->source == fragment->source &&
            slot->identification == fragment->identification &&
            slot->protocol == fragment->protocol)
            return slot;
    }
    return NULL;
}

static void give_up(struct net_stack *stack, struct reassembly_slot *slot)
{
    stack->counters.reassembly_incomplete++;
    reassembly_release(slot);
}

/* A slot for a new packet: the oldest gives way, because good packets are complete within
 * milliseconds. */
static struct reassembly_slot *create(struct net_stack *stack,
                                      const struct reassembly_fragment *fragment)
{
    struct reassembly_slot *slot = NULL;

    for (unsigned i = 0; i < REASSEMBLY_SLOTS; i++) {
        struct reassembly_slot *other = &stack->reassembly.slots[i];

        if (slot == NULL ||
            (slot->used && (!other->used || other->deadline_us < slot->deadline_us)))
            slot = other;
    }
    if (slot->used)
        give_up(stack, slot);
    slot->used = true;
    slot->protocol = fragment->protocol;
    slot->identification = fragment->identification;
    slot->source = fragment->source;
    slot->deadline_us = stack->now_us + REASSEMBLY_TIME;
    slot->total_size = slot->highest = slot->unit_count = 0;
    memset(slot->present, 0, sizeof(slot->present));
    net_schedule(stack, slot->deadline_us);
    return slot;
}

/* Whether a fragment can be part of any packet that we accept. */
static bool plausible(const struct reassembly_fragment *fragment)
{
    return fragment->size > 0 && fragment->offset <= IPV4_PAYLOAD_MAX &&
           fragment->size <= IPV4_PAYLOAD_MAX - fragment->offset &&
           (fragment->last || fragment->size % REASSEMBLY_UNIT == 0);
}

/* Whether a fragment contradicts what the packet's others say of its size. */
static bool size_conflicts(const struct reassembly_slot *slot,
                           const struct reassembly_fragment *fragment)
{
    size_t end = fragment->offset + fragment->size;

    if (fragment->last)
        return end < slot->highest || (slot->total_size != 0 && end != slot->total_size);
    return slot->total_size != 0 && end > slot->total_size;
}

static enum placement place(const struct reassembly_slot *slot,
                            const struct reassembly_fragment *fragment)
{
    size_t first = fragment->offset / REASSEMBLY_UNIT;
    size_t end = (fragment->offset + fragment->size + REASSEMBLY_UNIT - 1) / REASSEMBLY_UNIT;
    size_t present = 0;

    for (size_t unit = first; unit < end; unit++)
        present += unit_present(slot, unit);
    if (present == 0)
        return PLACE_NEW;
    if (present == end - first &&
        memcmp(slot->data + fragment->offset, fragment->data, fragment->size) == 0)
        return PLACE_REPEATED;
    return PLACE_OVERLAPS;
}

static void store(struct reassembly_slot *slot, const struct reassembly_fragment *fragment)
{
    size_t end = fragment->offset + fragment->size;

    memcpy(slot->data + fragment->offset, fragment->data, fragment->size);
    for (size_t unit = fragment->offset / REASSEMBLY_UNIT; unit * REASSEMBLY_UNIT < end; unit++) {
        slot->present[unit / 64] |= 1ull << unit % 64;
        slot->unit_count++;
    }
    if (end > slot->highest)
        slot->highest = end;
    if (fragment->last)
        slot->total_size = end;
}

struct reassembly_slot *reassembly_add(struct net_stack *stack,
                                       const struct reassembly_fragment *fragment)
{
    struct reassembly_slot *slot;
    enum placement placement;

    if (!plausible(fragment)) {
        stack->counters.fragments_dropped++;
        return NULL;
    }
    slot = find(stack, fragment);
    if (slot == NULL)
        slot = create(stack, fragment);
    placement = size_conflicts(slot, fragment) ? PLACE_OVERLAPS : place(slot, fragment);
    if (placement == PLACE_REPEATED)
        return NULL;
    if (placement == PLACE_OVERLAPS) {
        stack->counters.fragments_dropped++;
        give_up(stack, slot);
        return NULL;
    }
    store(slot, fragment);
    if (slot->total_size == 0 || slot->unit_count * REASSEMBLY_UNIT < slot->total_size)
        return NULL;
    stack->counters.reassembled++;
    return slot;
}

void reassembly_release(struct reassembly_slot *slot)
{
    slot->used = false;
}

void reassembly_flush(struct net_stack *stack)
{
    for (unsigned i = 0; i < REASSEMBLY_SLOTS; i++)
        reassembly_release(&stack->reassembly.slots[i]);
}

void reassembly_tick(struct net_stack *stack)
{
    for (unsigned i = 0; i < REASSEMBLY_SLOTS; i++) {
        struct reassembly_slot *slot = &stack->reassembly.slots[i];

        if (slot->used && slot->deadline_us <= stack->now_us)
            give_up(stack, slot);
        if (slot->used)
            net_schedule(stack, slot->deadline_us);
    }
}
