/* From the guest to the network: RNDIS packets in sections of the send buffer and in pages. */
#include "lib/string.h"
#include "vsp/netvsp/internal.h"
#include "vsp/netvsp/rndis_packet.h"

/* --- Where a message is --- */

/* Adds the part in a section of the send buffer. */
static bool add_section(struct netvsp *adapter, uint32_t section, uint32_t size)
{
    struct netvsp_message *message = &adapter->message;

    if (adapter->send_pages == NULL || section >= adapter->send_sections ||
        size > NETVSP_SEND_SECTION_SIZE)
        return false;
    uint32_t place = section * NETVSP_SEND_SECTION_SIZE;

    while (size > 0) {
        struct vmbus_segment *segment = &message->segments[message->count++];
        uint32_t in_page = place % VMBUS_PAGE_SIZE;

        *segment = (struct vmbus_segment){
            .data = adapter->send_pages[place / VMBUS_PAGE_SIZE] + in_page,
            .size = VMBUS_PAGE_SIZE - in_page < size ? VMBUS_PAGE_SIZE - in_page : size,
        };
        message->size += segment->size;
        place += segment->size;
        size -= segment->size;
    }
    return true;
}

/* Adds the pages that @ranges name, a private copy of @size bytes. */
static bool add_ranges(struct netvsp *adapter, const uint8_t *ranges, uint32_t size)
{
    struct netvsp_message *message = &adapter->message;
    struct vmbus_gpa_direct direct;

    if (size < sizeof(direct))
        return false;
    memcpy(&direct, ranges, sizeof(direct));
    ranges += sizeof(direct);
    size -= (uint32_t)sizeof(direct);
    for (uint32_t i = 0; i < direct.range_count; i++) {
        struct vmbus_gpa_range range;

        if (size < sizeof(range))
            return false;
        memcpy(&range, ranges, sizeof(range));
        if (range.byte_offset >= VMBUS_PAGE_SIZE ||
            range.byte_count > NETVSP_TRANSFER_MAX - message->size)
            return false;
        uint32_t pages =
            (range.byte_offset + range.byte_count + VMBUS_PAGE_SIZE - 1) / VMBUS_PAGE_SIZE;
        uint32_t range_size = (uint32_t)sizeof(range) + pages * (uint32_t)sizeof(uint64_t);

        if (range_size > size)
            return false;
        int added = vmbus_channel_gpa_segments(adapter->channel, ranges, range_size, 0,
                                               range.byte_count, message->segments + message->count,
                                               NETVSP_SEGMENTS_MAX - message->count);
        if (added < 0)
            return false;
        message->count += (uint32_t)added;
        message->size += range.byte_count;
        ranges += range_size;
        size -= range_size;
    }
    return true;
}

bool transmit_gather(struct netvsp *adapter, const struct vmbus_packet *packet,
                     const struct nvsp_message *nvsp)
{
    adapter->message.size = adapter->message.count = 0;
    if (nvsp->rndis.section != NVSP_SECTION_NONE &&
        !add_section(adapter, nvsp->rndis.section, nvsp->rndis.size))
        return false;
    return packet->type != VMBUS_PACKET_GPA_DIRECT ||
           add_ranges(adapter, adapter->packet, packet->descriptor_size);
}

/* The bytes at @offset of the message that are in one piece; how many, at most @limit, goes to
 * *@size. */
static const uint8_t *piece_at(const struct netvsp_message *message, uint32_t offset,
                               uint32_t limit, uint32_t *size)
{
    const struct vmbus_segment *segment = message->segments;

    for (; offset >= segment->size; segment++)
        offset -= segment->size;
    *size = segment->size - offset < limit ? segment->size - offset : limit;
    return segment->data + offset;
}

void transmit_copy(const struct netvsp_message *message, uint32_t offset, void *target,
                   uint32_t size)
{
    uint8_t *to = target;
    uint32_t part;

    for (; size > 0; size -= part, offset += part, to += part) {
        const uint8_t *from = piece_at(message, offset, size, &part);

        memcpy(to, from, part);
    }
}

/* --- Frames --- */

struct outgoing {
    struct net_frame frame;
    struct net_segment segments[NET_SEGMENTS_MAX];
};

static const uint8_t padding[NET_FRAME_MIN];

static void add_segment(struct outgoing *outgoing, const void *data, uint32_t size)
{
    struct net_frame *frame = &outgoing->frame;

    if (size == 0)
        return;
    outgoing->segments[frame->segment_count++] =
        (struct net_segment){.data = (void *)data, .size = size};
    frame->size += size;
}

