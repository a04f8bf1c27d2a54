/* Self test "sched": threads, priorities, placement, waiting. */
#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/mm/stack.h"
#include "parent/kernel/selftest.h"

#define THREADS 10000
#define BATCH 200
#define TURN_MICROSECONDS (3ull * THREAD_SLICE_US)
#define PATIENCE_MICROSECONDS 5000000ull
#define SWITCHES 10000

static uint64_t patience(void)
{
    return time_now() + PATIENCE_MICROSECONDS;
}

/* --- Creation and ends --- */

static int return_square(void *argument)
{
    uint64_t number = (uint64_t)argument;
    if (number % 3 == 0)
        thread_yield();
    if (number % 5 == 0)
        thread_exit((int)(number * number));
    return (int)(number * number);
}

static void run_batch(struct thread **threads, uint64_t first)
{
    for (uint64_t i = 0; i < BATCH; i++)
        threads[i] = thread_create("square", return_square, (void *)(first + i), PRIORITY_NORMAL,
                                   THREAD_ANY_CPU);
    for (uint64_t i = 0; i < BATCH; i++) {
        uint64_t number = first + i;
        if (check(threads[i] != NULL, "thread %lu was not created", number))
            check(thread_join(threads[i]) == (int)(number * number), "status of thread %lu",
                  number);
    }
}

static void check_creation(void)
{
    struct thread **threads = heap_allocate(BATCH * sizeof(struct thread *));
    struct memory_statistics before, after;
    if (!check(threads != NULL, "no memory"))
        return;
    run_batch(threads, 0); /* fills the cache of stacks */
    memory_get_statistics(&before);
    uint64_t stacks = stack_count();
    uint32_t count = thread_count();
    for (uint64_t first = 0; first < THREADS; first += BATCH)
        run_batch(threads, first);
    memory_get_statistics(&after);
    check_equal(thread_count(), count, "number of threads after 10,000 ended");
    check_equal(after.heap_blocks, before.heap_blocks, "number of heap blocks");
    check_equal(after.pages_free, before.pages_free, "number of free pages");
    check_equal(stack_count(), stacks, "number of stacks");
    heap_free(threads);
}

static int set_flag(void *argument)
{
    __atomic_store_n((bool *)argument, true, __ATOMIC_RELEASE);
    return 0;
}

static bool wait_for(const bool *flag)
{
    uint64_t deadline = patience();
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE) && time_now() < deadline)
        thread_sleep(1000);
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void check_detached(void)
{
    bool ran = false;
    uint32_t count = thread_count();
    struct thread *thread = thread_create("detached", set_flag, &ran, PRIORITY_LOW, THREAD_ANY_CPU);
    thread_detach(thread);
    check(wait_for(&ran), "a detached thread does not run");
    for (uint64_t end = patience(); thread_count() != count && time_now() < end;)
        thread_sleep(1000);
    check_equal(thread_count(), count, "number of threads after a detached one has ended");
}

/* --- Placement and priorities --- */

static int return_cpu(void *argument)
{
    (void)argument;
    uint64_t flags = interrupts_save();
    int cpu = (int)this_cpu()->index;
    interrupts_restore(flags);
    return cpu;
}

static int travel(void *argument)
{
    (void)argument;
    int wrong = 0;
    for (uint32_t i = 0; i < 3 * cpu_count; i++) {
        thread_set_cpu(thread_self(), i % cpu_count);
        wrong += return_cpu(NULL) != (int)(i % cpu_count);
    }
    return wrong;
}

static void check_affinity(void)
{
    for (uint32_t cpu = 0; cpu < cpu_count; cpu++) {
        struct thread *thread = thread_create("bound", return_cpu, NULL, PRIORITY_NORMAL, cpu);
        check_equal((uint64_t)thread_join(thread), cpu, "CPU of a thread that is bound to one");
    }
    struct thread *thread = thread_create("travel", travel, NULL, PRIORITY_NORMAL, THREAD_ANY_CPU);
    check_equal((uint64_t)thread_join(thread), 0, "number of wrong CPUs of a thread that moves");
}

/* Counts until it is told to stop. */
struct spinner {
    uint64_t count;
    bool stop;
    uint64_t cpus; /* bit set of the first 64 that it was on */
};

static int spin(void *argument)
{
    struct spinner *spinner = argument;
    while (!__atomic_load_n(&spinner->stop, __ATOMIC_ACQUIRE)) {
        spinner->cpus |= 1ull << return_cpu(NULL) % 64;
        __atomic_fetch_add(&spinner->count, 1, __ATOMIC_RELAXED);
        spin_wait();
    }
    return 0;
}

static struct thread *start_spinner(struct spinner *spinner, enum thread_priority priority,
                                    uint32_t cpu)
{
    *spinner = (struct spinner){0};
    return thread_create("spin", spin, spinner, priority, cpu);
}

static void stop_spinner(struct spinner *spinner, struct thread *thread)
{
    __atomic_store_n(&spinner->stop, true, __ATOMIC_RELEASE);
    thread_join(thread);
}

