/* Unit test of the integration services and the keyboard, with a guest that answers as Linux does.
 */
#include "include/vmbus/ic.h"
#include "tests/unit/unit.h"
#include "tests/vmbus_provider.h"
#include "vsp/ic/ic.h"
#include "vsp/keyboard/keyboard.h"

/* What came last, placed so that what follows the header's 28 bytes is aligned. */
static struct {
    uint32_t padding;
    union {
        struct vmbus_ic_header header;
        uint8_t bytes[4096];
    };
} message __attribute__((aligned(8)));

static const void *data(void)
{
    return &message.header + 1;
}

static struct ic *open_ic(enum ic_kind kind)
{
    struct vmbus_offer offer;
    struct ic *ic = ic_create(kind);
    ic_offer(ic, &offer);
    provider_open(&offer);
    CHECK(running[PROVIDER_RELID] != NULL);
    return ic;
}

static void close_ic(struct ic *ic)
{
    provider_close();
    CHECK(!armed);
    ic_destroy(ic);
}

/* Sends back the message that came, as guests do. */
static void answer(uint32_t size)
{
    message.header.flags = VMBUS_IC_FLAG_TRANSACTION | VMBUS_IC_FLAG_RESPONSE;
    guest_write(message.bytes, size);
}

/* Chooses the service's @choice; or none, if that is below 0. */
static void negotiate(int choice)
{
    uint32_t size = guest_read(message.bytes, sizeof(message.bytes));
    struct vmbus_ic_negotiate *negotiation = (void *)(message.bytes + sizeof(message.header));
    struct vmbus_ic_version *versions = (void *)(negotiation + 1);
    CHECK(message.header.type == VMBUS_IC_NEGOTIATE && message.header.flags == 3);
    CHECK_EQUAL(size, (28 + 8 + 4 * 4 + 7) / 8 * 8);
    CHECK_EQUAL(message.header.pipe_size, 28 - 8 + 8 + 4 * 4);
    CHECK(negotiation->framework_count == 2 && negotiation->service_count == 2);
    CHECK(versions[0].major == 3 && versions[1].major == 1);
    versions[1] = versions[2 + (choice < 0 ? 0 : choice)];
    negotiation->framework_count = negotiation->service_count = choice >= 0;
    answer(size);
}

static void check_heartbeat(void)
{
    uint64_t time;
    struct ic *ic = open_ic(IC_HEARTBEAT);
    CHECK_EQUAL(guest_read(message.bytes, 0), 0);
    negotiate(0);
    for (uint64_t beat = 0; beat < 5; beat++) {
        uint32_t size = guest_read(message.bytes, sizeof(message.bytes));
        CHECK(message.header.type == VMBUS_IC_HEARTBEAT && size == 72);
        CHECK(message.header.service.major == 3 && message.header.framework.major == 3);
        CHECK_EQUAL(*(const uint64_t *)data(), beat);
        CHECK_EQUAL(guest_read(message.bytes, sizeof(message.bytes)), 0);
        pass_time(1000);
        answer(size);
        CHECK(ic_last_beat(ic, &time) && time == now);
        pass_time(1999000);
    }
    /* Silence is seen, and does no harm when the ring is full of questions. */
    for (uint32_t i = 0; i < 1000; i++)
        pass_time(2000000);
    CHECK(ic_last_beat(ic, &time) && now - time > 1000000);
    while (guest_read(message.bytes, sizeof(message.bytes)) > 0)
        ;
    pass_time(2000000);
    CHECK(guest_read(message.bytes, sizeof(message.bytes)) > 0);
    close_ic(ic);
}

static void check_time(void)
{
    struct ic *ic = open_ic(IC_TIME_SYNC);
    negotiate(1);
    guest_read(message.bytes, sizeof(message.bytes));
    const struct vmbus_ic_time_sync *sync = data();
    CHECK(message.header.type == VMBUS_IC_TIME_SYNC && message.header.size == 25);
    CHECK_EQUAL(sync->flags, VMBUS_IC_TIME_SYNC_SET);
    CHECK_EQUAL(sync->host_time,
                (1000 + 11644473600ull) * 10000000 + now / 1000000 * 10000000 + now % 1000000 * 10);
    pass_time(5000000);
    guest_read(message.bytes, sizeof(message.bytes));
    CHECK_EQUAL(sync->flags, VMBUS_IC_TIME_SYNC_SAMPLE);
    close_ic(ic);
}

