/* Running a guest up to its next exit, and handling that. */
#ifndef VENEER_HYPERVISOR_VMX_EXIT_H
#define VENEER_HYPERVISOR_VMX_EXIT_H

#include "hypervisor/vp.h"

/* As hw_ops.run, .instruction_length and .set_controls. */
void vmx_run(struct vp *vp);
uint8_t vmx_instruction_length(struct vp *vp);
void vmx_set_controls(struct vp *vp, uint32_t exceptions, uint64_t tsc_offset,
                      bool debug_register_exits);

#endif
