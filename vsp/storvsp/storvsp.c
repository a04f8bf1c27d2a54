/* The controller: its channel, initialization, and answers. */
#include "vsp/storvsp/storvsp.h"

#include "lib/string.h"
#include "parent/include/memory.h"
#include "vsp/storvsp/internal.h"

static void release(struct storvsp *controller, struct storvsp_request *request)
{
    request->next = controller->free;
    controller->free = request;
}

void storvsp_answer(struct storvsp *controller, struct storvsp_request *request, uint32_t status)
{
    if (!request->answer_wanted) {
        release(controller, request);
        return;
    }
    request->packet.operation = VSTOR_OPERATION_COMPLETE_IO;
    request->packet.status = status;
    request->next = NULL;
    *controller->last_answer = request;
    controller->last_answer = &request->next;
}

/* Writes the answers that wait. False: the ring is full, or broken. */
static bool write_answers(struct storvsp *controller)
{
    struct storvsp_request *request;

    while ((request = controller->answers) != NULL) {
        struct vmbus_ring_piece piece = {&request->packet, sizeof(request->packet)};

        if (vmbus_channel_write(controller->channel, VMBUS_PACKET_COMPLETION, 0,
                                request->transaction_id, 0, &piece, 1) != VMBUS_RING_OK)
            return false;
        controller->answers = request->next;
        if (controller->answers == NULL)
            controller->last_answer = &controller->answers;
        release(controller, request);
    }
    if (controller->announce && controller->asked) {
        struct vstor_packet packet = {.operation = VSTOR_OPERATION_ENUMERATE_BUS};
        struct vmbus_ring_piece piece = {&packet, sizeof(packet)};

        if (vmbus_channel_write(controller->channel, VMBUS_PACKET_DATA_INBAND, 0, 0, 0, &piece,
                                1) != VMBUS_RING_OK)
            return false;
        controller->announce = false;
    }
    return true;
}

/* Takes what disks have completed. */
static void take_completed(struct storvsp *controller)
{
    struct storvsp_request *request =
        __atomic_exchange_n(&controller->completed, NULL, __ATOMIC_ACQUIRE);

    while (request != NULL) {
        struct storvsp_request *next = request->next;

        storvsp_disk_done(controller, request);
        request = next;
    }
    storvsp_bounce_resume(controller);
    if (controller->reset == NULL || controller->active > 0)
        return;
    request = controller->reset;
    controller->reset = NULL;
    for (uint32_t i = 0; i < STORVSP_LUN_COUNT; i++)
        if (controller->luns[i].present &&
            (request->packet.operation != VSTOR_OPERATION_RESET_LUN ||
             request->packet.srb.lun == i))
            controller->luns[i].unit.unit_attention = SCSI_SENSE_RESET;
    storvsp_answer(controller, request, VSTOR_STATUS_SUCCESS);
}

static uint32_t query_version(struct storvsp *controller, const struct vstor_version *version)
{
    switch (version->version) {
    case VSTOR_VERSION(6, 2):
    case VSTOR_VERSION(6, 0):
    case VSTOR_VERSION(5, 1):
        controller->version_accepted = true;
        return VSTOR_STATUS_SUCCESS;
    default:
        return VSTOR_STATUS_REVISION_MISMATCH;
    }
}

/* A packet that is no SRB. */
static void control(struct storvsp *controller, struct storvsp_request *request)
{
    struct vstor_packet *packet = &request->packet;
    uint32_t status = VSTOR_STATUS_SUCCESS;

    switch (packet->operation) {
    case VSTOR_OPERATION_BEGIN_INITIALIZATION:
        controller->version_accepted = controller->initialized = controller->asked = false;
        break;
    case VSTOR_OPERATION_QUERY_PROTOCOL_VERSION:
        status = query_version(controller, &packet->version);
        break;
    case VSTOR_OPERATION_QUERY_PROPERTIES:
        memset(packet->bytes, 0, sizeof(packet->bytes));
        packet->properties.max_transfer_bytes = SCSI_MAX_TRANSFER;
        break;
    case VSTOR_OPERATION_END_INITIALIZATION:
        controller->initialized = controller->version_accepted;
        status = controller->initialized ? VSTOR_STATUS_SUCCESS : VSTOR_STATUS_INVALID_STATE;
        break;
    case VSTOR_OPERATION_RESET_LUN:
    case VSTOR_OPERATION_RESET_ADAPTER:
    case VSTOR_OPERATION_RESET_BUS:
        controller->reset = request; /* nothing is read until it is answered */
        return;
    default: /* further channels, too */
        status = VSTOR_STATUS_NOT_SUPPORTED;
    }
    storvsp_answer(controller, request, status);
}

