/* Unit test of parent/vid/port.c: what arrives at ports, and what is left of it. */
#include <stdlib.h>

#include "include/hv/parent.h"
#include "parent/include/memory.h"
#include "parent/kernel/proc/process.h"
#include "parent/vid/partition.h"
#include "parent/vid/port.h"
#include "tests/unit/unit.h"

#define CONNECTION 7

struct deposits root_deposits = {.partition_id = HV_PARTITION_ID_SELF};

static struct hv_port_info last_port;
static uint32_t last_id, created, deleted, connected, disconnected;
static enum hv_status connect_status;

enum hv_status vid_call(struct vid_call *call, struct deposits *deposits)
{
    (void)deposits;
    switch (call->code) {
    case HVCALL_CREATE_PORT:
        created++;
        last_port = ((const struct hv_input_create_port *)call->input)->port_info;
        last_id = ((const struct hv_input_create_port *)call->input)->port_id;
        return HV_STATUS_SUCCESS;
    case HVCALL_CONNECT_PORT:
        connected += connect_status == HV_STATUS_SUCCESS;
        return connect_status;
    case HVCALL_DELETE_PORT:
        deleted++;
        return HV_STATUS_SUCCESS;
    default:
        CHECK_EQUAL(call->code, HVCALL_DISCONNECT_PORT);
        disconnected++;
        return HV_STATUS_SUCCESS;
    }
}

enum system_error partition_error(enum hv_status status)
{
    return status == HV_STATUS_SUCCESS ? SYSTEM_OK : SYSTEM_ERROR_HYPERVISOR;
}

void partition_wake_all(struct partition *partition)
{
    (void)partition;
}

bool process_is_dying(void)
{
    return false;
}

static uint64_t words[HV_EVENT_FLAGS_COUNT / 64];

uint64_t *synic_flags(uint32_t cpu)
{
    CHECK_EQUAL(cpu, 0);
    return words;
}

/* As the hypervisor does it. */
static void signal_flag(uint32_t number)
{
    words[number / 64] |= 1ull << number % 64;
    port_flags(words);
}

uint64_t spin_lock(struct spinlock *lock)
{
    (void)lock;
    return 0;
}

void spin_unlock(struct spinlock *lock, uint64_t flags)
{
    (void)lock;
    (void)flags;
}

void wait_queue_init(struct wait_queue *queue)
{
    (void)queue;
}

void wait_begin(struct wait_queue *queue, struct waiter *waiter)
{
    (void)queue;
    (void)waiter;
}

bool wait_sleep(struct wait_queue *queue, struct waiter *waiter, uint64_t deadline)
{
    (void)queue;
    (void)waiter;
    (void)deadline;
    return false;
}

void wait_end(struct wait_queue *queue, struct waiter *waiter)
{
    (void)queue;
    (void)waiter;
}

void wake_all(struct wait_queue *queue)
{
    (void)queue;
}

void *heap_allocate(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *pointer)
{
    free(pointer);
}

static struct partition first, second;

static void send(uint64_t sender, uint8_t size, uint8_t byte)
{
    struct hv_message message = {
        .message_type = 1, .payload_size = size, .sender = sender, .payload = {byte}};
    port_message(&message);
}

static void check_messages(void)
{
    struct system_vm_event event;
    CHECK_EQUAL(port_create(&first, SYSTEM_PORT_MESSAGE, CONNECTION, 0), SYSTEM_OK);
    uint32_t id = last_id;
    CHECK_EQUAL(last_port.target_sint, HV_SYNIC_SINT_FIRST_FREE);
    CHECK(!port_has_something(&first));
    CHECK_EQUAL(port_receive(&first, &event, 0), SYSTEM_ERROR_TIMEOUT);
    send(id + 1, 1, 0); /* nobody's */
    send((uint64_t)1 << 32 | id, 1, 0);
    CHECK(!port_has_something(&first));
    for (uint32_t i = 0; i < SYSTEM_MAX_VM_MESSAGES + 3; i++)
        send(id, 255, (uint8_t)i); /* longer than a message can be */
    CHECK(port_has_something(&first) && !port_has_something(&second));
    for (uint32_t i = 0; i < SYSTEM_MAX_VM_MESSAGES; i++) {
        CHECK_EQUAL(port_receive(&first, &event, 0), SYSTEM_OK);
        CHECK_EQUAL(event.connection_id, CONNECTION);
        CHECK_EQUAL(event.size, SYSTEM_MAX_VM_PAYLOAD);
        CHECK_EQUAL(event.payload[0], i);
        CHECK_EQUAL(event.dropped, 0);
    }
    send(id, 1, 99);
    CHECK_EQUAL(port_receive(&first, &event, 0), SYSTEM_OK);
    CHECK(event.dropped == 3 && event.payload[0] == 99 && event.size == 1);
    CHECK_EQUAL(port_receive(&first, &event, 0), SYSTEM_ERROR_TIMEOUT);
}

