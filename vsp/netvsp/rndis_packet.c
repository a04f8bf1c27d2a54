#include "vsp/netvsp/rndis_packet.h"

#include "include/vmbus/rndis.h"
#include "lib/string.h"

/* Takes over a piece of information whose value of @size bytes is at @value. */
static bool take_info(uint32_t type, const uint8_t *value, uint32_t size, struct rndis_frame *frame)
{
    uint32_t *target = NULL;

    if ((type & RNDIS_INFO_INTERNAL) != 0)
        return true;
    if (type == RNDIS_INFO_VLAN)
        target = &frame->vlan_tag;
    if (type == RNDIS_INFO_CHECKSUM)
        target = &frame->checksum;
    if (type == RNDIS_INFO_LARGE_SEND)
        target = &frame->large_send;
    if (target == NULL)
        return true;
    if (size < sizeof(*target))
        return false;
    memcpy(target, value, sizeof(*target));
    frame->vlan |= type == RNDIS_INFO_VLAN;
    return true;
}

/* Reads all the information in the @size bytes at @bytes. */
static bool parse_info(const uint8_t *bytes, uint32_t size, struct rndis_frame *frame)
{
    struct rndis_packet_info info;

    while (size > 0) {
        if (size < sizeof(info))
            return false;
        memcpy(&info, bytes, sizeof(info));
        if (info.size < sizeof(info) || info.size > size || info.offset < sizeof(info) ||
            info.offset > info.size)
            return false;
        if (!take_info(info.type, bytes + info.offset, info.size - info.offset, frame))
            return false;
        bytes += info.size;
        size -= info.size;
    }
    return true;
}

bool rndis_packet_parse(const uint8_t *head, size_t head_size, uint32_t available,
                        struct rndis_frame *frame)
{
    const uint32_t base = sizeof(struct rndis_header); /* of the offsets */
    struct rndis_packet packet;
    struct rndis_frame result = {0};

    if (head_size < sizeof(packet) || head_size > available)
        return false;
    memcpy(&packet, head, sizeof(packet));
    uint32_t length = packet.header.length;
    if (packet.header.type != RNDIS_MESSAGE_PACKET || length < sizeof(packet) || length > available)
        return false;
    if (packet.data_offset < sizeof(packet) - base || packet.data_offset > length - base ||
        packet.data_length > length - base - packet.data_offset || packet.data_length == 0)
        return false;
    result.message_size = length;
    result.offset = base + packet.data_offset;
    result.size = packet.data_length;
    if (packet.info_length > 0) {
        uint32_t end = length < head_size ? length : (uint32_t)head_size;

        if (packet.info_offset < sizeof(packet) - base || packet.info_offset > end - base ||
            packet.info_length > end - base - packet.info_offset)
            return false;
        if (!parse_info(head + base + packet.info_offset, packet.info_length, &result))
            return false;
    }
    *frame = result;
    return true;
}
