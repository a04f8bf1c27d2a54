/* Intercept messages to the parent (include/hv/intercept.h): each function fills the VP's message
 * page and makes the VP leave. */
#ifndef VENEER_HYPERVISOR_INTERCEPT_H
#define VENEER_HYPERVISOR_INTERCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/exit.h"

/* Where the instruction bytes of memory intercepts come from is fetched by the guest's tables. All
 * on the VP's LP; the result is EXIT_RETRY: the guest stays at the instruction. */
enum exit_action intercept_msr(struct vp *vp, bool write);
enum exit_action intercept_cpuid(struct vp *vp, const struct cpuid_result *defaults);
void intercept_apic_eoi(struct vp *vp, uint8_t vector);

/* The parent's answer: takes back what the register page marks as changed; skips the instruction if
 * @skip. */
void intercept_resume(struct vp *vp, bool skip);

/* The common part of a dispatch that ends: RSP, RIP, RFLAGS and the deadline in the shared pages.
 */
void intercept_show_registers(struct vp *vp);

#endif
