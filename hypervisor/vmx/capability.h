/* What this processor's VT-x can do, and the settings that follow from it. */
#ifndef VENEER_HYPERVISOR_VMX_CAPABILITY_H
#define VENEER_HYPERVISOR_VMX_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#define FEATURE_CONTROL_LOCK (1ull << 0)
#define FEATURE_CONTROL_VMX_OUTSIDE_SMX (1ull << 2)

/* Control fields of a VMCS. */
struct vmx_controls {
    uint32_t pin, processor, secondary, exit, entry;
};

/* As hw_ops.missing: a sentence, or NULL. Any LP, before and after VMXON. */
const char *capability_missing(void);

/* The settings for VPs of the root or of children; nothing is missing. */
struct vmx_controls capability_controls(bool root);

/* Revision identifier that starts VMXON regions and VMCSs. */
uint32_t capability_revision(void);

bool capability_has_1_gib_pages(void);
bool capability_has_accessed_dirty(void); /* in EPT entries */
bool capability_has_vpid(void);

#endif
