/* A child's SynIC and its timers: registers, message slots, event flags, expiry. */
#include "tests/unit/unit.h"

#include "hypervisor/stimer.c"
#include "hypervisor/synic.c"
#include "hypervisor/vp_timer.c"

#define MEMORY_PAGES 4u
#define SINT 2u
#define VECTOR 0x50u
#define TICKS 10u /* of the TSC per 100 ns */

struct partition root_partition;
static struct partition child = {.id = 2};
static struct vp vp = {.partition = &child};
static _Alignas(PAGE_SIZE) uint8_t memory[MEMORY_PAGES * PAGE_SIZE];
static bool memory_gone;
static uint64_t tsc;
static uint32_t posted[256], locks_held, deliveries, lapic_expiries;

void spin_lock(struct spinlock *lock)
{
    CHECK_EQUAL(lock->level, LOCK_LEVEL_SYNIC);
    locks_held++;
}

void spin_unlock(struct spinlock *lock)
{
    (void)lock;
    locks_held--;
}

void *partition_memory(struct partition *partition, gpa_t address, uint64_t size, bool write)
{
    CHECK(partition == &child && write);
    CHECK(size <= PAGE_SIZE - address.value % PAGE_SIZE);
    return memory_gone || address.value >= sizeof(memory) ? NULL : memory + address.value;
}

uint64_t partition_tsc(const struct partition *partition)
{
    (void)partition;
    return tsc;
}

uint64_t reftime_to_tsc(uint64_t reference_time)
{
    return reference_time > UINT64_MAX / TICKS ? UINT64_MAX : reference_time * TICKS;
}

uint64_t reftime_from_tsc(uint64_t ticks)
{
    return ticks / TICKS;
}

bool lapic_post(struct vp *target, uint8_t vector, bool level)
{
    CHECK(target == &vp && !level && locks_held == 0);
    posted[vector]++;
    return true;
}

void lapic_timer_expired(struct vp *target)
{
    lapic_expiries++;
    vp_timer_start(target, VP_TIMER_LAPIC, tsc + 5, 0);
}

void port_deliver_queued(struct vp *target)
{
    (void)target;
    deliveries++;
}

void vp_flush_ready(struct lp *lp)
{
    (void)lp;
    CHECK(false);
}

void apic_send(bool x2apic, uint32_t destination, uint32_t command)
{
    (void)x2apic, (void)destination, (void)command;
    CHECK(false);
}

static uint64_t read(uint32_t msr)
{
    uint64_t value = ~0ull;

    CHECK(synic_read_msr(&vp, msr, &value));
    return value;
}

static bool write(uint32_t msr, uint64_t value)
{
    return synic_write_msr(&vp, msr, value);
}

static struct hv_message *slot(unsigned sint)
{
    return (struct hv_message *)(memory + PAGE_SIZE) + sint;
}

/* Message page 1, event page 2, SINT 2. */
static void reset(void)
{
    memset(memory, 0, sizeof(memory));
    memset(posted, 0, sizeof(posted));
    memory_gone = false;
    tsc = 1000;
    synic_reset(&vp);
    vp_timers_reset(&vp);
    CHECK(write(HV_X64_MSR_SIMP, PAGE_SIZE | HV_SYNIC_ENABLE));
    CHECK(write(HV_X64_MSR_SIEFP, 2 * PAGE_SIZE | HV_SYNIC_ENABLE));
    CHECK(write(HV_X64_MSR_SINT0 + SINT, VECTOR));
    CHECK(write(HV_X64_MSR_SCONTROL, HV_SYNIC_ENABLE));
}

