/* The network provider: frames in both directions, sections, and the link. */
#include "tests/netvsp_dialogue.h"
#include "vsp/netvsp/receive_buffer.h"

/* --- Frames from the guest --- */

static uint8_t frame_byte(uint32_t seed, uint32_t place)
{
    return (uint8_t)(place * 3 + seed * 41 + place / 256);
}

/* An RNDIS packet with a frame of @size bytes at @target; its size with @padding behind. */
static uint32_t make_packet(uint8_t *target, uint32_t seed, uint32_t size, uint32_t padding)
{
    struct rndis_packet head = {
        .header = {RNDIS_MESSAGE_PACKET, RNDIS_HEADER + size + padding},
        .data_offset = RNDIS_HEADER - 8,
        .data_length = size,
    };

    memcpy(target, &head, sizeof(head));
    for (uint32_t i = 0; i < size; i++)
        target[RNDIS_HEADER + i] = frame_byte(seed, i);
    memset(target + RNDIS_HEADER + size, 0, padding);
    return RNDIS_HEADER + size + padding;
}

static bool frame_is(const struct sent_frame *frame, uint32_t seed, uint32_t size)
{
    if (frame->size != (size < NET_FRAME_MIN ? NET_FRAME_MIN : size))
        return false;
    for (uint32_t i = 0; i < frame->size; i++) {
        if (frame->data[i] != (i < size ? frame_byte(seed, i) : 0))
            return false;
    }
    return true;
}

/* The status in the completion that comes. */
static uint32_t sent_status(void)
{
    const struct nvsp_message *nvsp = (const void *)buffer;

    CHECK(read_packet(&packet, buffer, sizeof(buffer)));
    CHECK_EQUAL(packet.type, VMBUS_PACKET_COMPLETION);
    CHECK_EQUAL(packet.transaction_id, 9);
    CHECK_EQUAL(nvsp->type, NVSP_MESSAGE_RNDIS_PACKET_COMPLETE);
    return nvsp->rndis_complete.status;
}

static void test_send_sections(void)
{
    static const uint32_t sizes[] = {14, 42, 60, 61, 1514, 1518};
    uint8_t message[SEND_SECTION];
    uint32_t size = 0;

    open_connected(NVSP_VERSION_6_1, 1514);
    for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size = make_packet(message, i, sizes[i], 0);
        send_section(NVSP_CHANNEL_DATA, 9, message, size);
        CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
        CHECK_EQUAL(sent_count, i + 1);
        CHECK(frame_is(&sent[i], i, sizes[i]));
    }
    /* Several, the last one without padding, across pages. */
    sent_count = size = 0;
    for (uint32_t i = 0; i < 3; i++)
        size += make_packet(message + size, i, 1501 + i, i < 2 ? 7 - i : 0);
    send_section(NVSP_CHANNEL_DATA, 1, message, size);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    CHECK_EQUAL(sent_count, 3);
    for (uint32_t i = 0; i < 3; i++)
        CHECK(frame_is(&sent[i], i, 1501 + i));
    guest_close();
}

/* Sends @pieces of @size bytes in all that are at DATA_PAGE one after the other, as ranges. */
static void send_ranges(uint32_t section, uint32_t in_section, const uint32_t *pieces,
                        uint32_t count, uint32_t offset)
{
    uint8_t descriptor[1024];
    const struct nvsp_message message = {
        .type = NVSP_MESSAGE_RNDIS_PACKET,
        .rndis = {.channel = NVSP_CHANNEL_DATA, .section = section, .size = in_section}};
    struct vmbus_gpa_direct direct = {.range_count = count};
    uint32_t size = sizeof(direct);

    memcpy(descriptor, &direct, sizeof(direct));
    for (uint32_t i = 0; i < count; i++) {
        struct vmbus_gpa_range range = {pieces[i], offset % 4096};
        uint32_t pages = (offset % 4096 + pieces[i] + 4095) / 4096;

        memcpy(descriptor + size, &range, sizeof(range));
        size += sizeof(range);
        for (uint64_t page = DATA_PAGE + offset / 4096; pages > 0; pages--, page++) {
            memcpy(descriptor + size, &page, sizeof(page));
            size += sizeof(page);
        }
        offset += pieces[i];
    }
    send_packet(VMBUS_PACKET_GPA_DIRECT, 9, descriptor, size, &message, sizeof(message));
}

