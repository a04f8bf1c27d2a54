/* The interface to the hypervisor (include/hv/). */
#ifndef VENEER_PARENT_HYPERV_H
#define VENEER_PARENT_HYPERV_H

#include <stdbool.h>
#include <stdint.h>

#include "include/hv/hypercall.h"
#include "include/hv/status.h"

/* What the hypervisor says of itself in CPUID. */
struct hv_identity {
    char vendor[13];
    uint32_t max_leaf;
    uint32_t interface;
    uint32_t build;
    uint16_t major, minor;
    uint32_t features[4]; /* EAX to EDX of HV_CPUID_FEATURES */
};

/* False if there is no hypervisor. */
bool hyperv_identify(struct hv_identity *identity);

/* Says who we are and has the hypercall page put under hyperv_call()'s feet. VP 0; panics if the
 * hypervisor is not one that we can run on. */
void hyperv_init(void);

/* The raw call with the three registers of the convention; the result value. */
uint64_t hyperv_call(uint64_t input_value, uint64_t input, uint64_t output);

/* The instruction itself, where the processor may refuse it, with @input_value and no blocks; the
 * result value. */
uint64_t hyperv_call_instruction(uint64_t input_value);

/* Whether the hypercall page has VMCALL (Intel), not VMMCALL (AMD). */
bool hyperv_uses_vmcall(void);

/* A call without repetitions: @input of @input_size bytes and @output of @output_size are copied
 * through this CPU's blocks; at most a page each. */
enum hv_status hyperv_call_block(uint16_t code, const void *input, uint64_t input_size,
                                 void *output, uint64_t output_size);

enum hv_status hyperv_get_partition_id(uint64_t *partition_id);
enum hv_status hyperv_start_vp(uint32_t vp_index, const struct hv_initial_vp_context *context);
enum hv_status hyperv_get_exit_counts(uint32_t vp_index,
                                      struct hv_output_veneer_get_exit_counts *counts);

/* VP index of the CPU with @apic_id. */
enum hv_status hyperv_get_vp_index(uint32_t apic_id, uint32_t *vp_index);

/* Time since the partition was created, in units of 100 ns. */
uint64_t hyperv_reference_time(void);

/* Our identity, as the MSR wants it. */
uint64_t hyperv_guest_os_id(void);

/* The page with the code that calls the hypervisor; an overlay may come and go. */
extern const volatile uint8_t hypercall_page[];

#endif