static void test_registers(void)
{
    uint64_t value;

    synic_reset(&vp);
    CHECK_EQUAL(read(HV_X64_MSR_SINT15), HV_SINT_MASKED);
    CHECK_EQUAL(read(HV_X64_MSR_SCONTROL), 0);
    CHECK_EQUAL(read(HV_X64_MSR_SVERSION), 1);
    CHECK_EQUAL(read(HV_X64_MSR_EOM), 0);
    CHECK(!synic_read_msr(&vp, HV_X64_MSR_EOM + 1, &value));
    CHECK(!write(HV_X64_MSR_SVERSION, 1));
    CHECK(!write(HV_X64_MSR_EOM + 1, 0));
    CHECK(!write(HV_X64_MSR_SCONTROL, 2));
    CHECK(!write(HV_X64_MSR_SIMP, 2));
    CHECK(!write(HV_X64_MSR_SIMP, MEMORY_PAGES * PAGE_SIZE | HV_SYNIC_ENABLE));
    CHECK(write(HV_X64_MSR_SIMP, MEMORY_PAGES * PAGE_SIZE));
    CHECK_EQUAL(read(HV_X64_MSR_SIMP), MEMORY_PAGES * PAGE_SIZE);
    CHECK(!write(HV_X64_MSR_SINT0, 15));
    CHECK(write(HV_X64_MSR_SINT0, 15 | HV_SINT_MASKED));
    CHECK(!write(HV_X64_MSR_SINT0, 0x100 | VECTOR));
    CHECK(!write(HV_X64_MSR_SINT0, 1ull << 19 | VECTOR));
    CHECK(write(HV_X64_MSR_SINT0, HV_SINT_AUTO_EOI | VECTOR));
    CHECK_EQUAL(vp.lapic.auto_eoi[VECTOR / 32], 1u << VECTOR % 32);
    CHECK(write(HV_X64_MSR_SINT0, HV_SINT_MASKED | HV_SINT_AUTO_EOI | VECTOR));
    CHECK_EQUAL(vp.lapic.auto_eoi[VECTOR / 32], 0);
}

static void test_messages(void)
{
    struct hv_message message = {.message_type = 1, .payload_size = 3, .sender = 7};

    memcpy(message.payload, "abc", 4);
    reset();
    CHECK_EQUAL(synic_deliver_message(&vp, SINT, &message), HV_STATUS_SUCCESS);
    CHECK_EQUAL(posted[VECTOR], 1);
    CHECK(memcmp(slot(SINT), &message, 19) == 0);
    CHECK_EQUAL(synic_deliver_message(&vp, SINT, &message), HV_STATUS_INSUFFICIENT_BUFFERS);
    CHECK_EQUAL(slot(SINT)->flags, HV_MESSAGE_FLAG_PENDING);
    CHECK_EQUAL(posted[VECTOR], 1);
    /* Another message must not hide that somebody waits, until EOM. */
    slot(SINT)->message_type = 0;
    CHECK_EQUAL(synic_deliver_message(&vp, SINT, &message), HV_STATUS_SUCCESS);
    CHECK_EQUAL(slot(SINT)->flags, HV_MESSAGE_FLAG_PENDING);
    slot(SINT)->message_type = 0;
    deliveries = 0;
    CHECK(write(HV_X64_MSR_EOM, 0));
    CHECK_EQUAL(deliveries, 1);
    CHECK_EQUAL(synic_deliver_message(&vp, SINT, &message), HV_STATUS_SUCCESS);
    CHECK_EQUAL(slot(SINT)->flags, 0);
    CHECK_EQUAL(posted[VECTOR], 3);
    /* A masked or polled SINT gets its message without an interrupt. */
    CHECK_EQUAL(synic_deliver_message(&vp, 0, &message), HV_STATUS_SUCCESS);
    CHECK(write(HV_X64_MSR_SINT0 + 1, VECTOR | HV_SINT_POLLING));
    CHECK_EQUAL(synic_deliver_message(&vp, 1, &message), HV_STATUS_SUCCESS);
    CHECK_EQUAL(posted[VECTOR], 3);
    memory_gone = true;
    CHECK_EQUAL(synic_deliver_message(&vp, 3, &message), HV_STATUS_INVALID_SYNIC_STATE);
    memory_gone = false;
    CHECK(write(HV_X64_MSR_SCONTROL, 0));
    CHECK_EQUAL(synic_deliver_message(&vp, 3, &message), HV_STATUS_INVALID_SYNIC_STATE);
    CHECK_EQUAL(slot(3)->message_type, 0);
}

static void test_events(void)
{
    const uint8_t *last = memory + 2 * PAGE_SIZE + (SINT + 1) * HV_EVENT_FLAGS_SIZE - 1;
    bool newly;

    reset();
    CHECK(!synic_event_is_set(&vp, SINT, 2047));
    CHECK_EQUAL(synic_signal_event(&vp, SINT, 2047, &newly), HV_STATUS_SUCCESS);
    CHECK(newly && posted[VECTOR] == 1);
    CHECK_EQUAL(*last, 0x80);
    CHECK(synic_event_is_set(&vp, SINT, 2047));
    CHECK_EQUAL(synic_signal_event(&vp, SINT, 2047, &newly), HV_STATUS_SUCCESS);
    CHECK(!newly && posted[VECTOR] == 1);
    memory_gone = true;
    CHECK(!synic_event_is_set(&vp, SINT, 2047));
    CHECK_EQUAL(synic_signal_event(&vp, SINT, 0, &newly), HV_STATUS_INVALID_SYNIC_STATE);
    CHECK(!newly);
}

