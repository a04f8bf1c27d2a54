/* The hypervisor's interface: what it is, hypercalls. */
#ifndef VENEER_VSC_DEMO_HYPERV_H
#define VENEER_VSC_DEMO_HYPERV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hv/hypercall.h"
#include "include/hv/status.h"

/* Looks for the interface; if it is there, names this system and enables hypercalls. VP 0. */
void hyperv_init(void);

/* Whether there is a hypervisor with the interface Hv#1. */
bool hyperv_present(void);

/* Whether all of these privileges are there: EAX (HV_ACCESS_…), EBX of HV_CPUID_FEATURES. */
bool hyperv_has(uint32_t privileges);
bool hyperv_has_high(uint32_t privileges);

/* What this system calls itself. */
uint64_t hyperv_guest_os_id(void);

/* A hypercall as it is: the result value. @input and @output are as the call takes them. */
uint64_t hyperv_call(uint64_t input_value, uint64_t input, uint64_t output);

/* The same by VMCALL or VMMCALL here, not in the hypercall page, which may be missing. */
uint64_t hyperv_call_instruction(uint64_t input_value);
bool hyperv_uses_vmcall(void);

/* Its status. Fast: the input in registers. */
enum hv_status hyperv_fast(uint16_t code, uint64_t first, uint64_t second);

/* Slow: copies the input of @size bytes to the VP's own aligned block, and the output back. */
enum hv_status hyperv_slow(uint64_t input_value, const void *input, size_t size, void *output,
                           size_t output_size);

#endif
