/* Model-specific registers of the root partition; its exits are in exit.h. */
#ifndef VENEER_HYPERVISOR_MSR_H
#define VENEER_HYPERVISOR_MSR_H

#include "hypervisor/partition.h"
#include "lib/x86/cpu.h"

/* Makes accesses to protected MSRs exit. Boot. */
void msr_protect(struct partition *partition);

/* Whether there is TSC_AUX: with RDTSCP. */
static inline bool msr_has_tsc_aux(void)
{
    return (cpuid(0x80000001, 0).edx & (1u << 27)) != 0;
}

#endif
