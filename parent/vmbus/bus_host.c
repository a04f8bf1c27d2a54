/* What the host needs: messages and signals to the guest, its memory, the log. */
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/vmbus/bus_internal.h"

static enum vmbus_post_status post(void *context, uint32_t vp, uint8_t sint, const void *message,
                                   uint32_t size)
{
    const struct bus *bus = context;
    struct hv_message envelope = {.message_type = VMBUS_SYNIC_MESSAGE_TYPE,
                                  .payload_size = (uint8_t)size};
    struct hv_input_post_message_direct input = {
        .partition_id = bus->partition->deposits.partition_id, .vp_index = vp, .sint_index = sint};
    memcpy(envelope.payload, message, size);
    memcpy(input.message, &envelope, sizeof(envelope));
    struct vid_call call = {
        .code = HVCALL_POST_MESSAGE_DIRECT, .input = &input, .input_size = sizeof(input)};
    switch (vid_call(&call, NULL)) {
    case HV_STATUS_SUCCESS:
        return VMBUS_POSTED;
    case HV_STATUS_INSUFFICIENT_BUFFERS:
        return VMBUS_POST_BUSY;
    default:
        return VMBUS_POST_FAILED;
    }
}

static void signal(void *context, uint32_t vp, uint8_t sint, uint32_t flag)
{
    const struct bus *bus = context;
    struct hv_input_signal_event_direct input = {
        .target_partition = bus->partition->deposits.partition_id,
        .target_vp = vp,
        .target_sint = sint,
        .flag_number = (uint16_t)flag,
    };
    struct hv_output_signal_event_direct output;
    struct vid_call call = {.code = HVCALL_SIGNAL_EVENT_DIRECT,
                            .input = &input,
                            .input_size = sizeof(input),
                            .output = &output,
                            .output_size = sizeof(output)};
    /* A VP that is not there, or has no SynIC, is the guest's loss. */
    vid_call(&call, NULL);
}

static bool find_range(void *context, uint64_t number, struct vmbus_guest_range *range)
{
    const struct bus *bus = context;
    struct guest_memory_range found;
    if (!guest_memory_find(bus->memory, number, &found))
        return false;
    *range = (struct vmbus_guest_range){.first = found.gpa_page,
                                        .count = found.page_count,
                                        .addresses = found.addresses,
                                        .memory = physical_to_virtual(0)};
    return true;
}

static void *allocate(void *context, size_t size)
{
    (void)context;
    return heap_allocate(size);
}

static void give_back(void *context, void *memory)
{
    (void)context;
    heap_free(memory);
}

static void write_log(void *context, const char *format, va_list arguments)
{
    const struct bus *bus = context;
    char text[LOG_TEXT_SIZE];
    vsnprintf(text, sizeof(text), format, arguments);
    log_print(LOG_WARNING, "vmbus: VM %lu: %s", bus->partition->deposits.partition_id, text);
}

const struct vmbus_host_operations bus_host_operations = {
    .post = post,
    .signal = signal,
    .range = find_range,
    .start = bus_channel_start,
    .stop = bus_channel_stop,
    .schedule = bus_channel_schedule,
    .failed = bus_channel_failed,
    .allocate = allocate,
    .free = give_back,
    .log = write_log,
};
