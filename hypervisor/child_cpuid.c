/* CPUID as a child sees it: the machine's answers, as far as they are known to be harmless. What is
 * not listed here does not exist for it. Bits: Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix E.
 */
#include "hypervisor/atomic.h"
#include "hypervisor/cpuid.h"
#include "hypervisor/fpu.h"
#include "hypervisor/intercept.h"
#include "hypervisor/root.h"
#include "include/hv/cpuid.h"

#define BIT(n) (1u << (n))
#define BITS(first, last) ((2u << (last)) - (1u << (first)))

#define MAX_BASIC_LEAF 0x1fu
#define MAX_EXTENDED_LEAF 0x8000001eu

/* SSE3, PCLMULQDQ, SSSE3, FMA, CMPXCHG16B, PCID, SSE4.1, SSE4.2, MOVBE, POPCNT, AES, XSAVE,
 * OSXSAVE, AVX, F16C, RDRAND. */
#define LEAF_1_ECX                                                                                 \
    (BITS(0, 1) | BIT(9) | BITS(12, 13) | BIT(17) | BITS(19, 20) | BITS(22, 23) | BITS(25, 30))
/* What the virtual APIC has, whatever the machine's has: x2APIC, TSC deadline. */
#define LEAF_1_ECX_ALWAYS (BIT(21) | BIT(24))
/* FPU, VME, DE, PSE, TSC, MSR, PAE, MCE, CX8, APIC; SEP, MTRR, PGE, MCA, CMOV, PAT, PSE36; CLFLUSH;
 * MMX, FXSR, SSE, SSE2, SS. */
#define LEAF_1_EDX (BITS(0, 9) | BITS(11, 17) | BIT(19) | BITS(23, 27))
#define LEAF_1_EDX_APIC BIT(9)
#define LEAF_1_EDX_HTT BIT(28)
#define LEAF_6_EAX_ARAT BIT(2) /* the APIC timer never stops */
/* FSGSBASE, BMI1, AVX2, FDP on exceptions only, SMEP, BMI2, ERMS, INVPCID, no FPU CS and DS;
 * AVX512F, DQ, RDSEED, ADX, SMAP, IFMA; CLFLUSHOPT, CLWB; AVX512CD, SHA, BW, VL. */
#define LEAF_7_EBX                                                                                 \
    (BIT(0) | BIT(3) | BITS(5, 10) | BIT(13) | BITS(16, 21) | BITS(23, 24) | BITS(28, 31))
#define LEAF_7_EBX_TSC_ADJUST BIT(1)
/* VBMI, UMIP, PKU, OSPKE; VBMI2; GFNI, VAES, VPCLMULQDQ, VNNI, BITALG; VPOPCNTDQ; RDPID; MOVDIRI,
 * MOVDIR64B. */
#define LEAF_7_ECX (BITS(1, 4) | BIT(6) | BITS(8, 12) | BIT(14) | BIT(22) | BITS(27, 28))
/* FSRM, VP2INTERSECT, MD_CLEAR (VERW), SERIALIZE, FP16. */
#define LEAF_7_EDX (BIT(4) | BIT(8) | BIT(10) | BIT(14) | BIT(23))
#define LEAF_D_1_EAX BITS(0, 2) /* XSAVEOPT, XSAVEC, XGETBV with ECX = 1 */
/* LAHF, CmpLegacy; LZCNT, SSE4A, misaligned SSE, PREFETCHW; XOP; FMA4; TBM, topology extensions. */
#define LEAF_80000001_ECX (BITS(0, 1) | BITS(5, 8) | BIT(11) | BIT(16) | BITS(21, 22))
/* As leaf 1 on AMD; SYSCALL; NX, MMX extensions, FFXSR, 1 GiB pages, RDTSCP, long mode, 3DNow. */
#define LEAF_80000001_EDX (BITS(0, 9) | BITS(11, 17) | BIT(20) | BITS(22, 27) | BITS(29, 31))
#define LEAF_80000007_EDX BIT(8) /* invariant TSC */
#define LEAF_80000008_EBX BIT(2) /* FXSAVE always saves error pointers */
#define LINEAR_ADDRESS_BITS 48u  /* children have no LA57 */

