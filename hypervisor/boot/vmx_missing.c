/* What this processor's VT-x lacks of what Veneer needs. */
#include <stddef.h>

#include "hypervisor/vmx/capability.h"
#include "hypervisor/vmx/vmcs.h"
#include "lib/x86/cpu.h"

#define CPUID_1_ECX_VMX (1u << 5)

/* All that is needed came with one generation. */
#define LACKS(what)                                                                                \
    "this processor's VT-x has no " what ". Veneer needs an Intel processor of the "               \
    "Westmere generation (2010) or a later one."

struct requirement {
    uint32_t control_msr; /* its high half: controls that may be 1 */
    uint32_t controls;
    const char *missing;
};

/* In an order in which each MSR exists if all before were fulfilled. */
static const struct requirement requirements[] = {
    {MSR_VMX_TRUE_PINBASED_CTLS, PIN_NMI_EXITING, LACKS("NMI exiting")},
    {MSR_VMX_TRUE_PINBASED_CTLS, PIN_VIRTUAL_NMIS, LACKS("virtual NMIs")},
    {MSR_VMX_TRUE_PINBASED_CTLS, PIN_CHILD, LACKS("external-interrupt exiting")},
    {MSR_VMX_TRUE_PROCBASED_CTLS, PROCESSOR_NMI_WINDOW_EXITING, LACKS("NMI-window exiting")},
    {MSR_VMX_TRUE_PROCBASED_CTLS, PROCESSOR_CHILD | PROCESSOR_INTERRUPT_WINDOW_EXITING,
     LACKS("exits for all that children may not do")},
    {MSR_VMX_TRUE_PROCBASED_CTLS, PROCESSOR_USE_MSR_BITMAPS, LACKS("MSR bitmaps")},
    {MSR_VMX_TRUE_PROCBASED_CTLS, PROCESSOR_SECONDARY_CONTROLS, LACKS("secondary controls")},
    {MSR_VMX_PROCBASED_CTLS2, SECONDARY_CHILD, LACKS("WBINVD exiting")},
    {MSR_VMX_PROCBASED_CTLS2, SECONDARY_ENABLE_EPT, LACKS("extended page tables (EPT)")},
    {MSR_VMX_PROCBASED_CTLS2, SECONDARY_UNRESTRICTED_GUEST, LACKS("unrestricted guests")},
    {MSR_VMX_TRUE_EXIT_CTLS, EXIT_SAVE_DEBUG_CONTROLS | EXIT_HOST_ADDRESS_SPACE_SIZE,
     LACKS("64-bit exits")},
    {MSR_VMX_TRUE_EXIT_CTLS, EXIT_SAVE_IA32_PAT | EXIT_LOAD_IA32_PAT,
     LACKS("saving and loading of PAT on exits")},
    {MSR_VMX_TRUE_EXIT_CTLS, EXIT_SAVE_IA32_EFER | EXIT_LOAD_IA32_EFER,
     LACKS("saving and loading of EFER on exits")},
    {MSR_VMX_TRUE_ENTRY_CTLS, ENTRY_LOAD_DEBUG_CONTROLS | ENTRY_IA32E_MODE_GUEST,
     LACKS("64-bit guests")},
    {MSR_VMX_TRUE_ENTRY_CTLS, ENTRY_LOAD_IA32_PAT, LACKS("loading of PAT on entries")},
    {MSR_VMX_TRUE_ENTRY_CTLS, ENTRY_LOAD_IA32_EFER, LACKS("loading of EFER on entries")},
};

static bool allows(uint32_t control_msr, uint32_t controls)
{
    uint32_t may_be_1 = (uint32_t)(rdmsr(control_msr) >> 32);
    return (may_be_1 & controls) == controls;
}

static const char *missing_in_firmware(void)
{
    if (!(cpuid(1, 0).ecx & CPUID_1_ECX_VMX))
        return "this processor has no Intel VT-x, or the firmware has turned it off. Enable "
               "\"Intel virtualization technology\" (VT-x) in the firmware setup.";
    uint64_t feature_control = rdmsr(MSR_FEATURE_CONTROL);
    if ((feature_control & FEATURE_CONTROL_LOCK) &&
        !(feature_control & FEATURE_CONTROL_VMX_OUTSIDE_SMX))
        return "the firmware has turned Intel VT-x off. Enable \"Intel virtualization "
               "technology\" (VT-x) in the firmware setup.";
    return NULL;
}

static const char *missing_in_ept(void)
{
    uint64_t capabilities = rdmsr(MSR_VMX_EPT_VPID_CAP);
    const uint64_t tables = EPT_CAP_PAGE_WALK_4 | EPT_CAP_WRITE_BACK | EPT_CAP_2_MIB_PAGES;
    const uint64_t flushes = EPT_CAP_INVEPT | EPT_CAP_INVEPT_ALL_CONTEXTS;

    if ((capabilities & tables) != tables)
        return LACKS("four-level write-back EPT with 2 MiB pages");
    if ((capabilities & flushes) != flushes)
        return LACKS("INVEPT");
    return NULL;
}

/* The guest's CR0 and CR4 have NE and VMXE owned by us (guest.c), and unrestricted guests choose PE
 * and PG. A processor that fixed other bits, or fixed one to 0 that CPUID offers, would need more
 * than that. */
static const char *missing_in_control_registers(void)
{
    uint64_t cr0_fixed_to_1 = rdmsr(MSR_VMX_CR0_FIXED0) & ~(CR0_PE | CR0_NE | CR0_PG);
    uint64_t cr0_fixed_to_0 = ~rdmsr(MSR_VMX_CR0_FIXED1) & UINT32_MAX;
    uint64_t cr4_fixed_to_1 = rdmsr(MSR_VMX_CR4_FIXED0) & ~CR4_VMXE;

    if (cr0_fixed_to_1 != 0 || cr0_fixed_to_0 != 0 || cr4_fixed_to_1 != 0)
        return LACKS("free choice of CR0 and CR4");
    return NULL;
}

const char *capability_missing(void)
{
    const char *missing = missing_in_firmware();
    if (missing != NULL)
        return missing;
    if (!(rdmsr(MSR_VMX_BASIC) & VMX_BASIC_TRUE_CONTROLS))
        return LACKS("true controls");
    if (!(rdmsr(MSR_VMX_BASIC) & VMX_BASIC_IO_INFORMATION))
        return LACKS("information on INS and OUTS");
    for (size_t i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++)
        if (!allows(requirements[i].control_msr, requirements[i].controls))
            return requirements[i].missing;
    missing = missing_in_ept();
    return missing != NULL ? missing : missing_in_control_registers();
}
