/* What reaches a child VP from outside: interrupts, NMI, INIT, SIPI, start (struct vp.attention).
 */
#ifndef VENEER_HYPERVISOR_VP_EVENT_H
#define VENEER_HYPERVISOR_VP_EVENT_H

#include "hypervisor/vp.h"

/* Starts @vp's state anew, after RESET or INIT: what is in struct vp at once, its registers before
 * it runs or is accessed. VP 0 is active then, others wait for a SIPI. On its LP, or while it does
 * not run. */
void vp_reset(struct vp *vp, bool init);

/* Its registers now. The VP has been entered. */
void vp_reset_registers(struct vp *vp);

/* Takes vp->context over, which is valid (vp_context.h). On the root VP's LP, or entered. */
void vp_start(struct vp *vp);

/* The root is about to set a TSC_AUX that is not 0: all children get their own from now on. */
void vp_hide_root_tsc_aux(void);

/* Looks at all that vp->attention names. The VP has been entered. */
void vp_attend(struct vp *vp);

/* Only at what changes its registers. Likewise. */
void vp_attend_to_registers(struct vp *vp);

#endif
