/* Execution of SRBs: checks, the way to the disk and back. */
#include "lib/string.h"
#include "parent/include/log.h"
#include "vsp/storvsp/internal.h"

static void finish(struct storvsp *controller, struct storvsp_request *request, uint8_t srb_status,
                   uint32_t moved)
{
    struct vstor_srb *srb = &request->packet.srb;

    srb->srb_status = srb_status;
    srb->scsi_status = SCSI_STATUS_GOOD;
    srb->transfer_length = moved;
    srb->sense_length = 0;
    storvsp_answer(controller, request, VSTOR_STATUS_SUCCESS);
}

static void check_condition(struct storvsp *controller, struct storvsp_request *request,
                            uint32_t sense)
{
    struct vstor_srb *srb = &request->packet.srb;
    uint8_t data[SCSI_SENSE_SIZE];
    uint8_t size = srb->sense_length < sizeof(data) ? srb->sense_length : sizeof(data);

    scsi_sense_data(sense, data);
    finish(controller, request, SRB_STATUS_ERROR | (size > 0 ? SRB_STATUS_AUTOSENSE_VALID : 0), 0);
    srb->scsi_status = SCSI_STATUS_CHECK_CONDITION;
    srb->sense_length = size;
    memset(srb->cdb_or_sense, 0, sizeof(srb->cdb_or_sense));
    memcpy(srb->cdb_or_sense, data, size);
}

/* Any context. Nobody may use the channel after close(), which waits for @notifying. */
static void disk_done(struct vdisk_request *disk)
{
    struct storvsp_request *request = disk->context;
    struct storvsp *controller = request->controller;

    __atomic_fetch_add(&controller->notifying, 1, __ATOMIC_SEQ_CST);
    request->next = __atomic_load_n(&controller->completed, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&controller->completed, &request->next, request, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
        ;
    vmbus_channel_schedule(controller->channel);
    __atomic_fetch_sub(&controller->notifying, 1, __ATOMIC_SEQ_CST);
}

static int find_data(struct storvsp *controller, const struct storvsp_data *data, uint32_t size)
{
    if (data->range == NULL)
        return -1;
    return vmbus_channel_gpa_segments(controller->channel, data->range, data->size, 0, size,
                                      controller->segments, STORVSP_SEGMENT_COUNT);
}

/* Copies the response to the guest, or what the guest sends to @buffer. */
static bool copy(struct storvsp *controller, const struct storvsp_data *data, uint8_t *buffer,
                 uint32_t size, bool to_guest)
{
    int count = size == 0 ? 0 : find_data(controller, data, size);

    for (int i = 0; i < count; i++) {
        const struct vmbus_segment *segment = &controller->segments[i];

        if (to_guest)
            memcpy(segment->data, buffer, segment->size);
        else
            memcpy(buffer, segment->data, segment->size);
        buffer += segment->size;
    }
    return count >= 0;
}

/* The disk gets the guest's own pages: the first @count of controller->segments. False: not all are
 * even. */
static bool set_segments(const struct storvsp *controller, struct storvsp_request *request,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct vmbus_segment *segment = &controller->segments[i];

        if (segment->address & 1 || segment->size & 1)
            return false;
        request->segments[i] =
            (struct block_segment){.address = segment->address, .length = segment->size};
    }
    request->disk.segment_count = count;
    return true;
}

static void submit(struct storvsp *controller, struct storvsp_request *request,
                   const struct storvsp_data *data)
{
    const struct scsi_command *command = &controller->command;
    bool moves = command->operation == VDISK_READ || command->operation == VDISK_WRITE;
    bool from_guest = moves && !command->repeated;
    int count = from_guest ? find_data(controller, data, command->data_size) : 0;

    if (count < 0) {
        check_condition(controller, request, SCSI_SENSE_INVALID_FIELD_IN_CDB);
        return;
    }
    request->target = request->lun->unit.disk;
    request->data_size = moves ? command->data_size : 0;
    request->disk.operation = command->operation;
    request->disk.force_unit_access = command->force_unit_access;
    request->disk.sector = command->sector;
    request->disk.sector_count = command->sector_count;
    request->disk.segments = request->segments;
    request->disk.done = disk_done;
    request->disk.context = request;
    request->lun->active++;
    controller->active++;
    if (!command->repeated && set_segments(controller, request, (uint32_t)count))
        vdisk_submit(request->target, &request->disk);
    else
        storvsp_bounce(controller, request, (uint32_t)count);
}

static struct storvsp_lun *find_lun(struct storvsp *controller, const struct vstor_srb *srb)
{
    return srb->path == 0 && srb->target == 0 ? storvsp_find_lun(controller, srb->lun) : NULL;
}

