/* Unit test of vsp/storvsp/: what is read is compared with a model; a disk that completes in random
 * order, a ring without room, LUNs and media that come and go. */
#include "lib/big_endian.h"
#include "tests/storvsp_double.h"
#include "tests/unit/unit.h"
#include "vsp/storvsp/scsi.h"

static uint8_t model[SECTORS * 512];
static uint32_t released_count;

void vdisk_submit(struct vdisk *target, struct vdisk_request *request)
{
    CHECK(target == &disk);
    pending[pending_count++] = request;
}

static void send(struct vstor_packet *packet, uint64_t id, uint32_t page, uint32_t start,
                 uint32_t size)
{
    uint32_t pages = (start + size + 4095) / 4096;
    uint32_t descriptor = size == 0 ? 0 : 16 + 8 * pages;
    uint32_t head[4] = {0, 1, size, start};

    memcpy(input, head, sizeof(head));
    for (uint64_t i = 0; i < pages; i++)
        memcpy(input + 16 + 8 * i, &(uint64_t){page + i}, 8);
    memcpy(input + descriptor, packet, sizeof(*packet));
    input_packet = (struct vmbus_packet){.type = size == 0 ? VMBUS_PACKET_DATA_INBAND
                                                           : VMBUS_PACKET_GPA_DIRECT,
                                         .flags = 1,
                                         .transaction_id = id,
                                         .descriptor_size = descriptor,
                                         .size = descriptor + sizeof(*packet)};
    input_there = true;
    run();
}

static uint32_t operation(uint32_t code, uint16_t version)
{
    struct vstor_packet packet = {.operation = code, .version = {version, 0}};

    send(&packet, 1, 0, 0, 0);
    CHECK_EQUAL(answer.operation, VSTOR_OPERATION_COMPLETE_IO);
    return answer.status;
}

static void srb(uint8_t lun, const uint8_t *cdb, uint8_t way, uint64_t id, uint32_t page,
                uint32_t start, uint32_t size)
{
    struct vstor_packet packet = {.operation = VSTOR_OPERATION_EXECUTE_SRB};

    packet.srb = (struct vstor_srb){
        .lun = lun, .cdb_length = 16, .sense_length = 20, .data_in = way, .transfer_length = size};
    memcpy(packet.srb.cdb_or_sense, cdb, 16);
    send(&packet, id, page, start, size);
}

