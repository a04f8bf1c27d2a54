/* A buffer of the controller's own for requests whose memory the block layer does not take: pieces
 * at odd addresses or of odd lengths, which no system uses for files; and for WRITE SAME, whose
 * data are repeated. There is one, for the largest transfer, from the first need until the channel
 * is closed; the next such request waits for it, and nothing more is read from the guest meanwhile.
 */
#include "lib/string.h"
#include "parent/include/memory.h"
#include "vsp/storvsp/internal.h"

#define BOUNCE_PAGES (SCSI_MAX_TRANSFER / 4096)

/* What the disk is to write. */
static void fill(struct storvsp *controller, const struct storvsp_request *request)
{
    struct storvsp_bounce *bounce = &controller->bounce;
    uint8_t *buffer = physical_to_virtual(bounce->address);
    uint32_t sector = request->target->sector_size;

    if (controller->command.repeated) {
        for (uint32_t at = 0; at < request->data_size; at += sector)
            memcpy(buffer + at, controller->parameters, sector);
        return;
    }
    for (uint32_t i = 0; i < bounce->count; i++) {
        memcpy(buffer, bounce->segments[i].data, bounce->segments[i].size);
        buffer += bounce->segments[i].size;
    }
}

/* The buffer is free; the command in work is that of @request. */
static void start(struct storvsp *controller, struct storvsp_request *request)
{
    struct storvsp_bounce *bounce = &controller->bounce;

    if (bounce->address == 0)
        bounce->address = pages_allocate(BOUNCE_PAGES, 1);
    if (bounce->address == 0) {
        request->disk.status = VDISK_ERROR_MEMORY;
        storvsp_disk_done(controller, request);
        return;
    }
    bounce->user = request;
    memcpy(bounce->segments, controller->segments, bounce->count * sizeof(bounce->segments[0]));
    if (request->disk.operation == VDISK_WRITE)
        fill(controller, request);
    request->segments[0] =
        (struct block_segment){.address = bounce->address, .length = request->data_size};
    request->disk.segment_count = 1;
    vdisk_submit(request->target, &request->disk);
}

void storvsp_bounce(struct storvsp *controller, struct storvsp_request *request, uint32_t count)
{
    struct storvsp_bounce *bounce = &controller->bounce;

    if (bounce->user != NULL) {
        bounce->waiting = request;
        bounce->waiting_count = count;
        return;
    }
    bounce->count = count;
    start(controller, request);
}

void storvsp_bounce_end(struct storvsp *controller, struct storvsp_request *request)
{
    struct storvsp_bounce *bounce = &controller->bounce;

    if (bounce->user != request)
        return;
    bounce->user = NULL;
    if (request->disk.operation != VDISK_READ || request->disk.status != VDISK_OK)
        return;
    const uint8_t *buffer = physical_to_virtual(bounce->address);

    for (uint32_t i = 0; i < bounce->count; i++) {
        memcpy(bounce->segments[i].data, buffer, bounce->segments[i].size);
        buffer += bounce->segments[i].size;
    }
}

void storvsp_bounce_resume(struct storvsp *controller)
{
    struct storvsp_bounce *bounce = &controller->bounce;
    struct storvsp_request *request = bounce->waiting;

    if (request == NULL || bounce->user != NULL)
        return;
    bounce->waiting = NULL;
    bounce->count = bounce->waiting_count;
    start(controller, request);
}

void storvsp_bounce_free(struct storvsp *controller)
{
    if (controller->bounce.address != 0)
        pages_free(controller->bounce.address, BOUNCE_PAGES);
    controller->bounce.address = 0;
}
