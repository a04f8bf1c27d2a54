#include "parent/kernel/sched/scheduler.h"

#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/time.h"
#include "parent/kernel/timer.h"

static uint64_t slice_ticks; /* TSC ticks of a full turn */

/* --- Run queues: the lock is held --- */

static void enqueue(struct run_queue *queue, struct thread *thread, bool first)
{
    struct list *list = &queue->ready[thread->priority];
    if (first)
        list_add_first(list, &thread->run_link);
    else
        list_add_last(list, &thread->run_link);
    queue->ready_mask |= 1u << thread->priority;
    __atomic_store_n(&queue->ready_count, queue->ready_count + 1, __ATOMIC_RELAXED);
}

static void dequeue(struct run_queue *queue, struct thread *thread)
{
    list_remove(&thread->run_link);
    if (list_empty(&queue->ready[thread->priority]))
        queue->ready_mask &= ~(1u << thread->priority);
    __atomic_store_n(&queue->ready_count, queue->ready_count - 1, __ATOMIC_RELAXED);
}

/* The priority of the most urgent ready thread, or RUNNING_IDLE. */
static int highest_ready(const struct run_queue *queue)
{
    return queue->ready_mask ? 31 - __builtin_clz(queue->ready_mask) : RUNNING_IDLE;
}

static struct thread *take_next(struct run_queue *queue)
{
    int priority = highest_ready(queue);
    if (priority == RUNNING_IDLE)
        return queue->idle;
    struct thread *next = CONTAINER_OF(queue->ready[priority].next, struct thread, run_link);
    dequeue(queue, next);
    return next;
}

/* Whether somebody waits for the end of the present turn. */
static bool turn_is_limited(const struct run_queue *queue)
{
    return queue->running_priority != RUNNING_IDLE &&
           queue->ready_mask >> queue->running_priority & 1;
}

static void set_running_priority(struct run_queue *queue, const struct thread *thread)
{
    int priority = thread == queue->idle ? RUNNING_IDLE : thread->priority;
    __atomic_store_n(&queue->running_priority, priority, __ATOMIC_RELAXED);
}

/* --- Placement --- */

/* Has @cpu look at its run queue again. */
static void notify(struct cpu *cpu)
{
    if (cpu == this_cpu())
        timer_arm(cpu->run_queue.slice_end); /* too early if nobody waits: then it is only a look */
    else
        lapic_send_interrupt(cpu->apic_id, VECTOR_RESCHEDULE);
}

/* Puts ready @thread, whose cpu is @cpu, into its queue, and interrupts what is less urgent.
 * Interrupts are off, the queue's lock is held. */
static void enqueue_and_notify(struct cpu *cpu, struct thread *thread)
{
    struct run_queue *queue = &cpu->run_queue;
    bool first_of_priority = !(queue->ready_mask >> thread->priority & 1);
    enqueue(queue, thread, false);
    if (thread->priority > queue->running_priority) {
        __atomic_store_n(&cpu->reschedule, true, __ATOMIC_RELAXED);
        if (cpu != this_cpu())
            notify(cpu);
    } else if (thread->priority == queue->running_priority && first_of_priority) {
        notify(cpu); /* the turn that runs has an end from now on */
    }
}

static int load_of(const struct cpu *cpu)
{
    return __atomic_load_n(&cpu->run_queue.running_priority, __ATOMIC_RELAXED);
}

static uint32_t count_of(const struct cpu *cpu)
{
    return __atomic_load_n(&cpu->run_queue.ready_count, __ATOMIC_RELAXED);
}

/* The CPU on which @thread has to wait least: its last one if it is idle, or else one that runs
 * something less urgent than the others do. A guess: nothing is locked but @thread's queue. */
static struct cpu *choose_cpu(const struct thread *thread)
{
    struct cpu *best = cpus[thread->cpu];
    if (thread->affinity != THREAD_ANY_CPU)
        return cpus[thread->affinity];
    if (load_of(best) == RUNNING_IDLE)
        return best;
    for (uint32_t i = 0; i < cpu_count; i++) {
        int difference = load_of(cpus[i]) - load_of(best);
        if (difference < 0 || (difference == 0 && count_of(cpus[i]) < count_of(best)))
            best = cpus[i];
    }
    return best;
}

