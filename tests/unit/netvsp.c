/* The network provider: negotiation, buffers, control messages, and guests that leave the protocol.
 */
#include "tests/netvsp_dialogue.h"

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

int main(void)
{
    test_versions();
    test_buffers();
    test_objects();
    test_offload_parameters();
    test_control_errors();
    return unit_result();
}
