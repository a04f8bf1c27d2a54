#include "hypervisor/hw.h"

#include "hypervisor/panic.h"
#include "lib/x86/cpu.h"

const struct hw_ops *hw __attribute__((section(".data.constant_after_boot")));

static bool has_no_execute(void)
{
    return (cpuid(0x80000001, 0).edx & (1u << 20)) != 0;
}

void hw_select(void)
{
    if (!has_no_execute())
        boot_stop(
            "this processor has no NX (no-execute) pages, or the firmware has turned them off. "
            "Enable \"NX\" or \"execute disable\" in the firmware setup.");
    if (cpuid(0x80000001, 0).ecx & (1u << 2))
        hw = &svm_ops;
    else if (cpuid(1, 0).ecx & (1u << 5))
        hw = &vmx_ops;
    else
        boot_stop("this processor offers neither AMD-V (SVM) nor Intel VT-x (VMX), or the firmware "
                  "has turned it off. Enable virtualization in the firmware setup.");

    const char *missing = hw->missing();
    if (missing != NULL)
        boot_stop("%s", missing);
}
