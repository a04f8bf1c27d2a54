/* Tests of the synthetic timers. */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "include/hv/cpuid.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/stimer.h"
#include "vsc/demo/synic.h"
#include "vsc/demo/vp.h"

#define SINT 3
#define SHORT 10000ull /* 1 ms in 100 ns */
#define WAIT_US 3000000
#define SETTLE_US 5000
#define PERIODS 5

/* Timers' messages, as the handler found them. */
static struct {
    uint32_t timer;
    uint64_t expiration, delivery;
} messages[16];
static volatile unsigned message_count;
static unsigned wrong_messages;

static void on_message(struct interrupt_frame *frame)
{
    volatile struct hv_message *message = synic_message(SINT);
    struct hv_timer_message_payload payload;

    (void)frame;
    if (message->message_type == HV_MESSAGE_TYPE_NONE)
        return;
    memcpy(&payload, (const void *)message->payload, sizeof(payload));
    if (message->message_type != HV_MESSAGE_TYPE_TIMER_EXPIRED ||
        message->payload_size != sizeof(payload))
        wrong_messages++;
    if (message_count < sizeof(messages) / sizeof(messages[0])) {
        messages[message_count].timer = payload.timer_index;
        messages[message_count].expiration = payload.expiration_time;
        messages[message_count].delivery = payload.delivery_time;
    }
    message_count++;
    synic_message_done(SINT);
}

static void begin(void)
{
    message_count = wrong_messages = 0;
    synic_init();
    interrupt_set(VECTOR_STIMER, on_message, EOI_AFTER);
    synic_set_sint(SINT, VECTOR_STIMER, 0);
}

static void end(void)
{
    for (unsigned timer = 0; timer < HV_SYNIC_TIMER_COUNT; timer++)
        stimer_stop(timer);
    interrupt_set(VECTOR_STIMER, NULL, EOI_AFTER);
    synic_disable();
    check_equal(wrong_messages, 0, "messages that are not a timer's");
}

static bool wait_messages(unsigned count)
{
    uint64_t limit = clock_deadline(WAIT_US);

    while (message_count < count && rdtsc() < limit)
        cpu_pause();
    return check(message_count >= count, "%u messages, not %u", message_count, count);
}

/* One-shot, to a time in @ahead. */
static void check_one_shot(unsigned timer, int64_t ahead)
{
    uint64_t expiration = clock_reference() + (uint64_t)ahead;

    message_count = 0;
    stimer_set_count(timer, expiration);
    stimer_set_config(timer, stimer_to_sint(SINT) | HV_STIMER_ENABLE);
    if (!wait_messages(1))
        return;
    check_equal(messages[0].timer, timer, "the timer in the message");
    check_equal(messages[0].expiration, expiration, "the expiration time");
    check(messages[0].delivery >= expiration && clock_reference() >= messages[0].delivery,
          "timer %u: expiration %llu, delivery %llu", timer, (unsigned long long)expiration,
          (unsigned long long)messages[0].delivery);
    check_equal(stimer_config(timer) & HV_STIMER_ENABLE, 0, "the enable bit of a one-shot");
}

void test_stimer(void)
{
    begin();
    for (unsigned timer = 0; timer < HV_SYNIC_TIMER_COUNT; timer++) {
        check_one_shot(timer, SHORT);
        check_one_shot(timer, -(int64_t)SHORT);
    }
    /* Taken back before its time: unless the machine was so busy meanwhile that it had come. */
    uint64_t due;
    do {
        message_count = 0;
        due = clock_reference() + SHORT;
        stimer_set_count(0, due);
        stimer_set_config(0, stimer_to_sint(SINT) | HV_STIMER_ENABLE);
        stimer_set_config(0, 0);
    } while (clock_reference() >= due);
    clock_delay(SETTLE_US);
    check_equal(message_count, 0, "messages of a timer that was disabled");
    /* Writing the count enables it. */
    stimer_set_config(1, stimer_to_sint(SINT) | HV_STIMER_AUTO_ENABLE);
    stimer_set_count(1, clock_reference() + SHORT);
    check(stimer_config(1) & HV_STIMER_ENABLE || message_count != 0, "auto-enable does not enable");
    wait_messages(1);
    end();
}

static void check_periodic(unsigned timer)
{
    message_count = 0;

    uint64_t start = clock_reference();

    stimer_set_count(timer, SHORT);
    stimer_set_config(timer, stimer_to_sint(SINT) | HV_STIMER_PERIODIC | HV_STIMER_ENABLE);
    wait_messages(PERIODS);
    check(clock_reference() - start >= PERIODS * SHORT, "timer %u: %u periods of 1 ms in %llu us",
          timer, PERIODS, (unsigned long long)(clock_reference() - start) / 10);
    check(stimer_config(timer) & HV_STIMER_ENABLE, "a periodic timer stops");
    stimer_stop(timer);
    clock_delay(SETTLE_US);

    unsigned stopped = message_count;

    clock_delay(SETTLE_US);
    check_equal(message_count, stopped, "messages after a periodic timer's stop");
}

static void check_direct(unsigned timer)
{
    uint8_t vector = (uint8_t)(VECTOR_STIMER + 1 + timer);
    uint32_t before = vp_interrupts(vector);
    uint64_t expiration = clock_reference() + SHORT;

    stimer_set_count(timer, expiration);
    stimer_set_config(timer, stimer_to_vector(vector) | HV_STIMER_ENABLE);
    check(interrupt_wait(vector, before + 1, WAIT_US), "timer %u: no interrupt", timer);
    check(clock_reference() >= expiration, "timer %u is early", timer);
    clock_delay(SETTLE_US);
    check_equal(vp_interrupts(vector), before + 1, "interrupts of a direct one-shot");
}

void test_stimer_modes(void)
{
    uint64_t config = stimer_to_sint(SINT) | HV_STIMER_PERIODIC | HV_STIMER_LAZY;

    begin();
    for (unsigned timer = 0; timer < HV_SYNIC_TIMER_COUNT; timer++) {
        stimer_set_config(timer, config);
        stimer_set_count(timer, 12345 + timer);
        check_equal(stimer_config(timer), config, "the configuration");
        check_equal(stimer_count(timer), 12345 + timer, "the count");
        stimer_stop(timer);
        check_periodic(timer);
    }
    if (cpuid(HV_CPUID_FEATURES, 0).edx & HV_FEATURE_DIRECT_SYNTHETIC_TIMERS) {
        for (unsigned timer = 0; timer < HV_SYNIC_TIMER_COUNT; timer++)
            check_direct(timer);
    } else {
        note("timers have no direct mode");
    }
    end();
}

/* All four to one SINT while interrupts are off: each message waits for the slot. */
void test_stimer_queue(void)
{
    unsigned seen = 0;

    begin();
    interrupts_disable();
    for (unsigned timer = 0; timer < HV_SYNIC_TIMER_COUNT; timer++) {
        stimer_set_count(timer, clock_reference() + SHORT / 10);
        stimer_set_config(timer, stimer_to_sint(SINT) | HV_STIMER_ENABLE);
    }
    clock_delay(SETTLE_US);
    interrupts_enable();
    if (wait_messages(HV_SYNIC_TIMER_COUNT)) {
        for (unsigned i = 0; i < HV_SYNIC_TIMER_COUNT; i++)
            seen |= 1u << messages[i].timer;
        check_equal(seen, (1u << HV_SYNIC_TIMER_COUNT) - 1, "the timers with a message");
    }
    end();
}