#define CONFIG(n) (HV_X64_MSR_STIMER0_CONFIG + 2 * (n))
#define COUNT(n) (CONFIG(n) + 1)
#define TO_SINT ((uint64_t)SINT << HV_STIMER_SINT_SHIFT)

static void run_until(uint64_t now)
{
    tsc = now;
    vp_timers_run(&vp, now);
}

static void test_one_shot(void)
{
    struct hv_timer_message_payload payload;

    reset();
    CHECK(!write(CONFIG(1), 1ull << 13));
    CHECK(write(CONFIG(1), HV_STIMER_ENABLE)); /* for SINT 0: not enabled */
    CHECK_EQUAL(read(CONFIG(1)), 0);
    CHECK(write(CONFIG(1), HV_STIMER_AUTO_ENABLE | TO_SINT));
    CHECK(write(COUNT(1), 200));
    CHECK_EQUAL(read(CONFIG(1)), HV_STIMER_AUTO_ENABLE | TO_SINT | HV_STIMER_ENABLE);
    CHECK_EQUAL(vp.timers.next, 2000);
    run_until(1999);
    CHECK_EQUAL(posted[VECTOR], 0);
    run_until(2010);
    CHECK_EQUAL(posted[VECTOR], 1);
    CHECK_EQUAL(slot(SINT)->message_type, HV_MESSAGE_TYPE_TIMER_EXPIRED);
    memcpy(&payload, slot(SINT)->payload, sizeof(payload));
    CHECK_EQUAL(payload.timer_index, 1);
    CHECK_EQUAL(payload.expiration_time, 200);
    CHECK_EQUAL(payload.delivery_time, 201);
    CHECK_EQUAL(read(CONFIG(1)), HV_STIMER_AUTO_ENABLE | TO_SINT);
    CHECK_EQUAL(read(COUNT(1)), 200);
    CHECK_EQUAL(vp.timers.next, VP_TIMER_NEVER);

    /* In the past; the slot is taken, so the message waits for EOM. */
    CHECK(write(COUNT(1), 1));
    run_until(2020);
    CHECK_EQUAL(slot(SINT)->flags, HV_MESSAGE_FLAG_PENDING);
    slot(SINT)->message_type = 0;
    CHECK(write(HV_X64_MSR_EOM, 0));
    CHECK_EQUAL(posted[VECTOR], 2);
    CHECK(!vp.synic.timers[1].message_pending);

    CHECK(write(COUNT(1), UINT64_MAX));
    CHECK_EQUAL(vp.timers.next, VP_TIMER_NEVER);
    CHECK(write(COUNT(1), 300));
    CHECK(write(COUNT(1), 0));
    CHECK_EQUAL(read(CONFIG(1)), HV_STIMER_AUTO_ENABLE | TO_SINT);
    CHECK_EQUAL(vp.timers.next, VP_TIMER_NEVER);
}

static void test_periodic(void)
{
    reset();
    CHECK(write(COUNT(3), 10));
    CHECK(write(CONFIG(3), HV_STIMER_ENABLE | HV_STIMER_PERIODIC | HV_STIMER_DIRECT_MODE |
                               0xeeull << HV_STIMER_VECTOR_SHIFT));
    CHECK_EQUAL(vp.timers.next, 1100);
    run_until(1150);
    CHECK_EQUAL(posted[0xee], 1);
    CHECK_EQUAL(vp.timers.next, 1200);
    run_until(1300); /* late by a whole period */
    CHECK_EQUAL(posted[0xee], 2);
    CHECK_EQUAL(vp.timers.next, 1400);
    CHECK(read(CONFIG(3)) & HV_STIMER_ENABLE);
    vp_timer_start(&vp, VP_TIMER_LAPIC, 1305, 0);
    run_until(1310);
    CHECK_EQUAL(lapic_expiries, 1);
    CHECK_EQUAL(vp.timers.next, 1315); /* the handler has started it anew */
    vp_timer_start(&vp, VP_TIMER_LAPIC, 1320, UINT64_MAX - 1);
    run_until(1320);
    vp_timer_stop(&vp, VP_TIMER_LAPIC);
    CHECK_EQUAL(vp.timers.next, 1400);
    CHECK(write(CONFIG(3), 0));
    CHECK_EQUAL(vp.timers.next, VP_TIMER_NEVER);
}

int main(void)
{
    test_registers();
    test_messages();
    test_events();
    test_one_shot();
    test_periodic();
    CHECK_EQUAL(locks_held, 0);
    return unit_result();
}
