/* Exits that need no file of their own. */
#include "hypervisor/exit.h"

#include "hypervisor/hw.h"
#include "hypervisor/panic.h"
#include "lib/x86/cpu.h"

#define XCR0_X87 (1ull << 0)
#define XCR0_SSE (1ull << 1)
#define XCR0_AVX (1ull << 2)
#define XCR0_MPX (3ull << 3)
#define XCR0_AVX512 (7ull << 5)
#define XCR0_AMX (3ull << 17)

/* Exceptions whose delivery must not meet another of them. */
static bool makes_double_fault(uint8_t vector)
{
    return vector == X86_VECTOR_DE || (vector >= X86_VECTOR_TS && vector <= X86_VECTOR_PF);
}

enum x86_vector exit_escalate_fault(const struct vp *vp, uint8_t first, enum x86_vector vector)
{
    if (first == X86_VECTOR_DF)
        panic_root(vp, "triple fault");
    return makes_double_fault(first) && makes_double_fault(vector) ? X86_VECTOR_DF : vector;
}

void exit_count_other(struct vp *vp)
{
    vp->exits.total++;
    vp->exits.other++;
}

enum exit_action exit_forbidden(struct vp *vp)
{
    exit_count_other(vp);
    return EXIT_UD;
}

enum exit_action exit_invd(struct vp *vp)
{
    exit_count_other(vp);
    wbinvd();
    return EXIT_SKIP;
}

void exit_nmi(struct vp *vp)
{
    vp->exits.total++;
    vp->exits.nmi++;
}

static bool all_or_none(uint64_t value, uint64_t bits)
{
    return (value & bits) == 0 || (value & bits) == bits;
}

/* What XSETBV accepts (Intel SDM vol. 1, 13.3). */
static bool xcr0_valid(uint64_t value)
{
    struct cpuid_result supported = cpuid(0xd, 0);

    if (value & ~((uint64_t)supported.edx << 32 | supported.eax))
        return false;
    if ((value & XCR0_X87) == 0)
        return false;
    if (value & XCR0_AVX && !(value & XCR0_SSE))
        return false;
    if (value & XCR0_AVX512 && !(value & XCR0_AVX))
        return false;
    return all_or_none(value, XCR0_MPX) && all_or_none(value, XCR0_AVX512) &&
           all_or_none(value, XCR0_AMX);
}

enum exit_action exit_xsetbv(struct vp *vp)
{
    uint32_t low = (uint32_t)vp->gpr[GPR_RAX], high = (uint32_t)vp->gpr[GPR_RDX];

    exit_count_other(vp);
    if ((uint32_t)vp->gpr[GPR_RCX] != 0 || !xcr0_valid((uint64_t)high << 32 | low))
        return EXIT_GP;
    __asm__ volatile("xsetbv" ::"c"(0), "a"(low), "d"(high) : "memory");
    return EXIT_SKIP;
}