static void test_send_pages(void)
{
    uint8_t head[4096];
    uint32_t pieces[40], size, count = 30;

    open_connected(NVSP_VERSION_6_1, 9014);
    size = make_packet(guest_bytes(DATA_PAGE, 4000), 1, 9014, 0);
    pieces[0] = RNDIS_HEADER;
    pieces[1] = size - RNDIS_HEADER;
    send_ranges(NVSP_SECTION_NONE, 0, pieces, 2, 4000);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    CHECK(sent_count == 1 && frame_is(&sent[0], 1, 9014));
    CHECK(sent[0].segment_count <= 5); /* in place */
    /* In more pieces than a frame has: copied. */
    for (uint32_t i = 0; i < count; i++)
        pieces[i] = size / count;
    pieces[count - 1] += size % count;
    send_ranges(NVSP_SECTION_NONE, 0, pieces, count, 4000);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    CHECK(sent_count == 2 && frame_is(&sent[1], 1, 9014));
    /* The first packets in a section, the last one's frame in pages. */
    size = make_packet(head, 5, 100, 4);
    size += make_packet(head + size, 6, 1200, 0) - 1200;
    memcpy(guest_bytes(SEND_PAGE, 3 * SEND_SECTION), head, size);
    for (uint32_t i = 0; i < 1200; i++)
        *guest_bytes(DATA_PAGE, 300 + i) = frame_byte(6, i);
    pieces[0] = 500;
    pieces[1] = 0;
    pieces[2] = 700;
    send_ranges(3, size, pieces, 3, 300);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    CHECK(sent_count == 4 && frame_is(&sent[2], 5, 100) && frame_is(&sent[3], 6, 1200));
    guest_close();
}

/* A frame of many tiny pieces that needs padding. */
static void test_send_tiny_pieces(void)
{
    uint32_t pieces[20] = {RNDIS_HEADER + 14};
    uint32_t count = 17, size = 14 + 2 * (count - 1);

    open_connected(NVSP_VERSION_6_1, 1514);
    make_packet(guest_bytes(DATA_PAGE, 0), 1, size, 0);
    for (uint32_t i = 1; i < count; i++)
        pieces[i] = 2;
    send_ranges(NVSP_SECTION_NONE, 0, pieces, count, 0);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    CHECK(sent_count == 1 && frame_is(&sent[0], 1, size));
    guest_close();
}

static void test_send_tagged(void)
{
    struct {
        struct rndis_packet packet;
        struct rndis_packet_info info;
        uint32_t tag;
        uint8_t data[100];
    } message = {.packet = {.header = {RNDIS_MESSAGE_PACKET, sizeof(message)},
                            .data_offset = 52,
                            .data_length = 100,
                            .info_offset = 36,
                            .info_length = 16},
                 .info = {16, RNDIS_INFO_VLAN, 12},
                 .tag = 5 | 1 << 3 | 0xabc << 4};
    static const uint8_t tag[] = {0x81, 0x00, 0xba, 0xbc};

    for (uint32_t i = 0; i < 100; i++)
        message.data[i] = frame_byte(3, i);
    open_connected(NVSP_VERSION_6_1, 1514);
    send_section(NVSP_CHANNEL_DATA, 0, &message, sizeof(message));
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    CHECK_EQUAL(sent[0].size, 104);
    CHECK(memcmp(sent[0].data, message.data, 12) == 0);
    CHECK(memcmp(sent[0].data + 12, tag, 4) == 0);
    CHECK(memcmp(sent[0].data + 16, message.data + 12, 88) == 0);
    /* What was not offered is not done by halves. */
    message.info.type = RNDIS_INFO_CHECKSUM;
    send_section(NVSP_CHANNEL_DATA, 0, &message, sizeof(message));
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    message.info.type = RNDIS_INFO_LARGE_SEND;
    send_section(NVSP_CHANNEL_DATA, 0, &message, sizeof(message));
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    CHECK_EQUAL(sent_count, 1);
    CHECK_EQUAL(query_number(OID_GEN_XMIT_OK), 1);
    CHECK_EQUAL(query_number(OID_GEN_XMIT_ERROR), 2);
    guest_close();
}