#define TOPOLOGY_SMT BIT(8)
#define TOPOLOGY_CORE BIT(9)

#define CHILD_PRIVILEGES_LOW                                                                       \
    (HV_ACCESS_VP_RUN_TIME | HV_ACCESS_PARTITION_REFERENCE_COUNTER | HV_ACCESS_SYNIC |             \
     HV_ACCESS_SYNTHETIC_TIMERS | HV_ACCESS_APIC_MSRS | HV_ACCESS_HYPERCALL_MSRS |                 \
     HV_ACCESS_VP_INDEX | HV_ACCESS_RESET_MSR | HV_ACCESS_PARTITION_REFERENCE_TSC |                \
     HV_ACCESS_GUEST_IDLE_MSR | HV_ACCESS_FREQUENCY_MSRS)
#define CHILD_PRIVILEGES_HIGH (HV_ACCESS_PARTITION_ID | HV_POST_MESSAGES | HV_SIGNAL_EVENTS)

static bool machine_tsc_is_invariant(void)
{
    return cpuid(0x80000000, 0).eax >= 0x80000007 && cpuid(0x80000007, 0).edx & LEAF_80000007_EDX;
}

uint64_t child_privileges(void)
{
    uint64_t privileges = (uint64_t)CHILD_PRIVILEGES_HIGH << 32 | CHILD_PRIVILEGES_LOW;

    return machine_tsc_is_invariant() ? privileges | HV_ACCESS_TSC_INVARIANT : privileges;
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
    return value < limit ? value : limit;
}

/* One package, whose cores are the VPs; an APIC id is a VP index. Bits of it that number cores. */
static unsigned core_bits(const struct vp *vp)
{
    uint32_t count = vp->partition->vp_count;

    return count <= 1 ? 0 : 32 - (unsigned)__builtin_clz(count - 1);
}

static void leaf_1(const struct vp *vp, struct cpuid_result *r)
{
    unsigned bits = core_bits(vp);

    r->ebx = (r->ebx & 0xffff) | BIT(bits) << 16 | vp->index << 24;
    r->ecx = cpuid_follow_cr4(vp, r->ecx & LEAF_1_ECX, CPUID_1_ECX_OSXSAVE, CR4_OSXSAVE) |
             LEAF_1_ECX_ALWAYS;
    if (!vp->partition->hypervisor_hidden)
        r->ecx |= CPUID_1_ECX_HYPERVISOR;
    r->edx &= LEAF_1_EDX;
    if (!(vp->lapic.base & APIC_BASE_ENABLE)) /* Intel SDM vol. 3, 10.4.3 */
        r->edx &= ~LEAF_1_EDX_APIC;
    if (bits != 0)
        r->edx |= LEAF_1_EDX_HTT;
}

static void leaf_7(const struct vp *vp, uint32_t subleaf, struct cpuid_result *r)
{
    r->eax = 0; /* the last subleaf */
    r->ebx = (r->ebx & LEAF_7_EBX) | LEAF_7_EBX_TSC_ADJUST;
    r->ecx = cpuid_follow_cr4(vp, r->ecx & LEAF_7_ECX, CPUID_7_ECX_OSPKE, CR4_PKE);
    r->edx &= LEAF_7_EDX;
    if (subleaf != 0)
        *r = (struct cpuid_result){0};
}

/* Caches (4 and 8000001Dh): the first two levels are a VP's own, others shared by all. */
static void cache_leaf(const struct vp *vp, uint32_t leaf, struct cpuid_result *r)
{
    uint32_t last = BIT(core_bits(vp)) - 1, type = r->eax & 0x1f, level = r->eax >> 5 & 7;

    if (type == 0)
        return;
    r->eax = (r->eax & 0x3fff) | (level > 2 ? last : 0) << 14;
    if (leaf == 4)
        r->eax |= at_most(last, 63) << 26;
}

