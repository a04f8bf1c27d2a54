/* Tests of HLT, of when interrupts are taken, and of NMIs. */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/probes.h"
#include "vsc/demo/smp.h"
#include "vsc/demo/vp.h"

#define VECTOR VECTOR_TEST
#define SETTLE_US 200
#define WAIT_US 2000000
#define WAKE_DELAY_US 500
#define WAKES 20
#define TIMER_TICKS 100000
#define SHADOW_PERIOD 100003 /* timer ticks; no multiple of what a loop takes */
#define SHADOW_TICKS 200

/* HLTs with interrupts on until the calling VP has had @vector @count times. The HLT is in STI's
 * shadow, so that none is slept through. */
static void halt_until(uint8_t vector, uint32_t count)
{
    interrupts_disable();
    while (vp_interrupts(vector) < count) {
        halt_until_interrupt();
        interrupts_disable();
    }
    interrupts_enable();
}

static void wake_vp0(void *argument)
{
    (void)argument;
    clock_delay(WAKE_DELAY_US);
    lapic_send_vp(0, VECTOR);
}

void test_hlt(void)
{
    uint32_t before = vp_interrupts(VECTOR);

    interrupts_disable();
    lapic_send_self(VECTOR);
    halt_until(VECTOR, before + 1);
    check_equal(vp_interrupts(VECTOR), before + 1, "interrupts by one that waits at HLT");

    before = vp_interrupts(VECTOR_TIMER);
    lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
    for (uint32_t i = 1; i <= WAKES; i++) {
        lapic_write(LAPIC_TIMER_INITIAL, TIMER_TICKS);
        halt_until(VECTOR_TIMER, before + i);
    }
    check_equal(vp_interrupts(VECTOR_TIMER), before + WAKES, "interrupts by timers at HLT");

    before = vp_interrupts(VECTOR);
    for (uint32_t i = 1; i < smp_count(); i++) {
        smp_call_begin(i, wake_vp0, NULL);
        halt_until(VECTOR, before + i);
        check(smp_call_wait(i), "VP %u does not answer", i);
    }
    check_equal(vp_interrupts(VECTOR), before + smp_count() - 1, "interrupts of others at HLT");
}

static uint64_t seen_rip;

static void on_window(struct interrupt_frame *frame)
{
    seen_rip = frame->rip;
}

static void check_shadow(void (*probe)(void), const uint8_t *behind, const char *what)
{
    seen_rip = 0;
    interrupts_disable();
    lapic_send_self(VECTOR);
    probe();
    interrupts_enable();
    check_equal(seen_rip, (uint64_t)behind, what);
}

static volatile uint32_t tick_count, ticks_in_shadow;

static void on_tick(struct interrupt_frame *frame)
{
    tick_count++;
    ticks_in_shadow += frame->rip == (uint64_t)probe_sti_shadow_behind - 1; /* the NOP's */
}

/* What comes while the VP is outside of the guest, for an interrupt of the machine's that came in
 * the shadow, must wait as well: else it comes between the STI and the HLT of who waits for it. */
static void check_shadow_over_exits(void)
{
    tick_count = ticks_in_shadow = 0;
    interrupt_set(VECTOR_TIMER, on_tick, EOI_AFTER);
    lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER | LAPIC_LVT_TIMER_PERIODIC);
    lapic_write(LAPIC_TIMER_INITIAL, SHADOW_PERIOD);
    while (tick_count < SHADOW_TICKS) {
        interrupts_disable();
        probe_sti_shadow();
    }
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    lapic_write(LAPIC_LVT_TIMER, LAPIC_LVT_MASKED);
    interrupts_enable();
    interrupt_set(VECTOR_TIMER, NULL, EOI_AFTER);
    check_equal(ticks_in_shadow, 0, "interrupts in the shadow of STI");
}

void test_window(void)
{
    uint32_t before = vp_interrupts(VECTOR);

    interrupt_set(VECTOR, on_window, EOI_AFTER);
    interrupts_disable();
    lapic_send_self(VECTOR);
    clock_delay(SETTLE_US);
    cpuid(0, 0);
    check_equal(vp_interrupts(VECTOR), before, "interrupts while they are off");
    interrupts_enable();
    check(interrupt_wait(VECTOR, before + 1, WAIT_US), "no interrupt when they are on");
    check_shadow(probe_sti_shadow, probe_sti_shadow_behind, "where STI; NOP is interrupted");
    check_shadow(probe_sti_cpuid, probe_sti_cpuid_behind, "where STI; CPUID is interrupted");
    check_equal(vp_interrupts(VECTOR), before + 3, "the number of interrupts");
    interrupt_set(VECTOR, NULL, EOI_AFTER);
    check_shadow_over_exits();
}

static volatile unsigned nmi_depth, nmi_depth_max, nmi_count;

static void send_nmi(uint32_t index)
{
    lapic_send(vps[index].apic_id, LAPIC_ICR_DELIVERY_NMI | LAPIC_ICR_ASSERT);
}

/* The first one sends another, which may not come before the first one's IRET. */
static void on_nmi(struct interrupt_frame *frame)
{
    (void)frame;
    nmi_depth++;
    if (nmi_depth > nmi_depth_max)
        nmi_depth_max = nmi_depth;
    if (nmi_count++ == 0) {
        send_nmi(0);
        clock_delay(SETTLE_US);
        cpuid(0, 0);
    }
    nmi_depth--;
}

void test_nmi(void)
{
    nmi_count = nmi_depth = nmi_depth_max = 0;
    interrupt_set(X86_VECTOR_NMI, on_nmi, EOI_OWN);
    /* They come with interrupts off; but the one that the handler sends may come only now, where a
     * processor does not tell its hypervisor of the end of the handler. */
    interrupts_disable();
    send_nmi(0);
    clock_delay(SETTLE_US);
    check(nmi_count > 0, "no NMI with interrupts off");
    interrupts_enable();
    clock_delay(SETTLE_US);
    check_equal(nmi_count, 2, "the number of NMIs");
    check_equal(nmi_depth_max, 1, "NMI handlers at a time");
    interrupt_set(X86_VECTOR_NMI, NULL, EOI_OWN);
    for (uint32_t i = 1; i < smp_count(); i++) {
        volatile uint32_t *count = &vps[i].interrupts[X86_VECTOR_NMI];
        uint32_t expected = *count + 1;
        uint64_t end = clock_deadline(WAIT_US);

        send_nmi(i);
        while (*count != expected && rdtsc() < end)
            cpu_pause();
        check(*count == expected, "VP %u has no NMI", i);
    }
}
