/* The network provider, packet by packet: negotiation, control messages, frames in both
 * directions, and guests that leave the protocol. */
#include "tests/unit/unit.h"

#include "tests/netvsp_guest.h"
#include "vsp/netvsp/receive_buffer.h"

#define NETVSP_RECEIVE_SECTION 1728u
#define RNDIS_HEADER 44u

static struct vmbus_packet packet;
static _Alignas(8) uint8_t buffer[4096];

/* What the provider answers to an NVSP message. */
static struct nvsp_message answer_to(const struct nvsp_message *message)
{
    struct nvsp_message answer = {0};

    send_nvsp(message);
    CHECK(read_packet(&packet, &answer, sizeof(answer)));
    CHECK_EQUAL(packet.type, VMBUS_PACKET_COMPLETION);
    CHECK_EQUAL(packet.transaction_id, 7);
    return answer;
}

static uint32_t negotiate(uint32_t least, uint32_t most, uint32_t *status)
{
    const struct nvsp_message message = {.type = NVSP_MESSAGE_INIT, .init = {least, most}};
    struct nvsp_message answer = answer_to(&message);

    CHECK_EQUAL(packet.size, sizeof(answer)); /* guests want all of it */
    CHECK_EQUAL(answer.type, NVSP_MESSAGE_INIT_COMPLETE);
    *status = answer.init_complete.status;
    return answer.init_complete.version;
}

static void set_frame_size(uint32_t size)
{
    const struct nvsp_message message = {.type = NVSP_MESSAGE_SEND_NDIS_CONFIG,
                                         .ndis_config.mtu = size};

    answer_to(&message);
    CHECK_EQUAL(packet.size, 0);
}

static struct nvsp_message give(uint32_t type, uint32_t gpadl, uint16_t id)
{
    const struct nvsp_message message = {.type = type, .buffer = {.gpadl = gpadl, .id = id}};

    return answer_to(&message);
}

/* --- Control messages --- */

/* Sends a control message of @size bytes; its response is in @buffer behind the section's start.
 * NULL: none came. */
static const uint8_t *control(const void *request, uint32_t size)
{
    struct vmbus_transfer_range range;
    const struct nvsp_message *nvsp = (const void *)buffer;

    send_section(NVSP_CHANNEL_CONTROL, 0, request, size);
    CHECK(read_packet(&packet, buffer, sizeof(buffer)));
    CHECK_EQUAL(packet.type, VMBUS_PACKET_COMPLETION);
    CHECK_EQUAL(nvsp->type, NVSP_MESSAGE_RNDIS_PACKET_COMPLETE);
    CHECK_EQUAL(nvsp->rndis_complete.status, NVSP_STATUS_SUCCESS);
    if (!read_packet(&packet, buffer, sizeof(buffer)))
        return NULL;
    CHECK_EQUAL(packet.type, VMBUS_PACKET_TRANSFER_PAGES);
    CHECK_EQUAL(packet.descriptor_size, 16);
    nvsp = (const void *)(buffer + packet.descriptor_size);
    CHECK_EQUAL(((const struct vmbus_transfer_pages *)(const void *)buffer)->page_set_id,
                RECEIVE_ID);
    CHECK_EQUAL(nvsp->type, NVSP_MESSAGE_RNDIS_PACKET);
    CHECK_EQUAL(nvsp->rndis.channel, NVSP_CHANNEL_CONTROL);
    memcpy(&range, buffer + 8, sizeof(range));
    memcpy(buffer, guest_bytes(RECEIVE_PAGE, range.byte_offset), range.byte_count);
    complete_batch(packet.transaction_id);
    CHECK_EQUAL(((const struct rndis_header *)(const void *)buffer)->length, range.byte_count);
    return buffer;
}

static uint32_t initialize(void)
{
    const struct rndis_initialize request = {
        .header = {RNDIS_MESSAGE_INITIALIZE, sizeof(request)}, .request_id = 5, .major = 1};
    const struct rndis_initialize_complete *response =
        (const void *)control(&request, sizeof(request));

    CHECK_EQUAL(response->header.type, RNDIS_MESSAGE_INITIALIZE | RNDIS_MESSAGE_COMPLETE);
    CHECK_EQUAL(response->request_id, 5);
    return response->status;
}

