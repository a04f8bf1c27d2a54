/* Running a guest up to its next exit, and handling that. */
#ifndef VENEER_HYPERVISOR_VMX_EXIT_H
#define VENEER_HYPERVISOR_VMX_EXIT_H

#include "hypervisor/vp.h"

/* As hw_ops.run. */
void vmx_run(struct vp *vp);

#endif