static uint64_t spin_count(const struct spinner *spinner)
{
    return __atomic_load_n(&spinner->count, __ATOMIC_RELAXED);
}

/* The last CPU runs the subjects; the test itself is on VP 0 and more urgent than they are. */
static void check_round_robin(void)
{
    struct spinner a, b, low;
    uint32_t cpu = cpu_count - 1;
    struct thread *low_thread = start_spinner(&low, PRIORITY_LOW - 1, cpu);
    struct thread *a_thread = start_spinner(&a, PRIORITY_LOW, cpu);
    struct thread *b_thread = start_spinner(&b, PRIORITY_LOW, cpu);
    thread_sleep(2 * TURN_MICROSECONDS);
    uint64_t low_before = spin_count(&low), a_before = spin_count(&a), b_before = spin_count(&b);
    thread_sleep(4 * TURN_MICROSECONDS);
    check(spin_count(&a) != a_before, "the first of two equal threads does not run");
    check(spin_count(&b) != b_before, "the second of two equal threads does not run");
    check_equal(spin_count(&low), low_before, "work of a less urgent thread meanwhile");
    stop_spinner(&a, a_thread);
    stop_spinner(&b, b_thread);
    low_before = spin_count(&low);
    thread_sleep(TURN_MICROSECONDS);
    check(spin_count(&low) != low_before, "the less urgent thread does not run afterwards");
    stop_spinner(&low, low_thread);
}

/* On a CPU of its own: there the test is not in the way of a thread more urgent than itself. */
static void check_priority_change(void)
{
    struct spinner spinner;
    bool ran = false;
    uint32_t cpu = cpu_count - 1;
    if (cpu == 0)
        return;
    struct thread *thread = start_spinner(&spinner, PRIORITY_LOW - 1, cpu);
    thread_set_priority(thread, PRIORITY_HIGH + 1);
    struct thread *other = thread_create("other", set_flag, &ran, PRIORITY_LOW, cpu);
    thread_sleep(TURN_MICROSECONDS);
    check(!ran, "a thread ran before one that became more urgent");
    thread_set_priority(thread, PRIORITY_LOW - 1);
    check(wait_for(&ran), "a thread waits for one that became less urgent");
    thread_join(other);
    stop_spinner(&spinner, thread);
}

/* As many as there are CPUs, started from one: they must spread. */
static void check_spread(void)
{
    struct spinner *spinners = heap_allocate(cpu_count * sizeof(*spinners));
    struct thread **threads = heap_allocate(cpu_count * sizeof(*threads));
    if (!check(spinners && threads, "no memory"))
        return;
    for (uint32_t i = 0; i < cpu_count; i++)
        threads[i] = start_spinner(&spinners[i], PRIORITY_LOW, THREAD_ANY_CPU);
    thread_sleep(4 * TURN_MICROSECONDS);
    uint64_t used = 0;
    for (uint32_t i = 0; i < cpu_count; i++) {
        stop_spinner(&spinners[i], threads[i]);
        check(spin_count(&spinners[i]) > 0, "thread %u of %u did not run", i, cpu_count);
        used |= spinners[i].cpus;
    }
    uint64_t all = cpu_count >= 64 ? UINT64_MAX : (1ull << cpu_count) - 1;
    check_equal(used, all, "CPUs that ran one thread each");
    heap_free(spinners);
    heap_free(threads);
}

/* Threads that pile up behind a bound one go where there is room. */
static void check_stealing(void)
{
    struct spinner hog;
    bool ran = false;
    uint32_t cpu = cpu_count - 1;
    if (cpu_count < 2)
        return;
    struct thread *thread = thread_create("piled", set_flag, &ran, PRIORITY_LOW, cpu);
    thread_join(thread);
    struct thread *hog_thread = start_spinner(&hog, PRIORITY_HIGH, cpu);
    while (spin_count(&hog) == 0)
        thread_yield();
    ran = false;
    thread = thread_create("piled", set_flag, &ran, PRIORITY_LOW, cpu);
    thread_sleep(TURN_MICROSECONDS);
    check(!ran, "a bound thread has left its CPU");
    thread_set_cpu(thread, THREAD_ANY_CPU);
    check(wait_for(&ran), "no idle CPU takes a thread that waits elsewhere");
    thread_join(thread);
    stop_spinner(&hog, hog_thread);
}

/* --- Waiting --- */

struct ring_place {
    struct wait_queue queue;
    uint32_t turn; /* whose it is */
};

struct runner {
    struct ring_place *ring;
    uint32_t number, count, rounds;
};

static int run_in_ring(void *argument)
{
    struct runner *runner = argument;
    struct ring_place *ring = runner->ring;
    for (uint32_t i = 0; i < runner->rounds; i++) {
        if (!WAIT_UNTIL(&ring->queue,
                        __atomic_load_n(&ring->turn, __ATOMIC_ACQUIRE) == runner->number,
                        patience()))
            return 1;
        __atomic_store_n(&ring->turn, (runner->number + 1) % runner->count, __ATOMIC_RELEASE);
        wake_all(&ring->queue);
    }
    return 0;
}

