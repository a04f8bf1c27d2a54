/* Dispatching child VPs: an LP becomes one of them for a while (HvCallDispatchVp). */
#ifndef VENEER_HYPERVISOR_DISPATCH_H
#define VENEER_HYPERVISOR_DISPATCH_H

#include <stdint.h>

#include "hypervisor/vp.h"
#include "include/hv/status.h"

/* Runs @child, which belongs to a referenced partition, on this LP on behalf of @root until it
 * needs its parent. @flags: HV_DISPATCH_VP_…. HV_STATUS_INVALID_VP_STATE if another LP has it.
 * Afterwards child->leave says why it came back. */
enum hv_status vp_dispatch(struct vp *root, struct vp *child, uint32_t flags);

/* enum hv_vp_dispatch_state and enum hv_vp_dispatch_event after vp_dispatch(). */
struct hv_output_dispatch_vp vp_dispatch_result(const struct vp *child);

/* For hypercalls about a child VP's registers: stops it, if it runs, and makes it this LP's, so
 * that hw->get_registers() and set_registers() work on it; the state that lives on an LP is in
 * struct vp then. Between the two calls nothing else may be done with hw operations.
 * vp_access_end() lets it go on. False: the VP is being dispatched here (it is the caller's own
 * business). */
bool vp_access_begin(struct vp *root, struct vp *child);
void vp_access_end(struct vp *root, struct vp *child);

/* This LP's answer to LP_REQUEST_EVICT, and before the VP's memory goes: FPU registers are saved,
 * the control block is free for other LPs. */
void vp_evict(struct vp *child);

/* Brings the VP's controls in line with its partition and extra_state. The VP has been entered. */
void vp_update_controls(struct vp *vp);

/* Starts @vp's registers anew, after RESET or INIT: what is in struct vp at once, the rest before
 * it runs or is looked at. VP 0 is active then, others wait for a SIPI. While it does not run, or
 * on its LP. */
void vp_reset(struct vp *vp, bool init);

/* The list of VPs to tell the root of is put into its scheduler message, as far as the slot is free
 * (synic_retry()). On the LP. */
void vp_tell_ready(struct lp *lp);

/* The answer of a root VP's LP to an expired child deadline is in the parent: arms this LP's timer
 * for
 * @child's next deadline if the root's is later. */
void vp_arm_deadline(struct lp *lp, struct vp *child);

#endif
