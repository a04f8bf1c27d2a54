/* Ports and connections: who may, order and fairness of queues, what deletion leaves behind. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "hypervisor/port.c"

#define MESSAGE_ID 5u
#define EVENT_ID 0xffffffu
#define CHILD_ID (7ull << 32 | 2)

struct partition root_partition = {.id = HV_PARTITION_ID_ROOT, .vp_count = 2};
static struct partition child = {.id = CHILD_ID, .state = PARTITION_ACTIVE};
static struct partition other = {.id = 2, .state = PARTITION_ACTIVE};
static struct vp root_vps[2] = {{.partition = &root_partition},
                                {.partition = &root_partition, .index = 1}};
static struct vp child_vp = {.partition = &child}, other_vp = {.partition = &other};

static int pages_left = 100, pages_out;
static bool locked;
static struct hv_message slots[2]; /* of the root VPs */
static bool synic_off;
static unsigned signals, flag_set;

spa_t partition_take_page(struct partition *partition)
{
    (void)partition;
    if (pages_left == 0)
        return spa(0);
    pages_left--;
    pages_out++;
    void *page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    memset(page, 0, PAGE_SIZE);
    return spa((uint64_t)page - PHYSMAP_BASE);
}

void partition_give_page(struct partition *partition, spa_t page)
{
    (void)partition;
    pages_out--;
    free(spa_to_va(page));
}

struct vp *partition_vp(struct partition *partition, uint32_t index)
{
    if (partition == &root_partition)
        return index < 2 ? &root_vps[index] : NULL;
    return index == 0 ? (partition == &child ? &child_vp : &other_vp) : NULL;
}

void spin_lock(struct spinlock *taken)
{
    CHECK(!locked && taken->level == LOCK_LEVEL_PORTS);
    locked = true;
}

void spin_unlock(struct spinlock *taken)
{
    (void)taken;
    locked = false;
}

void lp_request_all(enum lp_request request)
{
    CHECK_EQUAL(request, LP_REQUEST_KICK);
}

enum hv_status synic_deliver_message(struct vp *vp, unsigned sint, const struct hv_message *message)
{
    CHECK(locked && sint == 5 && vp->partition == &root_partition);
    if (synic_off)
        return HV_STATUS_INVALID_SYNIC_STATE;
    if (slots[vp->index].message_type != 0)
        return HV_STATUS_INSUFFICIENT_BUFFERS;
    slots[vp->index] = *message;
    return HV_STATUS_SUCCESS;
}

bool synic_event_is_set(struct vp *vp, unsigned sint, unsigned flag)
{
    (void)vp;
    CHECK(!locked && sint == 5);
    return flag == flag_set;
}

enum hv_status synic_signal_event(struct vp *vp, unsigned sint, unsigned flag, bool *newly)
{
    CHECK(locked && vp == &root_vps[1] && sint == 5 && newly == NULL);
    signals++;
    flag_set = flag;
    return HV_STATUS_SUCCESS;
}

static struct hv_input_create_port port_input(uint32_t id, uint64_t connection_owner)
{
    return (struct hv_input_create_port){
        .port_id = id,
        .connection_partition_id = connection_owner,
        .port_info = {.port_type = HV_PORT_TYPE_MESSAGE, .target_sint = 5, .target_vp = HV_ANY_VP},
    };
}

static struct hv_input_create_port event_input(uint32_t id)
{
    struct hv_input_create_port input = port_input(id, CHILD_ID);

    input.port_info.port_type = HV_PORT_TYPE_EVENT;
    input.port_info.target_vp = 1;
    input.port_info.base_flag_number = 2040;
    input.port_info.flag_count = 8;
    return input;
}

static enum hv_status connect_to(struct partition *owner, uint32_t id, uint32_t port_id,
                                 uint32_t type)
{
    struct hv_input_connect_port input = {
        .connection_id = id, .port_id = port_id, .connection_info.port_type = type};

    return port_connect(owner, &root_partition, &input);
}

static enum hv_status post_number(struct vp *sender, uint32_t number)
{
    return port_post_message(sender, MESSAGE_ID, 1, &number, sizeof(number));
}

/* Takes the message of root VP 0 and lets the next one come. */
static uint32_t receive(uint64_t *sender)
{
    uint32_t number;

    CHECK_EQUAL(slots[0].message_type, 1);
    CHECK_EQUAL(slots[0].payload_size, sizeof(number));
    memcpy(&number, slots[0].payload, sizeof(number));
    *sender = slots[0].sender;
    slots[0].message_type = 0;
    port_deliver_queued(&root_vps[0]);
    return number;
}