/* False: the channel fails. */
static bool handle(struct storvsp *controller, const struct vmbus_packet *packet)
{
    const uint8_t *buffer = controller->buffer;
    struct storvsp_data data = {NULL, 0};
    struct storvsp_request *request = controller->free;

    if (packet->type == VMBUS_PACKET_GPA_DIRECT && packet->descriptor_size > 8) {
        data = (struct storvsp_data){buffer + 8, packet->descriptor_size - 8};
    } else if (packet->type != VMBUS_PACKET_DATA_INBAND || packet->descriptor_size != 0) {
        vmbus_channel_fail(controller->channel, "a packet of a type that storage has not");
        return false;
    }
    if (packet->descriptor_size > packet->size ||
        packet->size - packet->descriptor_size < sizeof(request->packet)) {
        vmbus_channel_fail(controller->channel, "a packet that is too short");
        return false;
    }
    controller->free = request->next;
    memcpy(&request->packet, buffer + packet->descriptor_size, sizeof(request->packet));
    request->transaction_id = packet->transaction_id;
    request->answer_wanted = packet->flags & VMBUS_PACKET_FLAG_COMPLETION_REQUESTED;
    if (request->packet.operation != VSTOR_OPERATION_EXECUTE_SRB) {
        control(controller, request);
    } else if (!controller->initialized) {
        storvsp_answer(controller, request, VSTOR_STATUS_INVALID_STATE);
    } else {
        controller->asked = true;
        storvsp_execute(controller, request, &data);
    }
    return true;
}

/* Whether the next packet has to wait; room, or a completion, has the channel run again. */
static bool is_busy(const struct storvsp *controller)
{
    return controller->free == NULL || controller->reset != NULL ||
           controller->bounce.waiting != NULL;
}

/* Until there is nothing to do, or no room. */
static void serve(struct storvsp *controller)
{
    struct vmbus_channel *channel = controller->channel;
    struct vmbus_packet packet;
    enum vmbus_ring_status status;

    for (;;) {
        take_completed(controller);
        if (!write_answers(controller) || is_busy(controller))
            return;
        status =
            vmbus_channel_read(channel, &packet, controller->buffer, sizeof(controller->buffer));
        if (status == VMBUS_RING_TOO_LARGE)
            vmbus_channel_fail(channel, "a packet larger than the largest transfer");
        if (status != VMBUS_RING_OK || !handle(controller, &packet))
            return;
    }
}

static void channel_run(struct vmbus_channel *channel)
{
    struct storvsp *controller = vmbus_channel_context(channel);

    mutex_lock(&controller->lock);
    serve(controller);
    vmbus_channel_set_busy(channel, controller->active > 0);
    mutex_unlock(&controller->lock);
}

static bool channel_open(struct vmbus_channel *channel,
                         const uint8_t user_data[VMBUS_USER_DATA_SIZE])
{
    struct storvsp *controller = vmbus_channel_context(channel);

    (void)user_data;
    mutex_lock(&controller->lock);
    controller->channel = channel;
    controller->version_accepted = controller->initialized = false;
    controller->asked = controller->announce = false;
    controller->answers = controller->reset = controller->free = NULL;
    controller->last_answer = &controller->answers;
    for (uint32_t i = 0; i < STORVSP_QUEUE_DEPTH; i++) {
        controller->requests[i].controller = controller;
        release(controller, &controller->requests[i]);
    }
    for (uint32_t i = 0; i < STORVSP_LUN_COUNT; i++)
        controller->luns[i].unit.prevented = false;
    mutex_unlock(&controller->lock);
    return true;
}

static void channel_close(struct vmbus_channel *channel)
{
    struct storvsp *controller = vmbus_channel_context(channel);

    mutex_lock(&controller->lock);
    for (;;) {
        take_completed(controller);
        if (controller->active == 0 &&
            __atomic_load_n(&controller->notifying, __ATOMIC_SEQ_CST) == 0)
            break;
        thread_sleep(1000);
    }
    storvsp_bounce_free(controller);
    controller->channel = NULL;
    mutex_unlock(&controller->lock);
}

struct storvsp *storvsp_create(void)
{
    struct storvsp *controller = heap_allocate(sizeof(*controller));

    if (controller == NULL)
        return NULL;
    memset(controller, 0, sizeof(*controller));
    mutex_init(&controller->lock);
    return controller;
}

void storvsp_destroy(struct storvsp *controller)
{
    heap_free(controller);
}

void storvsp_offer(struct storvsp *controller, const struct vmbus_guid *instance,
                   struct vmbus_offer *offer)
{
    static const struct vmbus_provider provider = {channel_open, channel_close, channel_run};

    *offer = (struct vmbus_offer){.class_id = VMBUS_CLASS_SCSI,
                                  .instance_id = *instance,
                                  .provider = &provider,
                                  .context = controller};
}