static uint32_t sense(void)
{
    const uint8_t *s = answer.srb.cdb_or_sense;

    CHECK_EQUAL(answer.srb.srb_status, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
    CHECK_EQUAL(answer.srb.scsi_status, SCSI_STATUS_CHECK_CONDITION);
    return (uint32_t)(s[2] << 16 | s[12] << 8 | s[13]);
}

static void rw16(uint8_t *cdb, uint8_t code, uint64_t sector, uint32_t count)
{
    memset(cdb, 0, 16);
    cdb[0] = code;
    store_be64(cdb + 2, sector);
    store_be32(cdb + 10, count);
}

static void initialize(void)
{
    CHECK_EQUAL(operation(VSTOR_OPERATION_BEGIN_INITIALIZATION, 0), 0);
    CHECK_EQUAL(operation(VSTOR_OPERATION_QUERY_PROTOCOL_VERSION, VSTOR_VERSION(6, 2)), 0);
    CHECK_EQUAL(operation(VSTOR_OPERATION_END_INITIALIZATION, 0), 0);
}

static void test_errors(void)
{
    uint8_t cdb[16] = {SCSI_TEST_UNIT_READY};

    srb(5, cdb, 2, 2, 0, 0, 0);
    CHECK_EQUAL(answer.srb.srb_status, SRB_STATUS_INVALID_LUN);
    srb(5, (const uint8_t[16]){SCSI_INQUIRY, 0, 0, 0, 36}, 1, 2, 0, 0, 36);
    CHECK_EQUAL(answer.srb.srb_status, SRB_STATUS_SUCCESS);
    CHECK_EQUAL(answer.srb.transfer_length, 36);
    CHECK_EQUAL(memory[0], 0x7f);
    cdb[0] = 0xff;
    srb(0, cdb, 2, 2, 0, 0, 0);
    CHECK_EQUAL(sense(), SCSI_SENSE_INVALID_OPCODE);
    rw16(cdb, SCSI_READ_16, UINT64_MAX, 2);
    srb(0, cdb, 1, 2, 0, 0, 1024);
    CHECK_EQUAL(sense(), SCSI_SENSE_LBA_OUT_OF_RANGE);
    rw16(cdb, SCSI_READ_16, SECTORS - 1, 2);
    srb(0, cdb, 1, 2, 0, 0, 1024);
    CHECK_EQUAL(sense(), SCSI_SENSE_LBA_OUT_OF_RANGE);
    rw16(cdb, SCSI_READ_16, 0, 2); /* more than the buffer; wrong way; not guest memory */
    srb(0, cdb, 1, 2, 0, 0, 512);
    CHECK_EQUAL(sense(), SCSI_SENSE_INVALID_FIELD_IN_CDB);
    srb(0, cdb, 0, 2, 0, 0, 1024);
    CHECK_EQUAL(sense(), SCSI_SENSE_INVALID_FIELD_IN_CDB);
    srb(0, cdb, 1, 2, PAGES, 0, 1024);
    CHECK_EQUAL(sense(), SCSI_SENSE_INVALID_FIELD_IN_CDB);
    CHECK_EQUAL(pending_count, 0);
    for (uint32_t i = 0; i < 2; i++) {
        next_status = VDISK_ERROR_NO_SPACE;
        rw16(cdb, SCSI_WRITE_16, 0, 1);
        srb(0, cdb, 0, 2, 0, 0, 512);
        complete(0);
        run();
        CHECK_EQUAL(sense(), SCSI_SENSE_SPACE_ALLOCATION_FAILED);
    }
    CHECK_EQUAL(log_count, 1);
    next_status = VDISK_OK;
}

static void released(void *context, struct vdisk *which)
{
    (void)context;
    CHECK(which == &disk || which == NULL);
    released_count++;
}

/* Odd places in memory, too: those go by way of the bounce buffer. */
static void test_data(void)
{
    uint8_t cdb[16];

    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t count = 1 + (uint32_t)rand() % 64, sector = (uint32_t)rand() % (SECTORS - count);
        uint32_t page = (uint32_t)rand() % 200, start = (uint32_t)rand() % (i % 8 == 0 ? 4096 : 8);
        bool write = rand() % 2;

        start *= i % 8 == 0 ? 1 : 512;
        for (uint32_t k = 0; k < count * 512; k++)
            memory[page * 4096 + start + k] = (uint8_t)rand();
        if (write)
            memcpy(model + sector * 512, memory + page * 4096 + start, count * 512);
        rw16(cdb, write ? SCSI_WRITE_16 : SCSI_READ_16, sector, count);
        srb(0, cdb, !write, i, page, start, count * 512);
        complete(0);
        run();
        CHECK_EQUAL(answer_id, i);
        CHECK_EQUAL(answer.srb.srb_status, SRB_STATUS_SUCCESS);
        CHECK_EQUAL(answer.srb.transfer_length, count * 512);
        CHECK(memcmp(memory + page * 4096 + start, model + sector * 512, count * 512) == 0);
    }
    CHECK(memcmp(medium, model, sizeof(model)) == 0);
}

static void test_write_same(void)
{
    uint8_t cdb[16];

    for (uint32_t i = 0; i < 512; i++)
        memory[4096 + i] = (uint8_t)(i * 3);
    rw16(cdb, SCSI_WRITE_SAME_16, 100, 7);
    srb(0, cdb, 0, 1, 1, 0, 512);
    complete(0);
    run();
    CHECK_EQUAL(answer.srb.srb_status, SRB_STATUS_SUCCESS);
    for (uint32_t i = 0; i < 7; i++)
        memcpy(model + (100 + i) * 512, memory + 4096, 512);
    CHECK(memcmp(medium, model, sizeof(model)) == 0);
    rw16(cdb, SCSI_WRITE_SAME_16, 0, 1025); /* more than a transfer, and no zeros */
    srb(0, cdb, 0, 1, 1, 0, 512);
    CHECK_EQUAL(sense(), SCSI_SENSE_INVALID_FIELD_IN_CDB);
}

