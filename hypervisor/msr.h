/* Model-specific registers of the root partition; its exits are in exit.h. */
#ifndef VENEER_HYPERVISOR_MSR_H
#define VENEER_HYPERVISOR_MSR_H

#include "hypervisor/partition.h"

/* Makes accesses to protected MSRs exit. Boot. */
void msr_protect(struct partition *partition);

#endif