static void topology_leaf(const struct vp *vp, uint32_t subleaf, struct cpuid_result *r)
{
    *r = (struct cpuid_result){.ecx = subleaf & 0xff, .edx = vp->index};
    if (subleaf == 0) {
        r->ebx = 1;
        r->ecx |= TOPOLOGY_SMT;
    } else if (subleaf == 1) {
        r->eax = core_bits(vp);
        r->ebx = vp->partition->vp_count;
        r->ecx |= TOPOLOGY_CORE;
    }
}

/* XSAVE. CPUID ran with the guest's XCR0, so it knows the size that is in use. */
static struct cpuid_result xsave_leaf(uint32_t subleaf, struct cpuid_result r)
{
    uint64_t components = fpu_supported_xcr0() & FPU_CHILD_XCR0;

    if (components == 0)
        return (struct cpuid_result){0};
    if (subleaf == 1)
        return (struct cpuid_result){.eax = r.eax & LEAF_D_1_EAX, .ebx = r.ebx};
    if (subleaf != 0) {
        bool there = subleaf < 64 && components >> subleaf & 1;
        return there ? (struct cpuid_result){r.eax, r.ebx, r.ecx & BIT(1), 0}
                     : (struct cpuid_result){0};
    }
    r.ecx = 512 + 64; /* legacy region and header */
    for (uint32_t i = 2; components >> i != 0; i++) {
        struct cpuid_result part = cpuid(0xd, i); /* size and offset; 0 if it does not exist */
        if (components >> i & 1 && part.eax + part.ebx > r.ecx)
            r.ecx = part.eax + part.ebx;
    }
    r.eax = (uint32_t)components;
    r.edx = (uint32_t)(components >> 32);
    return r;
}

static void leaf_80000008(const struct vp *vp, struct cpuid_result *r)
{
    r->eax = LINEAR_ADDRESS_BITS << 8 | (uint32_t)__builtin_ctzll(root_address_end);
    r->ebx &= LEAF_80000008_EBX;
    r->ecx = core_bits(vp) << 12 | (vp->partition->vp_count - 1);
    r->edx = 0;
}

/* Makes of the machine's answer @r the child's. */
static void filter(const struct vp *vp, uint32_t leaf, uint32_t subleaf, struct cpuid_result *r)
{
    const struct partition *partition = vp->partition;

    switch (leaf) {
    case 0:
        r->eax = at_most(r->eax, MAX_BASIC_LEAF);
        return;
    case 1:
        leaf_1(vp, r);
        return;
    case 4:
    case 0x8000001d:
        cache_leaf(vp, leaf, r);
        return;
    case 6:
        *r = (struct cpuid_result){.eax = LEAF_6_EAX_ARAT};
        return;
    case 7:
        leaf_7(vp, subleaf, r);
        return;
    case 0xb:
    case 0x1f:
        topology_leaf(vp, subleaf, r);
        return;
    case 0xd:
        *r = xsave_leaf(subleaf, *r);
        return;
    case 0x80000000:
        r->eax = at_most(r->eax, MAX_EXTENDED_LEAF);
        return;
    case 0x80000001:
        r->ecx &= LEAF_80000001_ECX;
        r->edx &= LEAF_80000001_EDX;
        return;
    case 0x80000007: /* while the guest does not know of invariance it uses our reference time */
        if (!partition->invariant_tsc && !partition->hypervisor_hidden)
            r->edx = 0;
        *r = (struct cpuid_result){.edx = r->edx & LEAF_80000007_EDX};
        return;
    case 0x80000008:
        leaf_80000008(vp, r);
        return;
    case 0x8000001e:
        *r = (struct cpuid_result){.eax = vp->index, .ebx = vp->index};
        return;
    case 2:          /* caches and TLBs */
    case 0x80000002: /* the processor's name */
    case 0x80000003:
    case 0x80000004:
    case 0x80000005: /* caches and TLBs */
    case 0x80000006:
    case 0x80000019:
        return;
    default:
        *r = (struct cpuid_result){0};
    }
}

