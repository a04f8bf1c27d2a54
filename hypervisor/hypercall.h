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
    uint32_t input_size; /* bytes at @input: fixed part and variable header */
};

typedef enum hv_status (*hypercall_function_t)(const struct hypercall *call);

enum hv_status hypercall_notify_long_spin_wait(const struct hypercall *call);
enum hv_status hypercall_get_partition_id(const struct hypercall *call);
enum hv_status hypercall_start_virtual_processor(const struct hypercall *call);
enum hv_status hypercall_get_vp_index_from_apic_id(const struct hypercall *call);
enum hv_status hypercall_get_exit_counts(const struct hypercall *call);

/* hypercall_comm.c: ports, messages, events, interrupts. */
enum hv_status hypercall_create_port(const struct hypercall *call);
enum hv_status hypercall_delete_port(const struct hypercall *call);
enum hv_status hypercall_connect_port(const struct hypercall *call);
enum hv_status hypercall_disconnect_port(const struct hypercall *call);
enum hv_status hypercall_post_message(const struct hypercall *call);
enum hv_status hypercall_signal_event(const struct hypercall *call);
enum hv_status hypercall_post_message_direct(const struct hypercall *call);
enum hv_status hypercall_signal_event_direct(const struct hypercall *call);
enum hv_status hypercall_assert_virtual_interrupt(const struct hypercall *call);
enum hv_status hypercall_clear_virtual_interrupt(const struct hypercall *call);

/* hypercall_flush.c: calls to sets of a child's own VPs. */
enum hv_status hypercall_send_cluster_ipi(const struct hypercall *call);
enum hv_status hypercall_send_cluster_ipi_ex(const struct hypercall *call);
enum hv_status hypercall_flush_space(const struct hypercall *call);
enum hv_status hypercall_flush_space_ex(const struct hypercall *call);
enum hv_status hypercall_flush_list(const struct hypercall *call);
enum hv_status hypercall_flush_list_ex(const struct hypercall *call);

#endif