/* Whether the guest's buffer goes the way that the command needs. */
static bool direction_fits(const struct storvsp_request *request,
                           const struct scsi_command *command, enum scsi_step step)
{
    uint8_t way = request->packet.srb.data_in;

    if (step == SCSI_PARAMETERS || (step == SCSI_DISK && command->operation == VDISK_WRITE))
        return way != VSTOR_DATA_READ;
    if (command->response_size > 0 || (step == SCSI_DISK && command->operation == VDISK_READ))
        return way != VSTOR_DATA_WRITE;
    return true;
}

/* What the SCSI decoder is to know of the packet. */
static void set_command(struct storvsp *controller, struct storvsp_request *request,
                        const struct storvsp_data *data)
{
    struct scsi_command *command = &controller->command;
    struct vstor_srb *srb = &request->packet.srb;

    memset(srb->cdb_or_sense + srb->cdb_length, 0, VSTOR_SENSE_SIZE - srb->cdb_length);
    command->cdb = srb->cdb_or_sense;
    command->transfer_length = data->range == NULL ? 0 : srb->transfer_length;
    command->luns = srb->path == 0 && srb->target == 0 ? controller->usable : 0;
}

static enum scsi_step take_parameters(struct storvsp *controller, struct storvsp_request *request,
                                      const struct storvsp_data *data)
{
    struct scsi_command *command = &controller->command;
    uint32_t size = command->transfer_length < sizeof(controller->parameters)
                        ? command->transfer_length
                        : (uint32_t)sizeof(controller->parameters);

    if (!copy(controller, data, controller->parameters, size, false))
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    return scsi_parameters(&request->lun->unit, command, controller->parameters, size);
}

static void respond(struct storvsp *controller, struct storvsp_request *request,
                    const struct storvsp_data *data)
{
    struct scsi_command *command = &controller->command;

    if (command->sense != 0)
        check_condition(controller, request, command->sense);
    else if (copy(controller, data, command->response, command->response_size, true))
        finish(controller, request, SRB_STATUS_SUCCESS, command->response_size);
    else
        check_condition(controller, request, SCSI_SENSE_INVALID_FIELD_IN_CDB);
}

void storvsp_execute(struct storvsp *controller, struct storvsp_request *request,
                     const struct storvsp_data *data)
{
    struct scsi_command *command = &controller->command;
    struct vstor_srb *srb = &request->packet.srb;
    enum scsi_step step = SCSI_DONE;

    if (srb->cdb_length < 6 || srb->cdb_length > VSTOR_CDB_SIZE) {
        finish(controller, request, SRB_STATUS_INVALID_REQUEST, 0);
        return;
    }
    set_command(controller, request, data);
    request->lun = find_lun(controller, srb);
    if (request->lun != NULL) {
        step = scsi_decode(&request->lun->unit, command);
    } else if (!scsi_decode_absent(command)) {
        finish(controller, request, SRB_STATUS_INVALID_LUN, 0);
        return;
    }
    if (!direction_fits(request, command, step))
        step = scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    if (step == SCSI_PARAMETERS)
        step = take_parameters(controller, request, data);
    if (step == SCSI_DISK)
        submit(controller, request, data);
    else
        respond(controller, request, data);
}

/* A guest can repeat a failing request without end: each kind of failure is said once. */
static void log_error(const struct storvsp_request *request)
{
    struct storvsp_lun *lun = request->lun;
    enum vdisk_status status = request->disk.status;

    if (lun->logged >> status & 1)
        return;
    lun->logged |= 1u << status;
    log_print(LOG_ERROR,
              "%s: a request to %s failed: %s. The guest was told; further failures of "
              "this kind are not shown.",
              vmbus_channel_name(request->controller->channel), request->target->name,
              vdisk_status_text(status));
}

void storvsp_disk_done(struct storvsp *controller, struct storvsp_request *request)
{
    struct storvsp_lun *lun = request->lun;
    struct storvsp_statistics *statistics = &lun->statistics;

    storvsp_bounce_end(controller, request);
    controller->active--;
    lun->active--;
    if (request->disk.operation == VDISK_READ)
        statistics->reads++;
    else if (request->disk.operation == VDISK_WRITE)
        statistics->writes++;
    else
        statistics->others++;
    if (request->disk.status != VDISK_OK) {
        statistics->errors++;
        log_error(request);
        check_condition(controller, request,
                        scsi_sense_of(request->disk.status, request->disk.operation));
    } else {
        if (request->disk.operation == VDISK_READ)
            statistics->bytes_read += request->data_size;
        else if (request->disk.operation == VDISK_WRITE)
            statistics->bytes_written += request->data_size;
        finish(controller, request, SRB_STATUS_SUCCESS, request->data_size);
    }
    storvsp_lun_idle(lun);
}
