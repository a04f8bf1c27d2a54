/* Self test "timer": the clock, timers, and the log with its time stamps. */
#include <stddef.h>

#include "lib/calendar.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/smp.h"

/* How late a timer may be: emulators are not alone on their host. */
#define TOLERANCE_MICROSECONDS 200000ull
#define TIMERS 200
#define CLOCK_READS 1000

static void check_clock(void)
{
    uint64_t last = time_now();
    for (int i = 0; i < CLOCK_READS; i++) {
        uint64_t now = time_now();
        check(now >= last, "the clock went back from %lu to %lu", last, now);
        last = now;
    }
    uint64_t start = time_now();
    time_delay(3000);
    uint64_t elapsed = time_now() - start;
    check(elapsed >= 3000 && elapsed < 3000 + TOLERANCE_MICROSECONDS, "3000 us took %lu", elapsed);
}

static void check_wall_clock(void)
{
    struct calendar date;
    uint64_t start = time_wall_clock();
    calendar_from_seconds(start, &date);
    check(date.year >= 2000 && date.year < 2100, "the year is %u", date.year);
    thread_sleep(1100000);
    uint64_t elapsed = time_wall_clock() - start;
    check(elapsed >= 1 && elapsed <= 2, "1.1 s are %lu s by the wall clock", elapsed);
}

static void check_log(void)
{
    uint64_t position = 0;
    struct log_line line = {0};
    bool found = false;
    for (int i = 0; i < 2000; i++)
        log_print(LOG_DEBUG, "selftest: line %i of many, which do not all fit into the ring", i);
    while (log_read(&position, &line))
        found |= line.level == LOG_DEBUG;
    check(found, "the log has no lines");
    check(strncmp(line.text, "selftest: line 1999 of", 22) == 0, "the last line is: %s", line.text);
    check(line.time <= time_now(), "the log's time stamp is %lu", line.time);
    position = 0;
    check(log_read(&position, &line) && strncmp(line.text, "selftest: line", 14) == 0,
          "the oldest line is: %s", line.text);
}

static void check_sleep(void)
{
    static const uint64_t times[] = {0, 1, 50, 1000, 20000};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        uint64_t start = time_now();
        thread_sleep(times[i]);
        uint64_t elapsed = time_now() - start;
        check(elapsed >= times[i] && elapsed < times[i] + TOLERANCE_MICROSECONDS,
              "sleep of %lu us took %lu", times[i], elapsed);
    }
}

/* Each notes its place in the order in which they fire. */
struct entry {
    struct timer timer;
    uint64_t fired; /* time; 0: not yet */
    uint32_t place;
    uint32_t *next_place;
};

static void note_place(struct timer *timer)
{
    struct entry *entry = CONTAINER_OF(timer, struct entry, timer);
    entry->place = (*entry->next_place)++;
    __atomic_store_n(&entry->fired, time_now(), __ATOMIC_RELEASE);
}

static bool has_fired(const struct entry *entry)
{
    return __atomic_load_n(&entry->fired, __ATOMIC_ACQUIRE) != 0;
}

/* Started in an order that has nothing to do with their deadlines. */
static void check_order(void)
{
    uint32_t next_place = 0;
    struct entry *entries = heap_allocate(TIMERS * sizeof(*entries));
    if (!check(entries != NULL, "no memory"))
        return;
    uint64_t start = time_now() + 20000;
    for (uint32_t i = 0; i < TIMERS; i++) {
        uint32_t place = i * 77 % TIMERS;
        timer_setup(&entries[place].timer, note_place);
        entries[place].next_place = &next_place;
        timer_start(&entries[place].timer, start + place * 50);
    }
    thread_sleep(20000 + TIMERS * 50);
    for (uint32_t i = 0; i < TIMERS; i++) {
        while (!has_fired(&entries[i]) && time_now() < start + 5000000)
            spin_wait();
        check(has_fired(&entries[i]), "timer %u did not fire", i);
        check_equal(entries[i].place, i, "place of a timer");
        check(entries[i].fired >= start + i * 50, "timer %u fired %lu us too early", i,
              start + i * 50 - entries[i].fired);
        check(!timer_cancel(&entries[i].timer), "timer %u is pending after it fired", i);
    }
    heap_free(entries);
}

/* Starts the timer and cancels it before its time: that may take more than one attempt where the
 * host has stopped this CPU in between. False: it was not pending, though its time had not come. */
static bool cancel_in_time(struct entry *entry)
{
    for (;;) {
        uint64_t deadline = time_now() + 3000;
        timer_start(&entry->timer, deadline);
        if (timer_cancel(&entry->timer))
            return true;
        if (time_now() < deadline)
            return false;
    }
}

static void check_cancel(void)
{
    uint32_t next_place = 0;
    struct entry entry = {.next_place = &next_place};
    timer_setup(&entry.timer, note_place);
    check(!timer_cancel(&entry.timer), "a timer that was never started is pending");
    check(cancel_in_time(&entry), "a started timer is not pending");
    uint32_t fired = next_place;
    thread_sleep(6000);
    check_equal(next_place, fired, "number of times that a timer fired, the last time cancelled");
    timer_start(&entry.timer, time_now() + 60000000);
    timer_start(&entry.timer, time_now() + 1000);
    thread_sleep(3000);
    check_equal(next_place, fired + 1, "number of times that a timer fired, with a new deadline");
    timer_start(&entry.timer, 0);
    thread_sleep(1000);
    check_equal(next_place, fired + 2, "number of times that a timer fired, the last time at once");
}

/* A timer that starts itself again is cancelled from another CPU, again and again. */
static void restart(struct timer *timer)
{
    timer_start(timer, time_now() + 20);
}

static struct timer shared_timer;

static void start_shared(void *argument)
{
    (void)argument;
    timer_start(&shared_timer, time_now() + 10);
}

static void check_cancel_across(void)
{
    timer_setup(&shared_timer, restart);
    for (uint32_t i = 0; i < 50; i++) {
        uint32_t cpu = i % cpu_count;
        smp_call(cpu, start_shared, NULL);
        smp_wait(cpu);
        time_delay(i);
        timer_cancel(&shared_timer);
        check(!timer_cancel(&shared_timer), "a timer is pending after it was cancelled");
    }
}

static void run(void)
{
    check_clock();
    check_sleep();
    check_order();
    check_cancel();
    if (this_cpu()->index == 0) {
        check_cancel_across();
        check_wall_clock();
        check_log();
    }
}

/* By name only: it takes long on a busy host. */
const struct selftest selftest_timer = {"timer", run, SELFTEST_EACH, true};
