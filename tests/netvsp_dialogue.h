/* How a guest and the network provider talk until frames flow, with checks of each answer. For unit
 * tests, which include it once. */
#ifndef VENEER_TESTS_NETVSP_DIALOGUE_H
#define VENEER_TESTS_NETVSP_DIALOGUE_H

#include "tests/unit/unit.h"

#include "tests/netvsp_guest.h"

#define NETVSP_RECEIVE_SECTION 1728u
#define RNDIS_HEADER 44u

static struct vmbus_packet packet;
static _Alignas(8) uint8_t buffer[4096];

/* What the provider answers to an NVSP message. */
static inline struct nvsp_message answer_to(const struct nvsp_message *message)
{
    struct nvsp_message answer = {0};

    send_nvsp(message);
    CHECK(read_packet(&packet, &answer, sizeof(answer)));
    CHECK_EQUAL(packet.type, VMBUS_PACKET_COMPLETION);
    CHECK_EQUAL(packet.transaction_id, 7);
    return answer;
}

static inline uint32_t negotiate(uint32_t least, uint32_t most, uint32_t *status)
{
    const struct nvsp_message message = {.type = NVSP_MESSAGE_INIT, .init = {least, most}};
    struct nvsp_message answer = answer_to(&message);

    CHECK_EQUAL(packet.size, sizeof(answer)); /* guests want all of it */
    CHECK_EQUAL(answer.type, NVSP_MESSAGE_INIT_COMPLETE);
    *status = answer.init_complete.status;
    return answer.init_complete.version;
}

static inline void set_frame_size(uint32_t size)
{
    const struct nvsp_message message = {.type = NVSP_MESSAGE_SEND_NDIS_CONFIG,
                                         .ndis_config.mtu = size};

    answer_to(&message);
    CHECK_EQUAL(packet.size, 0);
}

static inline struct nvsp_message give(uint32_t type, uint32_t gpadl, uint16_t id)
{
    const struct nvsp_message message = {.type = type, .buffer = {.gpadl = gpadl, .id = id}};

    return answer_to(&message);
}

/* --- Control messages --- */

/* Sends a control message of @size bytes; its response is in @buffer behind the section's start.
 * NULL: none came. */
static inline const uint8_t *control(const void *request, uint32_t size)
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

static inline uint32_t initialize(void)
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
static inline uint32_t query(uint32_t oid, uint32_t *size)
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

static inline uint32_t query_number(uint32_t oid)
{
    uint32_t size, number;

    CHECK_EQUAL(query(oid, &size), RNDIS_STATUS_SUCCESS);
    CHECK_EQUAL(size, sizeof(number));
    memcpy(&number, buffer + 24, sizeof(number));
    return number;
}

static inline uint32_t set(uint32_t oid, const void *value, uint32_t size)
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
static inline void open_connected(uint32_t version, uint32_t frame_size)
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

#endif
