/* The Intel VT-x backend: set-up of LPs, partitions and VPs, and the table of operations. */
#include <stddef.h>

#include "hypervisor/hw.h"
#include "hypervisor/panic.h"
#include "hypervisor/pool.h"
#include "hypervisor/reftime.h"
#include "hypervisor/vmx/capability.h"
#include "hypervisor/vmx/event.h"
#include "hypervisor/vmx/exit.h"
#include "hypervisor/vmx/guest.h"
#include "hypervisor/vmx/vmcs.h"
#include "hypervisor/vmx/world.h"
#include "lib/page_table.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

/* MSR bitmap (Intel SDM vol. 3, 24.6.9): one bit per MSR in four parts of 1 KiB, for reads of low
 * and high numbers, then for writes. */
#define MSR_BITMAP_HIGH_NUMBERS 0x400u
#define MSR_BITMAP_WRITES 0x800u
#define MSR_RANGE_SIZE 0x2000u
#define MSR_HIGH_NUMBERS_FIRST 0xc0000000u

#define ROOT_VPID 1u /* 0 is the hypervisor's own */
#define VPID_COUNT 0x10000u

static spa_t children_msr_bitmap __attribute__((section(".data.constant_after_boot")));

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
}

/* Finds the bit for reads of @msr; that for writes is MSR_BITMAP_WRITES behind it. False: an MSR
 * that the bitmap does not cover exits always. */
static bool find_msr_bit(spa_t bitmap, uint32_t msr, uint8_t **byte, uint8_t *bit)
{
    uint32_t number = msr;

    *byte = spa_to_va(bitmap);
    if (msr >= MSR_HIGH_NUMBERS_FIRST) {
        *byte += MSR_BITMAP_HIGH_NUMBERS;
        number = msr - MSR_HIGH_NUMBERS_FIRST;
    }
    *byte += number / 8;
    *bit = (uint8_t)(1u << number % 8);
    return number < MSR_RANGE_SIZE;
}

static void intercept_msr(struct partition *partition, uint32_t msr, bool read, bool write)
{
    uint8_t *byte, bit;

    if (!find_msr_bit(partition->msr_bitmap, msr, &byte, &bit))
        return;
    if (read)
        byte[0] |= bit;
    if (write)
        byte[MSR_BITMAP_WRITES] |= bit;
}

static void pass_to_children(uint32_t msr, bool write)
{
    uint8_t *byte, bit;

    if (!find_msr_bit(children_msr_bitmap, msr, &byte, &bit))
        return;
    byte[0] &= (uint8_t)~bit;
    if (write)
        byte[MSR_BITMAP_WRITES] &= (uint8_t)~bit;
}

/* What VMCS and world switch have of a child's own. LMA follows from EFER.LME and CR0.PG by itself,
 * and the entry control from LMA (unrestricted guest). */
static void children_init(void)
{
    static const uint32_t passed[] = {MSR_SYSENTER_CS, MSR_SYSENTER_ESP,  MSR_SYSENTER_EIP,
                                      MSR_PAT,         MSR_EFER,          MSR_FS_BASE,
                                      MSR_GS_BASE,     MSR_KERNEL_GS_BASE};

    children_msr_bitmap = pool_take(1);
    memset(spa_to_va(children_msr_bitmap), 0xff, PAGE_SIZE);
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        pass_to_children(passed[i], true);
    for (uint32_t i = 0; i < SYSCALL_MSRS; i++)
        pass_to_children(MSR_STAR + i, false);
}