/* The second request of odd places waits for the first one, and all others behind it. */
static void test_bounce(void)
{
    uint8_t cdb[16];
    uint32_t before = answer_count;

    rw16(cdb, SCSI_READ_16, 0, 8);
    srb(0, cdb, 1, 1, 1, 1, 4096);
    srb(0, cdb, 1, 2, 3, 3, 4096);
    srb(0, cdb, 1, 3, 5, 0, 4096);
    CHECK_EQUAL(pending_count, 1);
    CHECK(input_there);
    complete(0);
    run();
    CHECK_EQUAL(pending_count, 2);
    CHECK(!input_there);
    complete(1);
    complete(0);
    run();
    CHECK_EQUAL(answer_count, before + 3);
    CHECK(memcmp(memory + 4097, model, 4096) == 0);
    CHECK(memcmp(memory + 3 * 4096 + 3, model, 4096) == 0);
    offer.provider->close((struct vmbus_channel *)memory);
    CHECK_EQUAL(bounces, 0);
    offer.provider->open((struct vmbus_channel *)memory, offer.user_data);
    initialize();
    memory_is_short = true;
    srb(0, cdb, 1, 1, 1, 1, 4096);
    run();
    CHECK_EQUAL(sense(), SCSI_SENSE_INSUFFICIENT_RESOURCES);
    memory_is_short = false;
}

/* A medium that is taken out while requests are at it. */
static void test_medium(void)
{
    static const uint8_t prevent[16] = {SCSI_PREVENT_ALLOW, 0, 0, 0, 1};
    static const uint8_t allow[16] = {SCSI_PREVENT_ALLOW};
    static const uint8_t event[16] = {SCSI_GET_EVENT_STATUS, 1, 0, 0, 0x10, [8] = 8};
    static const uint8_t ready[16] = {SCSI_TEST_UNIT_READY};
    uint8_t cdb[16];

    CHECK(storvsp_add_lun(controller, 7, NULL, true));
    CHECK_EQUAL(storvsp_eject(controller, 7, released, NULL), STORVSP_NO_MEDIUM);
    CHECK(!storvsp_insert(controller, 6, &disk));
    CHECK(storvsp_insert(controller, 7, &disk));
    CHECK(!storvsp_insert(controller, 7, &disk));
    srb(7, ready, 2, 1, 0, 0, 0);
    CHECK_EQUAL(sense(), SCSI_SENSE_MEDIUM_CHANGED);
    srb(7, prevent, 2, 1, 0, 0, 0);
    CHECK_EQUAL(storvsp_eject(controller, 7, released, NULL), STORVSP_LOCKED);
    srb(7, event, 1, 1, 0, 0, 8);
    CHECK_EQUAL(memory[4], SCSI_EVENT_EJECT_REQUEST);
    srb(7, allow, 2, 1, 0, 0, 0);
    rw16(cdb, SCSI_READ_16, 0, 8);
    srb(7, cdb, 1, 5, 1, 1, 4096);
    srb(7, cdb, 1, 6, 1, 1, 4096); /* waits for the bounce buffer */
    CHECK_EQUAL(storvsp_eject(controller, 7, released, NULL), STORVSP_EJECTED);
    CHECK(!storvsp_insert(controller, 7, &disk));
    CHECK_EQUAL(released_count, 0);
    next_status = VDISK_ERROR_NO_MEDIUM;
    complete(0);
    run();
    CHECK_EQUAL(sense(), SCSI_SENSE_NO_MEDIUM);
    complete(0);
    run();
    next_status = VDISK_OK;
    CHECK_EQUAL(released_count, 1);
    srb(7, ready, 2, 1, 0, 0, 0);
    CHECK_EQUAL(sense(), SCSI_SENSE_NO_MEDIUM);
    CHECK(storvsp_remove_lun(controller, 7, released, NULL));
    CHECK_EQUAL(released_count, 2);
    released_count = 0;
}

static void test_reset_lun(void)
{
    static const uint8_t ready[16] = {SCSI_TEST_UNIT_READY};
    struct vstor_packet reset = {.operation = VSTOR_OPERATION_RESET_LUN};

    CHECK(storvsp_add_lun(controller, 1, &disk, false));
    reset.srb.lun = 1;
    send(&reset, 5, 0, 0, 0);
    run();
    CHECK_EQUAL(answer_id, 5);
    srb(0, ready, 2, 1, 0, 0, 0);
    CHECK_EQUAL(answer.srb.srb_status, SRB_STATUS_SUCCESS);
    srb(1, ready, 2, 1, 0, 0, 0);
    CHECK_EQUAL(sense(), SCSI_SENSE_RESET);
    CHECK(storvsp_remove_lun(controller, 1, released, NULL));
    CHECK_EQUAL(released_count, 1);
    released_count = 0;
}

