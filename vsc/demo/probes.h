/* Instruction sequences whose addresses tests must know (fault.asm). */
#ifndef VENEER_VSC_DEMO_PROBES_H
#define VENEER_VSC_DEMO_PROBES_H

#include <stdint.h>

/* For ring3_try(). */
void ring3_vmcall(void);
void ring3_vmmcall(void);
void ring3_leave(void);
void ring3_hypercall_page(void);

/* For fault_try(): an exception with @stack as the stack pointer. */
void probe_bad_stack(void *stack);

/* Single steps; the traps come at the addresses that belong to it, among others. */
void probe_step_cpuid(void);
extern const uint8_t probe_step_behind[], probe_step_behind_rdmsr[];
/* No trap comes at `before`. */
void probe_ss_shadow(void);
extern const uint8_t probe_ss_shadow_before[], probe_ss_shadow_behind[];

/* With interrupts off and one pending: it comes at the address that belongs to it. */
void probe_sti_shadow(void);
extern const uint8_t probe_sti_shadow_behind[];
void probe_sti_cpuid(void);
extern const uint8_t probe_sti_cpuid_behind[];

/* A store of @value to the scratch register in memory, by the MOV that has a 64-bit address. */
void probe_store_absolute(uint32_t value);

#endif
