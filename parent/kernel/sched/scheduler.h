/* The scheduler: which thread runs where. Each CPU has a run queue with a list per priority. A
 * thread that becomes ready goes to the CPU that has least to do; a CPU without threads takes some
 * from others. Nothing ticks: the timer is armed for the end of a turn only if somebody waits for
 * it. */
#ifndef VENEER_PARENT_SCHED_SCHEDULER_H
#define VENEER_PARENT_SCHED_SCHEDULER_H

#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/sched/thread.h"

/* Prepares the run queue of @cpu, which begins with thread @idle. */
void sched_init_cpu(struct cpu *cpu, struct thread *idle);

/* Connects the interrupt between CPUs. VP 0. */
void sched_init(void);

/* Lets @thread, made by thread_prepare(), run. Any. */
void sched_start(struct thread *thread);

/* Blocks the calling thread until sched_wake(); not at all if that was called since it last
 * blocked. May return without reason. Thread. */
void sched_block(void);

/* The same until @deadline (time_now()) at the latest. */
void sched_block_until(uint64_t deadline);

/* Any. The caller holds a reference. */
void sched_wake(struct thread *thread);

/* If @thread runs on another CPU, interrupts it there: it sees what has changed. Any. The caller
 * knows that it exists. */
void sched_interrupt(const struct thread *thread);

/* Ends the calling thread, whose status is set. */
_Noreturn void sched_end(void);

/* If something more urgent waits for this CPU, or the turn is over: gives it away. Interrupts as
 * they like; no spinlock held; not in interrupt handlers. */
void sched_preempt(void);

/* Gives back interrupts as interrupts_save() found them; if they are on then, and something more
 * urgent has become ready meanwhile, gives the CPU away. */
static inline void sched_restore(uint64_t flags)
{
    if (flags & RFLAGS_IF) {
        interrupts_enable();
        if (cpu_reschedule_wanted())
            sched_preempt();
    }
}

/* How many threads wait for this CPU. Any. */
static inline uint32_t sched_ready_count(void)
{
    return __atomic_load_n(&this_cpu()->run_queue.ready_count, __ATOMIC_RELAXED);
}

/* Whether threads wait for this CPU, and all of them are of process @process_id. Thread. */
bool sched_only_process_waits(uint32_t process_id);

/* First thing in a new thread: completes the switch to it. Interrupts are off. */
void sched_finish_switch(void);

/* From the timer interrupt: ends the turn if it is time. Returns the TSC at which to look again, or
 * UINT64_MAX. */
uint64_t sched_tick(uint64_t tsc);

/* The idle thread's life: halts until there is something to do. */
_Noreturn void sched_idle(void);

/* switch.asm: saves the context of the calling thread, RSP to *@save, and continues at @load. */
void context_switch(uint64_t *save, uint64_t load);

#endif