static void check_flags(void)
{
    struct system_vm_event event;
    CHECK_EQUAL(port_create(&second, SYSTEM_PORT_EVENT, CONNECTION, 4), SYSTEM_OK);
    uint32_t base = last_port.base_flag_number;
    CHECK_EQUAL(last_port.flag_count, 4);
    signal_flag(base + 1);
    signal_flag(base + 3);
    signal_flag(base + 3);
    signal_flag(base + 4); /* nobody's */
    CHECK_EQUAL(port_receive(&second, &event, 0), SYSTEM_OK);
    CHECK(event.type == SYSTEM_PORT_EVENT && event.flags == 0xa);
    CHECK_EQUAL(port_receive(&second, &event, 0), SYSTEM_ERROR_TIMEOUT);

    /* They stay until they are received; nobody's go at once. */
    CHECK_EQUAL(words[base / 64], 0);
    signal_flag(base + 2);
    CHECK_EQUAL(words[base / 64], 4ull << base % 64);
    CHECK_EQUAL(port_receive(&second, &event, 0), SYSTEM_OK);
    CHECK_EQUAL(words[base / 64], 0);
    signal_flag(base);
}

/* What belongs to a deleted port does not reach the one that comes into its place. */
static void check_deletion(void)
{
    uint32_t old = last_id;
    port_delete_all(&second);
    CHECK(deleted == 1 && disconnected == 1);
    CHECK_EQUAL(port_create(&second, SYSTEM_PORT_MESSAGE, CONNECTION, 0), SYSTEM_OK);
    CHECK(last_id != old && last_id % SYSTEM_MAX_PORTS == old % SYSTEM_MAX_PORTS);
    send(old, 1, 0);
    CHECK(!port_has_something(&second));
    for (uint32_t i = 0; i < HV_EVENT_FLAGS_COUNT / 64; i++)
        CHECK_EQUAL(words[i], 0);
}

static uint32_t sunk_messages, sunk_events, sunk_connection;

static void sink_message(void *context, uint32_t connection_id, const struct hv_message *message)
{
    CHECK(context == &first && message->payload[0] == 5);
    sunk_connection = connection_id;
    sunk_messages++;
}

static void sink_event(void *context)
{
    CHECK(context == &second);
    sunk_events++;
}

/* What goes to the kernel does not go to the queue, counts for no limit, and ends with the port. */
static void check_sinks(void)
{
    static const struct port_sink messages = {.message = sink_message, .context = &first};
    static const struct port_sink events = {.event = sink_event, .context = &second};
    struct port *message_port, *event_port;
    CHECK_EQUAL(port_create_sink(&first, &messages, 4, &message_port), SYSTEM_OK);
    uint32_t id = last_id;
    CHECK_EQUAL(port_create_sink(&first, &events, 5, &event_port), SYSTEM_OK);
    uint32_t flag = last_port.base_flag_number;
    CHECK_EQUAL(last_port.flag_count, 1);
    send(id, 1, 5);
    CHECK(sunk_messages == 1 && sunk_connection == 4 && !port_has_something(&first));
    signal_flag(flag);
    signal_flag(flag);
    CHECK(sunk_events == 2 && !port_has_something(&first));
    CHECK_EQUAL(words[flag / 64], 0);
    port_delete(event_port);
    port_delete(message_port);
    send(id, 1, 5);
    signal_flag(flag);
    CHECK(sunk_messages == 1 && sunk_events == 2 && words[flag / 64] == 0);
}

static void check_limits(void)
{
    uint32_t count = 1;
    while (port_create(&second, SYSTEM_PORT_MESSAGE, count, 0) == SYSTEM_OK)
        count++;
    CHECK_EQUAL(count, SYSTEM_MAX_VM_PORTS);
    port_delete_all(&second);
    connect_status = HV_STATUS_INVALID_CONNECTION_ID;
    for (uint32_t i = 0; i < 2 * SYSTEM_MAX_PORTS; i++)
        CHECK_EQUAL(port_create(&second, SYSTEM_PORT_MESSAGE, CONNECTION, 0),
                    SYSTEM_ERROR_HYPERVISOR);
    CHECK_EQUAL(port_create(&second, SYSTEM_PORT_MESSAGE, 1u << 24, 0), SYSTEM_ERROR_ARGUMENT);
    port_delete_all(&first);
    CHECK_EQUAL(created, deleted);
    CHECK_EQUAL(connected, disconnected);
}

int main(void)
{
    first.ports = port_queue_create();
    second.ports = port_queue_create();
    check_messages();
    check_flags();
    check_deletion();
    check_sinks();
    check_limits();
    port_queue_destroy(first.ports);
    port_queue_destroy(second.ports);
    return unit_result();
}
