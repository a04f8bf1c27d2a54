#include "vsc/storvsc.h"

#include "include/scsi.h"
#include "lib/big_endian.h"
#include "lib/string.h"

#define READ_CAPACITY_16 0x10 /* service action */
#define READ_CAPACITY_SIZE 32
#define TIME_OUT_S 60
#define CONTROL_ID UINT64_MAX /* transaction of what is not a request */
#define PACKET_SIZE_MAX 256   /* of an answer; later versions may have longer ones */

static const uint16_t versions[] = {VSTOR_VERSION(6, 2), VSTOR_VERSION(6, 0), VSTOR_VERSION(5, 1)};

/* --- Answers --- */

static void complete(struct vsc_storage *storage, uint64_t id, const struct vstor_packet *answer)
{
    struct vsc_storage_request *request = id < VSC_STORAGE_DEPTH ? storage->pending[id] : NULL;

    if (request == NULL) {
        storage->failed = true;
        return;
    }
    storage->pending[id] = NULL;
    request->srb_status = answer->srb.srb_status & (uint8_t)~SRB_STATUS_AUTOSENSE_VALID;
    request->scsi_status = answer->srb.scsi_status;
    request->moved = answer->srb.transfer_length;
    request->sense_length = 0;
    if (answer->srb.srb_status & SRB_STATUS_AUTOSENSE_VALID) {
        request->sense_length = answer->srb.sense_length < VSTOR_SENSE_SIZE
                                    ? answer->srb.sense_length
                                    : VSTOR_SENSE_SIZE;
        memcpy(request->sense, answer->srb.cdb_or_sense, request->sense_length);
    }
    request->done = true;
}

/* The next packet of the host's. False: there is none. */
static bool receive(struct vsc_storage *storage, uint64_t *id, struct vstor_packet *answer)
{
    uint8_t buffer[PACKET_SIZE_MAX];
    struct vmbus_packet packet;
    enum vmbus_ring_status status =
        vsc_channel_read(storage->channel, &packet, buffer, sizeof(buffer));

    if (status == VMBUS_RING_EMPTY)
        return false;
    if (status != VMBUS_RING_OK) {
        storage->failed = true;
        return false;
    }
    uint32_t size = packet.size - packet.descriptor_size;

    memset(answer, 0, sizeof(*answer));
    memcpy(answer, buffer + packet.descriptor_size,
           size < sizeof(*answer) ? size : sizeof(*answer));
    *id = packet.transaction_id;
    if (packet.type != VMBUS_PACKET_COMPLETION) {
        /* What the host says by itself. */
        if (answer->operation == VSTOR_OPERATION_ENUMERATE_BUS ||
            answer->operation == VSTOR_OPERATION_REMOVE_DEVICE)
            storage->luns_changed = true;
        answer->operation = 0;
    }
    return true;
}

uint32_t vsc_storage_poll(struct vsc_storage *storage)
{
    struct vstor_packet answer;
    uint32_t count = 0;
    uint64_t id;

    vmbus_ring_mask(&storage->channel->incoming);
    while (!storage->failed && receive(storage, &id, &answer)) {
        if (answer.operation != VSTOR_OPERATION_COMPLETE_IO)
            continue;
        complete(storage, id, &answer);
        count++;
    }
    return count;
}

/* --- Opening --- */

/* Sends a packet that is not a request, and waits for the answer in its place. */
static bool control(struct vsc_storage *storage, struct vstor_packet *packet)
{
    struct vmbus_ring_piece piece = {packet, sizeof(*packet)};
    struct vsc_channel *channel = storage->channel;
    struct vsc_bus *bus = channel->bus;
    uint64_t id = 0;

    packet->flags = 1;
    if (vsc_channel_write(channel, VMBUS_PACKET_DATA_INBAND, VMBUS_PACKET_FLAG_COMPLETION_REQUESTED,
                          CONTROL_ID, 0, &piece, 1) != VMBUS_RING_OK)
        return false;
    vsc_channel_flush(channel);
    for (;;) {
        while (receive(storage, &id, packet)) {
            if (packet->operation == VSTOR_OPERATION_COMPLETE_IO && id == CONTROL_ID)
                return packet->status == VSTOR_STATUS_SUCCESS;
        }
        if (storage->failed || !bus->operations->wait(bus->context))
            return false;
    }
}

static bool negotiate(struct vsc_storage *storage)
{
    struct vstor_packet packet = {.operation = VSTOR_OPERATION_BEGIN_INITIALIZATION};

    if (!control(storage, &packet))
        return false;
    for (unsigned i = 0; i < sizeof(versions) / sizeof(versions[0]) && storage->version == 0; i++) {
        packet = (struct vstor_packet){.operation = VSTOR_OPERATION_QUERY_PROTOCOL_VERSION,
                                       .version.version = versions[i]};
        if (control(storage, &packet))
            storage->version = versions[i];
    }
    packet = (struct vstor_packet){.operation = VSTOR_OPERATION_QUERY_PROPERTIES};
    if (storage->version == 0 || !control(storage, &packet))
        return false;
    storage->max_transfer = packet.properties.max_transfer_bytes;
    packet = (struct vstor_packet){.operation = VSTOR_OPERATION_END_INITIALIZATION};
    return control(storage, &packet);
}

bool vsc_storage_open(struct vsc_storage *storage, struct vsc_channel *channel,
                      uint8_t *const *pages, uint32_t page_count, uint32_t vp)
{
    *storage = (struct vsc_storage){.channel = channel};
    if (!vsc_channel_open(channel, pages, page_count, vp))
        return false;
    if (negotiate(storage))
        return true;
    vsc_channel_close(channel);
    return false;
}

void vsc_storage_close(struct vsc_storage *storage)
{
    vsc_channel_close(storage->channel);
    memset(storage->pending, 0, sizeof(storage->pending));
}