static void partition_init(struct partition *partition)
{
    partition->nested.present_mask = EPT_READ | EPT_WRITE | EPT_EXECUTE;
    partition->nested.table_flags = EPT_READ | EPT_WRITE | EPT_EXECUTE;
    partition->nested.largest_level = capability_has_1_gib_pages() ? 2 : 1;
    partition->msr_bitmap = children_msr_bitmap;
    if (!partition_is_root(partition))
        return;
    partition->msr_bitmap = pool_take(1);
    for (uint32_t i = 0; i < SYSCALL_MSRS; i++)
        intercept_msr(partition, MSR_STAR + i, false, true);
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

/* Bochs 2.7 enters a guest that has RFLAGS.IF clear with physical interrupts masked, whatever the
 * pin-based controls say. So a child is left after a millisecond at the latest, counted anew from
 * each entry, and the root looks for its interrupts itself. */
static uint64_t preemption_ticks(void)
{
    return reftime_tsc_frequency() / 1000 >> (rdmsr(MSR_VMX_MISC) & VMX_MISC_TIMER_RATE);
}

static void init_controls(const struct vp *vp, bool root)
{
    struct vmx_controls controls = capability_controls(root);
    uint64_t eptp = vp->partition->nested.root | EPTP_WRITE_BACK | EPTP_PAGE_WALK_4;
    if (!root && capability_has_accessed_dirty())
        eptp |= EPTP_ACCESSED_DIRTY;

    vmwrite(VMCS_PIN_BASED_CONTROLS, controls.pin);
    if (controls.pin & PIN_PREEMPTION_TIMER)
        vmwrite(VMCS_PREEMPTION_TIMER_VALUE, preemption_ticks());
    vmwrite(VMCS_PROCESSOR_BASED_CONTROLS, controls.processor);
    vmwrite(VMCS_SECONDARY_CONTROLS, controls.secondary);
    vmwrite(VMCS_EXIT_CONTROLS, controls.exit);
    vmwrite(VMCS_ENTRY_CONTROLS, controls.entry);
    vmwrite(VMCS_MSR_BITMAP, vp->partition->msr_bitmap.value);
    vmwrite(VMCS_EPT_POINTER, eptp);
    if (controls.secondary & SECONDARY_ENABLE_VPID)
        vmwrite(VMCS_VPID, ROOT_VPID); /* of children: at world switches */
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

static void vp_init(struct vp *vp)
{
    bool root = partition_is_root(vp->partition);
    struct lp *lp = this_lp();

    set_revision(vp->hw_state_spa);
    if (!vmclear(vp->hw_state_spa) || !vmptrld(&vp->hw_state_spa))
        panic("VMCLEAR or VMPTRLD failed");
    init_controls(vp, root);
    guest_own_control_registers(root);
    if (!root) {
        if (!vmclear(vp->hw_state_spa) || !vmptrld(&lp->vp->hw_state_spa))
            panic("VMCLEAR or VMPTRLD failed");
        return;
    }
    world_set_host_state(lp);
    for (uint32_t i = 0; i < SYSCALL_MSRS; i++)
        vp->syscall_msrs[i] = rdmsr(MSR_STAR + i);
}

static uint64_t cr3(const struct vp *vp)
{
    (void)vp; /* its VMCS is the current one; so below */
    return vmread(VMCS_GUEST_CR3);
}

static uint64_t get_rsp(const struct vp *vp)
{
    (void)vp;
    return vmread(VMCS_GUEST_RSP);
}

static void set_rip(struct vp *vp, uint64_t rip)
{
    (void)vp;
    vmwrite(VMCS_GUEST_RIP, rip);
}

static void set_rsp(struct vp *vp, uint64_t rsp)
{
    (void)vp;
    vmwrite(VMCS_GUEST_RSP, rsp);
}

/* MOV from CR8 exits. */
static void set_cr8(struct vp *vp, uint8_t value)
{
    (void)vp;
    (void)value;
}

static uint64_t nested_accessed(void)
{
    return capability_has_accessed_dirty() ? EPT_ACCESSED : 0;
}

static uint64_t nested_dirty(void)
{
    return capability_has_accessed_dirty() ? EPT_DIRTY : 0;
}

static uint32_t tag_count(void)
{
    return capability_has_vpid() ? VPID_COUNT : 1;
}

extern const char vmx_code[], vmx_code_end[]; /* linker */

const struct hw_ops vmx_ops = {
    .code_start = vmx_code,
    .code_end = vmx_code_end,
    .name = "Intel VT-x",
    .missing = capability_missing,
    .enable = enable,
    .partition_init = partition_init,
    .children_init = children_init,
    .intercept_msr = intercept_msr,
    .vp_init = vp_init,
    .run = vmx_run,
    .enter_child = world_enter_child,
    .leave_child = world_leave_child,
    .evict = world_evict,
    .cr4 = guest_cr4,
    .cr3 = cr3,
    .get_registers = guest_get_registers,
    .set_registers = guest_set_registers,
    .get_code = guest_get_code,
    .instruction_length = vmx_instruction_length,
    .show_header = guest_show_header,
    .get_rsp = get_rsp,
    .set_rip = set_rip,
    .set_rsp = set_rsp,
    .set_rflags = event_set_rflags,
    .skip_instruction = event_skip_instruction,
    .inject_exception = event_inject_exception,
    .inject_nmi = event_request_nmi,
    .can_take_interrupt = event_can_take_interrupt,
    .inject_interrupt = event_inject_interrupt,
    .request_interrupt_window = event_request_interrupt_window,
    .set_cr8 = set_cr8,
    .set_controls = vmx_set_controls,
    .nested_flags = nested_flags,
    .nested_accessed = nested_accessed,
    .nested_dirty = nested_dirty,
    .tag_count = tag_count,
    .print_state = guest_print,
    .own_tss = true,
    .hypercall_instruction = {0x0f, 0x01, 0xc1},
};