static bool is_hypervisor_leaf(uint32_t leaf)
{
    return leaf >= HV_CPUID_VENDOR_AND_MAX_FUNCTIONS && leaf <= HV_CPUID_RANGE_LAST;
}

/* What a child is told unless its parent has rules. */
static void answer(const struct vp *vp, uint32_t leaf, uint32_t subleaf, struct cpuid_result *r)
{
    if (is_hypervisor_leaf(leaf)) {
        if (!vp->partition->hypervisor_hidden) {
            *r = cpuid_hypervisor_leaf(vp, leaf);
            return;
        }
        leaf = at_most(cpuid(0, 0).eax, MAX_BASIC_LEAF); /* as of any leaf that is too high */
    }
    *r = cpuid(leaf, subleaf);
    filter(vp, leaf, subleaf, r);
}

/* --- The parent's rules ---
 *
 * They may change while VPs look at them: a new one counts when it is complete, and one that is
 * replaced may be seen half old and half new for a moment. */

#define MAX_RULES (PAGE_SIZE / sizeof(struct cpuid_rule))

static bool for_same(const struct cpuid_rule *a, const struct cpuid_rule *b)
{
    return a->leaf == b->leaf && a->kind == b->kind &&
           (a->kind != CPUID_RULE_SUBLEAF || a->subleaf == b->subleaf);
}

enum hv_status child_cpuid_set_rule(struct partition *partition, const struct cpuid_rule *rule)
{
    uint32_t count = partition->cpuid_rule_count, i = 0;

    if (partition->cpuid_rules == NULL) {
        spa_t page = partition_take_page(partition);
        if (page.value == 0)
            return HV_STATUS_INSUFFICIENT_MEMORY;
        partition->cpuid_rules = spa_to_va(page);
    }
    while (i < count && !for_same(&partition->cpuid_rules[i], rule))
        i++;
    if (i == MAX_RULES)
        return HV_STATUS_INSUFFICIENT_BUFFERS;
    partition->cpuid_rules[i] = *rule;
    if (i == count)
        atomic_store(&partition->cpuid_rule_count, count + 1);
    partition->cpuid_rule_leaves |= CPUID_RULE_BIT(rule->leaf);
    return HV_STATUS_SUCCESS;
}

static uint32_t replace(uint32_t old, uint32_t value, uint32_t mask)
{
    return (old & ~mask) | (value & mask);
}

/* Applies the rules for a leaf, in the order in which they came first. Result: the parent wants to
 * be asked. */
static bool apply_rules(const struct partition *partition, uint32_t leaf, uint32_t subleaf,
                        struct cpuid_result *result)
{
    uint32_t count = atomic_load(&partition->cpuid_rule_count);
    bool intercept = false;

    for (const struct cpuid_rule *rule = partition->cpuid_rules; count-- > 0; rule++) {
        if (rule->leaf != leaf || (rule->kind == CPUID_RULE_SUBLEAF && rule->subleaf != subleaf))
            continue;
        intercept |= rule->intercept;
        result->eax = replace(result->eax, rule->value.eax, rule->mask.eax);
        result->ebx = replace(result->ebx, rule->value.ebx, rule->mask.ebx);
        result->ecx = replace(result->ecx, rule->value.ecx, rule->mask.ecx);
        result->edx = replace(result->edx, rule->value.edx, rule->mask.edx);
    }
    return intercept;
}

enum exit_action child_cpuid(struct vp *vp)
{
    volatile uint64_t *gpr = vp->gpr;
    uint32_t leaf = (uint32_t)gpr[GPR_RAX], subleaf = (uint32_t)gpr[GPR_RCX];
    struct cpuid_result r;

    answer(vp, leaf, subleaf, &r);
    if (vp->partition->cpuid_rule_leaves & CPUID_RULE_BIT(leaf) &&
        apply_rules(vp->partition, leaf, subleaf, &r))
        return intercept_cpuid(vp, &r);
    gpr[GPR_RAX] = r.eax;
    gpr[GPR_RBX] = r.ebx;
    gpr[GPR_RCX] = r.ecx;
    gpr[GPR_RDX] = r.edx;
    return EXIT_SKIP;
}
