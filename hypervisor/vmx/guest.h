/* The guest-state area of the current VMCS, and registers that belong to it but are in the
 * processor. All on the LP of the VP. */
#ifndef VENEER_HYPERVISOR_VMX_GUEST_H
#define VENEER_HYPERVISOR_VMX_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/exit.h"
#include "hypervisor/hw.h"
#include "hypervisor/vmx/vmcs.h"
#include "lib/x86/cpu.h"

#define SYSCALL_MSRS 4u /* STAR, LSTAR, CSTAR, SFMASK: numbers in a row, as in vp->syscall_msrs */

/* As in hw_ops. */
void guest_get_registers(const struct vp *vp, struct vp_registers *r);
void guest_set_registers(struct vp *vp, const struct vp_registers *r);
void guest_show_header(const struct vp *vp, struct hv_x64_intercept_message_header *header);
void guest_get_code(const struct vp *vp, struct guest_code *code);
uint64_t guest_cr4(const struct vp *vp);
void guest_print(const struct vp *vp);

/* Bits of CR0 and CR4 that are ours: the guest believes that it owns those of CR0, and cannot set
 * those of CR4. For children that is all that they may not have. */
void guest_own_control_registers(bool root);

/* Takes over the bits of CR0 that a guest writes while they are really ours. False if no processor
 * would. */
bool guest_write_owned_cr0(uint64_t value);

/* Writes MSR_STAR + @index of the VP that is on this LP. False: #GP. */
bool guest_write_syscall_msr(struct vp *vp, uint32_t index, uint64_t value);

/* General register @number, RSP included. */
uint64_t guest_gpr(const struct vp *vp, unsigned number);

static inline uint64_t read_dr6(void)
{
    uint64_t value;
    __asm__ volatile("mov %%dr6, %0" : "=r"(value));
    return value;
}

static inline void write_dr6(uint64_t value)
{
    __asm__ volatile("mov %0, %%dr6" ::"r"(value));
}

struct hv_x64_segment_register guest_segment(enum vmcs_segment segment);

static inline bool guest_in_64bit_code(void)
{
    return vmread(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, SEGMENT_CS)) &
               ACCESS_RIGHTS_LONG &&
           vmread(VMCS_GUEST_IA32_EFER) & EFER_LMA;
}

/* For hypercalls. */
static inline enum exit_mode guest_mode(void)
{
    unsigned cpl = ACCESS_RIGHTS_DPL(
        (uint32_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, SEGMENT_SS)));

    if (__builtin_expect(guest_in_64bit_code(), 1))
        return exit_mode(cpl, true, true);
    return exit_mode(
        cpl, vmread(VMCS_GUEST_CR0) & CR0_PE && !(vmread(VMCS_GUEST_RFLAGS) & RFLAGS_VM), false);
}

#endif