/* A control request in pages, as stock guests send it. */
static void test_control_in_pages(void)
{
    const struct rndis_request request = {.header = {RNDIS_MESSAGE_QUERY, sizeof(request)},
                                          .request_id = 4,
                                          .oid = OID_GEN_LINK_SPEED,
                                          .information_offset = 20};
    const struct nvsp_message message = {
        .type = NVSP_MESSAGE_RNDIS_PACKET,
        .rndis = {.channel = NVSP_CHANNEL_CONTROL, .section = NVSP_SECTION_NONE}};
    const struct {
        struct vmbus_gpa_direct direct;
        struct vmbus_gpa_range range;
        uint64_t pages[2];
    } descriptor = {{.range_count = 1}, {sizeof(request), 4096 - 10}, {DATA_PAGE, DATA_PAGE + 1}};

    open_connected(NVSP_VERSION_6_1, 1514);
    memcpy(guest_bytes(DATA_PAGE, 4096 - 10), &request, sizeof(request));
    send_packet(VMBUS_PACKET_GPA_DIRECT, 9, &descriptor, sizeof(descriptor), &message,
                sizeof(message));
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    CHECK(read_packet(&packet, buffer, sizeof(buffer)));
    CHECK_EQUAL(packet.type, VMBUS_PACKET_TRANSFER_PAGES);
    guest_close();
}

/* The network decides by a header that the guest cannot change any more. */
static void change_header(const struct net_frame *frame)
{
    (void)frame;
    memset(guest_bytes(SEND_PAGE, 0), 0xee, SEND_SECTION);
}

static void test_send_changed(void)
{
    uint8_t message[512];
    uint32_t size = make_packet(message, 1, 100, 0);

    open_connected(NVSP_VERSION_6_1, 1514);
    before_send = change_header;
    send_section(NVSP_CHANNEL_DATA, 0, message, size);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    CHECK(sent_count == 1 && sent[0].size == 100);
    for (uint32_t i = 0; i < NET_HEADER_SIZE; i++)
        CHECK_EQUAL(sent[0].data[i], frame_byte(1, i));
    guest_close();
}