/* The status; the value is at buffer + 24. */
static uint32_t query(uint32_t oid, uint32_t *size)
{
    const struct rndis_request request = {.header = {RNDIS_MESSAGE_QUERY, sizeof(request)},
                                          .request_id = oid ^ 1,
                                          .oid = oid,
                                          .information_offset = 20};
    const struct rndis_query_complete *response = (const void *)control(&request, sizeof(request));

    CHECK_EQUAL(response->header.type, RNDIS_MESSAGE_QUERY | RNDIS_MESSAGE_COMPLETE);
    CHECK_EQUAL(response->request_id, oid ^ 1);
    CHECK_EQUAL(response->header.length, 24 + response->information_length);
    CHECK_EQUAL(response->information_offset, response->status == RNDIS_STATUS_SUCCESS ? 16 : 0);
    *size = response->information_length;
    return response->status;
}

static uint32_t query_number(uint32_t oid)
{
    uint32_t size, number;

    CHECK_EQUAL(query(oid, &size), RNDIS_STATUS_SUCCESS);
    CHECK_EQUAL(size, sizeof(number));
    memcpy(&number, buffer + 24, sizeof(number));
    return number;
}

static uint32_t set(uint32_t oid, const void *value, uint32_t size)
{
    struct {
        struct rndis_request request;
        uint8_t value[64];
    } message = {
        .request = {.header = {RNDIS_MESSAGE_SET, (uint32_t)sizeof(message.request) + size},
                    .request_id = 77,
                    .oid = oid,
                    .information_length = size,
                    .information_offset = 20}};

    memcpy(message.value, value, size);
    const struct rndis_complete *response =
        (const void *)control(&message, (uint32_t)sizeof(message.request) + size);

    CHECK_EQUAL(response->header.type, RNDIS_MESSAGE_SET | RNDIS_MESSAGE_COMPLETE);
    CHECK_EQUAL(response->request_id, 77);
    return response->status;
}

/* A guest that is up to everything. */
static void open_connected(uint32_t version, uint32_t frame_size)
{
    const uint32_t filter = RNDIS_PACKET_TYPE_DIRECTED | RNDIS_PACKET_TYPE_BROADCAST;
    uint32_t status;

    guest_open();
    CHECK_EQUAL(negotiate(version, version, &status), version);
    set_frame_size(frame_size);
    CHECK_EQUAL(give(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, RECEIVE_GPADL, RECEIVE_ID)
                    .receive_buffer_complete.status,
                NVSP_STATUS_SUCCESS);
    CHECK_EQUAL(
        give(NVSP_MESSAGE_SEND_SEND_BUFFER, SEND_GPADL, 0).send_buffer_complete.section_size,
        SEND_SECTION);
    CHECK_EQUAL(initialize(), RNDIS_STATUS_SUCCESS);
    CHECK_EQUAL(set(OID_GEN_CURRENT_PACKET_FILTER, &filter, sizeof(filter)), RNDIS_STATUS_SUCCESS);
    CHECK_EQUAL(network_filter, filter);
}

static void test_versions(void)
{
    static const uint32_t versions[] = {NVSP_VERSION_6_1, NVSP_VERSION_6, NVSP_VERSION_5,
                                        NVSP_VERSION_4,   NVSP_VERSION_2, NVSP_VERSION_1};
    uint32_t status;

    guest_open();
    CHECK_EQUAL(negotiate(NVSP_VERSION_6_1 + 1, UINT32_MAX, &status), 0);
    CHECK_EQUAL(status, NVSP_STATUS_PROTOCOL_TOO_NEW);
    CHECK_EQUAL(negotiate(0, 1, &status), 0);
    CHECK_EQUAL(status, NVSP_STATUS_PROTOCOL_TOO_OLD);
    /* No version: no buffers. */
    CHECK_EQUAL(give(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, RECEIVE_GPADL, RECEIVE_ID)
                    .receive_buffer_complete.status,
                NVSP_STATUS_FAIL);
    for (unsigned i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        CHECK_EQUAL(negotiate(versions[i], versions[i], &status), versions[i]);
        CHECK_EQUAL(status, NVSP_STATUS_SUCCESS);
    }
    CHECK_EQUAL(negotiate(0, UINT32_MAX, &status), NVSP_VERSION_6_1);
    CHECK_EQUAL(give(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, RECEIVE_GPADL, RECEIVE_ID)
                    .receive_buffer_complete.status,
                NVSP_STATUS_SUCCESS);
    negotiate(NVSP_VERSION_5, NVSP_VERSION_5, &status);
    CHECK_EQUAL(status, NVSP_STATUS_FAIL); /* too late */
    guest_close();
}

