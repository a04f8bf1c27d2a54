/* Exits that need no file of their own. */
#include "hypervisor/exit.h"

#include "hypervisor/fpu.h"
#include "hypervisor/hw.h"
#include "hypervisor/intercept.h"
#include "hypervisor/panic.h"
#include "hypervisor/vp_event.h"
#include "lib/x86/cpu.h"

/* Exceptions whose delivery must not meet another of them. */
static bool makes_double_fault(uint8_t vector)
{
    return vector == X86_VECTOR_DE || (vector >= X86_VECTOR_TS && vector <= X86_VECTOR_PF);
}

enum x86_vector exit_escalate_fault(struct vp *vp, uint8_t first, enum x86_vector vector)
{
    if (first == X86_VECTOR_DF) {
        exit_triple_fault(vp);
        return X86_VECTOR_DF; /* what the VP would get if its parent went on with it */
    }
    return makes_double_fault(first) && makes_double_fault(vector) ? X86_VECTOR_DF : vector;
}

void exit_count_other(struct vp *vp)
{
    EXIT_COUNT(vp, other);
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
    EXIT_COUNT(vp, nmi);
}

bool exit_nmi_deliverable(struct vp *vp)
{
    bool requested = vp->nmi_requested;

    if (partition_is_root(vp->partition))
        return true;
    vp->nmi_requested = false;
    if (!(vp->notifications & HV_DELIVERABILITY_NMI))
        return requested;
    intercept_deliverable(vp, HV_INTERRUPTION_NMI);
    if (requested)
        vp_attention(vp, VP_ATTENTION_NMI); /* after the parent has had its turn */
    return false;
}

/* The three ends of a VP: the root's is the machine's. */
static enum exit_action fail(struct vp *vp, uint32_t message_type, const char *text)
{
    exit_count_other(vp);
    if (partition_is_root(vp->partition))
        panic_root(vp, text);
    return intercept_failure(vp, message_type);
}

enum exit_action exit_triple_fault(struct vp *vp)
{
    return fail(vp, HV_MESSAGE_TYPE_UNRECOVERABLE_EXCEPTION, "triple fault");
}

/* QEMU's TCG has the host's state in the control block then, which is nobody's business. */
enum exit_action exit_invalid_state(struct vp *vp)
{
    if (!partition_is_root(vp->partition))
        vp_reset_registers(vp);
    return fail(vp, HV_MESSAGE_TYPE_INVALID_VP_REGISTER_VALUE, "the processor refuses its state");
}

enum exit_action exit_unexpected(struct vp *vp)
{
    return fail(vp, HV_MESSAGE_TYPE_INVALID_VP_REGISTER_VALUE, "an exit that was not asked for");
}

static bool all_or_none(uint64_t value, uint64_t bits)
{
    return (value & bits) == 0 || (value & bits) == bits;
}

/* What XSETBV accepts (Intel SDM vol. 1, 13.3). */
bool exit_xcr0_valid(const struct vp *vp, uint64_t value)
{
    uint64_t supported = fpu_supported_xcr0();

    if (!partition_is_root(vp->partition))
        supported &= FPU_CHILD_XCR0;
    if (value & ~supported || (value & XCR0_X87) == 0)
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
    uint64_t value = vp->gpr[GPR_RDX] << 32 | (uint32_t)vp->gpr[GPR_RAX];

    exit_count_other(vp);
    if ((uint32_t)vp->gpr[GPR_RCX] != 0 || !exit_xcr0_valid(vp, value))
        return EXIT_GP;
    vp->xcr0 = value;
    write_xcr0(value);
    return EXIT_SKIP;
}