static void test_send_errors(void)
{
    struct nvsp_message nvsp = {.type = NVSP_MESSAGE_RNDIS_PACKET,
                                .rndis = {.section = 0, .size = 144}};
    uint32_t pieces[1] = {144}, status;
    uint8_t message[4096];

    open_connected(NVSP_VERSION_6_1, 1514);
    send_section(NVSP_CHANNEL_DATA, 0, message, make_packet(message, 0, 13, 0));
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS); /* counted only */
    send_section(NVSP_CHANNEL_DATA, 0, message, make_packet(message, 0, 1519, 0));
    CHECK_EQUAL(sent_status(), NVSP_STATUS_SUCCESS);
    make_packet(message, 0, 100, 0);
    send_section(NVSP_CHANNEL_DATA, 0, message, 143);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_INVALID_RNDIS_PACKET);
    send_section(2, 0, message, 144);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_FAIL);
    nvsp.rndis.section = SEND_PAGES * 4096 / SEND_SECTION;
    send_packet(VMBUS_PACKET_DATA_INBAND, 9, NULL, 0, &nvsp, sizeof(nvsp));
    CHECK_EQUAL(sent_status(), NVSP_STATUS_INVALID_RNDIS_PACKET);
    nvsp.rndis.section = 0;
    nvsp.rndis.size = SEND_SECTION + 1;
    send_packet(VMBUS_PACKET_DATA_INBAND, 9, NULL, 0, &nvsp, sizeof(nvsp));
    CHECK_EQUAL(sent_status(), NVSP_STATUS_INVALID_RNDIS_PACKET);
    /* Pages that are not there: guest page 64. */
    send_ranges(NVSP_SECTION_NONE, 0, pieces, 1, (uint32_t)(GUEST_GAP - DATA_PAGE) * 4096u);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_INVALID_RNDIS_PACKET);
    CHECK_EQUAL(sent_count, 0);
    CHECK_EQUAL(query_number(OID_GEN_XMIT_ERROR), 3);
    guest_close();
    /* Without a send buffer, and before RNDIS is set up. */
    guest_open();
    negotiate(NVSP_VERSION_6_1, NVSP_VERSION_6_1, &status);
    send_section(NVSP_CHANNEL_DATA, 0, message, 144);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_INVALID_RNDIS_PACKET);
    make_packet(guest_bytes(DATA_PAGE, 0), 0, 100, 0);
    send_ranges(NVSP_SECTION_NONE, 0, pieces, 1, 0);
    CHECK_EQUAL(sent_status(), NVSP_STATUS_FAIL);
    CHECK_EQUAL(sent_count, 0);
    guest_close();
}

/* --- Frames to the guest --- */

/* A frame from the network, in two pieces. */
static bool deliver(uint32_t seed, uint32_t size)
{
    static uint8_t data[9200];
    struct net_segment segments[] = {{data, 0, 20}, {data + 20, 0, size - 20}};
    const struct net_frame frame = {.segments = segments, .segment_count = 2, .size = size};

    for (uint32_t i = 0; i < size; i++)
        data[i] = frame_byte(seed, i);
    return netvsp_receive(adapter, &frame);
}

/* Checks frame @seed in @range of the receive buffer. */
static void check_received(const struct vmbus_transfer_range *range, uint32_t seed, uint32_t size)
{
    const uint8_t *bytes = guest_bytes(RECEIVE_PAGE, range->byte_offset);
    struct rndis_packet head;
    bool same = true;

    CHECK_EQUAL(range->byte_count, RNDIS_HEADER + size);
    memcpy(&head, bytes, sizeof(head));
    CHECK_EQUAL(head.header.type, RNDIS_MESSAGE_PACKET);
    CHECK_EQUAL(head.header.length, RNDIS_HEADER + size);
    CHECK_EQUAL(head.data_offset, RNDIS_HEADER - 8);
    CHECK_EQUAL(head.data_length, size);
    for (uint32_t i = 0; i < size; i++)
        same &= bytes[RNDIS_HEADER + i] == frame_byte(seed, i);
    CHECK(same);
}

/* Reads a batch of data; how many frames, whose ranges go to @ranges. */
static uint32_t read_batch(struct vmbus_transfer_range *ranges)
{
    const struct vmbus_transfer_pages *transfer = (const void *)buffer;

    guest_turn(provider_host, 4);
    if (!read_packet(&packet, buffer, sizeof(buffer)))
        return 0;
    CHECK_EQUAL(packet.type, VMBUS_PACKET_TRANSFER_PAGES);
    CHECK_EQUAL(packet.flags, VMBUS_PACKET_FLAG_COMPLETION_REQUESTED);
    CHECK_EQUAL(packet.descriptor_size, 8 + 8 * transfer->range_count);
    memcpy(ranges, buffer + 8, 8 * transfer->range_count);
    return transfer->range_count;
}