/* Locks the run queue of @thread, wherever that is. Interrupts are off. */
static struct cpu *lock_queue_of(const struct thread *thread)
{
    for (;;) {
        uint32_t index = __atomic_load_n(&thread->cpu, __ATOMIC_ACQUIRE);
        spin_lock(&cpus[index]->run_queue.lock);
        if (__atomic_load_n(&thread->cpu, __ATOMIC_ACQUIRE) == index)
            return cpus[index];
        spin_unlock(&cpus[index]->run_queue.lock, 0);
    }
}

/* Takes @thread, which is ready and in no queue, from the locked queue of @from to where it should
 * be; unlocks. Whoever finds it between the two queues sees a ready thread that will be queued.
 * Interrupts are off. */
static void place_and_unlock(struct cpu *from, struct thread *thread)
{
    struct cpu *to = choose_cpu(thread);
    __atomic_store_n(&thread->cpu, to->index, __ATOMIC_RELEASE);
    if (to != from) {
        spin_unlock(&from->run_queue.lock, 0);
        spin_lock(&to->run_queue.lock);
    }
    enqueue_and_notify(to, thread);
    spin_unlock(&to->run_queue.lock, 0);
}

/* A thread waits here for a CPU while another CPU may have nothing to do: wakes one up. */
static void call_idle_cpu(void)
{
    for (uint32_t i = 0; i < cpu_count; i++) {
        if (load_of(cpus[i]) == RUNNING_IDLE && cpus[i] != this_cpu()) {
            __atomic_store_n(&cpus[i]->run_queue.look_around, true, __ATOMIC_RELEASE);
            lapic_send_interrupt(cpus[i]->apic_id, VECTOR_RESCHEDULE);
            return;
        }
    }
}

/* --- Switching: interrupts are off, the lock of this CPU's queue is held --- */

/* Gives the CPU to the most urgent ready thread. Returns when the calling thread runs again; the
 * lock has been given back. */
static void switch_away(struct cpu *cpu)
{
    struct run_queue *queue = &cpu->run_queue;
    struct thread *self = cpu->thread;
    struct thread *next = take_next(queue);
    uint64_t now = rdtsc();

    self->run_ticks += now - queue->turn_start;
    self->slice_left = now < queue->slice_end ? queue->slice_end - now : 0;
    queue->turn_start = now;
    if (next->slice_left == 0)
        next->slice_left = slice_ticks;
    queue->slice_end = now + next->slice_left;
    next->state = THREAD_RUNNING;
    next->switch_count++;
    set_running_priority(queue, next);
    if (turn_is_limited(queue))
        timer_arm(queue->slice_end);
    queue->previous = self;
    cpu->thread = next;
    cpu->tss.rsp[0] = next->stack;
    if (next->root != self->root)
        write_cr3(next->root);
    if (next != self)
        context_switch(&self->rsp, next->rsp);
    sched_finish_switch();
}

void sched_finish_switch(void)
{
    struct cpu *cpu = this_cpu();
    struct thread *previous = cpu->run_queue.previous;
    bool dead = previous->state == THREAD_DEAD;
    if (cpu->run_queue.move_previous) {
        cpu->run_queue.move_previous = false;
        place_and_unlock(cpu, previous);
        return;
    }
    spin_unlock(&cpu->run_queue.lock, 0);
    /* Whoever is not dead may be anywhere by now. */
    if (dead)
        thread_ended(previous);
}

/* Makes the running thread, which is not idle, ready again: first in its list if there is something
 * left of its turn. */
static void requeue_self(struct cpu *cpu, bool first)
{
    struct run_queue *queue = &cpu->run_queue;
    struct thread *self = cpu->thread;
    self->state = THREAD_READY;
    if (self->affinity != THREAD_ANY_CPU && self->affinity != cpu->index)
        queue->move_previous = true;
    else
        enqueue(queue, self, first);
}

/* Gives the CPU away if there is a reason. Interrupts are off. */
static void preempt(struct cpu *cpu)
{
    struct run_queue *queue = &cpu->run_queue;
    spin_lock(&queue->lock);
    __atomic_store_n(&cpu->reschedule, false, __ATOMIC_RELAXED);
    int waiting = highest_ready(queue);
    bool turn_over = rdtsc() >= queue->slice_end;
    bool give_way =
        waiting > queue->running_priority || (waiting == queue->running_priority && turn_over);
    if (waiting == RUNNING_IDLE || !give_way) {
        spin_unlock(&queue->lock, 0);
        return;
    }
    if (cpu->thread != queue->idle) {
        requeue_self(cpu, !turn_over);
        call_idle_cpu();
    }
    switch_away(cpu);
}