/* Threads on all CPUs take turns, and no wake-up may be lost. */
static void check_wake_ups(void)
{
    enum { COUNT = 8, ROUNDS = 40 };
    struct ring_place ring = {0};
    struct runner runners[COUNT];
    struct thread *threads[COUNT];
    wait_queue_init(&ring.queue);
    for (uint32_t i = 0; i < COUNT; i++) {
        runners[i] = (struct runner){&ring, i, COUNT, ROUNDS};
        threads[i] =
            thread_create("ring", run_in_ring, &runners[i], PRIORITY_NORMAL, i % cpu_count);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        check_equal((uint64_t)thread_join(threads[i]), 0, "status of a thread in the ring");
}

struct shared_count {
    struct mutex mutex;
    uint64_t count; /* not atomic: the mutex protects it */
};

static int count_up(void *argument)
{
    struct shared_count *shared = argument;
    for (int i = 0; i < 500; i++) {
        mutex_lock(&shared->mutex);
        uint64_t count = shared->count;
        if (i % 50 == 0)
            thread_sleep(100);
        else if (i % 10 == 0)
            thread_yield();
        shared->count = count + 1;
        mutex_unlock(&shared->mutex);
    }
    return 0;
}

static void check_mutex(void)
{
    enum { COUNT = 8 };
    struct shared_count shared = {0};
    struct thread *threads[COUNT];
    mutex_init(&shared.mutex);
    for (int i = 0; i < COUNT; i++)
        threads[i] = thread_create("count", count_up, &shared, PRIORITY_NORMAL, THREAD_ANY_CPU);
    for (int i = 0; i < COUNT; i++)
        thread_join(threads[i]);
    check_equal(shared.count, COUNT * 500, "count that a mutex protects");
}

static void check_deadlines(void)
{
    struct wait_queue queue;
    struct completion completion;
    wait_queue_init(&queue);
    completion_init(&completion);
    uint64_t start = time_now();
    check(!WAIT_UNTIL(&queue, false, start + 5000), "a condition that is never true became true");
    check(!completion_wait(&completion, start + 10000), "nobody completed it");
    uint64_t elapsed = time_now() - start;
    check(elapsed >= 10000, "two waits for 5 ms each took %lu us", elapsed);
    completion_signal(&completion);
    check(completion_wait(&completion, WAIT_FOREVER), "it is complete");
}

static int signal_completion(void *argument)
{
    completion_signal(argument);
    return 0;
}

/* Each is on the stack only as long as the wait lasts. */
static void check_completions(void)
{
    for (uint32_t i = 0; i < 100; i++) {
        struct completion completion;
        completion_init(&completion);
        struct thread *thread =
            thread_create("signal", signal_completion, &completion, PRIORITY_NORMAL, i % cpu_count);
        check(completion_wait(&completion, patience()), "a completion does not come");
        thread_detach(thread);
    }
}

struct job {
    struct work work;
    uint32_t runs;
    struct completion *last;
};

static void run_job(struct work *work)
{
    struct job *job = CONTAINER_OF(work, struct job, work);
    if (__atomic_add_fetch(&job->runs, 1, __ATOMIC_ACQ_REL) < 100)
        work_queue(work);
    else
        completion_signal(job->last);
}

static void check_work(void)
{
    struct completion last;
    struct job job = {.last = &last};
    completion_init(&last);
    work_setup(&job.work, run_job);
    check(work_queue(&job.work), "work that is not queued cannot be");
    check(completion_wait(&last, patience()), "work that queues itself does not end");
    check_equal(job.runs, 100, "number of runs");
}

/* --- Costs --- */

static int yield_often(void *argument)
{
    (void)argument;
    for (int i = 0; i < SWITCHES; i++)
        thread_yield();
    return 0;
}

/* Less urgent than the test, so that both begin together wherever they run. */
static void measure_switch(void)
{
    uint32_t cpu = cpu_count - 1;
    struct thread *a = thread_create("yield", yield_often, NULL, PRIORITY_LOW, cpu);
    struct thread *b = thread_create("yield", yield_often, NULL, PRIORITY_LOW, cpu);
    uint64_t start = rdtsc();
    thread_join(a);
    thread_join(b);
    note("a switch of threads takes %lu TSC ticks", (rdtsc() - start) / (2 * SWITCHES));
}

static void run(void)
{
    check_creation();
    check_detached();
    check_affinity();
    check_round_robin();
    check_priority_change();
    check_spread();
    check_stealing();
    check_wake_ups();
    check_mutex();
    check_deadlines();
    check_completions();
    check_work();
    measure_switch();
}

/* By name only: it takes long on a busy host. */
const struct selftest selftest_sched = {"sched", run, SELFTEST_ONCE, true};
