#include "vsp/netvsp/rndis_packet.h"

#include "include/vmbus/rndis.h"
#include "tests/unit/unit.h"

static struct {
    struct rndis_packet packet;
    struct rndis_packet_info info;
    uint32_t value;
    uint8_t data[60];
} message;

static struct rndis_frame frame;

/* A packet of 60 bytes with one piece of information. */
static void prepare(uint32_t type)
{
    memset(&message, 0, sizeof(message));
    message.packet = (struct rndis_packet){.header = {RNDIS_MESSAGE_PACKET, sizeof(message)},
                                           .data_offset = 52,
                                           .data_length = 60,
                                           .info_offset = 36,
                                           .info_length = 16};
    message.info = (struct rndis_packet_info){.size = 16, .type = type, .offset = 12};
    message.value = 0x12345;
}

static bool parse(uint32_t available)
{
    frame = (struct rndis_frame){.size = 77};
    return rndis_packet_parse((const uint8_t *)&message, available, available, &frame);
}

static void test_good(void)
{
    prepare(RNDIS_INFO_CHECKSUM);
    CHECK(parse(sizeof(message)));
    CHECK_EQUAL(frame.message_size, sizeof(message));
    CHECK_EQUAL(frame.offset, 60);
    CHECK_EQUAL(frame.size, 60);
    CHECK_EQUAL(frame.checksum, 0x12345);
    CHECK(!frame.vlan);
    prepare(RNDIS_INFO_CHECKSUM | RNDIS_INFO_INTERNAL);
    CHECK(parse(sizeof(message)));
    CHECK_EQUAL(frame.checksum, 0);
    prepare(RNDIS_INFO_VLAN);
    CHECK(parse(sizeof(message)) && frame.vlan);
    CHECK_EQUAL(frame.vlan_tag, 0x12345);
    prepare(RNDIS_INFO_LARGE_SEND);
    CHECK(parse(sizeof(message)));
    CHECK_EQUAL(frame.large_send, 0x12345);
}

/* Each field with values that cannot be. */
static void test_malformed(void)
{
    static const struct {
        uint32_t *field;
        uint32_t value;
    } wrong[] = {
        {&message.packet.header.type, 2},
        {&message.packet.header.length, 43},
        {&message.packet.header.length, sizeof(message) + 1},
        {&message.packet.header.length, 0xffffffff},
        {&message.packet.data_offset, 35},
        {&message.packet.data_offset, 53},
        {&message.packet.data_offset, 0xfffffff8},
        {&message.packet.data_length, 0},
        {&message.packet.data_length, 61},
        {&message.packet.data_length, 0xffffffff},
        {&message.packet.info_offset, 35},
        {&message.packet.info_offset, 0xfffffff8},
        {&message.packet.info_length, 15},
        {&message.packet.info_length, 17},
        {&message.packet.info_length, 0xffffffff},
        {&message.info.size, 0},
        {&message.info.size, 17},
        {&message.info.offset, 0},
        {&message.info.offset, 13},
        {&message.info.offset, 17},
    };

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        prepare(RNDIS_INFO_CHECKSUM);
        *wrong[i].field = wrong[i].value;
        if (parse(sizeof(message)))
            fprintf(stderr, "case %u\n", i);
        CHECK_EQUAL(frame.size, 77);
    }
    for (uint32_t size = 0; size < sizeof(message); size++) {
        prepare(RNDIS_INFO_CHECKSUM);
        CHECK(!parse(size));
    }
}

/* A piece that is consistent in itself, but ends behind the packet, or behind what was copied. */
static void test_info_too_long(void)
{
    prepare(RNDIS_INFO_CHECKSUM);
    message.info.size = message.packet.info_length = sizeof(message) - 44;
    CHECK(parse(sizeof(message)));
    message.info.size = message.packet.info_length = sizeof(message) - 43;
    CHECK(!parse(sizeof(message)));
    prepare(RNDIS_INFO_CHECKSUM);
    CHECK(rndis_packet_parse((const uint8_t *)&message, 60, sizeof(message), &frame));
    CHECK(!rndis_packet_parse((const uint8_t *)&message, 59, sizeof(message), &frame));
}

int main(void)
{
    test_good();
    test_malformed();
    test_info_too_long();
    return unit_result();
}
