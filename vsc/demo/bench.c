#include "vsc/demo/bench.h"

#include <stddef.h>
#include <stdint.h>

#include "include/child_start.h"
#include "include/hv/hypercall.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/console.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/options.h"
#include "vsc/demo/stimer.h"
#include "vsc/demo/vp.h"

#define ROUNDS 101
#define VECTOR VECTOR_TEST
#define TIMER_VECTOR VECTOR_STIMER
#define TIMER_AHEAD 1000 /* 100 us in 100 ns */

/* Long NOPs that tell a plugin of the emulator where a row of the table begins and ends, and each
 * of its measurements (tests/bench/marks.c): it counts the instructions of child, hypervisor and
 * parent. */
#define MARK(number) __asm__ volatile("nopl 0x564e5200 + %c0(%%rax)" : : "i"(number) : "memory")
#define MARK_NEXT 2
#define MARK_BEGIN 3
#define MARK_END 4

#define SPIN_WAIT (HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST)
#define SIGNAL (HVCALL_SIGNAL_EVENT | HV_HYPERCALL_FAST)

/* When the handler was entered, and how often. */
static volatile uint64_t handler_tsc;
static volatile uint32_t handler_count;

static void on_interrupt(struct interrupt_frame *frame)
{
    handler_tsc = rdtsc();
    (void)frame;
    handler_count++;
}

/* Ticks from before @operation to behind it. */
#define MEASURE(operation)                                                                         \
    uint64_t start = rdtsc();                                                                      \
    operation;                                                                                     \
    return rdtsc() - start

static uint64_t measure_pair(void)
{
    MEASURE((void)0);
}

static uint64_t measure_cpuid(void)
{
    MEASURE(cpuid(0, 0));
}

static uint64_t measure_hypercall(void)
{
    MEASURE(hyperv_call(SPIN_WAIT, 1, 0));
}

static uint64_t measure_msr(void)
{
    MEASURE(rdmsr(MSR_APIC_BASE));
}

static uint64_t measure_io_user(void)
{
    MEASURE(outl(CHILD_PORT_SCRATCH, 1));
}

static uint64_t measure_io_posted(void)
{
    MEASURE(outl(CHILD_PORT_POSTED, 1));
}

static uint64_t measure_io_mirrored(void)
{
    MEASURE(inl(CHILD_PORT_MIRRORED));
}

static uint64_t measure_mmio_user(void)
{
    volatile uint32_t *scratch = (volatile uint32_t *)(CHILD_MMIO_BASE + CHILD_MMIO_SCRATCH);

    MEASURE(*scratch = 1);
}

static uint64_t measure_signal(void)
{
    MEASURE(hyperv_call(SIGNAL, CHILD_CONNECTION_EVENT, 0));
}

/* To the handler's entry. */
static uint64_t measure_self_ipi(void)
{
    uint32_t before = handler_count;
    uint64_t start = rdtsc();

    lapic_send_self(VECTOR);
    while (handler_count == before)
        cpu_pause();
    return handler_tsc - start;
}

/* The TSC's value at reference time @time: the inverse of what the reference TSC page says. */
static uint64_t tsc_at(uint64_t time)
{
    const struct reference_tsc_page *page = clock_page();

    return divide_128(time - (uint64_t)page->offset, 0, page->scale);
}

/* How late the handler is entered after HLT. */
static uint64_t measure_timer(void)
{
    uint32_t before = handler_count;

    interrupts_disable();
    uint64_t deadline = clock_reference() + TIMER_AHEAD;

    stimer_set_count(0, deadline);
    stimer_set_config(0, stimer_to_vector(TIMER_VECTOR) | HV_STIMER_ENABLE);
    while (handler_count == before) {
        halt_until_interrupt();
        interrupts_disable();
    }
    interrupts_enable();
    return handler_tsc - tsc_at(deadline);
}

enum need { ANY_MACHINE, HYPERV, REFERENCE_PAGE, DISK, DISK_TO_WRITE, NETWORK };