static void test_buffers(void)
{
    struct nvsp_message answer, revoke = {.type = NVSP_MESSAGE_REVOKE_RECEIVE_BUFFER};
    uint32_t status;

    guest_open();
    negotiate(NVSP_VERSION_5, NVSP_VERSION_5, &status);
    answer = give(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, 99, RECEIVE_ID);
    CHECK_EQUAL(answer.receive_buffer_complete.status, NVSP_STATUS_FAIL);
    answer = give(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, 1, RECEIVE_ID); /* the rings */
    CHECK_EQUAL(answer.receive_buffer_complete.status, NVSP_STATUS_FAIL);
    answer = give(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, RECEIVE_GPADL, RECEIVE_ID);
    CHECK_EQUAL(answer.type, NVSP_MESSAGE_SEND_RECEIVE_BUFFER_COMPLETE);
    CHECK_EQUAL(answer.receive_buffer_complete.status, NVSP_STATUS_SUCCESS);
    CHECK_EQUAL(answer.receive_buffer_complete.section_count, 1);
    CHECK_EQUAL(answer.receive_buffer_complete.section.offset, 0);
    CHECK_EQUAL(answer.receive_buffer_complete.section.sub_allocation_size, 1728);
    CHECK_EQUAL(answer.receive_buffer_complete.section.sub_allocation_count,
                RECEIVE_PAGES * 4096 / 1728);
    answer = give(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, SEND_GPADL, RECEIVE_ID); /* a second one */
    CHECK_EQUAL(answer.receive_buffer_complete.status, NVSP_STATUS_FAIL);
    revoke.revoke.id = 5; /* another one */
    answer_to(&revoke);
    CHECK_EQUAL(packet.size, 0);
    answer = give(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, RECEIVE_GPADL, RECEIVE_ID);
    CHECK_EQUAL(answer.receive_buffer_complete.status, NVSP_STATUS_FAIL);
    revoke.revoke.id = RECEIVE_ID;
    answer_to(&revoke);
    set_frame_size(9000 + 14);
    answer = give(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, RECEIVE_GPADL, RECEIVE_ID);
    CHECK_EQUAL(answer.receive_buffer_complete.status, NVSP_STATUS_SUCCESS);
    CHECK_EQUAL(answer.receive_buffer_complete.section.sub_allocation_size, 9064);
    create_gpadl(9, DATA_PAGE, 1);
    answer = give(NVSP_MESSAGE_SEND_SEND_BUFFER, 9, 0); /* no section fits */
    CHECK_EQUAL(answer.send_buffer_complete.status, NVSP_STATUS_FAIL);
    answer = give(NVSP_MESSAGE_SEND_SEND_BUFFER, SEND_GPADL, 0);
    CHECK_EQUAL(answer.send_buffer_complete.status, NVSP_STATUS_SUCCESS);
    guest_close();
}

static void test_objects(void)
{
    uint32_t size, count, oids[128], wrong = 0x40;

    open_connected(NVSP_VERSION_6_1, 1514);
    CHECK_EQUAL(query(OID_GEN_SUPPORTED_LIST, &size), RNDIS_STATUS_SUCCESS);
    memcpy(oids, buffer + 24, size);
    count = size / 4;
    CHECK(count > 30);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t expected = oids[i] == OID_TCP_OFFLOAD_PARAMETERS ? RNDIS_STATUS_NOT_SUPPORTED
                                                                  : RNDIS_STATUS_SUCCESS;
        if (query(oids[i], &size) != expected)
            fprintf(stderr, "object %x\n", oids[i]);
        CHECK_EQUAL(query(oids[i], &size), expected);
    }
    CHECK_EQUAL(query(OID_GEN_FRIENDLY_NAME, &size), RNDIS_STATUS_NOT_SUPPORTED);
    CHECK_EQUAL(query(OID_802_3_PERMANENT_ADDRESS, &size), RNDIS_STATUS_SUCCESS);
    CHECK(size == 6 && memcmp(buffer + 24, &adapter_mac, 6) == 0);
    CHECK_EQUAL(query_number(OID_GEN_MAXIMUM_FRAME_SIZE), 1500);
    CHECK_EQUAL(query_number(OID_GEN_LINK_SPEED), 100000000);
    CHECK_EQUAL(query_number(OID_GEN_MEDIA_CONNECT_STATUS), 0);
    CHECK_EQUAL(query(OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, &size), RNDIS_STATUS_SUCCESS);
    CHECK_EQUAL(size, NDIS_OFFLOAD_SIZE_REVISION_3);
    CHECK_EQUAL(buffer[24], NDIS_OBJECT_TYPE_OFFLOAD);
    CHECK_EQUAL(buffer[25], 3);
    CHECK_EQUAL(query(OID_GEN_RECEIVE_SCALE_CAPABILITIES, &size), RNDIS_STATUS_SUCCESS);
    CHECK_EQUAL(buffer[24 + 12], 1); /* queues */
    CHECK_EQUAL(set(OID_GEN_CURRENT_PACKET_FILTER, &wrong, 4), RNDIS_STATUS_NOT_SUPPORTED);
    CHECK_EQUAL(set(OID_GEN_CURRENT_PACKET_FILTER, &wrong, 3), RNDIS_STATUS_INVALID_LENGTH);
    CHECK_EQUAL(set(OID_GEN_LINK_SPEED, &wrong, 4), RNDIS_STATUS_NOT_SUPPORTED);
    CHECK_EQUAL(network_filter, RNDIS_PACKET_TYPE_DIRECTED | RNDIS_PACKET_TYPE_BROADCAST);
    guest_close();
    open_connected(NVSP_VERSION_4, 1514);
    query(OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, &size);
    CHECK_EQUAL(size, NDIS_OFFLOAD_SIZE_REVISION_2);
    guest_close();
    open_connected(NVSP_VERSION_2, 1514);
    query(OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, &size);
    CHECK_EQUAL(size, NDIS_OFFLOAD_SIZE_REVISION_1);
    guest_close();
}

