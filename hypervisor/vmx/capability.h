/* What this processor's VT-x can do, and the settings that follow from it. */
#ifndef VENEER_HYPERVISOR_VMX_CAPABILITY_H
#define VENEER_HYPERVISOR_VMX_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/vmx/vmcs.h"

#define FEATURE_CONTROL_LOCK (1ull << 0)
#define FEATURE_CONTROL_VMX_OUTSIDE_SMX (1ull << 2)

/* Children: physical interrupts are the root's; all ports, CR8, HLT and what has no meaning in a VP
 * exit, MOV to and from debug registers until the first use. */
#define PIN_CHILD PIN_EXTERNAL_INTERRUPT_EXITING
#define PIN_CHILD_OPTIONAL PIN_PREEMPTION_TIMER
#define PROCESSOR_CHILD                                                                            \
    (PROCESSOR_TSC_OFFSETTING | PROCESSOR_HLT_EXITING | PROCESSOR_MWAIT_EXITING |                  \
     PROCESSOR_RDPMC_EXITING | PROCESSOR_CR8_LOAD_EXITING | PROCESSOR_CR8_STORE_EXITING |          \
     PROCESSOR_MOV_DR_EXITING | PROCESSOR_UNCONDITIONAL_IO_EXITING | PROCESSOR_MONITOR_EXITING)
#define SECONDARY_CHILD SECONDARY_WBINVD_EXITING

/* Control fields of a VMCS. */
struct vmx_controls {
    uint32_t pin, processor, secondary, exit, entry;
};

/* As hw_ops.missing: a sentence, or NULL. Any LP, before and after VMXON, while booting. */
const char *capability_missing(void);

/* The settings for VPs of the root or of children; nothing is missing. */
struct vmx_controls capability_controls(bool root);

/* Revision identifier that starts VMXON regions and VMCSs. */
uint32_t capability_revision(void);

bool capability_has_1_gib_pages(void);
bool capability_has_accessed_dirty(void); /* in EPT entries */
bool capability_has_vpid(void);

#endif