static void check_shutdown(void)
{
    struct ic *ic = open_ic(IC_SHUTDOWN);
    CHECK(!ic_request_shutdown(ic, false));
    negotiate(0);
    CHECK_EQUAL(guest_read(message.bytes, sizeof(message.bytes)), 0);
    for (uint32_t restart = 0; restart < 2; restart++) {
        CHECK(ic_request_shutdown(ic, restart));
        guest_turn(provider_host, 4);
        uint32_t size = guest_read(message.bytes, sizeof(message.bytes));
        const struct vmbus_ic_shutdown *shutdown = data();
        CHECK(size == 28 + 12 + 2048 && message.header.size == 12 + 2048);
        CHECK_EQUAL(message.header.type, VMBUS_IC_SHUTDOWN);
        CHECK_EQUAL(shutdown->flags, restart ? 2 : 0);
        answer(size);
        CHECK_EQUAL(guest_read(message.bytes, sizeof(message.bytes)), 0);
    }
    close_ic(ic);
}

static void check_refusal(void)
{
    uint64_t time;
    struct ic *ic = open_ic(IC_SHUTDOWN);
    negotiate(-1);
    CHECK(!ic_request_shutdown(ic, false));
    close_ic(ic);
    /* A version that was not offered. */
    ic = open_ic(IC_HEARTBEAT);
    uint32_t size = guest_read(message.bytes, sizeof(message.bytes));
    uint16_t *fields = (void *)(message.bytes + sizeof(message.header));
    fields[0] = fields[1] = 1;
    fields[4] = 77;
    answer(size);
    CHECK(guest_read(message.bytes, sizeof(message.bytes)) == 0 && !ic_last_beat(ic, &time));
    /* Longer than any question: the channel is closed. */
    memset(message.bytes, 0, sizeof(message.bytes));
    guest_write(message.bytes, 4096);
    CHECK(running[PROVIDER_RELID] != NULL);
    static const uint8_t more[5000];
    guest_write(more, sizeof(more));
    CHECK(running[PROVIDER_RELID] == NULL);
    close_ic(ic);
}

static void check_keyboard(void)
{
    struct vmbus_offer offer;
    struct keyboard *keyboard = keyboard_create();
    struct vmbus_keyboard_message request = {VMBUS_KEYBOARD_PROTOCOL_REQUEST, 0x20000};
    keyboard_offer(keyboard, &offer);
    provider_open(&offer);
    CHECK(!keyboard_key(keyboard, 30, 0));
    guest_write(&request, sizeof(request));
    struct vmbus_keyboard_message *response = (void *)message.bytes;
    CHECK_EQUAL(guest_read(message.bytes, sizeof(message.bytes)), sizeof(*response));
    CHECK(response->type == VMBUS_KEYBOARD_PROTOCOL_RESPONSE && response->value == 0);
    CHECK(!keyboard_key(keyboard, 30, 0));
    request.value = VMBUS_KEYBOARD_VERSION;
    guest_write(&request, sizeof(request));
    CHECK_EQUAL(guest_read(message.bytes, sizeof(message.bytes)), sizeof(*response));
    CHECK_EQUAL(response->value, VMBUS_KEYBOARD_ACCEPTED);
    /* Keys come in order, also when the ring is full meanwhile. */
    uint32_t sent = 0;
    while (keyboard_key(keyboard, (uint16_t)sent, VMBUS_KEYBOARD_E0)) {
        sent++;
        guest_turn(provider_host, 4);
    }
    CHECK(sent > 200);
    for (uint32_t i = 0; i < sent; i++) {
        const struct vmbus_keyboard_event *event = (void *)message.bytes;
        CHECK_EQUAL(guest_read(message.bytes, sizeof(message.bytes)), 16);
        CHECK(event->type == VMBUS_KEYBOARD_EVENT && event->make_code == i &&
              event->flags == VMBUS_KEYBOARD_E0);
        guest_schedule(NULL, PROVIDER_RELID);
        guest_turn(provider_host, 4);
    }
    provider_close();
    CHECK(!keyboard_key(keyboard, 30, 0));
    keyboard_destroy(keyboard);
}

int main(void)
{
    check_heartbeat();
    check_time();
    check_shutdown();
    check_refusal();
    check_keyboard();
    return unit_result();
}
