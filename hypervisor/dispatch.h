/* Dispatching child VPs: an LP becomes one of them for a while (HvCallDispatchVp). */
#ifndef VENEER_HYPERVISOR_DISPATCH_H
#define VENEER_HYPERVISOR_DISPATCH_H

#include <stdint.h>

#include "hypervisor/atomic.h"
#include "hypervisor/exit.h"
#include "hypervisor/lp.h"
#include "hypervisor/vp.h"
#include "include/hv/status.h"

/* Runs @child on this LP on behalf of @root until it needs its parent. The child's partition is
 * @referenced, or the child is resident on this LP, which keeps it from being deleted as long as
 * the LP answers no requests: HV_STATUS_OBJECT_IN_USE then asks to come with a reference. @flags:
 * HV_DISPATCH_VP_…. HV_STATUS_INVALID_VP_STATE if another LP has it,
 * HV_STATUS_INVALID_PARTITION_STATE if the partition is not active or its time stands still.
 * Afterwards child->leave says why it came back. */
enum hv_status vp_dispatch(struct vp *root, struct vp *child, uint32_t flags, bool referenced);

/* Whether the VP, a root's or a child that is dispatched, can be entered again without a look at
 * anything. On its LP. */
static inline bool vp_goes_on(const struct lp *lp, const struct vp *vp)
{
    return (atomic_load(&lp->requests) & LP_REQUEST_BITS) == 0 && lp->pending == 0 &&
           atomic_load(&vp->attention) == 0 && vp->halt_reasons == 0;
}

/* enum hv_vp_dispatch_state and enum hv_vp_dispatch_event after vp_dispatch(). */
static inline struct hv_output_dispatch_vp vp_dispatch_result(const struct vp *child)
{
    if (child->leave == VP_LEAVE_INTERCEPT)
        return (struct hv_output_dispatch_vp){HV_VP_DISPATCH_STATE_READY,
                                              HV_VP_DISPATCH_EVENT_INTERCEPT};
    if (child->leave == VP_LEAVE_BLOCKED)
        return (struct hv_output_dispatch_vp){HV_VP_DISPATCH_STATE_BLOCKED,
                                              HV_VP_DISPATCH_EVENT_SUSPEND};
    return (struct hv_output_dispatch_vp){HV_VP_DISPATCH_STATE_READY, HV_VP_DISPATCH_EVENT_SUSPEND};
}

/* The result value of the fast form of the call. */
static inline enum exit_action vp_dispatch_answer(struct vp *root, enum hv_status status,
                                                  struct hv_output_dispatch_vp result)
{
    uint64_t value = (uint64_t)result.dispatch_state << VENEER_DISPATCH_STATE_SHIFT |
                     (uint64_t)result.dispatch_event << VENEER_DISPATCH_EVENT_SHIFT;

    root->gpr[GPR_RAX] = status == HV_STATUS_SUCCESS ? value : (uint64_t)status;
    return EXIT_SKIP;
}

/* Bits of CR3 that say which address space it is. */
#define VP_BOUND_CR3_MASK 0x000ffffffffff000ull

/* For hypercalls about a child VP's state: stops it, if it runs, and makes it this LP's, so that
 * hw->get_registers() and set_registers() work on it; FPU and debug registers are in struct vp.
 * What is pending for its registers (reset, start) has been done. vp_access_end() lets it go on.
 * Between the two no other VP may be accessed. The partition is referenced; no locks. */
void vp_access_begin(struct vp *root, struct vp *child);
void vp_access_end(struct vp *root, struct vp *child);

/* The VP, which does not run, leaves this LP, where it is resident: its FPU registers are saved,
 * its control block is free for other LPs. Answer to LP_REQUEST_EVICT, and before its memory goes.
 */
void vp_evict(struct vp *child);

/* Brings the VP's controls in line with its partition and extra_state. The VP has been entered. */
void vp_update_controls(struct vp *vp);

/* From now on the VP has its own state @what while it runs. The VP has been entered. */
void vp_use_extra_state(struct vp *child, enum vp_extra_state what);

/* Tells the root VP of this LP that @child is not blocked any more. */
void vp_tell_ready(struct vp *child);

/* Repeats what found no free message slot (synic_retry()). On the LP. */
void vp_flush_ready(struct lp *lp);

#endif
