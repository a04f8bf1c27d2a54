/* Tests of the SSE and AVX registers: kept over whatever runs in between, nothing leaks in. */
#include "vsc/demo/selftest.h"

#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/fpu.h"
#include "vsc/demo/interrupts.h"
#include "vsc/demo/lapic.h"
#include "vsc/demo/smp.h"
#include "vsc/demo/vp.h"

#define ROUNDS 20
#define TIMER_TICKS 100000
#define SETTLE_US 1000

/* FXSAVE's image (Intel SDM vol. 1, 10.5.1). */
#define FXSAVE_MXCSR 24
#define FXSAVE_ST0 32
#define FXSAVE_XMM0 160
#define FXSAVE_XMM_END 416
#define MXCSR_RESET 0x1f80u

static void halt_for_timer(void)
{
    uint32_t before = vp_interrupts(VECTOR_TIMER);

    interrupts_disable();
    lapic_write(LAPIC_TIMER_DIVIDE, LAPIC_TIMER_DIVIDE_BY_1);
    lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
    lapic_write(LAPIC_TIMER_INITIAL, TIMER_TICKS);
    while (vp_interrupts(VECTOR_TIMER) == before) {
        halt_until_interrupt();
        interrupts_disable();
    }
    interrupts_enable();
}

/* On all VPs at a time, each with its own values. */
static void hold_values(void *argument)
{
    uint64_t seed = 1000 * (vp_self()->index + 1);

    (void)argument;
    for (unsigned i = 0; i < ROUNDS; i++, seed++) {
        fpu_fill(seed);
        halt_for_timer();
        if (!check(fpu_holds(seed), "VP %u: changed over HLT", vp_self()->index))
            return;
        fpu_fill(~seed);
        cpuid(0, 0);
        clock_delay(SETTLE_US);
        if (!check(fpu_holds(~seed), "VP %u: changed over CPUID and time", vp_self()->index))
            return;
    }
}

void test_fpu(void)
{
    for (uint32_t i = 1; i < smp_count(); i++)
        smp_call_begin(i, hold_values, NULL);
    hold_values(NULL);
    for (uint32_t i = 1; i < smp_count(); i++)
        check(smp_call_wait(i), "VP %u does not answer", i);
    if (!fpu_has_avx())
        note("the processor has no AVX");
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

void test_fpu_start(void)
{
    for (uint32_t i = 0; i < smp_count(); i++) {
        const struct fpu_image *image = &vps[i].fpu_at_start;
        uint32_t mxcsr;

        memcpy(&mxcsr, image->fxsave + FXSAVE_MXCSR, sizeof(mxcsr));
        check_equal(mxcsr, MXCSR_RESET, "MXCSR at the start");
        check(is_zero(image->fxsave + FXSAVE_ST0, FXSAVE_XMM0 - FXSAVE_ST0),
              "VP %u starts with x87 registers in use", i);
        check(is_zero(image->fxsave + FXSAVE_XMM0, FXSAVE_XMM_END - FXSAVE_XMM0),
              "VP %u starts with XMM registers in use", i);
        check(is_zero(image->upper[0], sizeof(image->upper)),
              "VP %u starts with AVX registers in use", i);
    }
}
