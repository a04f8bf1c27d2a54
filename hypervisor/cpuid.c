/* CPUID: the hypervisor's leaves (TLFS 2.3, 2.4), and the processor's as the root partition sees
 * them, without virtualization features. */
#include "hypervisor/cpuid.h"

#include "hypervisor/hw.h"
#include "include/version.h"
#include "include/hv/cpuid.h"

#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_1_ECX_SMX (1u << 6)
#define CPUID_7_EBX_SGX (1u << 2)
#define CPUID_7_EBX_PT (1u << 25)
#define CPUID_7_ECX_SGX_LC (1u << 30)
#define CPUID_80000001_ECX_SVM (1u << 2)
#define CPUID_80000001_ECX_SKINIT (1u << 12)

#define HARDWARE_FEATURE_MSR_BITMAPS (1u << 1)
#define HARDWARE_FEATURE_SECOND_LEVEL_PAGING (1u << 3)

#define ROOT_PRIVILEGES_LOW                                                                        \
    (HV_ACCESS_PARTITION_REFERENCE_COUNTER | HV_ACCESS_SYNIC | HV_ACCESS_HYPERCALL_MSRS |          \
     HV_ACCESS_VP_INDEX | HV_ACCESS_FREQUENCY_MSRS)
#define ROOT_PRIVILEGES_HIGH                                                                       \
    (HV_CREATE_PARTITIONS | HV_ACCESS_PARTITION_ID | HV_POST_MESSAGES | HV_SIGNAL_EVENTS |         \
     HV_CREATE_PORT | HV_CONNECT_PORT | HV_CPU_MANAGEMENT)

#define CHILD_RECOMMENDATIONS                                                                      \
    (HV_RECOMMEND_REMOTE_TLB_FLUSH | HV_RECOMMEND_RELAXED_TIMING |                                 \
     HV_RECOMMEND_AUTO_EOI_DEPRECATED | HV_RECOMMEND_CLUSTER_IPI |                                 \
     HV_RECOMMEND_EX_PROCESSOR_MASKS)

static struct cpuid_result features(const struct partition *partition)
{
    struct cpuid_result r = {(uint32_t)partition->privileges,
                             (uint32_t)(partition->privileges >> 32), 0,
                             HV_FEATURE_GUEST_CRASH_MSRS};

    if (partition_is_root(partition))
        r = (struct cpuid_result){ROOT_PRIVILEGES_LOW, ROOT_PRIVILEGES_HIGH, 0, 0};
    if (r.eax & HV_ACCESS_FREQUENCY_MSRS)
        r.edx |= HV_FEATURE_FREQUENCY_MSRS_AVAILABLE;
    if (r.eax & HV_ACCESS_GUEST_IDLE_MSR)
        r.edx |= HV_FEATURE_GUEST_IDLE;
    if (r.eax & HV_ACCESS_SYNTHETIC_TIMERS)
        r.edx |= HV_FEATURE_DIRECT_SYNTHETIC_TIMERS;
    return r;
}

static uint32_t recommendations(const struct partition *partition)
{
    if (partition_is_root(partition))
        return 0;
    if (partition->privileges & HV_ACCESS_APIC_MSRS)
        return CHILD_RECOMMENDATIONS | HV_RECOMMEND_APIC_MSRS;
    return CHILD_RECOMMENDATIONS;
}

struct cpuid_result cpuid_hypervisor_leaf(const struct vp *vp, uint32_t leaf)
{
    const struct partition *partition = vp->partition;

    switch (leaf) {
    case HV_CPUID_VENDOR_AND_MAX_FUNCTIONS:
        return (struct cpuid_result){HV_CPUID_MAX_LEAF, HV_CPUID_VENDOR_EBX, HV_CPUID_VENDOR_ECX,
                                     HV_CPUID_VENDOR_EDX};
    case HV_CPUID_INTERFACE:
        return (struct cpuid_result){.eax = HV_CPUID_INTERFACE_SIGNATURE};
    case HV_CPUID_VERSION:
        return (struct cpuid_result){.eax = VENEER_BUILD,
                                     .ebx = VENEER_VERSION_MAJOR << 16 | VENEER_VERSION_MINOR};
    case HV_CPUID_FEATURES:
        return features(partition);
    case HV_CPUID_ENLIGHTENMENT_INFO:
        return (struct cpuid_result){.eax = recommendations(partition),
                                     .ebx = UINT32_MAX}; /* spin without telling us */
    case HV_CPUID_IMPLEMENT_LIMITS:
        return (struct cpuid_result){
            partition_is_root(partition) ? partition->vp_count : PARTITION_MAX_VPS, lp_count, 0, 0};
    case HV_CPUID_HARDWARE_FEATURES:
        return (struct cpuid_result){.eax = HARDWARE_FEATURE_MSR_BITMAPS |
                                            HARDWARE_FEATURE_SECOND_LEVEL_PAGING};
    default:
        return (struct cpuid_result){0};
    }
}

uint32_t cpuid_follow_cr4(const struct vp *vp, uint32_t value, uint32_t bit, uint64_t cr4_bit)
{
    value &= ~bit;
    return hw->cr4(vp) & cr4_bit ? value | bit : value;
}

static struct cpuid_result root_leaf(const struct vp *vp, uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_result r = cpuid(leaf, subleaf);

    switch (leaf) {
    case 1:
        r.ecx &= ~(CPUID_1_ECX_VMX | CPUID_1_ECX_SMX);
        r.ecx |= CPUID_1_ECX_HYPERVISOR;
        r.ecx = cpuid_follow_cr4(vp, r.ecx, CPUID_1_ECX_OSXSAVE, CR4_OSXSAVE);
        break;
    case 7:
        if (subleaf == 0) {
            r.ebx &= ~(CPUID_7_EBX_SGX | CPUID_7_EBX_PT);
            r.ecx &= ~CPUID_7_ECX_SGX_LC;
            r.ecx = cpuid_follow_cr4(vp, r.ecx, CPUID_7_ECX_OSPKE, CR4_PKE);
        }
        break;
    case 0x12:       /* SGX */
    case 0x14:       /* processor trace */
    case 0x8000000a: /* SVM */
        r = (struct cpuid_result){0};
        break;
    case 0x80000001:
        r.ecx &= ~(CPUID_80000001_ECX_SVM | CPUID_80000001_ECX_SKINIT);
        break;
    }
    return r;
}

/* Not inlined: a child's CPUID is to have few registers to save. */
static __attribute__((noinline)) enum exit_action root_cpuid(struct vp *vp)
{
    uint32_t leaf = (uint32_t)vp->gpr[GPR_RAX], subleaf = (uint32_t)vp->gpr[GPR_RCX];
    struct cpuid_result r;

    if (leaf >= HV_CPUID_VENDOR_AND_MAX_FUNCTIONS && leaf <= HV_CPUID_RANGE_LAST)
        r = cpuid_hypervisor_leaf(vp, leaf);
    else
        r = root_leaf(vp, leaf, subleaf);
    vp->gpr[GPR_RAX] = r.eax;
    vp->gpr[GPR_RBX] = r.ebx;
    vp->gpr[GPR_RCX] = r.ecx;
    vp->gpr[GPR_RDX] = r.edx;
    return EXIT_SKIP;
}

enum exit_action exit_cpuid(struct vp *vp)
{
    EXIT_COUNT(vp, cpuid);
    return partition_is_root(vp->partition) ? root_cpuid(vp) : child_cpuid(vp);
}
