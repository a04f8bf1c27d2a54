/* Start contexts of VPs (HvCallStartVirtualProcessor): whether a processor would take one. Pure
 * logic for both backends. Context: any. */
#ifndef VENEER_HYPERVISOR_VP_CONTEXT_H
#define VENEER_HYPERVISOR_VP_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "include/hv/hypercall.h"

/* What the processor allows in a context. */
struct vp_context_limits {
    uint64_t cr4;  /* bits that a guest may set */
    uint64_t efer; /* likewise */
    uint8_t physical_address_bits;
};

/* The limits of this processor, from CPUID. What a guest may not use is left out: VMX, SMX, SVM,
 * and five-level paging. */
struct vp_context_limits vp_context_limits(void);

/* Whether @context is one of 64-bit mode that a processor with @limits enters a guest with: the
 * checks of a VM entry (Intel SDM vol. 3, 26.3.1; AMD-V has a subset of them, AMD APM vol.
 * 2, 15.5.1). A data segment or LDT that is not present counts as unusable and may hold anything
 * else. */
bool vp_context_valid(const struct hv_initial_vp_context *context,
                      const struct vp_context_limits *limits);

#endif
