/* AMD-V backend: detection, set-up of processors, partitions and VPs. */
#include "hypervisor/svm/svm.h"

#include "hypervisor/console.h"
#include "hypervisor/panic.h"
#include "hypervisor/pool.h"
#include "hypervisor/x86/tables.h"
#include "lib/string.h"

#define CPUID_SVM_LEAF 0x8000000au

#define MSR_VM_CR 0xc0010114u
#define VM_CR_R_INIT (1ull << 1)   /* INIT becomes #SX instead of taking the processor away */
#define VM_CR_DIS_A20M (1ull << 2) /* the A20 gate has no effect on addresses */
#define VM_CR_SVM_DISABLE (1ull << 4)
#define MSR_VM_HSAVE_PA 0xc0010117u

#define ROOT_ASID 1

/* Their delivery may raise them again without end, and without an instruction boundary at which an
 * interrupt or NMI would get the LP back: children's always exit. */
#define ENDLESS_EXCEPTIONS (1u << X86_VECTOR_DB | 1u << X86_VECTOR_AC)

uint32_t svm_features __attribute__((section(".data.constant_after_boot")));
static uint32_t asid_count __attribute__((section(".data.constant_after_boot")));
static spa_t children_msrpm __attribute__((section(".data.constant_after_boot")));
static spa_t children_iopm __attribute__((section(".data.constant_after_boot")));

static const char *missing(void)
{
    uint64_t vm_cr;

    if ((cpuid(0x80000001, 0).ecx & (1u << 2)) == 0)
        return "this processor has no AMD-V (SVM).";
    if (rdmsr_try(MSR_VM_CR, &vm_cr) && vm_cr & VM_CR_SVM_DISABLE)
        return "the firmware has turned AMD-V off. Enable \"SVM\" or \"virtualization\" in the "
               "firmware setup.";
    if ((cpuid(CPUID_SVM_LEAF, 0).edx & SVM_FEATURE_NESTED_PAGING) == 0)
        return "this processor's AMD-V has no nested paging (NPT). Use a newer processor, or "
               "enable "
               "nested paging where this virtual machine is configured.";
    return NULL;
}

static void enable(struct lp *lp)
{
    uint64_t vm_cr;

    svm_features = cpuid(CPUID_SVM_LEAF, 0).edx;
    asid_count = cpuid(CPUID_SVM_LEAF, 0).ebx;
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
    wrmsr(MSR_VM_HSAVE_PA, lp->hw_page.value);
    /* Emulators lack VM_CR, or ignore what is written: docs/security.md. */
    if (rdmsr_try(MSR_VM_CR, &vm_cr))
        wrmsr(MSR_VM_CR, vm_cr | VM_CR_R_INIT | VM_CR_DIS_A20M);
}

/* MSR permission map (APM 15.11): two bits per MSR, read and write, for three ranges of 2000h MSRs.
 */
#define MSRPM_PAGES 2
#define IOPM_PAGES 3 /* I/O permission map (APM 15.10) */
#define MSRPM_RANGE_SIZE 0x2000u
#define MSRPM_RANGE_BYTES (MSRPM_RANGE_SIZE / 4)

static void set_msr_bits(uint8_t *map, uint32_t msr, bool read, bool write, bool value)
{
    static const uint32_t range_start[] = {0, 0xc0000000, 0xc0010000};

    for (unsigned i = 0; i < 3; i++) {
        uint32_t index = msr - range_start[i];
        uint8_t bits = (uint8_t)((read | write << 1) << index % 4 * 2);
        if (index >= MSRPM_RANGE_SIZE)
            continue;
        if (value)
            map[i * MSRPM_RANGE_BYTES + index / 4] |= bits;
        else
            map[i * MSRPM_RANGE_BYTES + index / 4] &= (uint8_t)~bits;
    }
}

static void intercept_msr(struct partition *partition, uint32_t msr, bool read, bool write)
{
    set_msr_bits(spa_to_va(partition->msr_bitmap), msr, read, write, true);
}

static void partition_init(struct partition *partition)
{
    partition->nested.present_mask = PTE_PRESENT;
    /* Nested tables are walked as user accesses (APM 15.25.5). */
    partition->nested.table_flags = PTE_PRESENT | PTE_WRITABLE | PTE_USER;
    partition->nested.largest_level = 2;
    partition->msr_bitmap = children_msrpm;
    if (partition_is_root(partition)) {
        partition->msr_bitmap = pool_take(MSRPM_PAGES);
        intercept_msr(partition, MSR_EFER, true, true); /* to hide SVME */
    }
}

