#include "vsc/demo/hyperv.h"

#include "include/hv/cpuid.h"
#include "include/hv/msr.h"
#include "include/version.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/vp.h"

/* HV_X64_MSR_GUEST_OS_ID, open-source format (TLFS 2.6): bit 63, OS type 62:56, version 47:16. The
 * type is ours: 'D'. */
#define GUEST_OS_ID_OPEN_SOURCE (1ull << 63)
#define GUEST_OS_ID_TYPE (0x44ull << 56)
#define GUEST_OS_ID_VERSION_SHIFT 16

#define CODE_SEARCH_SIZE 16 /* bytes of the hypercall page in which its instruction is */

extern const uint8_t hypercall_page[];

static bool present;
static bool uses_vmcall;
static struct cpuid_result features;

/* Input and output of a VP's slow calls. */
static struct {
    uint8_t input[512], output[512];
} __attribute__((aligned(1024))) blocks[VP_MAX];

static bool page_has_vmcall(void)
{
    static const uint8_t vmcall[] = {0x0f, 0x01, 0xc1};

    for (unsigned i = 0; i < CODE_SEARCH_SIZE; i++) {
        if (memcmp(hypercall_page + i, vmcall, sizeof(vmcall)) == 0)
            return true;
    }
    return false;
}

uint64_t hyperv_guest_os_id(void)
{
    return GUEST_OS_ID_OPEN_SOURCE | GUEST_OS_ID_TYPE |
           (uint64_t)(VENEER_VERSION_MAJOR << 16 | VENEER_VERSION_MINOR)
               << GUEST_OS_ID_VERSION_SHIFT;
}

void hyperv_init(void)
{
    if (!(cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) ||
        cpuid(HV_CPUID_VENDOR_AND_MAX_FUNCTIONS, 0).eax < HV_CPUID_FEATURES ||
        cpuid(HV_CPUID_INTERFACE, 0).eax != HV_CPUID_INTERFACE_SIGNATURE)
        return;
    present = true;
    features = cpuid(HV_CPUID_FEATURES, 0);
    wrmsr(HV_X64_MSR_GUEST_OS_ID, hyperv_guest_os_id());
    wrmsr(HV_X64_MSR_HYPERCALL, (uint64_t)hypercall_page | HV_X64_MSR_HYPERCALL_ENABLE);
    uses_vmcall = page_has_vmcall();
}

bool hyperv_present(void)
{
    return present;
}

bool hyperv_has(uint32_t privileges)
{
    return (features.eax & privileges) == privileges;
}

bool hyperv_has_high(uint32_t privileges)
{
    return (features.ebx & privileges) == privileges;
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
    register uint64_t r8 __asm__("r8") = 0;
    uint64_t result, input = 0;

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

enum hv_status hyperv_fast(uint16_t code, uint64_t first, uint64_t second)
{
    return (enum hv_status)(hyperv_call(code | HV_HYPERCALL_FAST, first, second) &
                            HV_HYPERCALL_STATUS_MASK);
}

enum hv_status hyperv_slow(uint64_t input_value, const void *input, size_t size, void *output,
                           size_t output_size)
{
    uint64_t flags = interrupts_save();
    uint32_t index = vp_self()->index;

    memcpy(blocks[index].input, input, size);
    uint64_t result =
        hyperv_call(input_value, (uint64_t)blocks[index].input, (uint64_t)blocks[index].output);

    memcpy(output, blocks[index].output, output_size);
    interrupts_restore(flags);
    return (enum hv_status)(result & HV_HYPERCALL_STATUS_MASK);
}