static const struct bench {
    const char *name;
    uint64_t (*measure)(void);
    enum need need;
    uint32_t count; /* operations of one measurement */
} benches[] = {
    {"rdtsc.pair", measure_pair, ANY_MACHINE, 1},
    {"exit.cpuid", measure_cpuid, ANY_MACHINE, 1},
    {"exit.hypercall", measure_hypercall, HYPERV, 1},
    {"exit.msr", measure_msr, ANY_MACHINE, 1},
    {"exit.io_user", measure_io_user, HYPERV, 1},
    {"exit.mmio_user", measure_mmio_user, HYPERV, 1},
    {"exit.io_posted", measure_io_posted, HYPERV, 1},
    {"exit.io_mirrored", measure_io_mirrored, HYPERV, 1},
    {"signal.event", measure_signal, HYPERV, 1},
    {"ipi.self", measure_self_ipi, ANY_MACHINE, 1},
    {"timer.hlt", measure_timer, REFERENCE_PAGE, 1},
    {"disk.read_4k", bench_disk_read_4k, DISK, 1},
    {"disk.write_4k", bench_disk_write_4k, DISK_TO_WRITE, 1},
    {"disk.write_100k", bench_disk_write_100k, DISK_TO_WRITE, 1},
    {"disk.write_100k_qd32", bench_disk_write_100k_deep, DISK_TO_WRITE, BENCH_DISK_DEPTH},
    {"disk.write_100k_halting", bench_disk_write_100k_halting, DISK_TO_WRITE, 1},
    {"disk.write_100k_halting_qd32", bench_disk_write_100k_halting_deep, DISK_TO_WRITE,
     BENCH_DISK_DEPTH},
    {"net.frame_1500", bench_net_frame_1500, NETWORK, 1},
    {"net.frame_1500_qd16", bench_net_frame_1500_deep, NETWORK, BENCH_NET_DEPTH},
};

static bool may_write_disk(void)
{
    return option_is("disk", "write") || option_is("disk", "bench");
}

static bool possible(enum need need)
{
    if (need == REFERENCE_PAGE)
        return hyperv_present() && clock_page()->sequence != 0;
    /* The content of a disk is lost only when the command line says so. */
    if (need == DISK || need == DISK_TO_WRITE)
        return (may_write_disk() || (need == DISK && option("disk"))) && bench_disk_open();
    if (need == NETWORK)
        return option("net") && bench_net_open();
    return need == ANY_MACHINE || hyperv_present();
}

static void sort(uint64_t *values, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        uint64_t value = values[i];
        unsigned place = i;

        for (; place > 0 && values[place - 1] > value; place--)
            values[place] = values[place - 1];
        values[place] = value;
    }
}

static void run(const struct bench *bench)
{
    uint64_t ticks[ROUNDS];

    /* Once in vain: caches, and what is made at the first use. */
    bench->measure();
    MARK(MARK_NEXT);
    for (unsigned i = 0; i < ROUNDS; i++) {
        MARK(MARK_BEGIN);
        ticks[i] = bench->measure();
        MARK(MARK_END);
    }
    sort(ticks, ROUNDS);
    print("bench %s %llu %llu\n", bench->name, (unsigned long long)ticks[0],
          (unsigned long long)ticks[ROUNDS / 2]);
}

/* How often a processor changes its mode for one operation, the parent's included: twice for each
 * exit. */
static void count_transitions(const struct bench *bench)
{
    uint32_t first = inl(CHILD_PORT_EXITS);
    uint32_t before = inl(CHILD_PORT_EXITS);
    uint32_t of_reading = before - first;

    for (unsigned i = 0; i < ROUNDS; i++)
        bench->measure();
    uint32_t exits = inl(CHILD_PORT_EXITS) - before - of_reading;
    uint32_t hundredths = 100 * 2 * exits / (ROUNDS * bench->count);

    print("transitions %s %u.%02u\n", bench->name, hundredths / 100, hundredths % 100);
}

void bench_run(void)
{
    interrupt_set(VECTOR, on_interrupt, EOI_AFTER);
    interrupt_set(TIMER_VECTOR, on_interrupt, EOI_AFTER);
    interrupts_enable();
    for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
        if (!option_lists("bench", benches[i].name) || !possible(benches[i].need))
            continue;
        run(&benches[i]);
        if (hyperv_present())
            count_transitions(&benches[i]);
    }
    bench_net_close();
    bench_disk_close(); /* and the bus */
    interrupt_set(VECTOR, NULL, EOI_AFTER);
    interrupt_set(TIMER_VECTOR, NULL, EOI_AFTER);
}
