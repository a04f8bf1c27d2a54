/* Hypercalls: what the dispatcher (hypercall.c) gives to the function of a call. */
#ifndef VENEER_HYPERVISOR_HYPERCALL_H
#define VENEER_HYPERVISOR_HYPERCALL_H

#include <stdint.h>

#include "hypervisor/exit.h"
#include "hypervisor/vp.h"
#include "include/hv/hypercall.h"
#include "include/hv/status.h"

/* Largest input without list, and fixed output, in bytes. */
#define HYPERCALL_MAX_INPUT 288
#define HYPERCALL_MAX_OUTPUT 64
#define HYPERCALL_MAX_ELEMENT 32
#define HYPERCALL_MAX_RESULT 16
#define HYPERCALL_SCRATCH 384

/* One call. Simple calls: @input is a private copy of the input block, which the guest cannot
 * change any more; what the function writes to @output, which is zeroed, goes to the guest only on
 * success. Both are 8-byte aligned. Rep calls: the function is called once per element with the
 * copied header in @input, the element's copy in @element, and the element's result in @output. */
struct hypercall {
    struct vp *vp; /* the caller */
    const void *input;
    const void *element;
    void *output;
    uint32_t input_size; /* bytes at @input: fixed part and variable header */
    /* Rep calls. */
    uint32_t rep_index, rep_count;
    void *scratch; /* HYPERCALL_SCRATCH bytes that stay from element to element, zero at first */
};

typedef enum hv_status hypercall_function_t(const struct hypercall *call);

/* Of a rep call: called once after its last element, also after one that failed; the elements that
 * are done have their effect when it returns. */
typedef void hypercall_finish_t(const struct hypercall *call);

/* The child with @partition_id, referenced, for calls of the root; or NULL. */
struct partition *hypercall_get_child(const struct hypercall *call, uint64_t partition_id);

/* Its VP @index; NULL: no reference, and *@status says why. */
struct vp *hypercall_get_child_vp(const struct hypercall *call, uint64_t partition_id,
                                  uint32_t index, enum hv_status *status);

/* hypercall_partition.c: partitions. */
hypercall_function_t hypercall_notify_long_spin_wait, hypercall_get_partition_id,
    hypercall_create_partition, hypercall_initialize_partition, hypercall_finalize_partition,
    hypercall_delete_partition;

/* hypercall_memory.c: memory of children, and what is deposited. */
hypercall_function_t hypercall_deposit_memory, hypercall_withdraw_memory,
    hypercall_get_memory_balance, hypercall_map_gpa_pages, hypercall_unmap_gpa_pages,
    hypercall_get_gpa_pages_access_states;
hypercall_finish_t hypercall_finish_deposit, hypercall_finish_memory;

/* hypercall_vp.c: VPs. */
hypercall_function_t hypercall_create_vp, hypercall_delete_vp, hypercall_start_virtual_processor,
    hypercall_get_vp_index_from_apic_id, hypercall_map_vp_state_page, hypercall_unmap_vp_state_page,
    hypercall_map_stats_page, hypercall_unmap_stats_page, hypercall_translate_virtual_address,
    hypercall_get_exit_counts;

/* The VPs of a partition that is being finalized: returns when none runs any more; frees them when
 * nobody else refers to the partition. No locks. */
void hypercall_stop_vps(struct partition *partition);
void hypercall_release_vps(struct partition *partition);

/* hypercall_registers.c: their registers. */
hypercall_function_t hypercall_get_vp_registers, hypercall_set_vp_registers;
hypercall_finish_t hypercall_finish_vp_registers;

/* hypercall_comm.c: ports, messages, events, interrupts. */
hypercall_function_t hypercall_create_port, hypercall_delete_port, hypercall_connect_port,
    hypercall_disconnect_port, hypercall_post_message, hypercall_signal_event,
    hypercall_post_message_direct, hypercall_signal_event_direct,
    hypercall_assert_virtual_interrupt, hypercall_clear_virtual_interrupt;

/* hypercall_flush.c: calls to sets of a child's own VPs. */
hypercall_function_t hypercall_send_cluster_ipi, hypercall_send_cluster_ipi_ex,
    hypercall_flush_space, hypercall_flush_space_ex, hypercall_flush_list, hypercall_flush_list_ex;

/* hypercall_policy.c: properties and intercepts. */
hypercall_function_t hypercall_get_partition_property, hypercall_set_partition_property,
    hypercall_install_intercept, hypercall_register_intercept_result, hypercall_get_system_property;

/* hypercall_dispatch.c: running children. The second form of the first call is also for ring 3, and
 * has been counted. */
hypercall_function_t hypercall_dispatch_vp, hypercall_bind_vp, hypercall_set_register_rule,
    hypercall_share_deadline, hypercall_cancel_vp;
enum exit_action hypercall_dispatch_vp_fast(struct vp *root, enum exit_mode mode);

#endif
