/* The guest-state area of the current VMCS. All on the LP of the VP. */
#ifndef VENEER_HYPERVISOR_VMX_GUEST_H
#define VENEER_HYPERVISOR_VMX_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/exit.h"
#include "hypervisor/vp.h"

/* As hw_ops.vp_set_context, .cr4 and .print_state. */
void guest_set_context(struct vp *vp, const struct hv_initial_vp_context *context, uint64_t rdi);
uint64_t guest_cr4(const struct vp *vp);
void guest_print(const struct vp *vp);

/* Bits of CR0 and CR4 that are ours: the guest believes that it owns those of CR0, and cannot set
 * that of CR4. */
void guest_own_control_registers(void);

/* Takes over the bits of CR0 that a guest writes while they are really ours. False if no processor
 * would. */
bool guest_write_owned_cr0(uint64_t value);

/* General register @number, RSP included. */
uint64_t guest_gpr(const struct vp *vp, unsigned number);

struct exit_mode guest_mode(void);

#endif