static void test_offload_parameters(void)
{
    uint8_t parameters[32] = {NDIS_OBJECT_TYPE_DEFAULT, 3, sizeof(parameters), 0, 1};

    open_connected(NVSP_VERSION_6_1, 1514);
    CHECK_EQUAL(set(OID_TCP_OFFLOAD_PARAMETERS, parameters, 32), RNDIS_STATUS_SUCCESS);
    for (unsigned i = 0; i < NDIS_OFFLOAD_KINDS; i++) {
        parameters[4 + i] = 2;
        CHECK_EQUAL(set(OID_TCP_OFFLOAD_PARAMETERS, parameters, 32), RNDIS_STATUS_NOT_SUPPORTED);
        parameters[4 + i] = 0;
    }
    CHECK_EQUAL(set(OID_TCP_OFFLOAD_PARAMETERS, parameters, 14), RNDIS_STATUS_INVALID_LENGTH);
    parameters[0] = 1;
    CHECK_EQUAL(set(OID_TCP_OFFLOAD_PARAMETERS, parameters, 32), RNDIS_STATUS_INVALID_DATA);
    guest_close();
}

/* Malformed control messages, and states. */
static void test_control_errors(void)
{
    struct rndis_request request = {.header = {RNDIS_MESSAGE_SET, sizeof(request)},
                                    .request_id = 3,
                                    .oid = OID_GEN_CURRENT_PACKET_FILTER,
                                    .information_length = 4};
    const uint32_t offsets[] = {0, 15, 17, 21, 100, UINT32_MAX, UINT32_MAX - 3};
    struct rndis_initialize bad_version = {
        .header = {RNDIS_MESSAGE_INITIALIZE, sizeof(bad_version)}, .major = 2};
    const struct rndis_complete *response;
    uint32_t size;

    open_connected(NVSP_VERSION_6_1, 1514);
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        request.information_offset = offsets[i];
        response = (const void *)control(&request, sizeof(request));
        CHECK(response != NULL && response->status == RNDIS_STATUS_INVALID_DATA);
    }
    request.header.length = sizeof(request) + 1;
    response = (const void *)control(&request, sizeof(request));
    CHECK(response != NULL && response->status == RNDIS_STATUS_INVALID_LENGTH);
    CHECK_EQUAL(response->request_id, 3);
    request.header.length = 8;
    response = (const void *)control(&request, sizeof(request));
    CHECK(response != NULL && response->status == RNDIS_STATUS_INVALID_LENGTH);
    request.header.type = 99;
    CHECK(control(&request, sizeof(request)) == NULL);
    CHECK(control(&request, 3) == NULL);
    request.header = (struct rndis_header){RNDIS_MESSAGE_KEEPALIVE, 12};
    response = (const void *)control(&request, 12);
    CHECK(response != NULL && response->status == RNDIS_STATUS_SUCCESS);
    response = (const void *)control(&bad_version, sizeof(bad_version));
    CHECK(response != NULL && response->status == RNDIS_STATUS_BAD_VERSION);
    request.header = (struct rndis_header){RNDIS_MESSAGE_HALT, 12};
    CHECK(control(&request, 12) == NULL);
    CHECK_EQUAL(network_filter, 0);
    CHECK_EQUAL(query(OID_GEN_LINK_SPEED, &size), RNDIS_STATUS_ADAPTER_NOT_READY);
    guest_close();
}

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
    test_versions();
    test_buffers();
    test_objects();
    test_offload_parameters();
    test_control_errors();
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
