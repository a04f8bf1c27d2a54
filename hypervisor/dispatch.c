#include "hypervisor/dispatch.h"

#include "hypervisor/fpu.h"
#include "hypervisor/hw.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/intercept.h"
#include "hypervisor/panic.h"
#include "hypervisor/vp_event.h"
#include "hypervisor/x86/apic.h"
#include "include/hv/intercept.h"
#include "lib/string.h"

/* --- Where a VP's state is --- */

void vp_evict(struct vp *child)
{
    struct lp *lp = this_lp();

    ASSERT(child->lp == lp && lp->vp == lp->root_vp);
    fpu_save(child);
    hw->evict(child);
    lp->resident_vp = NULL;
    __atomic_store_n(&child->lp, NULL, __ATOMIC_SEQ_CST);
}

/* Brings the child here, whose state is VP_RUNNING or VP_ACCESSED by us. While we wait, this LP may
 * be asked for the child that is resident here. */
__attribute__((noinline)) static void make_resident(struct lp *lp, struct vp *child)
{
    partition_use_here(child->partition);
    for (;;) {
        struct lp *other = __atomic_load_n(&child->lp, __ATOMIC_SEQ_CST);
        if (other == lp)
            return;
        if (other == NULL)
            break;
        lp_wait(other, lp_request(other, LP_REQUEST_EVICT));
    }
    if (lp->resident_vp != NULL)
        vp_evict(lp->resident_vp);
    lp->resident_vp = child;
    __atomic_store_n(&child->lp, lp, __ATOMIC_SEQ_CST);
    fpu_load(child);
}

/* --- The world switch --- */

static void swap_debug_registers(const uint64_t *in, uint64_t *out)
{
    read_debug_registers(out);
    write_debug_registers(in);
}

__attribute__((noinline)) static void load_extra_state(struct lp *lp, struct vp *child,
                                                       unsigned what)
{
    if (what & VP_EXTRA_DEBUG_REGISTERS)
        swap_debug_registers(child->debug_registers, lp->root_debug_registers);
    if (what & VP_EXTRA_TSC_AUX) {
        lp->root_tsc_aux = rdmsr(MSR_TSC_AUX);
        wrmsr(MSR_TSC_AUX, child->tsc_aux);
    }
}

__attribute__((noinline)) static void save_extra_state(struct lp *lp, struct vp *child)
{
    if (child->extra_state & VP_EXTRA_DEBUG_REGISTERS)
        swap_debug_registers(lp->root_debug_registers, child->debug_registers);
    if (child->extra_state & VP_EXTRA_TSC_AUX)
        wrmsr(MSR_TSC_AUX, lp->root_tsc_aux);
}

void vp_use_extra_state(struct vp *child, enum vp_extra_state what)
{
    if (child->extra_state & what)
        return;
    child->extra_state |= what;
    load_extra_state(this_lp(), child, what);
    vp_update_controls(child);
}

static inline void enter(struct lp *lp, struct vp *root, struct vp *child)
{
    if (__builtin_expect(child->lp != lp, 0))
        make_resident(lp, child);
    lp->vp = child;
    hw->enter_child(root, child);
}

static inline void leave(struct lp *lp, struct vp *root, struct vp *child)
{
    hw->leave_child(child, root);
    lp->vp = root;
}

void vp_update_controls(struct vp *vp)
{
    hw->set_controls(vp, vp->partition->exception_intercepts,
                     vp->partition->tsc_offset + vp->tsc_adjust,
                     !(vp->extra_state & VP_EXTRA_DEBUG_REGISTERS));
}

/* --- Running --- */

/* The TSC of the child's next deadline, as the root counts. */
static uint64_t host_deadline(const struct vp *child)
{
    uint64_t next = child->timers.next;

    return next == VP_TIMER_NEVER ? VENEER_NO_DEADLINE : next - child->partition->tsc_offset;
}

/* Has the LP's timer interrupt come in time for @deadline. False: the root has not said what its
 * own is, so it must see to that.
 *
 * That the time which we have set is still set cannot be told by the root's deadline: an interrupt
 * that came a little early, or another one of the root's, may leave it as it was. */
static bool arm_deadline(struct lp *lp, uint64_t deadline)
{
    if (lp->root_timer == NULL)
        return false;
    uint64_t changes = lp->root_timer->changes;
    if (deadline < lp->root_timer->deadline &&
        (deadline != lp->armed_deadline || changes != lp->armed_changes)) {
        apic_arm_timer(lp->x2apic, deadline);
        lp->armed_deadline = deadline;
        lp->armed_changes = changes;
    }
    return true;
}

/* Serves timers that are due. If the next deadline is nearer than what the parent knows, and we
 * cannot arm the LP's timer, the parent is to do it. */
