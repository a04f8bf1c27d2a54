#include "hypervisor/fpu.h"

#include "lib/x86/cpu.h"

/* The legacy region (Intel SDM vol. 1, 10.5.1) and the header behind it (13.4.2). */
#define AREA_FCW 0
#define AREA_MXCSR 24
#define AREA_XSTATE_BV 512
#define FCW_RESET 0x37f
#define MXCSR_RESET 0x1f80
#define MXCSR_VALID 0xffbf /* without DAZ on the oldest: all with long mode have it but few */

static bool has_xsave(void)
{
    return (read_cr4() & CR4_OSXSAVE) != 0;
}

uint64_t fpu_supported_xcr0(void)
{
    struct cpuid_result r = cpuid(0xd, 0);

    return has_xsave() ? (uint64_t)r.edx << 32 | r.eax : 0;
}

void fpu_init(void *area)
{
    *(uint16_t *)((uint8_t *)area + AREA_FCW) = FCW_RESET;
    *(uint32_t *)((uint8_t *)area + AREA_MXCSR) = MXCSR_RESET;
}

void fpu_save(struct vp *vp)
{
    if (!has_xsave()) {
        __asm__ volatile("fxsave64 (%0)" ::"r"(vp->fpu) : "memory");
        return;
    }
    vp->xcr0 = read_xcr0(); /* QEMU's TCG does not intercept XSETBV */
    write_xcr0(fpu_supported_xcr0() & FPU_CHILD_XCR0);
    __asm__ volatile("xsave64 (%0)" ::"r"(vp->fpu), "a"(UINT32_MAX), "d"(UINT32_MAX) : "memory");
}

/* The parent may have set registers: nothing in the area may make the instruction fault. */
void fpu_load(struct vp *vp)
{
    uint64_t mask = fpu_supported_xcr0() & FPU_CHILD_XCR0;
    uint8_t *area = vp->fpu;

    *(uint32_t *)(area + AREA_MXCSR) &= MXCSR_VALID;
    if (!has_xsave()) {
        __asm__ volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
        return;
    }
    *(uint64_t *)(area + AREA_XSTATE_BV) &= mask;
    write_xcr0(mask);
    __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"(UINT32_MAX), "d"(UINT32_MAX) : "memory");
    write_xcr0((vp->xcr0 & mask) | XCR0_X87);
}
