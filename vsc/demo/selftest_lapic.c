/* Tests of the local APIC: registers, priorities, destinations. */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/fault.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/smp.h"
#include "vsc/demo/vp.h"

#define LOW (VECTOR_TEST + 1)
#define MIDDLE (VECTOR_TEST + 0x10 + 2)
#define HIGH (VECTOR_TEST + 0x20 + 3)
#define ILLEGAL_VECTOR 5

#define SETTLE_US 200 /* for what must not happen */
#define WAIT_US 2000000

#define VERSION_MIN 0x10
#define VERSION_MAX 0x1f
#define LVT_ENTRIES_MIN 4 /* one less than there are */

static void on_illegal(struct interrupt_frame *frame)
{
    check_failed("an interrupt with vector %u comes", (unsigned)frame->vector);
    lapic_eoi();
}

static void check_illegal_vector(void)
{
    uint32_t errors = vp_interrupts(VECTOR_ERROR);

    interrupt_set(ILLEGAL_VECTOR, on_illegal, EOI_OWN);
    lapic_write(LAPIC_ESR, 0);
    lapic_send(lapic_id(), LAPIC_ICR_ASSERT | ILLEGAL_VECTOR);
    check(interrupt_wait(VECTOR_ERROR, errors + 1, WAIT_US), "no error interrupt");
    lapic_write(LAPIC_ESR, 0);
    check(lapic_read(LAPIC_ESR) & LAPIC_ESR_ILLEGAL_VECTOR, "ESR is 0x%x after an illegal vector",
          lapic_read(LAPIC_ESR));
    lapic_write(LAPIC_ESR, 0);
    interrupt_set(ILLEGAL_VECTOR, NULL, EOI_AFTER);
}

/* The vector of spurious interrupts is one like others when it is sent. */
static void check_spurious_vector(void)
{
    uint32_t before = vp_interrupts(VECTOR_SPURIOUS), before_low = vp_interrupts(LOW);

    lapic_send_self(VECTOR_SPURIOUS);
    check(interrupt_wait(VECTOR_SPURIOUS, before + 1, WAIT_US), "no interrupt with vector 255");
    check(!lapic_bit(LAPIC_ISR, VECTOR_SPURIOUS), "ISR has vector 255 after its EOI");
    lapic_send_self(LOW);
    check(interrupt_wait(LOW, before_low + 1, WAIT_US), "no interrupt after vector 255");
    check_equal(vp_interrupts(VECTOR_SPURIOUS), before + 1, "interrupts with vector 255");
}

void test_lapic(void)
{
    uint32_t version = lapic_read(LAPIC_VERSION);

    check_equal(lapic_id(), 0, "VP 0's APIC id");
    check((version & 0xff) >= VERSION_MIN && (version & 0xff) <= VERSION_MAX &&
              (version >> 16 & 0xff) >= LVT_ENTRIES_MIN,
          "the version is 0x%x", version);
    check_equal(lapic_read(LAPIC_SVR) & 0x1ff, LAPIC_SVR_ENABLE | VECTOR_SPURIOUS, "SVR");

    lapic_write(LAPIC_TPR, 0x35);
    check_equal(lapic_read(LAPIC_TPR), 0x35, "TPR");
    check_equal(lapic_read(LAPIC_PPR), 0x35, "PPR with a TPR");
    lapic_write(LAPIC_TPR, 0);

    check_illegal_vector();
    check_spurious_vector();
    if (lapic_is_x2apic())
        check_fault(wrmsr_try(MSR_X2APIC_FIRST + LAPIC_ID / 16, 0), X86_VECTOR_GP,
                    "a write to the x2APIC id");
}

/* The order in which handlers began (vector) and ended (vector | ENDED). */
#define ENDED 0x100
static uint32_t order[16];
static volatile unsigned order_count;

static void record(uint32_t event)
{
    if (order_count < sizeof(order) / sizeof(order[0]))
        order[order_count] = event;
    order_count++;
}

static void on_recorded(struct interrupt_frame *frame)
{
    record((uint32_t)frame->vector);
}

/* Middle: the high one comes in between, the low one afterwards. */
static void on_middle(struct interrupt_frame *frame)
{
    record((uint32_t)frame->vector);
    check(lapic_bit(LAPIC_ISR, MIDDLE), "ISR lacks the vector in its handler");
    check_equal(lapic_read(LAPIC_PPR), MIDDLE & 0xf0, "PPR in a handler");
    interrupts_enable();
    lapic_send_self(LOW);
    lapic_send_self(HIGH);
    clock_delay(SETTLE_US);
    check(lapic_bit(LAPIC_IRR, LOW), "IRR lacks a vector that waits");
    record(MIDDLE | ENDED);
    interrupts_disable();
    lapic_eoi();
}

static void check_order(const uint32_t *expected, unsigned count, const char *what)
{
    check_equal(order_count, count, what);
    for (unsigned i = 0; i < count && i < order_count; i++)
        check_equal(order[i], expected[i], what);
}

static void reset_handlers(void)
{
    interrupt_set(LOW, NULL, EOI_AFTER);
    interrupt_set(MIDDLE, NULL, EOI_AFTER);
    interrupt_set(HIGH, NULL, EOI_AFTER);
}