__attribute__((noinline)) static void serve_timers(struct lp *lp, struct vp *child, uint64_t known)
{
    uint64_t now = partition_tsc(child->partition);

    if (now >= child->timers.next)
        vp_timers_run(child, now);
    if (child->timers.next != VP_TIMER_NEVER && !arm_deadline(lp, host_deadline(child)) &&
        child->timers.next < known)
        child->leave = VP_LEAVE_CANCEL;
    child->timers.served = child->timers.next;
    child->timers_changed = false;
}

/* Sees to what has come up since the last entry. */
__attribute__((noinline)) static void look(struct lp *lp, struct vp *child)
{
    if (child->timers_changed)
        serve_timers(lp, child, child->timers.served);
    lp_answer_requests(lp);
    if (atomic_load(&child->attention) != 0)
        vp_attend(child);
    if (child->leave != VP_STAY)
        return;
    if (child->activity != VP_ACTIVE)
        child->leave = VP_LEAVE_BLOCKED;
    else if (lp->root_nmi_pending)
        child->leave = VP_LEAVE_INTERRUPT;
}

static inline void run(struct lp *lp, struct vp *child)
{
    if (child->timers.next != VP_TIMER_NEVER)
        serve_timers(lp, child, 0);
    do {
        if (__builtin_expect(!vp_goes_on(lp, child), 0)) {
            look(lp, child);
            if (child->leave != VP_STAY)
                return;
        }
        hw->run(child);
    } while (child->leave == VP_STAY);
}

/* The child is not dispatched any more. If it is blocked, an event that came after our last look at
 * its attention makes it ready at once: vp_attention() looks at the state after it has set the
 * bits, and here it is the other way round. */
static inline void release(struct vp *child)
{
    if (child->leave != VP_LEAVE_BLOCKED) {
        atomic_store(&child->state, VP_IDLE);
        return;
    }
    atomic_store(&child->state, VP_BLOCKED);
    if (atomic_load(&child->attention) != 0 &&
        atomic_compare_exchange(&child->state, VP_BLOCKED, VP_IDLE))
        child->leave = VP_LEAVE_CANCEL;
}

/* Makes the child ours, in state @as. */
static inline bool claim(struct vp *child, enum vp_state as)
{
    return atomic_compare_exchange(&child->state, VP_IDLE, as) ||
           atomic_compare_exchange(&child->state, VP_BLOCKED, as);
}

/* While another LP accesses it, or is about to, it will soon be free; but we must not wait here
 * without a reference. */
__attribute__((noinline)) static enum hv_status claim_to_run(struct vp *child, bool referenced)
{
    for (;;) {
        bool wanted = atomic_load(&child->access_wanted) != 0;
        if (!wanted && claim(child, VP_RUNNING))
            return HV_STATUS_SUCCESS;
        enum vp_state state = atomic_load(&child->state);
        bool is_free = state == VP_IDLE || state == VP_BLOCKED;
        if (is_free && !wanted) /* woken between claim()'s two looks */
            continue;
        if (!is_free && state != VP_ACCESSED)
            return HV_STATUS_INVALID_VP_STATE;
        if (!referenced)
            return HV_STATUS_OBJECT_IN_USE;
        lp_answer_requests(this_lp());
        cpu_pause();
    }
}

__attribute__((always_inline)) static inline enum hv_status
dispatch(struct vp *root, struct vp *child, uint32_t flags, bool referenced)
{
    struct lp *lp = this_lp();
    enum hv_status status;

    if (flags & ~HV_DISPATCH_VP_VALID_FLAGS)
        return HV_STATUS_INVALID_PARAMETER;
    if (atomic_load(&child->access_wanted) != 0 ||
        !atomic_compare_exchange(&child->state, VP_IDLE, VP_RUNNING)) {
        status = claim_to_run(child, referenced);
        if (status != HV_STATUS_SUCCESS)
            return status;
    }
    /* Finalizing first changes the state, then waits until no VP runs. */
    if (atomic_load(&child->partition->state) != PARTITION_ACTIVE ||
        child->partition->time_frozen) {
        atomic_store(&child->state, VP_IDLE);
        return HV_STATUS_INVALID_PARTITION_STATE;
    }
    child->leave = VP_STAY;
    if (child->intercepted &&
        !(flags & (HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND | VENEER_DISPATCH_SKIP_INSTRUCTION))) {
        child->leave = VP_LEAVE_INTERCEPT;
        atomic_store(&child->state, VP_IDLE);
        return HV_STATUS_SUCCESS;
    }
    uint64_t start = rdtsc();
    enter(lp, root, child);
    child->statistics->dispatches++;
    if (child->intercepted)
        intercept_resume(child, (flags & VENEER_DISPATCH_SKIP_INSTRUCTION) != 0);
    if (child->extra_state != 0)
        load_extra_state(lp, child, child->extra_state);
    run(lp, child);
    if (child->extra_state != 0)
        save_extra_state(lp, child);
    child->run->deadline_tsc = host_deadline(child);
    leave(lp, root, child);
    child->statistics->run_time_tsc += rdtsc() - start;
    release(child);
    return HV_STATUS_SUCCESS;
}

