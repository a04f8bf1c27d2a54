/* The Intel VT-x backend: per-LP and per-partition set-up, the host's part of a VMCS, and the table
 * of operations. */
#include <stddef.h>

#include "hypervisor/hw.h"
#include "hypervisor/panic.h"
#include "hypervisor/pool.h"
#include "hypervisor/vmx/capability.h"
#include "hypervisor/vmx/event.h"
#include "hypervisor/vmx/exit.h"
#include "hypervisor/vmx/guest.h"
#include "hypervisor/vmx/switch.h"
#include "hypervisor/vmx/vmcs.h"
#include "hypervisor/vp_context.h"
#include "hypervisor/x86/tables.h"
#include "lib/page_table.h"
#include "lib/x86/cpu.h"

/* MSR bitmap (Intel SDM vol. 3, 24.6.9): one bit per MSR in four parts of 1 KiB, for reads of low
 * and high numbers, then for writes. */
#define MSR_BITMAP_HIGH_NUMBERS 0x400u
#define MSR_BITMAP_WRITES 0x800u
#define MSR_RANGE_SIZE 0x2000u
#define MSR_HIGH_NUMBERS_FIRST 0xc0000000u

/* Firmware may leave the decision whether VT-x is on to us (UEFI often does), for good once it is
 * locked. */
static void allow_vmxon(void)
{
    uint64_t feature_control = rdmsr(MSR_FEATURE_CONTROL);
    if (!(feature_control & FEATURE_CONTROL_LOCK))
        wrmsr(MSR_FEATURE_CONTROL,
              feature_control | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_OUTSIDE_SMX);
}

static void set_revision(spa_t region)
{
    *(uint32_t *)spa_to_va(region) = capability_revision();
}

static void enable(struct lp *lp)
{
    allow_vmxon();
    write_cr0(read_cr0() | CR0_NE);
    write_cr4(read_cr4() | CR4_VMXE);
    set_revision(lp->hw_page);
    if (!vmxon(lp->hw_page))
        panic("VMXON failed");

    /* Whoever used VT-x before us may have left translations in the TLB. */
    bool flushed = invept(INVEPT_ALL_CONTEXTS, 0);
    if (capability_controls().secondary & SECONDARY_ENABLE_VPID)
        flushed = flushed && invvpid(INVVPID_ALL_CONTEXTS, 0);
    if (!flushed)
        panic("INVEPT or INVVPID failed");
}

static void partition_init(struct partition *partition)
{
    partition->nested.present_mask = EPT_READ | EPT_WRITE | EPT_EXECUTE;
    partition->nested.table_flags = EPT_READ | EPT_WRITE | EPT_EXECUTE;
    partition->nested.largest_level = capability_has_1_gib_pages() ? 2 : 1;
    partition->msr_bitmap = pool_take(1);
}

static void intercept_msr(struct partition *partition, uint32_t msr, bool read, bool write)
{
    uint8_t *bitmap = spa_to_va(partition->msr_bitmap);
    uint32_t number = msr;

    if (msr >= MSR_HIGH_NUMBERS_FIRST) {
        bitmap += MSR_BITMAP_HIGH_NUMBERS;
        number = msr - MSR_HIGH_NUMBERS_FIRST;
    }
    if (number >= MSR_RANGE_SIZE)
        return; /* exits always */
    if (read)
        bitmap[number / 8] |= 1u << number % 8;
    if (write)
        bitmap[MSR_BITMAP_WRITES + number / 8] |= 1u << number % 8;
}

static uint64_t nested_flags(unsigned access, enum memory_type type)
{
    uint64_t flags = type == MEMORY_WRITE_BACK ? EPT_MEMORY_TYPE_WB : EPT_MEMORY_TYPE_UC;
    if (access & ACCESS_READ)
        flags |= EPT_READ;
    if (access & ACCESS_WRITE)
        flags |= EPT_WRITE;
    if (access & ACCESS_EXECUTE)
        flags |= EPT_EXECUTE;
    return flags;
}

static void init_controls(const struct vp *vp)
{
    struct vmx_controls controls = capability_controls();

    vmwrite(VMCS_PIN_BASED_CONTROLS, controls.pin);
    vmwrite(VMCS_PROCESSOR_BASED_CONTROLS, controls.processor);
    vmwrite(VMCS_SECONDARY_CONTROLS, controls.secondary);
    vmwrite(VMCS_EXIT_CONTROLS, controls.exit);
    vmwrite(VMCS_ENTRY_CONTROLS, controls.entry);
    vmwrite(VMCS_MSR_BITMAP, vp->partition->msr_bitmap.value);
    vmwrite(VMCS_EPT_POINTER, vp->partition->nested.root | EPTP_WRITE_BACK | EPTP_PAGE_WALK_4);
    if (controls.secondary & SECONDARY_ENABLE_VPID)
        vmwrite(VMCS_VPID, vp->index + 1); /* 0 is the hypervisor's own */
    if (controls.secondary & SECONDARY_ENABLE_XSAVES)
        vmwrite(VMCS_XSS_EXITING_BITMAP, 0);

    vmwrite(VMCS_EXCEPTION_BITMAP, 0);
    vmwrite(VMCS_PAGE_FAULT_ERROR_CODE_MASK, 0);
    vmwrite(VMCS_PAGE_FAULT_ERROR_CODE_MATCH, 0);
    vmwrite(VMCS_CR3_TARGET_COUNT, 0);
    vmwrite(VMCS_EXIT_MSR_STORE_COUNT, 0);
    vmwrite(VMCS_EXIT_MSR_LOAD_COUNT, 0);
    vmwrite(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
    vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, 0);
}

/* What an exit loads: this LP as it is now. HOST_RSP is written by vmx_switch(). */
static void init_host_state(struct lp *lp)
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

static void vp_init(struct vp *vp)
{
    set_revision(vp->hw_state_spa);
    if (!vmclear(vp->hw_state_spa) || !vmptrld(vp->hw_state_spa))
        panic("VMCLEAR or VMPTRLD failed");
    init_controls(vp);
    init_host_state(this_lp());
    guest_own_control_registers();
}

static bool context_valid(const struct hv_initial_vp_context *context)
{
    struct vp_context_limits limits = vp_context_limits();
    return vp_context_valid(context, &limits);
}

static void inject_nmi(struct vp *vp)
{
    (void)vp; /* its VMCS is the current one */
    event_request_nmi_window();
}

const struct hw_ops vmx_ops = {
    .name = "Intel VT-x",
    .missing = capability_missing,
    .enable = enable,
    .partition_init = partition_init,
    .intercept_msr = intercept_msr,
    .vp_init = vp_init,
    .context_valid = context_valid,
    .vp_set_context = guest_set_context,
    .run = vmx_run,
    .cr4 = guest_cr4,
    .inject_nmi = inject_nmi,
    .nested_flags = nested_flags,
    .print_state = guest_print,
    .own_tss = true,
    .hypercall_instruction = {0x0f, 0x01, 0xc1},
};
