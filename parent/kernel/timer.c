#include "parent/kernel/timer.h"

#include "lib/x86/cpu.h"
#include "lib/x86/lapic.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/sched/scheduler.h"
#include "parent/kernel/time.h"

#define CALIBRATION_MICROSECONDS 10000ull
#define CALIBRATION_READINGS 10
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)

static uint64_t lapic_frequency; /* Hz */
static bool uses_tsc_deadline;

uint64_t timer_lapic_frequency(void)
{
    return lapic_frequency;
}

/* The timer's count and the TSC at the same moment: of some readings the one with the least
 * between two looks at the TSC, since an emulator's or another's time may come in between. */
static uint32_t read_with_tsc(uint64_t *tsc)
{
    uint64_t least = UINT64_MAX;
    uint32_t count = 0;
    for (int i = 0; i < CALIBRATION_READINGS; i++) {
        uint64_t before = rdtsc();
        uint32_t now = lapic_read(LAPIC_TIMER_CURRENT);
        uint64_t width = rdtsc() - before;
        if (width < least) {
            least = width;
            count = now;
            *tsc = before + width / 2;
        }
    }
    return count;
}

static void measure(void)
{
    uint64_t start_tsc, end_tsc;
    uint64_t flags = interrupts_save();
    lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
    uint32_t start = read_with_tsc(&start_tsc);
    time_delay(CALIBRATION_MICROSECONDS);
    uint32_t end = read_with_tsc(&end_tsc);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    interrupts_restore(flags);
    lapic_frequency = scale(start - end, boot_info.tsc_frequency, end_tsc - start_tsc);
}

void timer_init_cpu(void)
{
    if (uses_tsc_deadline) {
        lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER | LAPIC_LVT_TIMER_TSC_DEADLINE);
        /* The mode must be set before the MSR counts (Intel SDM vol. 3, 10.5.4.1). */
        __asm__ volatile("mfence" ::: "memory");
    } else {
        lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
        lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
    }
}

/* At once if @tsc has passed; earlier than @tsc if the counter cannot reach so far. */
static void program(uint64_t tsc)
{
    if (uses_tsc_deadline) {
        wrmsr(MSR_TSC_DEADLINE, tsc);
        return;
    }
    uint64_t now = rdtsc();
    uint64_t count = tsc <= now ? 0 : scale(tsc - now, lapic_frequency, boot_info.tsc_frequency);
    lapic_write(LAPIC_TIMER_INITIAL, count >= UINT32_MAX ? UINT32_MAX : (uint32_t)count + 1);
}

/* Notes for the hypervisor how the timer is set. It looks when this CPU calls it, not in between.
 */
static void note_hardware(struct timer_queue *queue, uint64_t tsc)
{
    volatile struct veneer_root_timer *hardware = &queue->hardware;
    hardware->deadline = tsc;
    hardware->changes++;
}

void timer_arm(uint64_t tsc)
{
    struct timer_queue *queue = &this_cpu()->timers;
    /* An interrupt that comes too early does no harm, and arms the timer again. */
    if (tsc >= queue->hardware.deadline)
        return;
    note_hardware(queue, tsc);
    program(tsc);
}

static struct timer *first_timer(const struct timer_queue *queue)
{
    return CONTAINER_OF(queue->timers.next, struct timer, link);
}

/* Takes the first timer if its time has come. */
static struct timer *take_expired(struct timer_queue *queue)
{
    struct timer *timer = NULL;
    uint64_t flags = spin_lock(&queue->lock);
    if (!list_empty(&queue->timers)) {
        struct timer *first = first_timer(queue);
        if (first->deadline <= time_now()) {
            timer = first;
            list_remove(&timer->link);
            timer->pending = false;
        }
    }
    queue->next_tsc =
        list_empty(&queue->timers) ? UINT64_MAX : time_tsc_at(first_timer(queue)->deadline);
    __atomic_store_n(&queue->running, timer, __ATOMIC_RELEASE);
    spin_unlock(&queue->lock, flags);
    return timer;
}

static void timer_interrupt(void)
{
    struct timer_queue *queue = &this_cpu()->timers;
    struct timer *timer;
    queue->interrupts++;
    note_hardware(queue, UINT64_MAX);
    while ((timer = take_expired(queue)) != NULL)
        timer->function(timer);
    timer_arm(sched_tick(rdtsc()));
    timer_arm(queue->next_tsc);
}

void timer_queue_init(struct timer_queue *queue)
{
    *queue = (struct timer_queue){
        .lock = SPINLOCK(LOCK_LEVEL_TIMER),
        .next_tsc = UINT64_MAX,
        .hardware.deadline = UINT64_MAX,
    };
    list_init(&queue->timers);
}

void timer_init(void)
{
    uses_tsc_deadline = cpuid(1, 0).ecx & CPUID_1_ECX_TSC_DEADLINE;
    interrupt_register(VECTOR_TIMER, timer_interrupt);
    measure();
    timer_init_cpu();
}

void timer_setup(struct timer *timer, void (*function)(struct timer *timer))
{
    *timer = (struct timer){.function = function};
    list_init(&timer->link);
}

/* The lock of the queue that @timer is or was last in. Interrupts are off. */
static struct timer_queue *lock_queue_of(const struct timer *timer)
{
    for (;;) {
        uint32_t index = __atomic_load_n(&timer->cpu, __ATOMIC_RELAXED);
        struct timer_queue *queue = &cpus[index]->timers;
        spin_lock(&queue->lock);
        if (__atomic_load_n(&timer->cpu, __ATOMIC_RELAXED) == index)
            return queue;
        spin_unlock(&queue->lock, 0);
    }
}

static void insert(struct timer_queue *queue, struct timer *timer)
{
    struct list *position = queue->timers.previous;
    while (position != &queue->timers &&
           CONTAINER_OF(position, struct timer, link)->deadline > timer->deadline)
        position = position->previous;
    list_insert_after(position, &timer->link);
    timer->pending = true;
    if (first_timer(queue) == timer)
        queue->next_tsc = time_tsc_at(timer->deadline);
}

void timer_start(struct timer *timer, uint64_t deadline)
{
    uint64_t flags = interrupts_save();
    struct cpu *cpu = this_cpu();
    struct timer_queue *queue = lock_queue_of(timer);
    if (timer->pending)
        list_remove(&timer->link);
    timer->pending = false;
    if (queue != &cpu->timers) {
        __atomic_store_n(&timer->cpu, cpu->index, __ATOMIC_RELAXED);
        spin_unlock(&queue->lock, 0);
        queue = &cpu->timers;
        spin_lock(&queue->lock);
    }
    timer->deadline = deadline;
    insert(queue, timer);
    spin_unlock(&queue->lock, 0);
    timer_arm(queue->next_tsc);
    interrupts_restore(flags);
}

bool timer_cancel(struct timer *timer)
{
    bool was_pending = false;
    bool runs;
    uint64_t flags = interrupts_save();
    do {
        struct timer_queue *queue = lock_queue_of(timer);
        if (timer->pending)
            list_remove(&timer->link);
        was_pending |= timer->pending;
        timer->pending = false;
        /* On this CPU its function would have to end before anything else goes on. */
        runs = queue != &this_cpu()->timers && queue->running == timer;
        spin_unlock(&queue->lock, 0);
        while (runs && __atomic_load_n(&queue->running, __ATOMIC_ACQUIRE) == timer)
            spin_wait();
    } while (runs); /* it may have started the timer again */
    interrupts_restore(flags);
    return was_pending;
}
