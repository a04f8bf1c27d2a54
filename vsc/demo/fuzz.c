/* Random hypercalls, MSR and port accesses from a seed. They may fail as they like; the child and
 * all others have to go on. What would rightly end or blind this kernel is left out. */
#include "vsc/demo/hostile.h"

#include <stdbool.h>
#include <stddef.h>

#include "include/child_start.h"
#include "include/hv/msr.h"
#include "include/hv/synic.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/console.h"
#include "vsc/demo/fault.h"
#include "vsc/demo/hyperv.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/options.h"
#include "vsc/demo/random.h"
#include "vsc/demo/stimer.h"
#include "vsc/demo/synic.h"

#define DEFAULT_COUNT 1000
#define STATUSES 0x80
#define OTHER (STATUSES - 1)

#define MSR_SPEC_CTRL 0x48u
#define MSR_PRED_CMD 0x49u
#define MSR_MISC_ENABLE 0x1a0u
#define MSR_X2APIC_LAST 0x8ffu

/* What results came how often, in the table that is being filled. */
static uint32_t results[STATUSES];

/* What hypercalls and pages of MSRs get. */
static uint64_t memory[2 * PAGE_SIZE / 8] __attribute__((aligned(PAGE_SIZE)));

static void count_result(uint64_t result)
{
    results[result < OTHER ? result : OTHER]++;
}

static void print_results(const char *part, const char *what)
{
    for (unsigned i = 0; i < STATUSES; i++) {
        if (results[i] != 0)
            print("fuzz %s: %s %x: %u\n", part, what, i, results[i]);
        results[i] = 0;
    }
}

/* Of a block: inside our memory, aligned or not, or where nobody has memory. */
static uint64_t random_address(void)
{
    static const uint64_t nowhere[] = {CHILD_MMIO_BASE, 1ull << 40, 1ull << 63, ~7ull};
    uint64_t base = (uint64_t)memory;

    switch (random_below(8)) {
    case 0:
        return nowhere[random_below(4)];
    case 1:
        return base + random_below(PAGE_SIZE);
    case 2:
        return base + random_below(PAGE_SIZE) / 8 * 8;
    default:
        return base + (random_below(2) == 0 ? 0 : PAGE_SIZE);
    }
}

static uint64_t random_input_value(void)
{
    uint64_t value = random_below(4) == 0 ? HVCALL_VENEER_GET_EXIT_COUNTS + random_below(16)
                                          : random_below(0x100);

    if (random_below(2) == 0)
        value |= HV_HYPERCALL_FAST;
    if (random_below(4) == 0)
        value |= (uint64_t)random_below(8) << HV_HYPERCALL_VARHEAD_SHIFT;
    if (random_below(3) == 0)
        value |= (uint64_t)random_below(600) << HV_HYPERCALL_REP_COUNT_SHIFT;
    if (random_below(8) == 0)
        value |= (uint64_t)random_below(600) << HV_HYPERCALL_REP_START_SHIFT;
    if (random_below(16) == 0)
        value |= random_number();
    return value;
}

struct call {
    uint64_t value, input, output, result;
};

static void do_call(void *argument)
{
    struct call *call = argument;

    call->result = hyperv_call(call->value, call->input, call->output);
}

static uint64_t random_word(void)
{
    switch (random_below(4)) {
    case 0:
        return random_number();
    case 1:
        return HV_PARTITION_ID_SELF;
    case 2:
        return 1ull << random_below(64);
    default:
        return random_below(256);
    }
}

static void fuzz_hypercall(void)
{
    struct call call = {.value = random_input_value()};
    struct fault fault;

    for (unsigned i = 0; i < 16; i++)
        memory[i] = memory[PAGE_SIZE / 8 + i] = random_word();
    call.input = call.value & HV_HYPERCALL_FAST ? random_word() : random_address();
    call.output = call.value & HV_HYPERCALL_FAST ? random_word() : random_address();
    if (fault_try(&fault, do_call, &call))
        count_result(OTHER);
    else
        count_result(call.result & HV_HYPERCALL_STATUS_MASK);
}

static uint32_t random_msr(void)
{
    switch (random_below(5)) {
    case 0:
        return HV_X64_MSR_FIRST + random_below(HV_X64_MSR_LAST - HV_X64_MSR_FIRST + 1);
    case 1:
        return random_below(0x800);
    case 2:
        return 0xc0000000u + random_below(0x120);
    case 3:
        return 0xc0010000u + random_below(0x140);
    default:
        return (uint32_t)random_number();
    }
}

