/* Test of VMBus: the client finds the host's own devices, opens the keyboard's channel, is answered
 * by its provider, and unloads; twice, as after a restart. */
#include <stdarg.h>
#include <stddef.h>

#include "include/child_start.h"
#include "include/hv/synic_calls.h"
#include "include/vmbus/ic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/bus.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/selftest.h"
#include "vsc/demo/synic.h"

#define WAIT_US 2000000
#define PAGES 6u /* of both rings */

static uint8_t memory[PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static struct vsc_bus bus;

static bool post(void *context, uint32_t connection, const void *message, uint32_t size)
{
    struct hv_input_post_message input = {.connection_id = connection,
                                          .message_type = VMBUS_SYNIC_MESSAGE_TYPE,
                                          .payload_size = size};
    uint64_t end = clock_deadline(WAIT_US);
    enum hv_status status;

    (void)context;
    memcpy(input.payload, message, size);
    do
        status = hyperv_slow(HVCALL_POST_MESSAGE, &input, sizeof(input), NULL, 0);
    while (status == HV_STATUS_INSUFFICIENT_BUFFERS && rdtsc() < end);
    return status == HV_STATUS_SUCCESS;
}

static void signal(void *context, uint32_t connection)
{
    (void)context;
    check_equal(hyperv_fast(HVCALL_SIGNAL_EVENT, connection, 0), HV_STATUS_SUCCESS,
                "SignalEvent of a channel");
}

static uint64_t address(void *context, const void *page)
{
    (void)context;
    return (uint64_t)page;
}

/* Polls, as nothing else is to be done. */
static bool wait(void *context)
{
    volatile struct hv_message *message = synic_message(VMBUS_SINT);
    uint64_t end = clock_deadline(WAIT_US);
    uint8_t payload[HV_MESSAGE_PAYLOAD_SIZE];

    (void)context;
    while (message->message_type == HV_MESSAGE_TYPE_NONE) {
        if (rdtsc() >= end)
            return false;
        inl(CHILD_PORT_SCRATCH);
    }
    size_t size = message->payload_size;
    if (size > sizeof(payload))
        size = sizeof(payload);
    memcpy(payload, (const void *)message->payload, size);
    synic_message_done(VMBUS_SINT);
    vsc_bus_receive(&bus, payload, size);
    return true;
}

static void log(void *context, const char *format, ...)
{
    char text[160];
    va_list arguments;

    (void)context;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    note("%s", text);
}

static const struct vsc_operations operations = {
    .post = post, .signal = signal, .address = address, .wait = wait, .log = log};

/* Asks the keyboard whether it speaks this version. */
static void ask(struct vsc_channel *channel)
{
    const struct vmbus_keyboard_message request = {VMBUS_KEYBOARD_PROTOCOL_REQUEST,
                                                   VMBUS_KEYBOARD_VERSION};
    const struct vmbus_ring_piece piece = {&request, sizeof(request)};
    struct vmbus_keyboard_message response = {0};
    struct vmbus_packet packet;
    uint64_t end = clock_deadline(WAIT_US);

    check_equal(vsc_channel_write(channel, VMBUS_PACKET_DATA_INBAND, 0, 1, 0, &piece, 1),
                VMBUS_RING_OK, "a write into a channel");
    vsc_channel_flush(channel);
    while (vsc_channel_read(channel, &packet, &response, sizeof(response)) == VMBUS_RING_EMPTY &&
           rdtsc() < end)
        inl(CHILD_PORT_SCRATCH);
    check(response.type == VMBUS_KEYBOARD_PROTOCOL_RESPONSE &&
              response.value == VMBUS_KEYBOARD_ACCEPTED,
          "the keyboard answers %u, %u", response.type, response.value);
    check(synic_take_event(VMBUS_SINT, channel->offer.relid), "the host has not signalled");
}

static void use_keyboard(void)
{
    static const struct vmbus_guid class_id = VMBUS_CLASS_KEYBOARD;
    struct vsc_channel *channel = vsc_bus_find(&bus, &class_id, 0);
    uint8_t *pages[PAGES];

    for (unsigned i = 0; i < PAGES; i++)
        pages[i] = memory[i];
    if (!check(channel != NULL, "there is no keyboard") ||
        !check(vsc_channel_open(channel, pages, PAGES, 0), "its channel does not open"))
        return;
    ask(channel);
    vsc_channel_close(channel);
}

void test_vmbus(void)
{
    static const uint32_t newest[] = {VMBUS_VERSION(5, 3), VMBUS_VERSION(4, 1)};
    const struct vsc_bus_pages pages = {memory[0], {memory[1], memory[2]}};

    synic_init();
    for (unsigned i = 0; i < 2; i++) {
        memset(memory, 0, sizeof(memory));
        if (!check(vsc_bus_connect(&bus, &operations, NULL, &pages, newest[i], 0, VMBUS_SINT),
                   "no connection"))
            break;
        check_equal(bus.version, newest[i], "the protocol's version");
        use_keyboard();
        check(vsc_bus_unload(&bus), "no answer to unloading");
    }
    synic_disable();
}