/* --- Requests --- */

void vsc_storage_inquiry(struct vsc_storage_request *request, uint8_t lun, void *data, uint8_t size)
{
    *request = (struct vsc_storage_request){.lun = lun,
                                            .direction = VSTOR_DATA_READ,
                                            .cdb_length = 6,
                                            .cdb = {SCSI_INQUIRY, 0, 0, 0, size},
                                            .data = data,
                                            .size = size};
}

void vsc_storage_read_capacity(struct vsc_storage_request *request, uint8_t lun, void *data)
{
    *request = (struct vsc_storage_request){
        .lun = lun,
        .direction = VSTOR_DATA_READ,
        .cdb_length = 16,
        .cdb = {SCSI_SERVICE_ACTION_IN_16, READ_CAPACITY_16, [13] = READ_CAPACITY_SIZE},
        .data = data,
        .size = READ_CAPACITY_SIZE};
}

void vsc_storage_transfer(struct vsc_storage_request *request, uint8_t lun, bool write,
                          uint64_t sector, uint32_t count, uint32_t sector_size, void *data)
{
    *request = (struct vsc_storage_request){.lun = lun,
                                            .direction = write ? VSTOR_DATA_WRITE : VSTOR_DATA_READ,
                                            .cdb_length = 16,
                                            .cdb = {write ? SCSI_WRITE_16 : SCSI_READ_16},
                                            .data = data,
                                            .size = count * sector_size};
    store_be64(request->cdb + 2, sector);
    store_be32(request->cdb + 10, count);
}

void vsc_storage_flush(struct vsc_storage_request *request, uint8_t lun)
{
    *request = (struct vsc_storage_request){.lun = lun,
                                            .direction = VSTOR_DATA_UNKNOWN,
                                            .cdb_length = 10,
                                            .cdb = {SCSI_SYNCHRONIZE_CACHE_10}};
}

/* With the pages of the data, if there are any, as its one range. */
static enum vmbus_ring_status write_request(struct vsc_storage *storage, uint32_t id,
                                            const struct vsc_storage_request *request,
                                            const struct vstor_packet *packet)
{
    struct vsc_bus *bus = storage->channel->bus;
    struct {
        struct vmbus_gpa_direct direct;
        struct vmbus_gpa_range range;
        uint64_t pages[VSC_STORAGE_MAX_PAGES];
    } descriptor = {.direct.range_count = 1, .range.byte_count = request->size};
    uint32_t count = (request->size + VMBUS_PAGE_SIZE - 1) / VMBUS_PAGE_SIZE;
    uint32_t size = count == 0 ? 0 : 16 + count * (uint32_t)sizeof(uint64_t);
    struct vmbus_ring_piece pieces[] = {{&descriptor, size}, {packet, sizeof(*packet)}};

    for (uint32_t i = 0; i < count; i++)
        descriptor.pages[i] =
            bus->operations->address(bus->context, request->data + i * VMBUS_PAGE_SIZE) /
            VMBUS_PAGE_SIZE;
    return vsc_channel_write(storage->channel,
                             count == 0 ? VMBUS_PACKET_DATA_INBAND : VMBUS_PACKET_GPA_DIRECT,
                             VMBUS_PACKET_FLAG_COMPLETION_REQUESTED, id, size, pieces, 2);
}

bool vsc_storage_queue(struct vsc_storage *storage, struct vsc_storage_request *request)
{
    struct vstor_packet packet = {
        .operation = VSTOR_OPERATION_EXECUTE_SRB,
        .flags = 1,
        .srb = {.length = sizeof(struct vstor_srb),
                .lun = request->lun,
                .cdb_length = request->cdb_length,
                .sense_length = VSTOR_SENSE_SIZE,
                .data_in = request->direction,
                .transfer_length = request->size,
                .time_out = TIME_OUT_S},
    };
    uint32_t id = 0;

    while (id < VSC_STORAGE_DEPTH && storage->pending[id] != NULL)
        id++;
    if (storage->failed || id == VSC_STORAGE_DEPTH ||
        request->size > VSC_STORAGE_MAX_PAGES * VMBUS_PAGE_SIZE ||
        request->size > storage->max_transfer)
        return false;
    memcpy(packet.srb.cdb_or_sense, request->cdb, sizeof(request->cdb));
    if (write_request(storage, id, request, &packet) != VMBUS_RING_OK)
        return false;
    request->done = false;
    storage->pending[id] = request;
    return true;
}

void vsc_storage_submit(struct vsc_storage *storage)
{
    vsc_channel_flush(storage->channel);
}

bool vsc_storage_run(struct vsc_storage *storage, struct vsc_storage_request *request)
{
    struct vsc_bus *bus = storage->channel->bus;

    if (!vsc_storage_queue(storage, request))
        return false;
    vsc_storage_submit(storage);
    for (vsc_storage_poll(storage); !request->done; vsc_storage_poll(storage)) {
        if (storage->failed || !bus->operations->wait(bus->context))
            return false;
    }
    return request->srb_status == SRB_STATUS_SUCCESS && request->scsi_status == SCSI_STATUS_GOOD;
}

bool vsc_storage_capacity(struct vsc_storage *storage, uint8_t lun, void *data,
                          struct vsc_storage_capacity *capacity)
{
    struct vsc_storage_request request;
    const uint8_t *answer = data;

    vsc_storage_read_capacity(&request, lun, data);
    if (!vsc_storage_run(storage, &request) || request.moved < 12)
        return false;
    uint64_t last = load_be64(answer);

    *capacity = (struct vsc_storage_capacity){last + 1, load_be32(answer + 8)};
    return last != UINT64_MAX && capacity->sector_size != 0;
}