static void test_receive(void)
{
    struct vmbus_transfer_range ranges[64];
    uint64_t transactions[4];

    open_connected(NVSP_VERSION_6_1, 1514);
    for (uint32_t i = 0; i < 5; i++)
        CHECK(deliver(i, 1514 - i));
    CHECK(deliver(9, 1518)); /* tagged */
    CHECK(!deliver(9, 1519));
    CHECK_EQUAL(read_batch(ranges), 6);
    transactions[0] = packet.transaction_id;
    for (uint32_t i = 0; i < 5; i++)
        check_received(&ranges[i], i, 1514 - i);
    check_received(&ranges[5], 9, 1518);
    CHECK(deliver(7, 60));
    CHECK_EQUAL(read_batch(ranges), 1);
    transactions[1] = packet.transaction_id;
    CHECK(transactions[0] != transactions[1]);
    check_received(&ranges[0], 7, 60);
    complete_batch(transactions[1]);
    complete_batch(transactions[0]);
    CHECK_EQUAL(query_number(OID_GEN_RCV_OK), 7);
    CHECK_EQUAL(query_number(OID_GEN_RCV_ERROR), 1);
    guest_close();
    CHECK_EQUAL(failed, 0);
}

/* All sections are with the guest; then it gives them back. */
static void test_receive_exhausted(void)
{
    const uint32_t sections = RECEIVE_PAGES * 4096 / 1728, usable = sections - sections / 4;
    struct vmbus_transfer_range ranges[64];
    uint64_t transaction;

    open_connected(NVSP_VERSION_6_1, 1514);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < usable; i++)
            CHECK(deliver(i, 100));
        CHECK(!deliver(1, 100));
        CHECK_EQUAL(read_batch(ranges), usable);
        for (uint32_t i = 0; i < usable; i++)
            check_received(&ranges[i], i, 100);
        transaction = packet.transaction_id;
        /* The sections that are kept for control messages still work. */
        CHECK_EQUAL(query_number(OID_GEN_RCV_NO_BUFFER), round + 1);
        complete_batch(transaction);
    }
    guest_close();
}

/* Completions of what the guest does not have close the channel. */
static void test_bad_completion(void)
{
    struct vmbus_transfer_range ranges[64];
    uint64_t transaction;

    for (uint32_t which = 0; which < 3; which++) {
        open_connected(NVSP_VERSION_6_1, 1514);
        deliver(0, 100);
        deliver(1, 100);
        CHECK_EQUAL(read_batch(ranges), 2);
        transaction = packet.transaction_id;
        if (which == 0) {
            complete_batch(transaction);
            CHECK(running[PROVIDER_RELID] != NULL);
        }
        if (which == 1) /* another member of it */
            transaction =
                (transaction & ~0xffffffffull) | ranges[1].byte_offset / NETVSP_RECEIVE_SECTION;
        if (which == 2)
            transaction |= 0xffff;
        complete_batch(transaction);
        CHECK(running[PROVIDER_RELID] == NULL);
        guest_close();
    }
    /* Of a buffer that was revoked meanwhile. */
    const struct nvsp_message revoke = {.type = NVSP_MESSAGE_REVOKE_RECEIVE_BUFFER,
                                        .revoke.id = RECEIVE_ID};
    open_connected(NVSP_VERSION_6_1, 1514);
    deliver(0, 100);
    CHECK_EQUAL(read_batch(ranges), 1);
    transaction = packet.transaction_id;
    answer_to(&revoke);
    CHECK(!deliver(0, 100));
    complete_batch(transaction);
    give(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, RECEIVE_GPADL, RECEIVE_ID);
    complete_batch(transaction);
    CHECK(running[PROVIDER_RELID] != NULL);
    guest_close();
}