/* MSRs on which this kernel stands, or that rightly end or stop it. */
static bool spared(uint32_t msr)
{
    static const uint32_t list[] = {
        MSR_TSC,          MSR_TSC_ADJUST,       MSR_APIC_BASE,   MSR_EFER, MSR_GS_BASE,
        MSR_SPEC_CTRL,    MSR_PRED_CMD,         MSR_MISC_ENABLE, MSR_PAT,  HV_X64_MSR_GUEST_OS_ID,
        HV_X64_MSR_RESET, HV_X64_MSR_CRASH_CTL, HV_X64_MSR_ICR,
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i] == msr)
            return true;
    }
    return msr == HV_X64_MSR_HYPERCALL || (msr >= MSR_X2APIC_FIRST && msr <= MSR_X2APIC_LAST);
}

/* Registers that take a page: ours. */
static uint64_t random_msr_value(uint32_t msr)
{
    switch (msr) {
    case HV_X64_MSR_REFERENCE_TSC:
    case HV_X64_MSR_VP_ASSIST_PAGE:
    case HV_X64_MSR_SIEFP:
    case HV_X64_MSR_SIMP:
        return (uint64_t)memory | random_below((uint32_t)PAGE_SIZE);
    default:
        return random_word();
    }
}

/* Counts vectors of exceptions, and accesses without one at STATUSES - 1. */
static void fuzz_msr(void)
{
    uint32_t msr = random_msr();
    uint64_t value;
    int vector;

    if (msr == HV_X64_MSR_GUEST_IDLE)
        return;
    if (random_below(2) == 0)
        vector = rdmsr_try(msr, &value);
    else if (spared(msr))
        return;
    else
        vector = wrmsr_try(msr, random_msr_value(msr));
    count_result(vector == FAULT_NONE ? OTHER : (uint64_t)vector);
}

struct port_access {
    uint16_t port;
    uint8_t form; /* bits 1:0 size, bit 2 in, bit 3 string */
    uint32_t value;
};

static void do_port(void *argument)
{
    struct port_access *access = argument;
    void *at = memory;
    uint64_t count = access->value % 64;

    switch (access->form) {
    case 0:
        outb(access->port, (uint8_t)access->value);
        break;
    case 1:
        outw(access->port, (uint16_t)access->value);
        break;
    case 2:
        outl(access->port, access->value);
        break;
    case 3:
        inb(access->port);
        break;
    case 4:
        inw(access->port);
        break;
    case 5:
        inl(access->port);
        break;
    case 6:
        __asm__ volatile("rep outsl" : "+S"(at), "+c"(count) : "d"(access->port) : "memory");
        break;
    default:
        __asm__ volatile("rep insw" : "+D"(at), "+c"(count) : "d"(access->port) : "memory");
        break;
    }
}

static void fuzz_port(void)
{
    struct port_access access = {
        .port = (uint16_t)(random_below(2) == 0 ? CHILD_PORT_SCRATCH + random_below(0x60)
                                                : random_number()),
        .form = (uint8_t)random_below(8),
        .value = (uint32_t)random_number(),
    };
    struct fault fault;

    /* Whatever the size, not what ends the child, and no rubbish on the console. */
    if ((access.port >= CHILD_PORT_EXIT - 3 && access.port < CHILD_PORT_EXIT + 4) ||
        (access.port >= CHILD_PORT_PRINT - 3 && access.port <= CHILD_PORT_PRINT))
        return;
    fault_try(&fault, do_port, &access);
    count_result(fault.vector == FAULT_NONE ? OTHER : (uint64_t)fault.vector);
}

/* Ends what random values may have started; tests may follow. */
static void recover(void)
{
    if (!hyperv_present())
        return;
    for (unsigned timer = 0; timer < HV_SYNIC_TIMER_COUNT; timer++)
        stimer_stop(timer);
    synic_disable();
    wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, 0);
    lapic_write(LAPIC_TPR, 0);
    clock_init();
}

static void run_part(const char *part, void (*step)(void), const char *what)
{
    uint64_t count = option_number("fuzz", 1, DEFAULT_COUNT);
    bool all = !option_names("fuzz", "hypercall") && !option_names("fuzz", "msr") &&
               !option_names("fuzz", "port");

    if (!all && !option_names("fuzz", part))
        return;
    random_seed(option_number("fuzz", 0, 1));
    for (uint64_t i = 0; i < count; i++)
        step();
    recover();
    print_results(part, what);
    print("fuzz %s: %llu done\n", part, (unsigned long long)count);
}

void fuzz_run(void)
{
    interrupts_enable();
    if (hyperv_present())
        run_part("hypercall", fuzz_hypercall, "status");
    run_part("msr", fuzz_msr, "exception");
    run_part("port", fuzz_port, "exception");
    interrupts_disable();
}
