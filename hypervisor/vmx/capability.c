#include "hypervisor/vmx/capability.h"

#include "hypervisor/vmx/vmcs.h"
#include "lib/x86/cpu.h"

#define PIN_REQUIRED (PIN_NMI_EXITING | PIN_VIRTUAL_NMIS)
#define PROCESSOR_REQUIRED (PROCESSOR_USE_MSR_BITMAPS | PROCESSOR_SECONDARY_CONTROLS)
#define SECONDARY_REQUIRED (SECONDARY_ENABLE_EPT | SECONDARY_UNRESTRICTED_GUEST)
#define SECONDARY_OPTIONAL                                                                         \
    (SECONDARY_ENABLE_VPID | SECONDARY_ENABLE_RDTSCP | SECONDARY_ENABLE_INVPCID)
#define SECONDARY_ROOT (SECONDARY_ENABLE_XSAVES | SECONDARY_ENABLE_USER_WAIT)

#define EXIT_REQUIRED                                                                              \
    (EXIT_SAVE_DEBUG_CONTROLS | EXIT_HOST_ADDRESS_SPACE_SIZE | EXIT_SAVE_IA32_PAT |                \
     EXIT_LOAD_IA32_PAT | EXIT_SAVE_IA32_EFER | EXIT_LOAD_IA32_EFER)
#define ENTRY_REQUIRED (ENTRY_LOAD_DEBUG_CONTROLS | ENTRY_LOAD_IA32_PAT | ENTRY_LOAD_IA32_EFER)

/* @wanted as far as the processor knows it, and what it insists on. */
static uint32_t adjust(uint32_t control_msr, uint32_t wanted)
{
    uint64_t allowed = rdmsr(control_msr);
    uint32_t must_be_1 = (uint32_t)allowed, may_be_1 = (uint32_t)(allowed >> 32);
    return (wanted & may_be_1) | must_be_1;
}

struct vmx_controls capability_controls(bool root)
{
    const uint32_t secondary = SECONDARY_REQUIRED | SECONDARY_OPTIONAL;
    return (struct vmx_controls){
        .pin = adjust(MSR_VMX_TRUE_PINBASED_CTLS,
                      PIN_REQUIRED | (root ? 0 : PIN_CHILD | PIN_CHILD_OPTIONAL)),
        .processor =
            adjust(MSR_VMX_TRUE_PROCBASED_CTLS, PROCESSOR_REQUIRED | (root ? 0 : PROCESSOR_CHILD)),
        .secondary =
            adjust(MSR_VMX_PROCBASED_CTLS2, secondary | (root ? SECONDARY_ROOT : SECONDARY_CHILD)),
        .exit = adjust(MSR_VMX_TRUE_EXIT_CTLS, EXIT_REQUIRED),
        .entry = adjust(MSR_VMX_TRUE_ENTRY_CTLS, ENTRY_REQUIRED),
    };
}

uint32_t capability_revision(void)
{
    return (uint32_t)(rdmsr(MSR_VMX_BASIC) & VMX_BASIC_REVISION);
}

bool capability_has_1_gib_pages(void)
{
    return rdmsr(MSR_VMX_EPT_VPID_CAP) & EPT_CAP_1_GIB_PAGES;
}

bool capability_has_accessed_dirty(void)
{
    return rdmsr(MSR_VMX_EPT_VPID_CAP) & EPT_CAP_ACCESSED_DIRTY;
}

bool capability_has_vpid(void)
{
    return adjust(MSR_VMX_PROCBASED_CTLS2, SECONDARY_ENABLE_VPID) & SECONDARY_ENABLE_VPID;
}