/* A guest that does not take answers, or whose ring is full, has at most its channel closed. */
static void test_control_flood(void)
{
    const struct rndis_request request = {.header = {RNDIS_MESSAGE_QUERY, sizeof(request)},
                                          .oid = OID_GEN_LINK_SPEED,
                                          .information_offset = 20};
    uint32_t count = 0;

    open_connected(NVSP_VERSION_6_1, 1514);
    while (running[PROVIDER_RELID] != NULL && count < 1000) {
        send_section(NVSP_CHANNEL_CONTROL, 0, &request, sizeof(request));
        while (read_packet(&packet, buffer, sizeof(buffer)))
            ;
        count++;
    }
    CHECK_EQUAL(count, RECEIVE_PAGES * 4096 / 1728 + 1);
    guest_close();
    open_connected(NVSP_VERSION_6_1, 1514);
    for (uint32_t i = 0; i < 40; i++)
        deliver(i, 100);
    for (uint32_t i = 0; i < 1000; i++)
        send_section(NVSP_CHANNEL_DATA, 0, &request, 0);
    for (count = 0; read_packet(&packet, buffer, sizeof(buffer)); count++)
        guest_turn(provider_host, 4);
    CHECK(count > 100 && running[PROVIDER_RELID] != NULL);
    guest_close();
}

static void check_indication(uint32_t status)
{
    struct vmbus_transfer_range ranges[64];
    struct rndis_indicate_status message;

    CHECK_EQUAL(read_batch(ranges), 1);
    memcpy(&message, guest_bytes(RECEIVE_PAGE, ranges[0].byte_offset), sizeof(message));
    CHECK_EQUAL(message.header.type, RNDIS_MESSAGE_INDICATE_STATUS);
    CHECK_EQUAL(message.header.length, sizeof(message));
    CHECK_EQUAL(message.status, status);
    complete_batch(packet.transaction_id);
}

static void test_link(void)
{
    struct vmbus_transfer_range ranges[64];

    open_connected(NVSP_VERSION_6_1, 1514);
    netvsp_set_link(adapter, true);
    CHECK_EQUAL(read_batch(ranges), 0);
    netvsp_set_link(adapter, false);
    check_indication(RNDIS_STATUS_MEDIA_DISCONNECT);
    CHECK_EQUAL(query_number(OID_GEN_MEDIA_CONNECT_STATUS), 1);
    netvsp_set_link(adapter, true);
    check_indication(RNDIS_STATUS_MEDIA_CONNECT);
    CHECK_EQUAL(read_batch(ranges), 0);
    guest_close();
}

/* The guest goes while frames come. */
static void test_reopen(void)
{
    struct vmbus_transfer_range ranges[64];

    open_connected(NVSP_VERSION_6_1, 1514);
    deliver(1, 100);
    provider_close();
    CHECK_EQUAL(network_filter, 0);
    CHECK(!deliver(1, 100));
    netvsp_set_link(adapter, false);
    netvsp_destroy(adapter);
    open_connected(NVSP_VERSION_5, 1514);
    CHECK_EQUAL(read_batch(ranges), 0);
    guest_close();
}

/* A buffer with more sections than are used, and one with hardly any. */
static void test_section_counts(void)
{
    static struct receive_buffer receive;
    static uint8_t page[4096];
    static uint8_t *pages[4096];
    uint32_t taken = 0;

    for (uint32_t i = 0; i < 4096; i++)
        pages[i] = page;
    CHECK(receive_buffer_start(&receive, pages, 4096, NETVSP_RECEIVE_SECTION));
    CHECK_EQUAL(receive.section_count, RECEIVE_SECTIONS_MAX);
    while (receive_buffer_take(&receive, RECEIVE_DATA) != RECEIVE_SECTION_NONE)
        taken++;
    CHECK_EQUAL(taken, RECEIVE_SECTIONS_MAX - 16);
    CHECK(receive_buffer_take(&receive, RECEIVE_CONTROL) != RECEIVE_SECTION_NONE);
    CHECK(receive_buffer_start(&receive, pages, 4, 4096));
    CHECK_EQUAL(receive.section_count, 4);
    CHECK(!receive_buffer_start(&receive, pages, 3, 4096));
}

int main(void)
{
    test_send_sections();
    test_send_pages();
    test_send_tiny_pieces();
    test_send_tagged();
    test_send_changed();
    test_send_errors();
    test_receive();
    test_receive_exhausted();
    test_bad_completion();
    test_control_flood();
    test_control_in_pages();
    test_section_counts();
    test_link();
    test_reopen();
    return unit_result();
}