/* Many requests, a full ring, random order, a reset behind them, removal, closing. */
static void test_queue(void)
{
    struct vstor_packet reset = {.operation = VSTOR_OPERATION_RESET_BUS};
    uint8_t cdb[16];
    uint32_t before = answer_count;

    rw16(cdb, SCSI_READ_16, 0, 8);
    for (uint32_t i = 0; i < STORVSP_QUEUE_DEPTH + 1; i++)
        srb(0, cdb, 1, i, 1, 0, 4096);
    CHECK_EQUAL(pending_count, STORVSP_QUEUE_DEPTH);
    CHECK(input_there); /* one more than fits */
    room = 0;
    for (uint32_t i = 0; i < 60; i++)
        complete((uint32_t)rand() % pending_count);
    run();
    CHECK_EQUAL(answer_count, before);
    CHECK(input_there);
    room = UINT32_MAX;
    run();
    CHECK_EQUAL(answer_count, before + 60);
    CHECK(!input_there);
    send(&reset, 9999, 0, 0, 0);
    CHECK(answer_id != 9999);
    CHECK(storvsp_remove_lun(controller, 0, released, NULL));
    while (pending_count > 1)
        complete((uint32_t)rand() % pending_count);
    run();
    CHECK_EQUAL(released_count, 0);
    CHECK(answer_id != 9999);
    offer.provider->close((struct vmbus_channel *)memory);
    CHECK_EQUAL(pending_count, 0);
    CHECK_EQUAL(released_count, 1);
}

int main(void)
{
    static const uint8_t inquiry[16] = {SCSI_INQUIRY, 0, 0, 0, 36};
    struct vmbus_guid instance = {{1}};

    room = UINT32_MAX;
    controller = storvsp_create();
    storvsp_offer(controller, &instance, &offer);
    CHECK(storvsp_add_lun(controller, 0, &disk, false));
    CHECK(!storvsp_add_lun(controller, 0, &disk, false));
    CHECK(offer.provider->open((struct vmbus_channel *)memory, offer.user_data));
    CHECK_EQUAL(operation(VSTOR_OPERATION_EXECUTE_SRB, 0), VSTOR_STATUS_INVALID_STATE);
    CHECK_EQUAL(operation(VSTOR_OPERATION_BEGIN_INITIALIZATION, 0), 0);
    CHECK(operation(VSTOR_OPERATION_QUERY_PROTOCOL_VERSION, VSTOR_VERSION(4, 2)) != 0);
    CHECK(operation(VSTOR_OPERATION_END_INITIALIZATION, 0) != 0);
    CHECK_EQUAL(operation(VSTOR_OPERATION_QUERY_PROTOCOL_VERSION, VSTOR_VERSION(6, 2)), 0);
    CHECK_EQUAL(operation(VSTOR_OPERATION_QUERY_PROPERTIES, 0), 0);
    CHECK_EQUAL(answer.properties.max_transfer_bytes, 512 * 1024);
    CHECK_EQUAL(operation(VSTOR_OPERATION_END_INITIALIZATION, 0), 0);
    CHECK(operation(VSTOR_OPERATION_CREATE_SUB_CHANNELS, 0) != 0);
    /* A disk that comes before the guest's first request is announced behind that. */
    CHECK(storvsp_add_lun(controller, 5, &disk, false));
    run();
    CHECK_EQUAL(rescans, 0);
    srb(0, inquiry, 1, 3, 0, 0, 36);
    CHECK(memcmp(memory + 8, "Veneer  Virtual Disk", 20) == 0);
    run();
    CHECK_EQUAL(rescans, 1);
    CHECK(storvsp_remove_lun(controller, 5, released, NULL));
    run();
    rescans = released_count = 0;
    test_errors();
    test_data();
    test_write_same();
    test_bounce();
    CHECK_EQUAL(rescans, 0); /* what was there at the opening needs none */
    test_medium();
    test_reset_lun();
    CHECK_EQUAL(rescans, 2); /* some at once */
    test_queue();
    CHECK_EQUAL(failures, 0);
    CHECK_EQUAL(rescans, 4);
    storvsp_destroy(controller);
    return unit_result();
}
