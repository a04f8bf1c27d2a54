/* Hypercalls: what the dispatcher (hypercall.c) gives to the function of a call. */
#ifndef VENEER_HYPERVISOR_HYPERCALL_H
#define VENEER_HYPERVISOR_HYPERCALL_H

#include <stdint.h>

#include "hypervisor/vp.h"
#include "include/hv/hypercall.h"
#include "include/hv/status.h"

/* Largest fixed part of an input or output. */
#define HYPERCALL_MAX_INPUT 256
#define HYPERCALL_MAX_OUTPUT 64

/* One call. Simple calls: @input is a private copy of the input block, which the guest cannot
 * change any more; what the function writes to @output goes to the guest only on success. Both are
 * 8-byte aligned. Rep calls: the function is called once per element with the copied header in
 * @input, the element's copy in @element, and the element's result in @output. */
struct hypercall {
    struct vp *vp; /* the caller */
    const void *input;
    const void *element;
    void *output;
};

typedef enum hv_status (*hypercall_function_t)(const struct hypercall *call);

enum hv_status hypercall_notify_long_spin_wait(const struct hypercall *call);
enum hv_status hypercall_get_partition_id(const struct hypercall *call);
enum hv_status hypercall_start_virtual_processor(const struct hypercall *call);
enum hv_status hypercall_get_vp_index_from_apic_id(const struct hypercall *call);
enum hv_status hypercall_get_exit_counts(const struct hypercall *call);

#endif
