/* The scheduler's insides: threads and run queues. What everybody may call is in
 * parent/include/thread.h. */
#ifndef VENEER_PARENT_SCHED_THREAD_H
#define VENEER_PARENT_SCHED_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parent/include/thread.h"

struct cpu;
struct process;

/* The last exception that fault_try() caught; see fault.h. */
struct fault {
    uint64_t vector;
    uint64_t error_code; /* 0 if the vector has none */
    uint64_t rip;        /* of the instruction */
    uint64_t address;    /* CR2, for page faults */
};

enum thread_state {
    THREAD_READY,   /* in the run queue of its CPU, or on the way there */
    THREAD_RUNNING, /* on its CPU */
    THREAD_BLOCKED, /* until sched_wake() */
    THREAD_DEAD,    /* never runs again */
};

/* Fields without another word belong to the thread itself. "Queue lock" is the lock of the run
 * queue of its CPU. */
struct thread {
    uint64_t rsp;         /* while it does not run; offset known to switch.asm */
    uint64_t fault_stack; /* RSP to resume at, 0: exceptions are not caught; known to fault.asm */
    struct fault fault;
    uint64_t stack; /* top */
    uint64_t root;  /* CR3 */

    uint32_t cpu;          /* queue lock: where it runs, waits or ran last */
    uint32_t affinity;     /* queue lock: the only CPU for it, or THREAD_ANY_CPU */
    struct list run_link;  /* queue lock */
    uint8_t state;         /* queue lock: enum thread_state */
    uint8_t priority;      /* queue lock */
    bool wake_pending;     /* queue lock: woken before it blocked */
    uint64_t slice_left;   /* queue lock: TSC ticks of its turn, while it does not run */
    uint64_t run_ticks;    /* TSC ticks that it has run; without the present turn */
    uint64_t switch_count; /* turns */

    uint32_t id;
    uint32_t references; /* atomic: of the creator, and of the thread until it has ended */
    char name[THREAD_NAME_SIZE];
    int (*entry)(void *argument);
    void *argument;
    int status;
    bool finished; /* atomic */
    struct wait_queue ended;
    struct list all_link; /* of the list in thread.c, by its lock */

    struct process *process; /* NULL: a kernel thread, or one that has left its process */
    uint32_t process_id;     /* stays when it has left; 0: a kernel thread */
    struct list process_link;
};

_Static_assert(offsetof(struct thread, rsp) == 0, "assembly files know it");
_Static_assert(offsetof(struct thread, fault_stack) == 8, "assembly files know it");

#define RUNNING_IDLE (-1)

struct run_queue {
    struct spinlock lock;
    uint32_t ready_mask;  /* bit n: there are threads in ready[n] */
    uint32_t ready_count; /* atomic to read without the lock */
    struct list ready[PRIORITY_COUNT];
    int32_t running_priority; /* of the thread that runs, or RUNNING_IDLE; atomic like that */
    struct thread *idle;
    struct thread *previous; /* between a switch and sched_finish_switch() */
    bool move_previous;      /* it is ready, and must go to another CPU */
    bool look_around;        /* atomic: an idle CPU is to look for threads elsewhere */
    uint64_t turn_start;     /* TSC */
    uint64_t slice_end;      /* TSC */
};

/* Makes the structure of a thread that runs @entry(@argument) from sched_start() on, in the
 * kernel's address space. @reserve bytes, a multiple of 16, at the top of its stack are the
 * caller's. NULL: no memory. */
struct thread *thread_prepare(const char *name, int (*entry)(void *argument), void *argument,
                              enum thread_priority priority, uint32_t cpu, size_t reserve);

/* The thread that a new CPU begins with, on the stack with @stack_top. Never blocks. */
struct thread *thread_create_idle(uint32_t cpu, uint64_t stack_top);

/* Starts the threads of the work pool. VP 0, when all CPUs run. */
void work_init(void);

/* For the scheduler: @thread, which is dead, has left its stack for good. Interrupts off. */
void thread_ended(struct thread *thread);

/* References keep the structure. */
void thread_get(struct thread *thread);
void thread_put(struct thread *thread);

#endif