/* What children access without an exit is switched by VMLOAD and VMSAVE. */
static void children_init(void)
{
    static const uint32_t passed[] = {
        MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_STAR,    MSR_LSTAR,
        MSR_CSTAR,       MSR_SFMASK,       MSR_FS_BASE,      MSR_GS_BASE, MSR_KERNEL_GS_BASE};

    children_msrpm = pool_take(MSRPM_PAGES);
    children_iopm = pool_take(IOPM_PAGES);
    memset(spa_to_va(children_msrpm), 0xff, MSRPM_PAGES * PAGE_SIZE);
    memset(spa_to_va(children_iopm), 0xff, IOPM_PAGES * PAGE_SIZE);
    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
        set_msr_bits(spa_to_va(children_msrpm), passed[i], true, true, false);
}

/* MTRRs apply to nested translations as well, and the guest's PAT: devices need nothing here. */
static uint64_t nested_flags(unsigned access, enum memory_type type)
{
    (void)type;
    return PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY |
           (access & ACCESS_WRITE ? PTE_WRITABLE : 0) |
           (access & ACCESS_EXECUTE ? 0 : PTE_NO_EXECUTE);
}

/* The root: no interrupt, I/O or control register access leaves the guest. Nor does RSM: the
 * firmware's SMM code runs with the guest's intercepts, and outside SMM the instruction gives #UD
 * by itself. */
static void vp_init_common(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);

    vmcb->intercept1 = INTERCEPT1_NMI | INTERCEPT1_INIT | INTERCEPT1_CPUID | INTERCEPT1_INVD |
                       INTERCEPT1_INVLPGA | INTERCEPT1_MSR | INTERCEPT1_SHUTDOWN;
    vmcb->intercept2 = INTERCEPT2_VMRUN | INTERCEPT2_VMMCALL | INTERCEPT2_VMLOAD |
                       INTERCEPT2_VMSAVE | INTERCEPT2_STGI | INTERCEPT2_CLGI | INTERCEPT2_SKINIT;
    vmcb->msrpm_base = vp->partition->msr_bitmap.value;
    vmcb->asid = ROOT_ASID;
    vmcb->nested_control = NESTED_ENABLE;
    vmcb->nested_cr3 = vp->partition->nested.root;
}

/* A child: physical interrupts are the root's; all ports, HLT, and what has no meaning in a VP. CR8
 * is written by way of the virtual local APIC, and read from V_TPR. */
static void vp_init(struct vp *vp)
{
    struct vmcb *vmcb = vmcb_of(vp);

    vp_init_common(vp);
    if (partition_is_root(vp->partition)) {
        this_lp()->flush_pending = true;
        return;
    }
    vmcb->intercept_cr = INTERCEPT_CR8_WRITE;
    vmcb->intercept1 |= INTERCEPT1_INTR | INTERCEPT1_RDPMC | INTERCEPT1_HLT | INTERCEPT1_IOIO |
                        INTERCEPT1_TASK_SWITCH;
    vmcb->intercept2 |=
        INTERCEPT2_WBINVD | INTERCEPT2_MONITOR | INTERCEPT2_MWAIT | INTERCEPT2_XSETBV;
    vmcb->virtual_interrupt = V_INTR_MASKING;
    vmcb->iopm_base = children_iopm.value;
}

static void enter_child(struct vp *root, struct vp *child)
{
    svm_vmsave(root->hw_state_spa.value);
    svm_vmload(child->hw_state_spa.value);
}

static void evict(struct vp *child)
{
    (void)child; /* nothing of it is left in the processor */
}

static uint64_t cr3(const struct vp *vp)
{
    return vmcb_of(vp)->cr3;
}

static uint64_t cr4(const struct vp *vp)
{
    return vmcb_of(vp)->cr4;
}

static uint64_t get_rsp(const struct vp *vp)
{
    return vmcb_of(vp)->rsp;
}

static void set_rip(struct vp *vp, uint64_t rip)
{
    vmcb_of(vp)->rip = rip;
}

