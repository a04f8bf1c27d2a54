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

uint32_t svm_features __attribute__((section(".data.constant_after_boot")));

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
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
    wrmsr(MSR_VM_HSAVE_PA, lp->hw_page.value);
    /* Emulators lack VM_CR, or ignore what is written: docs/security.md. */
    if (rdmsr_try(MSR_VM_CR, &vm_cr))
        wrmsr(MSR_VM_CR, vm_cr | VM_CR_R_INIT | VM_CR_DIS_A20M);
}

/* MSR permission map (APM 15.11): two bits per MSR, read and write, for three ranges of 2000h MSRs.
 */
#define MSRPM_PAGES 2
#define MSRPM_RANGE_SIZE 0x2000u
#define MSRPM_RANGE_BYTES (MSRPM_RANGE_SIZE / 4)

static void intercept_msr(struct partition *partition, uint32_t msr, bool read, bool write)
{
    static const uint32_t range_start[] = {0, 0xc0000000, 0xc0010000};
    uint8_t *map = spa_to_va(partition->msr_bitmap);

    for (unsigned i = 0; i < 3; i++) {
        uint32_t index = msr - range_start[i];
        if (index < MSRPM_RANGE_SIZE)
            map[i * MSRPM_RANGE_BYTES + index / 4] |=
                (uint8_t)((read | write << 1) << index % 4 * 2);
    }
}

static void partition_init(struct partition *partition)
{
    partition->nested.present_mask = PTE_PRESENT;
    /* Nested tables are walked as user accesses (APM 15.25.5). */
    partition->nested.table_flags = PTE_PRESENT | PTE_WRITABLE | PTE_USER;
    partition->nested.largest_level = 2;
    partition->msr_bitmap = pool_take(MSRPM_PAGES);
    intercept_msr(partition, MSR_EFER, true, true); /* to hide SVME */
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
static void vp_init(struct vp *vp)
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
    vp->nested_flush = true;
}

/* VMCB attributes leave out the four bits that descriptors and VMX have between (APM 15.5.1). */
static struct vmcb_segment segment(const struct hv_x64_segment_register *s)
{
    return (struct vmcb_segment){
        .selector = s->selector,
        .attributes = (uint16_t)((s->attributes & 0xff) | (s->attributes >> 4 & 0xf00)),
        .limit = s->limit,
        .base = s->base,
    };
}

static struct vmcb_segment table(const struct hv_x64_table_register *t)
{
    return (struct vmcb_segment){.limit = t->limit, .base = t->base};
}

static void vp_set_context(struct vp *vp, const struct hv_initial_vp_context *c, uint64_t rdi)
{
    struct vmcb *vmcb = vmcb_of(vp);

    vmcb->cs = segment(&c->cs);
    vmcb->ds = segment(&c->ds);
    vmcb->es = segment(&c->es);
    vmcb->fs = segment(&c->fs);
    vmcb->gs = segment(&c->gs);
    vmcb->ss = segment(&c->ss);
    vmcb->tr = segment(&c->tr);
    vmcb->ldtr = segment(&c->ldtr);
    vmcb->gdtr = table(&c->gdtr);
    vmcb->idtr = table(&c->idtr);
    vmcb->cpl = (uint8_t)(c->ss.attributes >> 5 & 3);
    vmcb->efer = c->efer | EFER_SVME;
    vmcb->cr0 = c->cr0;
    vmcb->cr3 = c->cr3;
    vmcb->cr4 = c->cr4;
    vmcb->guest_pat = c->msr_cr_pat;
    vmcb->rip = c->rip;
    vmcb->rsp = c->rsp;
    vmcb->rflags = c->rflags;
    vmcb->dr6 = 0xffff0ff0;
    vmcb->dr7 = 0x400;
    memset(vp->gpr, 0, sizeof(vp->gpr));
    vp->gpr[GPR_RDI] = rdi;
    svm_vmload(vp->hw_state_spa.value);
}

static uint64_t cr4(const struct vp *vp)
{
    return vmcb_of(vp)->cr4;
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

const struct hw_ops svm_ops = {
    .name = "AMD-V",
    .missing = missing,
    .enable = enable,
    .partition_init = partition_init,
    .intercept_msr = intercept_msr,
    .vp_init = vp_init,
    .vp_set_context = vp_set_context,
    .run = svm_run,
    .cr4 = cr4,
    .inject_nmi = svm_inject_nmi,
    .nested_flags = nested_flags,
    .print_state = print_state,
    .own_tss = false,
    .hypercall_instruction = {0x0f, 0x01, 0xd9},
};
