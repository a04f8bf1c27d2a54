#include "vsc/demo/bus.h"

#include <stdarg.h>

#include "include/hv/synic_calls.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/console.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/synic.h"

#define WAIT_US 5000000u    /* for an answer of the host */
#define POST_RETRY_US 1000u /* while the host has no room for messages */
#define POST_RETRY_COUNT 1000u

static struct vsc_bus bus;
static bool connected;
static uint8_t old_pages[3][VMBUS_PAGE_SIZE] __attribute__((aligned(VMBUS_PAGE_SIZE)));

static bool bus_post(void *context, uint32_t connection, const void *message, uint32_t size)
{
    struct hv_input_post_message input = {.connection_id = connection,
                                          .message_type = VMBUS_SYNIC_MESSAGE_TYPE,
                                          .payload_size = size};

    (void)context;
    memcpy(input.payload, message, size);
    for (unsigned i = 0; i < POST_RETRY_COUNT; i++) {
        enum hv_status status = hyperv_slow(HVCALL_POST_MESSAGE, &input, sizeof(input), NULL, 0);

        if (status != HV_STATUS_INSUFFICIENT_BUFFERS && status != HV_STATUS_INSUFFICIENT_MEMORY)
            return status == HV_STATUS_SUCCESS;
        clock_delay(POST_RETRY_US);
    }
    return false;
}

static void bus_signal(void *context, uint32_t connection)
{
    (void)context;
    hyperv_fast(HVCALL_SIGNAL_EVENT, connection, 0);
}

/* Memory is mapped one to one. */
static uint64_t bus_address(void *context, const void *page)
{
    (void)context;
    return (uint64_t)page;
}

/* Gives the message in the slot to the bus. */
static bool take_message(void)
{
    volatile struct hv_message *slot = synic_message(VMBUS_SINT);
    uint8_t copy[VMBUS_MESSAGE_MAX];
    size_t size;

    if (slot->message_type == HV_MESSAGE_TYPE_NONE)
        return false;
    /* The slot is this VP's until its type is cleared. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    size = slot->payload_size < sizeof(copy) ? slot->payload_size : sizeof(copy);
    memcpy(copy, (const void *)slot->payload, size);
    bool is_bus = slot->message_type == VMBUS_SYNIC_MESSAGE_TYPE;

    synic_message_done(VMBUS_SINT);
    if (is_bus)
        vsc_bus_receive(&bus, copy, size);
    return true;
}

static bool take_events(void)
{
    bool any = false;

    for (unsigned i = 0; i < VSC_MAX_CHANNELS; i++) {
        uint32_t relid = bus.channels[i].offer.relid;

        if (bus.channels[i].open && relid < HV_EVENT_FLAGS_COUNT &&
            synic_take_event(VMBUS_SINT, relid))
            any = true;
    }
    return any;
}

/* Polls, so that it works with interrupts on or off. */
static bool bus_wait(void *context)
{
    uint64_t deadline = clock_deadline(WAIT_US);

    (void)context;
    while (rdtsc() < deadline) {
        if (take_message() || take_events())
            return true;
        cpu_pause();
    }
    return false;
}

static void bus_log(void *context, const char *format, ...)
{
    char text[160];
    va_list arguments;

    (void)context;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    print("bus: %s", text);
}

static const struct vsc_operations operations = {
    .post = bus_post,
    .signal = bus_signal,
    .address = bus_address,
    .wait = bus_wait,
    .log = bus_log,
};

struct vsc_bus *demo_bus(void)
{
    const struct vsc_bus_pages pages = {old_pages[0], {old_pages[1], old_pages[2]}};

    if (connected)
        return &bus;
    if (!hyperv_present())
        return NULL;
    synic_init();
    synic_set_sint(VMBUS_SINT, VECTOR_SINT, 0);
    connected =
        vsc_bus_connect(&bus, &operations, NULL, &pages, VMBUS_VERSION(5, 3), 0, VMBUS_SINT);
    if (connected) {
        print("bus: version %u.%u\n", bus.version >> 16, bus.version & 0xffff);
        return &bus;
    }
    synic_disable();
    print("bus: none; the host does not answer or has no version that this child speaks\n");
    return NULL;
}

void demo_bus_end(void)
{
    if (!connected)
        return;
    connected = false;
    vsc_bus_unload(&bus);
    synic_disable();
}