/* The bytes of the message from @offset on, in place. False: too many segments, if one more may be
 * needed for padding. */
static bool add_in_place(struct outgoing *outgoing, const struct netvsp_message *message,
                         uint32_t offset, uint32_t size)
{
    uint32_t part;

    for (; size > 0; size -= part, offset += part) {
        const uint8_t *data = piece_at(message, offset, size, &part);

        if (outgoing->frame.segment_count == NET_SEGMENTS_MAX - 1)
            return false;
        add_segment(outgoing, data, part);
    }
    return true;
}

/* Copies the header, and inserts the tag that the guest wants; its size. */
static uint32_t make_header(const struct netvsp *adapter, const struct rndis_frame *rndis,
                            uint32_t offset, uint8_t *header)
{
    uint32_t tag = rndis->vlan_tag;

    transmit_copy(&adapter->message, offset, header, NET_HEADER_SIZE);
    if (!rndis->vlan)
        return NET_HEADER_SIZE;
    memcpy(header + NET_HEADER_SIZE + NET_VLAN_TAG_SIZE - 2, header + NET_HEADER_SIZE - 2, 2);
    /* IEEE 802.1Q: 8100h, then priority (bits 15:13), DEI (12) and VLAN (11:0). */
    header[NET_HEADER_SIZE - 2] = 0x81;
    header[NET_HEADER_SIZE - 1] = 0;
    header[NET_HEADER_SIZE] = (uint8_t)((tag & 7) << 5 | (tag >> 3 & 1) << 4 | (tag >> 12 & 15));
    header[NET_HEADER_SIZE + 1] = (uint8_t)(tag >> 4);
    return NET_HEADER_SIZE + NET_VLAN_TAG_SIZE;
}

static void add_padding(struct outgoing *outgoing)
{
    uint32_t size = outgoing->frame.size;

    if (size < NET_FRAME_MIN)
        add_segment(outgoing, padding, NET_FRAME_MIN - size);
}

/* Sends the frame that @rndis describes; the message's offset @offset is where it begins. False: it
 * asks for what this adapter has not offered, or has a size that no frame has. */
static bool send_frame(struct netvsp *adapter, const struct rndis_frame *rndis, uint32_t offset)
{
    struct outgoing outgoing = {.frame.segments = outgoing.segments};
    uint32_t body = rndis->size - NET_HEADER_SIZE;

    if (rndis->size < NET_HEADER_SIZE || body > adapter->mtu + NET_VLAN_TAG_SIZE ||
        rndis->checksum != 0 || rndis->large_send != 0)
        return false;
    uint32_t header = make_header(adapter, rndis, offset, adapter->frame_header);

    add_segment(&outgoing, adapter->frame_header, header);
    offset += NET_HEADER_SIZE;
    if (!add_in_place(&outgoing, &adapter->message, offset, body)) {
        transmit_copy(&adapter->message, offset, adapter->bounce, body);
        outgoing.frame.segment_count = 1;
        outgoing.frame.size = header;
        add_segment(&outgoing, adapter->bounce, body);
    }
    add_padding(&outgoing);
    adapter->network->send(adapter->context, &outgoing.frame);
    return true;
}

static void count(struct netvsp *adapter, const struct netvsp_statistics *add)
{
    uint64_t flags = spin_lock(&adapter->lock);

    adapter->statistics.sent.packets += add->sent.packets;
    adapter->statistics.sent.bytes += add->sent.bytes;
    adapter->statistics.sent.errors += add->sent.errors;
    spin_unlock(&adapter->lock, flags);
}

bool transmit_frames(struct netvsp *adapter)
{
    const struct netvsp_message *message = &adapter->message;
    struct netvsp_statistics counted = {0};
    uint8_t head[RNDIS_HEAD_MAX];
    bool good = true;

    for (uint32_t at = 0; at < message->size && good;) {
        uint32_t available = message->size - at;
        uint32_t head_size = available < sizeof(head) ? available : (uint32_t)sizeof(head);
        struct rndis_frame rndis;

        transmit_copy(message, at, head, head_size);
        good = rndis_packet_parse(head, head_size, available, &rndis);
        if (!good || !send_frame(adapter, &rndis, at + rndis.offset)) {
            counted.sent.errors++;
        } else {
            counted.sent.packets++;
            counted.sent.bytes += rndis.size;
        }
        if (good)
            at += rndis.message_size;
    }
    count(adapter, &counted);
    return good;
}
