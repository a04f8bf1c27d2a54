/* Test of VMBus: the client finds the host's own devices, opens the keyboard's channel, is answered
 * by its provider, and unloads; twice, as after a restart. */
#include <stddef.h>

#include "include/child_start.h"
#include "include/vmbus/ic.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/bus.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/selftest.h"
#include "vsc/demo/synic.h"

#define WAIT_US 2000000
#define PAGES 6u /* of both rings */

static uint8_t memory[PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

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
    /* It shows the answer first and signals then: we may have seen the answer in between. */
    bool signalled = synic_take_event(VMBUS_SINT, channel->offer.relid);
    while (!signalled && rdtsc() < end)
        signalled = synic_take_event(VMBUS_SINT, channel->offer.relid);
    check(signalled, "the host has not signalled");
}

static void use_keyboard(struct vsc_bus *bus)
{
    static const struct vmbus_guid class_id = VMBUS_CLASS_KEYBOARD;
    struct vsc_channel *channel = vsc_bus_find(bus, &class_id, 0);
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
    for (unsigned i = 0; i < 2; i++) {
        struct vsc_bus *bus = demo_bus();

        if (!check(bus != NULL, "no connection"))
            return;
        memset(memory, 0, sizeof(memory));
        use_keyboard(bus);
        demo_bus_end();
    }
}
