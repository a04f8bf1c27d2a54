#include "parent/kernel/hyperv.h"

#include "include/hv/cpuid.h"
#include "include/hv/msr.h"
#include "include/version.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/include/spinlock.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/panic.h"

/* HV_X64_MSR_GUEST_OS_ID, open-source format (TLFS 2.6): bit 63, OS type 62:56, version 47:16. The
 * type is ours: 'V'. */
#define GUEST_OS_ID_OPEN_SOURCE (1ull << 63)
#define GUEST_OS_ID_TYPE (0x56ull << 56)
#define GUEST_OS_ID_VERSION_SHIFT 16

#define CODE_SEARCH_SIZE 16 /* bytes of the hypercall page in which its instruction is */

static bool uses_vmcall;

uint64_t hyperv_guest_os_id(void)
{
    return GUEST_OS_ID_OPEN_SOURCE | GUEST_OS_ID_TYPE |
           (uint64_t)(VENEER_VERSION_MAJOR << 16 | VENEER_VERSION_MINOR)
               << GUEST_OS_ID_VERSION_SHIFT;
}

bool hyperv_identify(struct hv_identity *identity)
{
    memset(identity, 0, sizeof(*identity));
    if (!(cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR))
        return false;
    struct cpuid_result r = cpuid(HV_CPUID_VENDOR_AND_MAX_FUNCTIONS, 0);
    identity->max_leaf = r.eax;
    memcpy(&identity->vendor[0], &r.ebx, 4);
    memcpy(&identity->vendor[4], &r.ecx, 4);
    memcpy(&identity->vendor[8], &r.edx, 4);
    if (identity->max_leaf < HV_CPUID_FEATURES || identity->max_leaf > HV_CPUID_RANGE_LAST)
        return true;
    identity->interface = cpuid(HV_CPUID_INTERFACE, 0).eax;
    r = cpuid(HV_CPUID_VERSION, 0);
    identity->build = r.eax;
    identity->major = (uint16_t)(r.ebx >> 16);
    identity->minor = (uint16_t)r.ebx;
    r = cpuid(HV_CPUID_FEATURES, 0);
    memcpy(identity->features, &r, sizeof(r));
    return true;
}

static bool page_has_vmcall(void)
{
    for (unsigned i = 0; i < CODE_SEARCH_SIZE; i++) {
        if (hypercall_page[i] == 0x0f && hypercall_page[i + 1] == 0x01 &&
            hypercall_page[i + 2] == 0xc1)
            return true;
    }
    return false;
}

void hyperv_init(void)
{
    struct hv_identity identity;
    if (!hyperv_identify(&identity) || identity.interface != HV_CPUID_INTERFACE_SIGNATURE)
        panic("no hypervisor with the interface Hv#1");
    uint32_t needed =
        HV_ACCESS_HYPERCALL_MSRS | HV_ACCESS_VP_INDEX | HV_ACCESS_PARTITION_REFERENCE_COUNTER;
    if ((identity.features[0] & needed) != needed)
        panic("the hypervisor lacks features: %x", identity.features[0]);
    wrmsr(HV_X64_MSR_GUEST_OS_ID, hyperv_guest_os_id());
    wrmsr(HV_X64_MSR_HYPERCALL,
          virtual_to_physical((const void *)hypercall_page) | HV_X64_MSR_HYPERCALL_ENABLE);
    if (!(rdmsr(HV_X64_MSR_HYPERCALL) & HV_X64_MSR_HYPERCALL_ENABLE))
        panic("the hypervisor did not enable hypercalls");
    uses_vmcall = page_has_vmcall();
}

uint64_t hyperv_call(uint64_t input_value, uint64_t input, uint64_t output)
{
    register uint64_t r8 __asm__("r8") = output;
    uint64_t result;
    __asm__ volatile("call hypercall_page"
                     : "=a"(result), "+c"(input_value), "+d"(input), "+r"(r8)
                     :
                     : "r9", "r10", "r11", "cc", "memory");
    return result;
}

uint64_t hyperv_call_instruction(uint64_t input_value)
{
    uint64_t result, input = 0;
    register uint64_t r8 __asm__("r8") = 0;
    if (uses_vmcall)
        __asm__ volatile("vmcall"
                         : "=a"(result), "+c"(input_value), "+d"(input), "+r"(r8)
                         :
                         : "r9", "r10", "r11", "cc", "memory");
    else
        __asm__ volatile("vmmcall"
                         : "=a"(result), "+c"(input_value), "+d"(input), "+r"(r8)
                         :
                         : "r9", "r10", "r11", "cc", "memory");
    return result;
}

bool hyperv_uses_vmcall(void)
{
    return uses_vmcall;
}

enum hv_status hyperv_call_block(uint16_t code, const void *input, uint64_t input_size,
                                 void *output, uint64_t output_size)
{
    uint64_t flags = interrupts_save();
    struct cpu *cpu = this_cpu();
    if (input_size)
        memcpy(cpu->hypercall_input, input, input_size);
    uint64_t result = hyperv_call(code, virtual_to_physical(cpu->hypercall_input),
                                  virtual_to_physical(cpu->hypercall_output));
    if (output_size)
        memcpy(output, cpu->hypercall_output, output_size);
    interrupts_restore(flags);
    return (enum hv_status)(result & HV_HYPERCALL_STATUS_MASK);
}

enum hv_status hyperv_get_partition_id(uint64_t *partition_id)
{
    return hyperv_call_block(HVCALL_GET_PARTITION_ID, NULL, 0, partition_id, sizeof(*partition_id));
}

enum hv_status hyperv_start_vp(uint32_t vp_index, const struct hv_initial_vp_context *context)
{
    struct hv_input_start_virtual_processor input = {
        .partition_id = HV_PARTITION_ID_SELF,
        .vp_index = vp_index,
        .context = *context,
    };
    return hyperv_call_block(HVCALL_START_VIRTUAL_PROCESSOR, &input, sizeof(input), NULL, 0);
}

enum hv_status hyperv_get_exit_counts(uint32_t vp_index,
                                      struct hv_output_veneer_get_exit_counts *counts)
{
    struct hv_input_veneer_get_exit_counts input = {.vp_index = vp_index};
    return hyperv_call_block(HVCALL_VENEER_GET_EXIT_COUNTS, &input, sizeof(input), counts,
                             sizeof(*counts));
}

enum hv_status hyperv_get_vp_index(uint32_t apic_id, uint32_t *vp_index)
{
    struct {
        struct hv_input_get_vp_index_from_apic_id header;
        uint32_t apic_id;
        uint32_t padding;
    } input = {.header = {.partition_id = HV_PARTITION_ID_SELF}, .apic_id = apic_id};
    uint64_t flags = interrupts_save();
    struct cpu *cpu = this_cpu();
    memcpy(cpu->hypercall_input, &input, sizeof(input));
    uint64_t result = hyperv_call(
        HVCALL_GET_VP_INDEX_FROM_APIC_ID | 1ull << HV_HYPERCALL_REP_COUNT_SHIFT,
        virtual_to_physical(cpu->hypercall_input), virtual_to_physical(cpu->hypercall_output));
    memcpy(vp_index, cpu->hypercall_output, sizeof(*vp_index));
    interrupts_restore(flags);
    return (enum hv_status)(result & HV_HYPERCALL_STATUS_MASK);
}

uint64_t hyperv_reference_time(void)
{
    return rdmsr(HV_X64_MSR_TIME_REF_COUNT);
}
