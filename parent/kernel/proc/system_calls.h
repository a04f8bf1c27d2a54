/* The system calls, for the table in syscall.c. Each gets the six argument registers, checks
 * everything, and then acts; the result is not negative, or a negative enum system_error.
 * parent/include/system_call.h says what they do. Thread, of a process. */
#ifndef VENEER_PARENT_PROC_SYSTEM_CALLS_H
#define VENEER_PARENT_PROC_SYSTEM_CALLS_H

#include <stdint.h>

#include "parent/include/system_call.h"

typedef int64_t system_call_function_t(const uint64_t *argument);

/* system_calls_object.c: handles and memory */
system_call_function_t call_handle_close, call_handle_duplicate;
system_call_function_t call_memory_create, call_memory_map, call_memory_unmap;

/* system_calls_pipe.c */
system_call_function_t call_pipe_create, call_pipe_send, call_pipe_receive;

/* system_calls_process.c */
system_call_function_t call_exit, call_process_start, call_process_kill, call_process_wait;
system_call_function_t call_process_id, call_thread_start, call_thread_exit;

/* system_calls_vm.c */
system_call_function_t call_vm_create, call_vm_map, call_vm_unmap, call_vp_create, call_vp_wait;
system_call_function_t call_vm_call, call_vm_port_create, call_vm_receive, call_vm_statistics;

/* system_calls_bus.c */
system_call_function_t call_vm_bus_start, call_vm_attach, call_vm_detach, call_vm_shutdown;
system_call_function_t call_vm_key, call_vm_heartbeat;

/* system_calls_disk.c */
system_call_function_t call_disk_information, call_disk_transfer;

/* system_calls_port.c */
system_call_function_t call_port_information, call_port_send, call_port_receive, call_port_filter;

/* The child behind @handle, which has @rights, with a reference. In system_calls_vm.c. */
struct partition;
enum system_error system_call_get_vm(uint64_t handle, uint32_t rights,
                                     struct partition **partition);

/* The result for @error. */
static inline int64_t failure(uint64_t error)
{
    return -(int64_t)error;
}

#endif