static void test_create(void)
{
    struct hv_input_create_port input = port_input(1 << 24, CHILD_ID);

    CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_INVALID_PORT_ID);
    input.port_id = MESSAGE_ID;
    input.port_info.target_sint = 16;
    CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_INVALID_PARAMETER);
    input.port_info.target_sint = 5;
    input.port_info.target_vp = 2;
    CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_INVALID_VP_INDEX);
    input.port_info.target_vp = HV_ANY_VP;
    for (pages_left = 0; pages_left < 3; pages_left++) {
        int left = pages_left;
        CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_INSUFFICIENT_MEMORY);
        port_release_partition(&root_partition);
        CHECK_EQUAL(pages_out, 0);
        pages_left = left;
    }
    pages_left = 100;
    CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_SUCCESS);
    CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_INVALID_PORT_ID);
    input = event_input(EVENT_ID);
    input.port_info.flag_count = 9;
    CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_INVALID_PARAMETER);
    input.port_info.flag_count = 8;
    CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_SUCCESS);
    input.port_info.port_type = HV_PORT_TYPE_DOORBELL;
    CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_INVALID_PARAMETER);
}

static void test_connect(void)
{
    CHECK_EQUAL(connect_to(&child, 1 << 24, MESSAGE_ID, HV_PORT_TYPE_MESSAGE),
                HV_STATUS_INVALID_CONNECTION_ID);
    CHECK_EQUAL(connect_to(&child, MESSAGE_ID, 6, HV_PORT_TYPE_MESSAGE), HV_STATUS_INVALID_PORT_ID);
    CHECK_EQUAL(connect_to(&other, MESSAGE_ID, MESSAGE_ID, HV_PORT_TYPE_MESSAGE),
                HV_STATUS_ACCESS_DENIED);
    CHECK_EQUAL(connect_to(&child, MESSAGE_ID, MESSAGE_ID, HV_PORT_TYPE_EVENT),
                HV_STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(connect_to(&child, MESSAGE_ID, MESSAGE_ID, HV_PORT_TYPE_MESSAGE),
                HV_STATUS_SUCCESS);
    CHECK_EQUAL(connect_to(&child, MESSAGE_ID, MESSAGE_ID, HV_PORT_TYPE_MESSAGE),
                HV_STATUS_INVALID_CONNECTION_ID);
    CHECK_EQUAL(connect_to(&child, MESSAGE_ID + LISTS, EVENT_ID, HV_PORT_TYPE_EVENT),
                HV_STATUS_SUCCESS);
}

static void test_events(void)
{
    uint32_t id = MESSAGE_ID + LISTS;

    CHECK_EQUAL(port_signal_event(&child_vp, id, 8), HV_STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(port_signal_event(&child_vp, MESSAGE_ID, 0), HV_STATUS_INVALID_CONNECTION_ID);
    CHECK_EQUAL(port_signal_event(&child_vp, 77, 0), HV_STATUS_INVALID_CONNECTION_ID);
    CHECK_EQUAL(port_signal_event(&other_vp, id, 0), HV_STATUS_INVALID_CONNECTION_ID);
    CHECK_EQUAL(port_signal_event(&child_vp, id, 7), HV_STATUS_SUCCESS);
    CHECK_EQUAL(flag_set, 2047);
    CHECK_EQUAL(port_signal_event(&child_vp, id, 7), HV_STATUS_SUCCESS);
    CHECK_EQUAL(signals, 1); /* it was set */
}

static void test_messages(void)
{
    struct hv_input_create_port input = port_input(6, 2);
    uint64_t sender;

    CHECK_EQUAL(port_post_message(&child_vp, MESSAGE_ID, 0, "", 1), HV_STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(port_post_message(&child_vp, MESSAGE_ID, 1u << 31, "", 1),
                HV_STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(port_post_message(&child_vp, MESSAGE_ID, 1, "", 241), HV_STATUS_INVALID_PARAMETER);
    CHECK_EQUAL(port_post_message(&child_vp, MESSAGE_ID + LISTS, 1, "", 1),
                HV_STATUS_INVALID_CONNECTION_ID);
    synic_off = true;
    CHECK_EQUAL(post_number(&child_vp, 0), HV_STATUS_INVALID_SYNIC_STATE);
    synic_off = false;

    /* One in the slot, the others in the ring, in order; twice, to go round it. */
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i <= QUEUE_LENGTH; i++)
            CHECK_EQUAL(post_number(&child_vp, i), HV_STATUS_SUCCESS);
        CHECK_EQUAL(post_number(&child_vp, 99), HV_STATUS_INSUFFICIENT_BUFFERS);
        for (uint32_t i = 0; i <= QUEUE_LENGTH - 3 * (1 - round); i++) {
            CHECK_EQUAL(receive(&sender), i);
            CHECK_EQUAL(sender, MESSAGE_ID);
        }
        for (uint32_t i = QUEUE_LENGTH - 2; round == 0 && i <= QUEUE_LENGTH; i++)
            CHECK_EQUAL(receive(&sender), i);
    }
    CHECK_EQUAL(slots[0].message_type, 0);

    /* A child that posts all the time does not keep another one from the slot. */
    CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_SUCCESS);
    CHECK_EQUAL(connect_to(&other, MESSAGE_ID, 6, HV_PORT_TYPE_MESSAGE), HV_STATUS_SUCCESS);
    for (uint32_t i = 0; i <= QUEUE_LENGTH; i++)
        CHECK_EQUAL(post_number(&child_vp, i), HV_STATUS_SUCCESS);
    CHECK_EQUAL(post_number(&other_vp, 100), HV_STATUS_SUCCESS);
    CHECK_EQUAL(post_number(&other_vp, 101), HV_STATUS_SUCCESS);
    CHECK_EQUAL(receive(&sender), 0);
    CHECK_EQUAL(post_number(&child_vp, 98), HV_STATUS_SUCCESS);
    CHECK_EQUAL(receive(&sender), 1);
    CHECK_EQUAL(receive(&sender), 100);
    CHECK_EQUAL(receive(&sender), 2);
    CHECK_EQUAL(receive(&sender), 101);
    CHECK_EQUAL(sender, 6);
}

static void test_end(void)
{
    struct hv_input_create_port input = event_input(EVENT_ID);

    /* The message port has messages in its ring. */
    CHECK_EQUAL(port_delete(&root_partition, MESSAGE_ID), HV_STATUS_SUCCESS);
    CHECK_EQUAL(port_delete(&root_partition, MESSAGE_ID), HV_STATUS_INVALID_PORT_ID);
    CHECK_EQUAL(post_number(&child_vp, 0), HV_STATUS_INVALID_CONNECTION_ID);
    port_deliver_queued(&root_vps[0]);
    CHECK_EQUAL(port_disconnect(&child, MESSAGE_ID), HV_STATUS_SUCCESS);
    CHECK_EQUAL(port_disconnect(&child, MESSAGE_ID), HV_STATUS_INVALID_CONNECTION_ID);
    /* What has been freed is used again. */
    for (uint32_t i = 0; i < 1000; i++) {
        input.port_id = 1000 + i;
        CHECK_EQUAL(port_create(&root_partition, &input), HV_STATUS_SUCCESS);
        CHECK_EQUAL(connect_to(&child, 2000 + i * 3, 1000 + i, HV_PORT_TYPE_EVENT),
                    HV_STATUS_SUCCESS);
        CHECK_EQUAL(i % 2 ? port_delete(&root_partition, 1000 + i)
                          : port_disconnect(&child, 2000 + i * 3),
                    HV_STATUS_SUCCESS);
        CHECK_EQUAL(i % 2 ? port_disconnect(&child, 2000 + i * 3)
                          : port_delete(&root_partition, 1000 + i),
                    HV_STATUS_SUCCESS);
    }
    child.state = PARTITION_FINALIZED;
    port_release_partition(&child);
    CHECK_EQUAL(connect_to(&child, 1, EVENT_ID, HV_PORT_TYPE_EVENT),
                HV_STATUS_INVALID_PARTITION_STATE);
    CHECK_EQUAL(port_create(&child, &input), HV_STATUS_INVALID_PARTITION_STATE);
    port_release_partition(&root_partition);
    CHECK_EQUAL(post_number(&other_vp, 0), HV_STATUS_INVALID_CONNECTION_ID);
    port_release_partition(&other);
    CHECK_EQUAL(pages_out, 0);
}

int main(void)
{
    test_create();
    test_connect();
    test_events();
    test_messages();
    test_end();
    CHECK(!locked);
    return unit_result();
}
