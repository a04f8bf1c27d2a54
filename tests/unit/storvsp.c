/* Unit test of vsp/storvsp/: a double of the channel, and of a disk that completes in random order;
 * what is read is compared with a model. */
#include <stdlib.h>

#include "include/scsi.h"
#include "include/vmbus/storvsc.h"
#include "lib/big_endian.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "tests/unit/unit.h"
#include "vsp/storvsp/storvsp.h"

#define SECTORS 4096u
#define PAGES 256u

static uint8_t medium[SECTORS * 512], model[SECTORS * 512], memory[PAGES * 4096];
static struct vdisk disk = {.sector_size = 512,
                            .physical_sector_size = 4096,
                            .sector_count = SECTORS,
                            .can_unmap = true,
                            .name = "a.vhd"};
static struct storvsp *controller;
static struct vmbus_offer offer;
static struct vdisk_request *pending[256];
static uint32_t pending_count, room, answer_count, log_count, failures, rescans, removed_count;
static enum vdisk_status next_status;
static struct vstor_packet answer;
static uint64_t answer_id;
static uint8_t input[4096];
static struct vmbus_packet input_packet;
static bool input_there;

void *heap_allocate(size_t size)
{
    return malloc(size);
}
void heap_free(void *pointer)
{
    free(pointer);
}
void log_print(enum log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
    log_count++;
}
const char *vdisk_status_text(enum vdisk_status status)
{
    return status == 0 ? "no" : "an error";
}
void *vmbus_channel_context(const struct vmbus_channel *channel)
{
    (void)channel;
    return controller;
}
const char *vmbus_channel_name(const struct vmbus_channel *channel)
{
    (void)channel;
    return "scsi 0";
}
void vmbus_channel_set_busy(struct vmbus_channel *channel, bool busy)
{
    (void)channel;
    (void)busy;
}
void vmbus_channel_schedule(struct vmbus_channel *channel)
{
    (void)channel;
}
void vmbus_channel_fail(struct vmbus_channel *channel, const char *why)
{
    (void)channel;
    (void)why;
    failures++;
}
enum vmbus_ring_status vmbus_channel_read(struct vmbus_channel *channel,
                                          struct vmbus_packet *packet, void *buffer,
                                          size_t capacity)
{
    (void)channel;
    if (!input_there)
        return VMBUS_RING_EMPTY;
    if (input_packet.size > capacity)
        return VMBUS_RING_TOO_LARGE;
    *packet = input_packet;
    memcpy(buffer, input, packet->size);
    input_there = false;
    return VMBUS_RING_OK;
}
enum vmbus_ring_status vmbus_channel_write(struct vmbus_channel *channel, uint16_t type,
                                           uint16_t flags, uint64_t transaction_id,
                                           uint32_t descriptor_size,
                                           const struct vmbus_ring_piece *pieces, uint32_t count)
{
    (void)channel;
    (void)flags;
    CHECK_EQUAL(descriptor_size, 0);
    CHECK_EQUAL(count, 1);
    if (room == 0)
        return VMBUS_RING_FULL;
    room--;
    if (type == VMBUS_PACKET_DATA_INBAND) {
        rescans++;
        return VMBUS_RING_OK;
    }
    memcpy(&answer, pieces[0].data, sizeof(answer));
    answer_id = transaction_id;
    answer_count++;
    return VMBUS_RING_OK;
}
int vmbus_channel_gpa_segments(struct vmbus_channel *channel, const void *range, size_t range_size,
                               uint32_t offset, uint32_t size, struct vmbus_segment *segments,
                               uint32_t limit)
{
    uint32_t count, start;
    uint64_t page, n = 0;

    (void)channel;
    CHECK_EQUAL(offset, 0);
    memcpy(&count, range, 4);
    memcpy(&start, (const uint8_t *)range + 4, 4);
    if (size > count)
        return -1;
    for (uint64_t at = start; size > 0; n++) {
        uint32_t part = 4096 - at % 4096 < size ? (uint32_t)(4096 - at % 4096) : size;

        if (n == limit || 16 + at / 4096 * 8 > range_size)
            return -1;
        memcpy(&page, (const uint8_t *)range + 8 + at / 4096 * 8, 8);
        if (page >= PAGES)
            return -1;
        segments[n].data = memory + page * 4096 + at % 4096;
        segments[n].address = page * 4096 + at % 4096;
        segments[n].size = part;
        at += part;
        size -= part;
    }
    return (int)n;
}
void vdisk_submit(struct vdisk *target, struct vdisk_request *request)
{
    CHECK(target == &disk);
    pending[pending_count++] = request;
}

static void complete(uint32_t index)
{
    struct vdisk_request *request = pending[index];
    uint8_t *at = medium + request->sector * 512;

    pending[index] = pending[--pending_count];
    request->status = next_status;
    for (uint32_t i = 0; i < request->segment_count && next_status == VDISK_OK; i++) {
        uint8_t *data = memory + request->segments[i].address;

        memcpy(request->operation == VDISK_READ ? data : at,
               request->operation == VDISK_READ ? at : data, request->segments[i].length);
        at += request->segments[i].length;
    }
    if (next_status == VDISK_OK && request->segment_count == 0 && request->operation != VDISK_FLUSH)
        memset(at, 0, request->sector_count * 512);
    request->done(request);
}

void thread_sleep(uint64_t microseconds)
{
    (void)microseconds;
    CHECK(pending_count > 0); /* close() waits for nothing else */
    if (pending_count > 0)
        complete(0);
}

static void run(void)
{
    offer.provider->run((struct vmbus_channel *)memory);
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
    rw16(cdb, SCSI_READ_16, 0, 2); /* more than the buffer; wrong way; odd; not guest memory */
    srb(0, cdb, 1, 2, 0, 0, 512);
    CHECK_EQUAL(sense(), SCSI_SENSE_INVALID_FIELD_IN_CDB);
    srb(0, cdb, 0, 2, 0, 0, 1024);
    CHECK_EQUAL(sense(), SCSI_SENSE_INVALID_FIELD_IN_CDB);
    srb(0, cdb, 1, 2, 0, 1, 1024);
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

static void test_data(void)
{
    uint8_t cdb[16];

    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t count = 1 + (uint32_t)rand() % 64, sector = (uint32_t)rand() % (SECTORS - count);
        uint32_t page = (uint32_t)rand() % 200, start = (uint32_t)rand() % 8 * 512;
        bool write = rand() % 2;

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

static void removed(void *context, uint32_t lun)
{
    (void)context;
    CHECK_EQUAL(lun, 0);
    removed_count++;
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
    CHECK(storvsp_remove_lun(controller, 0, removed, NULL));
    while (pending_count > 1)
        complete((uint32_t)rand() % pending_count);
    run();
    CHECK_EQUAL(removed_count, 0);
    CHECK(answer_id != 9999);
    offer.provider->close((struct vmbus_channel *)memory);
    CHECK_EQUAL(pending_count, 0);
    CHECK_EQUAL(removed_count, 1);
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
    srb(0, inquiry, 1, 3, 0, 0, 36);
    CHECK(memcmp(memory + 8, "Veneer  Virtual Disk", 20) == 0);
    test_errors();
    test_data();
    test_queue();
    CHECK_EQUAL(failures, 0);
    CHECK_EQUAL(rescans, 1); /* the removal; what was there at the opening needs none */
    storvsp_destroy(controller);
    return unit_result();
}
