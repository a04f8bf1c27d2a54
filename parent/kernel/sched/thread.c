#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/mm/stack.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/sched/scheduler.h"
#include "parent/kernel/time.h"

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_THREADS); /* all_threads and the numbers */
static struct list all_threads = {&all_threads, &all_threads};
static uint32_t last_id, count;

/* What context_switch() finds on a new thread's stack, and above it the return address 0 that ends
 * backtraces. */
struct first_frame {
    uint64_t r15, r14, r13, r12, rbx, rbp;
    uint64_t rip;
    uint64_t end;
};

static _Noreturn void run_thread(void)
{
    struct thread *self = current_thread();
    sched_finish_switch();
    sched_restore(RFLAGS_IF);
    thread_exit(self->entry(self->argument));
}

static void add_to_list(struct thread *thread)
{
    uint64_t flags = spin_lock(&lock);
    thread->id = ++last_id;
    count++;
    list_add_last(&all_threads, &thread->all_link);
    spin_unlock(&lock, flags);
}

static struct thread *create(const char *name, enum thread_priority priority, uint32_t affinity,
                             uint32_t cpu, uint64_t stack)
{
    struct thread *thread = heap_allocate(sizeof(*thread));
    if (!thread)
        return NULL;
    thread->stack = stack;
    thread->root = memory_root();
    thread->cpu = cpu;
    thread->affinity = affinity;
    thread->priority = (uint8_t)priority;
    thread->references = 2;
    string_copy(thread->name, name, sizeof(thread->name));
    list_init(&thread->run_link);
    list_init(&thread->process_link);
    wait_queue_init(&thread->ended);
    add_to_list(thread);
    return thread;
}

struct thread *thread_prepare(const char *name, int (*entry)(void *argument), void *argument,
                              enum thread_priority priority, uint32_t cpu, size_t reserve)
{
    uint64_t stack = stack_allocate();
    if (stack == 0)
        return NULL;
    uint32_t affinity = cpu < cpu_count ? cpu : THREAD_ANY_CPU;
    struct thread *thread = create(name, priority, affinity, this_cpu()->index, stack);
    if (!thread) {
        stack_free(stack);
        return NULL;
    }
    struct first_frame *frame = (struct first_frame *)(stack - reserve) - 1;
    *frame = (struct first_frame){.rip = (uint64_t)run_thread};
    thread->rsp = (uint64_t)frame;
    thread->entry = entry;
    thread->argument = argument;
    return thread;
}

struct thread *thread_create_idle(uint32_t cpu, uint64_t stack_top)
{
    struct thread *thread = create("idle", PRIORITY_IDLE, cpu, cpu, stack_top);
    if (!thread)
        panic("no memory for an idle thread");
    thread->state = THREAD_RUNNING;
    return thread;
}

struct thread *thread_create(const char *name, int (*entry)(void *argument), void *argument,
                             enum thread_priority priority, uint32_t cpu)
{
    struct thread *thread = thread_prepare(name, entry, argument, priority, cpu, 0);
    if (thread)
        sched_start(thread);
    return thread;
}

_Noreturn void thread_exit(int status)
{
    current_thread()->status = status;
    sched_end();
}

void thread_ended(struct thread *thread)
{
    __atomic_store_n(&thread->finished, true, __ATOMIC_RELEASE);
    wake_all(&thread->ended);
    thread_put(thread);
}

void thread_get(struct thread *thread)
{
    __atomic_fetch_add(&thread->references, 1, __ATOMIC_RELAXED);
}

void thread_put(struct thread *thread)
{
    if (__atomic_sub_fetch(&thread->references, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    uint64_t flags = spin_lock(&lock);
    list_remove(&thread->all_link);
    count--;
    spin_unlock(&lock, flags);
    stack_free(thread->stack);
    heap_free(thread);
}

int thread_join(struct thread *thread)
{
    WAIT_UNTIL(&thread->ended, __atomic_load_n(&thread->finished, __ATOMIC_ACQUIRE), WAIT_FOREVER);
    int status = thread->status;
    thread_put(thread);
    return status;
}

void thread_detach(struct thread *thread)
{
    thread_put(thread);
}

struct thread *thread_self(void)
{
    return current_thread();
}

const char *thread_name(const struct thread *thread)
{
    return thread->name;
}

void thread_sleep(uint64_t microseconds)
{
    uint64_t now = time_now();
    uint64_t deadline = microseconds > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + microseconds;
    while (time_now() < deadline)
        sched_block_until(deadline);
}

uint32_t thread_count(void)
{
    return __atomic_load_n(&count, __ATOMIC_RELAXED);
}

static void describe(const struct thread *thread, struct thread_information *information)
{
    static const char states[] = {
        [THREAD_READY] = 'r', [THREAD_RUNNING] = 'R', [THREAD_BLOCKED] = 'b', [THREAD_DEAD] = 'x'};
    *information = (struct thread_information){
        .id = thread->id,
        .process_id = thread->process_id,
        .state = states[thread->state],
        .priority = thread->priority,
        .cpu = thread->cpu,
        .run_microseconds = time_from_tsc(thread->run_ticks),
        .switch_count = thread->switch_count,
    };
    memcpy(information->name, thread->name, sizeof(information->name));
}

uint32_t thread_list(struct thread_information *list, uint32_t limit)
{
    uint32_t found = 0;
    uint64_t flags = spin_lock(&lock);
    LIST_FOR_EACH (item, &all_threads) {
        if (found < limit)
            describe(CONTAINER_OF(item, struct thread, all_link), &list[found]);
        found++;
    }
    spin_unlock(&lock, flags);
    return found;
}
