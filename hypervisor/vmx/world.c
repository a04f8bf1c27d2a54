#include "hypervisor/vmx/world.h"

#include "hypervisor/panic.h"
#include "hypervisor/partition.h"
#include "hypervisor/vmx/capability.h"
#include "hypervisor/vmx/guest.h"
#include "hypervisor/vmx/switch.h"
#include "hypervisor/vmx/vmcs.h"
#include "hypervisor/x86/tables.h"
#include "lib/x86/cpu.h"

void world_set_host_state(struct lp *lp)
{
    struct descriptor_pointer gdtr, idtr;

    __asm__ volatile("sgdt %0" : "=m"(gdtr));
    __asm__ volatile("sidt %0" : "=m"(idtr));
    vmwrite(VMCS_HOST_CR0, read_cr0());
    vmwrite(VMCS_HOST_CR3, read_cr3());
    vmwrite(VMCS_HOST_CR4, read_cr4());
    vmwrite(VMCS_HOST_IA32_EFER, rdmsr(MSR_EFER));
    vmwrite(VMCS_HOST_IA32_PAT, rdmsr(MSR_PAT));
    vmwrite(VMCS_HOST_CS_SELECTOR, SELECTOR_CODE);
    vmwrite(VMCS_HOST_SS_SELECTOR, SELECTOR_DATA);
    vmwrite(VMCS_HOST_DS_SELECTOR, SELECTOR_DATA);
    vmwrite(VMCS_HOST_ES_SELECTOR, SELECTOR_DATA);
    vmwrite(VMCS_HOST_FS_SELECTOR, 0);
    vmwrite(VMCS_HOST_GS_SELECTOR, 0);
    vmwrite(VMCS_HOST_TR_SELECTOR, SELECTOR_TSS);
    vmwrite(VMCS_HOST_FS_BASE, 0);
    vmwrite(VMCS_HOST_GS_BASE, 0);
    vmwrite(VMCS_HOST_TR_BASE, (uint64_t)&lp->tss);
    vmwrite(VMCS_HOST_GDTR_BASE, gdtr.base);
    vmwrite(VMCS_HOST_IDTR_BASE, idtr.base);
    vmwrite(VMCS_HOST_SYSENTER_CS, 0);
    vmwrite(VMCS_HOST_SYSENTER_ESP, 0);
    vmwrite(VMCS_HOST_SYSENTER_EIP, 0);
    vmwrite(VMCS_HOST_RIP, (uint64_t)vmx_switch_exited);
}

/* A new tag for a child whose VMCS is current. While lp->flush_pending is set, before or since, it
 * need not be written: the flush comes before the entry, and all take tags anew after it. */
static void renew_tag(struct lp *lp, struct vp *child)
{
    if (!capability_has_vpid()) {
        child->tag_lp = lp;
        child->tag_generation = lp->tag_generation;
        return;
    }
    lp_assign_tag(lp, child);
    if (!lp->flush_pending)
        vmwrite(VMCS_VPID, child->tag);
}

void world_forget_translations(struct vp *vp)
{
    if (!partition_is_root(vp->partition)) /* that starts, and has none */
        renew_tag(this_lp(), vp);
}

/* With EPT, translations of all VPIDs belong to an EPT pointer (Intel SDM vol. 3, 28.3.2): INVEPT
 * drops them, too. */
void world_flush(struct lp *lp, struct vp *vp)
{
    lp_flushed(lp);
    if (!invept(INVEPT_ALL_CONTEXTS, 0))
        panic("INVEPT failed");
    if (!partition_is_root(vp->partition))
        renew_tag(lp, vp);
}

static inline void switch_syscall_msr(const struct vp *from, const struct vp *to, uint32_t index)
{
    uint64_t value = to->syscall_msrs[index];

    if (value != from->syscall_msrs[index])
        wrmsr(MSR_STAR + index, value);
}

/* What entries and exits leave in the processor. Writes of the system call MSRs exit, so that
 * @from->syscall_msrs is what they are. */
static inline void switch_live_state(struct vp *from, struct vp *to)
{
    uint64_t dr6 = read_dr6(), kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE);

    from->cr2 = read_cr2();
    write_cr2(to->cr2);
    from->dr6 = dr6;
    if (to->dr6 != dr6)
        write_dr6(to->dr6);
    from->kernel_gs_base = kernel_gs_base;
    if (to->kernel_gs_base != kernel_gs_base)
        wrmsr(MSR_KERNEL_GS_BASE, to->kernel_gs_base);
    _Static_assert(SYSCALL_MSRS == 4, "each by name");
    switch_syscall_msr(from, to, 0);
    switch_syscall_msr(from, to, 1);
    switch_syscall_msr(from, to, 2);
    switch_syscall_msr(from, to, 3);
}

static inline void make_current(const struct vp *vp)
{
    if (__builtin_expect(!vmptrld(&vp->hw_state_spa), 0))
        panic("VMPTRLD failed");
}

/* The child comes to this LP, or its translations are to be dropped. Its VMCS is current. */
__attribute__((noinline)) static void settle(struct lp *lp, struct vp *child)
{
    if (child->tag_lp != lp)
        world_set_host_state(lp);
    renew_tag(lp, child);
}

void world_enter_child(struct vp *root, struct vp *child)
{
    struct lp *lp = this_lp();

    make_current(child);
    switch_live_state(root, child);
    if (__builtin_expect(child->tag_lp != lp || child->tag_generation != lp->tag_generation, 0))
        settle(lp, child);
}

void world_leave_child(struct vp *child, struct vp *root)
{
    make_current(root);
    switch_live_state(child, root);
}

void world_evict(struct vp *child)
{
    if (!vmclear(child->hw_state_spa))
        panic("VMCLEAR failed");
    child->hw_launched = false;
}

void world_start_anew(struct vp *vp)
{
    world_evict(vp);
    make_current(vp);
}