enum hv_status vp_dispatch(struct vp *root, struct vp *child, uint32_t flags, bool referenced)
{
    return dispatch(root, child, flags, referenced);
}

/* From ring 3 by the VP that is resident on this LP: the usual case needs no look-up, and is not to
 * go through many functions. */
enum exit_action exit_dispatch(struct vp *root, enum exit_mode mode, uint64_t cr3)
{
    uint64_t r8 = root->gpr[GPR_R8];
    struct vp *child = this_lp()->resident_vp;

    EXIT_COUNT(root, hypercall);
    if (mode != EXIT_MODE_USER_64 || child == NULL ||
        child->bound_cr3 != (cr3 & VP_BOUND_CR3_MASK) || child->index != (uint32_t)r8 ||
        child->partition->id != root->gpr[GPR_RDX])
        return hypercall_dispatch_vp_fast(root, mode);
    enum hv_status status = dispatch(root, child, (uint32_t)(r8 >> 32), false);
    if (__builtin_expect(status == HV_STATUS_OBJECT_IN_USE ||
                             (child->leave == VP_LEAVE_INTERRUPT && status == HV_STATUS_SUCCESS),
                         0))
        return EXIT_RETRY;
    return vp_dispatch_answer(root, status, vp_dispatch_result(child));
}

/* --- Access by others --- */

void vp_access_begin(struct vp *root, struct vp *child)
{
    atomic_add(&child->access_wanted, 1);
    while (!claim(child, VP_ACCESSED)) {
        if (atomic_load(&child->state) == VP_RUNNING)
            vp_attention(child, VP_ATTENTION_CANCEL);
        lp_answer_requests(this_lp());
        cpu_pause();
    }
    atomic_add(&child->access_wanted, UINT32_MAX);
    enter(this_lp(), root, child);
    vp_attend_to_registers(child);
    fpu_save(child);
}

void vp_access_end(struct vp *root, struct vp *child)
{
    fpu_load(child);
    leave(this_lp(), root, child);
    child->leave = child->activity == VP_ACTIVE ? VP_STAY : VP_LEAVE_BLOCKED;
    release(child);
    if (child->leave != VP_LEAVE_BLOCKED)
        vp_tell_ready(child); /* it may have been blocked before */
}

/* --- Telling the parent --- */

/* Tells this LP's root VP. What finds no free slot is told at its EOM. */
void vp_flush_ready(struct lp *lp)
{
    struct hv_message message = {
        .message_type = HV_MESSAGE_TYPE_SCHEDULER_VP_SIGNAL_PAIR,
        .payload_size = sizeof(struct hv_scheduler_vp_signal_pair),
    };
    struct hv_scheduler_vp_signal_pair *pairs = (void *)message.payload;

    if (lp->ready_count == 0 && !lp->ready_overflow)
        return;
    pairs->overflow = lp->ready_overflow;
    pairs->vp_count = (uint8_t)lp->ready_count;
    for (uint32_t i = 0; i < lp->ready_count; i++) {
        pairs->partition_ids[i] = lp->ready_vps[i].partition_id;
        pairs->vp_indexes[i] = lp->ready_vps[i].vp_index;
    }
    /* A root without SynIC does not want to know. */
    if (synic_deliver_message(lp->root_vp, HV_SYNIC_SINT_SCHEDULER, &message) ==
        HV_STATUS_INSUFFICIENT_BUFFERS)
        return;
    lp->ready_count = 0;
    lp->ready_overflow = false;
}

void vp_tell_ready(struct vp *child)
{
    struct lp *lp = this_lp();

    if (lp->ready_count == HV_SCHEDULER_MAX_PAIRS)
        lp->ready_overflow = true;
    else
        lp->ready_vps[lp->ready_count++] = (struct ready_vp){child->partition->id, child->index};
    vp_flush_ready(lp);
}

void vp_attention(struct vp *vp, uint32_t bits)
{
    struct lp *lp;

    atomic_or(&vp->attention, bits);
    switch (atomic_load(&vp->state)) {
    case VP_RUNNING:
        lp = __atomic_load_n(&vp->lp, __ATOMIC_SEQ_CST);
        if (lp != NULL && lp != this_lp())
            lp_request(lp, LP_REQUEST_KICK);
        break;
    case VP_BLOCKED:
        if (atomic_compare_exchange(&vp->state, VP_BLOCKED, VP_IDLE))
            vp_tell_ready(vp);
        break;
    default:
        break;
    }
}
