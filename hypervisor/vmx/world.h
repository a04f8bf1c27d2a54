/* World switches of an LP between its root VP and a child, and what an LP and a VMCS know of each
 * other. */
#ifndef VENEER_HYPERVISOR_VMX_WORLD_H
#define VENEER_HYPERVISOR_VMX_WORLD_H

#include "hypervisor/vp.h"

/* What an exit loads: this LP as it is now. Into the current VMCS. HOST_RSP is vmx_switch()'s. */
void world_set_host_state(struct lp *lp);

/* As in hw_ops. */
void world_enter_child(struct vp *root, struct vp *child);
void world_leave_child(struct vp *child, struct vp *root);
void world_evict(struct vp *child);

/* The VP's VMCS becomes one that is not launched, and stays current. */
void world_start_anew(struct vp *vp);

/* @vp is on this LP: it sees no translations that were cached for it before. */
void world_forget_translations(struct vp *vp);

/* Serves lp->flush_pending. @vp is the VP that is about to be entered. */
void world_flush(struct lp *lp, struct vp *vp);

#endif