static void set_rsp(struct vp *vp, uint64_t rsp)
{
    vmcb_of(vp)->rsp = rsp;
}

static void set_rflags(struct vp *vp, uint64_t rflags)
{
    vmcb_of(vp)->rflags = rflags;
    vp->hw_state_changed = true;
}

static void set_cr8(struct vp *vp, uint8_t value)
{
    struct vmcb *vmcb = vmcb_of(vp);

    vmcb->virtual_interrupt = (vmcb->virtual_interrupt & ~V_TPR_MASK) | value;
}

static void set_controls(struct vp *vp, uint32_t exceptions, uint64_t tsc_offset,
                         bool debug_register_exits)
{
    struct vmcb *vmcb = vmcb_of(vp);

    vmcb->intercept_exceptions = exceptions | ENDLESS_EXCEPTIONS;
    vmcb->tsc_offset = tsc_offset;
    vmcb->intercept_dr = debug_register_exits ? INTERCEPT_ALL_DR : 0;
}

static uint64_t nested_accessed(void)
{
    return PTE_ACCESSED;
}

static uint64_t nested_dirty(void)
{
    return PTE_DIRTY;
}

static uint32_t tag_count(void)
{
    return asid_count;
}

static void print_segment(const char *name, const struct vmcb_segment *s)
{
    print("%s %04x base %016llx limit %08x attributes %03x\n", name, s->selector,
          (unsigned long long)s->base, s->limit, s->attributes);
}

static void print_state(const struct vp *vp)
{
    const struct vmcb *v = vmcb_of(vp);

    svm_vmsave(vp->hw_state_spa.value);
    print("exit %llx info %llx %llx, during delivery of %llx\n", (unsigned long long)v->exit_code,
          (unsigned long long)v->exit_info1, (unsigned long long)v->exit_info2,
          (unsigned long long)v->exit_interrupt_info);
    print("rip %016llx rsp %016llx rflags %08llx cpl %u\n", (unsigned long long)v->rip,
          (unsigned long long)v->rsp, (unsigned long long)v->rflags, v->cpl);
    vp_print_gpr(vp);
    print("cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx\n", (unsigned long long)v->cr0,
          (unsigned long long)v->cr2, (unsigned long long)v->cr3, (unsigned long long)v->cr4,
          (unsigned long long)v->efer);
    print_segment("cs", &v->cs);
    print_segment("ss", &v->ss);
    print_segment("ds", &v->ds);
    print_segment("es", &v->es);
    print_segment("fs", &v->fs);
    print_segment("gs", &v->gs);
    print_segment("tr", &v->tr);
    print_segment("gdtr", &v->gdtr);
    print_segment("idtr", &v->idtr);
}

extern const char svm_code[], svm_code_end[]; /* linker */

const struct hw_ops svm_ops = {
    .code_start = svm_code,
    .code_end = svm_code_end,
    .name = "AMD-V",
    .missing = missing,
    .enable = enable,
    .partition_init = partition_init,
    .intercept_msr = intercept_msr,
    .vp_init = vp_init,
    .children_init = children_init,
    .run = svm_run,
    .enter_child = enter_child,
    .leave_child = enter_child, /* the same, the other way round */
    .evict = evict,
    .cr3 = cr3,
    .cr4 = cr4,
    .get_registers = svm_get_registers,
    .set_registers = svm_set_registers,
    .get_code = svm_get_code,
    .instruction_length = svm_instruction_length,
    .show_header = svm_show_header,
    .get_rsp = get_rsp,
    .set_rip = set_rip,
    .set_rsp = set_rsp,
    .set_rflags = set_rflags,
    .skip_instruction = svm_skip_instruction,
    .inject_exception = svm_inject_exception,
    .inject_nmi = svm_inject_nmi,
    .can_take_interrupt = svm_can_take_interrupt,
    .inject_interrupt = svm_inject_interrupt,
    .request_interrupt_window = svm_request_interrupt_window,
    .set_cr8 = set_cr8,
    .set_controls = set_controls,
    .nested_flags = nested_flags,
    .nested_accessed = nested_accessed,
    .nested_dirty = nested_dirty,
    .tag_count = tag_count,
    .print_state = print_state,
    .own_tss = false,
    .hypercall_instruction = {0x0f, 0x01, 0xd9},
};