void test_priority(void)
{
    static const uint32_t nested[] = {MIDDLE, HIGH, MIDDLE | ENDED, LOW};
    static const uint32_t by_priority[] = {HIGH, MIDDLE, LOW};
    uint32_t before = vp_interrupts(LOW);

    write_cr8(LOW >> 4);
    check_equal(lapic_read(LAPIC_TPR), LOW & 0xf0, "TPR after a write to CR8");
    lapic_send_self(LOW);
    clock_delay(SETTLE_US);
    check_equal(vp_interrupts(LOW), before, "interrupts that TPR holds off");
    check(lapic_bit(LAPIC_IRR, LOW), "IRR lacks the interrupt that TPR holds off");
    lapic_write(LAPIC_TPR, 0x10);
    check(interrupt_wait(LOW, before + 1, WAIT_US), "no interrupt after TPR");
    check_equal(read_cr8(), 1, "CR8 after a write to TPR");
    write_cr8(0);

    order_count = 0;
    interrupt_set(LOW, on_recorded, EOI_AFTER);
    interrupt_set(MIDDLE, on_middle, EOI_OWN);
    interrupt_set(HIGH, on_recorded, EOI_AFTER);
    lapic_send_self(MIDDLE);
    clock_delay(SETTLE_US);
    check_order(nested, 4, "nested interrupts");

    order_count = 0;
    interrupt_set(MIDDLE, on_recorded, EOI_AFTER);
    interrupts_disable();
    lapic_send_self(LOW);
    lapic_send_self(HIGH);
    lapic_send_self(MIDDLE);
    lapic_send_self(LOW);
    interrupts_enable();
    clock_delay(SETTLE_US);
    check_order(by_priority, 3, "interrupts that wait together");
    reset_handlers();
}

/* In xAPIC mode, the flat model. */
static void set_logical(void *argument)
{
    (void)argument;
    lapic_write(LAPIC_DFR, LAPIC_DFR_FLAT);
    lapic_write(LAPIC_LDR, 1u << (vp_self()->index + 24));
}

static uint32_t logical_id(uint32_t index)
{
    uint32_t id = vps[index].apic_id;

    return lapic_is_x2apic() ? id / 16 << 16 | 1u << id % 16 : 1u << index;
}

static uint32_t other_interrupts(uint32_t index, uint8_t vector)
{
    return __atomic_load_n(&vps[index].interrupts[vector], __ATOMIC_ACQUIRE);
}

static bool wait_other(uint32_t index, uint8_t vector, uint32_t count)
{
    uint64_t end = clock_deadline(WAIT_US);

    while (other_interrupts(index, vector) < count && rdtsc() < end)
        cpu_pause();
    return check(other_interrupts(index, vector) == count, "VP %u has %u interrupts, not %u", index,
                 other_interrupts(index, vector), count);
}

void test_logical(void)
{
    uint32_t count = smp_count() < 8 ? smp_count() : 8;
    uint32_t before[8], mask = 0;

    if (!lapic_is_x2apic()) {
        set_logical(NULL);
        for (uint32_t i = 1; i < count; i++)
            check(smp_call(i, set_logical, NULL), "VP %u does not answer", i);
    } else {
        check_equal(lapic_read(LAPIC_LDR), logical_id(0), "LDR");
    }
    for (uint32_t i = 0; i < count; i++) {
        before[i] = other_interrupts(i, LOW);
        lapic_send(logical_id(i), LAPIC_ICR_LOGICAL | LAPIC_ICR_ASSERT | LOW);
        wait_other(i, LOW, before[i] + 1);
        mask |= logical_id(i);
    }
    lapic_send(mask, LAPIC_ICR_LOGICAL | LAPIC_ICR_ASSERT | LOW);
    for (uint32_t i = 0; i < count; i++)
        wait_other(i, LOW, before[i] + 2);
}

void test_ipi(void)
{
    uint32_t before[VP_MAX] = {0};

    for (uint32_t i = 0; i < smp_count(); i++)
        before[i] = other_interrupts(i, HIGH);
    for (uint32_t i = 0; i < smp_count(); i++) {
        lapic_send_vp(i, HIGH);
        wait_other(i, HIGH, ++before[i]);
    }
    lapic_send(0, LAPIC_ICR_SHORTHAND_ALL_BUT_SELF | LAPIC_ICR_ASSERT | HIGH);
    for (uint32_t i = 1; i < smp_count(); i++)
        wait_other(i, HIGH, ++before[i]);
    clock_delay(SETTLE_US);
    check_equal(vp_interrupts(HIGH), before[0], "own interrupts by all-but-self");
    lapic_send(0, LAPIC_ICR_SHORTHAND_ALL | LAPIC_ICR_ASSERT | HIGH);
    for (uint32_t i = 0; i < smp_count(); i++)
        wait_other(i, HIGH, ++before[i]);
    lapic_send(lapic_is_x2apic() ? ~0u : 0xff, LAPIC_ICR_ASSERT | HIGH);
    for (uint32_t i = 0; i < smp_count(); i++)
        wait_other(i, HIGH, ++before[i]);
    lapic_send(0, LAPIC_ICR_SHORTHAND_SELF | LAPIC_ICR_ASSERT | HIGH);
    wait_other(0, HIGH, ++before[0]);
}