void sched_preempt(void)
{
    uint64_t flags = interrupts_save();
    do {
        preempt(this_cpu());
    } while (cpu_reschedule_wanted());
    interrupts_restore(flags);
}

void thread_yield(void)
{
    uint64_t flags = interrupts_save();
    struct cpu *cpu = this_cpu();
    spin_lock(&cpu->run_queue.lock);
    requeue_self(cpu, false);
    switch_away(cpu);
    sched_restore(flags);
}

void sched_block(void)
{
    uint64_t flags = interrupts_save();
    struct cpu *cpu = this_cpu();
    struct thread *self = cpu->thread;
    spin_lock(&cpu->run_queue.lock);
    if (self->wake_pending) {
        self->wake_pending = false;
        spin_unlock(&cpu->run_queue.lock, 0);
    } else {
        self->state = THREAD_BLOCKED;
        switch_away(cpu);
    }
    sched_restore(flags);
}

struct alarm {
    struct timer timer;
    struct thread *thread;
};

static void ring(struct timer *timer)
{
    sched_wake(CONTAINER_OF(timer, struct alarm, timer)->thread);
}

void sched_block_until(uint64_t deadline)
{
    if (deadline == WAIT_FOREVER) {
        sched_block();
        return;
    }
    struct alarm alarm = {.thread = thread_self()};
    timer_setup(&alarm.timer, ring);
    timer_start(&alarm.timer, deadline);
    sched_block();
    timer_cancel(&alarm.timer);
}

void sched_wake(struct thread *thread)
{
    uint64_t flags = interrupts_save();
    struct cpu *cpu = lock_queue_of(thread);
    if (thread->state == THREAD_BLOCKED) {
        thread->state = THREAD_READY;
        thread->slice_left = slice_ticks;
        place_and_unlock(cpu, thread);
    } else {
        thread->wake_pending = true;
        spin_unlock(&cpu->run_queue.lock, 0);
    }
    sched_restore(flags);
}

void sched_interrupt(const struct thread *thread)
{
    uint64_t flags = interrupts_save();
    struct cpu *cpu = cpus[__atomic_load_n(&thread->cpu, __ATOMIC_ACQUIRE)];
    if (cpu != this_cpu())
        lapic_send_interrupt(cpu->apic_id, VECTOR_RESCHEDULE);
    interrupts_restore(flags);
}

void sched_start(struct thread *thread)
{
    uint64_t flags = interrupts_save();
    place_and_unlock(lock_queue_of(thread), thread);
    sched_restore(flags);
}

_Noreturn void sched_end(void)
{
    interrupts_disable();
    struct cpu *cpu = this_cpu();
    spin_lock(&cpu->run_queue.lock);
    cpu->thread->state = THREAD_DEAD;
    switch_away(cpu);
    panic("a dead thread runs");
}

void thread_set_cpu(struct thread *thread, uint32_t cpu)
{
    uint64_t flags = interrupts_save();
    struct cpu *home = lock_queue_of(thread);
    thread->affinity = cpu < cpu_count ? cpu : THREAD_ANY_CPU;
    if (!list_empty(&thread->run_link)) {
        dequeue(&home->run_queue, thread);
        place_and_unlock(home, thread);
    } else {
        spin_unlock(&home->run_queue.lock, 0);
    }
    interrupts_restore(flags);
    if (thread == thread_self())
        thread_yield();
}

void thread_set_priority(struct thread *thread, enum thread_priority priority)
{
    uint64_t flags = interrupts_save();
    struct cpu *cpu = lock_queue_of(thread);
    bool queued = !list_empty(&thread->run_link);
    if (queued)
        dequeue(&cpu->run_queue, thread);
    thread->priority = (uint8_t)priority;
    if (queued) {
        place_and_unlock(cpu, thread);
    } else {
        if (thread->state == THREAD_RUNNING) {
            set_running_priority(&cpu->run_queue, thread);
            __atomic_store_n(&cpu->reschedule, true, __ATOMIC_RELAXED);
            if (cpu != this_cpu())
                notify(cpu);
        }
        spin_unlock(&cpu->run_queue.lock, 0);
    }
    sched_restore(flags);
}

/* --- Interrupts --- */

uint64_t sched_tick(uint64_t tsc)
{
    struct cpu *cpu = this_cpu();
    struct run_queue *queue = &cpu->run_queue;
    uint64_t next = UINT64_MAX;
    uint64_t flags = spin_lock(&queue->lock);
    if (turn_is_limited(queue)) {
        if (tsc >= queue->slice_end)
            __atomic_store_n(&cpu->reschedule, true, __ATOMIC_RELAXED);
        else
            next = queue->slice_end;
    }
    spin_unlock(&queue->lock, flags);
    return next;
}

/* Another CPU has put a thread into our queue: the end of the turn matters now. */
static void reschedule_interrupt(void)
{
    timer_arm(sched_tick(rdtsc()));
}

void sched_init(void)
{
    slice_ticks = time_to_tsc(THREAD_SLICE_US);
    interrupt_register(VECTOR_RESCHEDULE, reschedule_interrupt);
}

void sched_init_cpu(struct cpu *cpu, struct thread *idle)
{
    struct run_queue *queue = &cpu->run_queue;
    *queue = (struct run_queue){
        .lock = SPINLOCK(LOCK_LEVEL_RUN_QUEUE),
        .running_priority = RUNNING_IDLE,
        .idle = idle,
    };
    for (unsigned i = 0; i < PRIORITY_COUNT; i++)
        list_init(&queue->ready[i]);
    cpu->thread = idle;
}

/* --- Idle CPUs --- */

/* A ready thread of @queue, the most urgent one, that any CPU may run. The lock is held. */
static struct thread *find_movable(const struct run_queue *queue)
{
    for (uint32_t mask = queue->ready_mask; mask;) {
        int priority = 31 - __builtin_clz(mask);
        LIST_FOR_EACH (item, &queue->ready[priority]) {
            struct thread *thread = CONTAINER_OF(item, struct thread, run_link);
            if (thread->affinity == THREAD_ANY_CPU)
                return thread;
        }
        mask &= ~(1u << priority);
    }
    return NULL;
}

/* Moves one thread from @victim to this CPU, if there is one to spare. Interrupts are off. */
static bool steal_from(struct cpu *victim)
{
    struct cpu *self = this_cpu();
    spin_lock(&victim->run_queue.lock);
    struct thread *thread = find_movable(&victim->run_queue);
    if (thread) {
        dequeue(&victim->run_queue, thread);
        __atomic_store_n(&thread->cpu, self->index, __ATOMIC_RELEASE);
    }
    spin_unlock(&victim->run_queue.lock, 0);
    if (!thread)
        return false;
    spin_lock(&self->run_queue.lock);
    enqueue_and_notify(self, thread);
    spin_unlock(&self->run_queue.lock, 0);
    return true;
}

static bool steal(void)
{
    uint32_t self = this_cpu()->index;
    for (uint32_t i = 1; i < cpu_count; i++) {
        struct cpu *victim = cpus[(self + i) % cpu_count];
        if (count_of(victim) > 0 && steal_from(victim))
            return true;
    }
    return false;
}

static bool all_of_process(const struct run_queue *queue, uint32_t process_id)
{
    for (uint32_t mask = queue->ready_mask; mask; mask &= mask - 1) {
        LIST_FOR_EACH (item, &queue->ready[__builtin_ctz(mask)]) {
            if (CONTAINER_OF(item, struct thread, run_link)->process_id != process_id)
                return false;
        }
    }
    return queue->ready_mask != 0;
}

bool sched_only_process_waits(uint32_t process_id)
{
    uint64_t flags = interrupts_save();
    struct run_queue *queue = &this_cpu()->run_queue;
    spin_lock(&queue->lock);
    bool result = all_of_process(queue, process_id);
    spin_unlock(&queue->lock, 0);
    sched_restore(flags);
    return result;
}

_Noreturn void sched_idle(void)
{
    struct cpu *cpu = this_cpu(); /* the idle thread never leaves it */
    for (;;) {
        interrupts_disable();
        bool look = __atomic_exchange_n(&cpu->run_queue.look_around, false, __ATOMIC_ACQUIRE);
        if (count_of(cpu) > 0 || steal()) {
            sched_preempt();
            interrupts_enable();
        } else if (!look) {
            halt_until_interrupt();
        }
    }
}
