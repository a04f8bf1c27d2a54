/* System calls for programs: thin functions, with the names of parent/include/system_call.h, which
 * says what they do. Each returns what the kernel did: not negative, or a negative enum
 * system_error. */
#ifndef VENEER_PARENT_USER_SYSTEM_H
#define VENEER_PARENT_USER_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#include "include/hv/parent.h"
#include "parent/include/system_call.h"

/* The call itself, for whatever has no function here. */
int64_t system_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                    uint64_t f);

_Noreturn void system_exit(int status);
int64_t system_print(const char *text, size_t size);
void system_yield(void);
/* Until @deadline, a value of system_time(). */
void system_sleep(uint64_t deadline);
uint64_t system_time(void);
uint64_t system_wall_clock(void);

int64_t system_handle_close(uint32_t handle);
int64_t system_handle_duplicate(uint32_t handle, uint32_t rights);

int64_t system_memory_create(uint64_t size);
/* *@address gets where it is. */
int64_t system_memory_map(uint32_t handle, uint64_t offset, uint64_t size, uint32_t rights,
                          void **address);
int64_t system_memory_unmap(void *address);

int64_t system_pipe_create(uint32_t handles[2]);
/* Bytes, and @count handles at @handles. */
int64_t system_pipe_send(uint32_t pipe, const void *data, uint32_t size, const uint32_t *handles,
                         uint32_t count, uint64_t deadline);
/* *@message describes the buffer, and then what came. */
int64_t system_pipe_receive(uint32_t pipe, struct system_message *message, uint64_t deadline);

/* @arguments: @arguments_size bytes of words, each ended by NUL. Returns a handle. */
int64_t system_process_start(const char *name, const char *arguments, uint32_t arguments_size,
                             const uint32_t *handles, uint32_t handle_count);
int64_t system_process_kill(uint32_t process, int status);
int64_t system_process_wait(uint32_t process, struct system_process_end *end, uint64_t deadline);
uint32_t system_process_id(void);

/* @stack_top: one byte beyond the stack's end. @entry must not return, but call
 * system_thread_exit(). */
int64_t system_thread_start(void (*entry)(void *argument), void *stack_top, void *argument);
_Noreturn void system_thread_exit(void);

/* Child partitions. *@partition_id is what vp_dispatch() and hypercalls want (dispatch.h). */
int64_t system_vm_create(uint64_t privileges, uint64_t features, uint64_t *partition_id);
int64_t system_vm_map(uint32_t vm, uint32_t memory, uint64_t offset, uint64_t size, uint64_t gpa,
                      uint32_t access);
int64_t system_vm_unmap(uint32_t vm, uint64_t gpa);
/* *@pages: two pages, by enum hv_vp_state_page_type. */
int64_t system_vp_create(uint32_t vm, uint32_t index, void **pages);
int64_t system_vp_wait(uint32_t vm, uint32_t index, uint64_t tsc, uint32_t what);
/* A hypercall about the child with @reps repetitions (0: no rep call). */
int64_t system_vm_call(uint32_t vm, uint16_t code, uint16_t reps, const void *input,
                       size_t input_size, void *output, size_t output_size);
int64_t system_vm_port_create(uint32_t vm, enum system_port_type type, uint32_t connection_id,
                              uint32_t flag_count);
int64_t system_vm_receive(uint32_t vm, struct system_vm_event *event, uint64_t deadline);
/* Counters of the VP, and of all VPs of the parent together. */
int64_t system_vm_statistics(uint32_t vm, uint32_t index,
                             struct veneer_vp_statistics statistics[2]);

/* Synthetic devices of the child; @device: a handle that the program was started with. */
int64_t system_vm_bus_start(uint32_t vm);
int64_t system_vm_attach(uint32_t vm, uint32_t device, uint32_t slot);
int64_t system_vm_detach(uint32_t vm, uint32_t slot);
int64_t system_vm_shutdown(uint32_t vm, enum system_vm_shutdown how);
int64_t system_vm_key(uint32_t vm, uint16_t make_code, uint32_t flags);
int64_t system_vm_heartbeat(uint32_t vm);

/* Disks; @disk: a handle that the program was started with. */
int64_t system_disk_information(uint32_t disk, struct system_disk_information *information);
/* @segments: @count pieces of memory, none for a flush. */
int64_t system_disk_transfer(uint32_t disk, enum system_disk_operation operation, uint64_t sector,
                             const struct system_disk_segment *segments, uint32_t count);

/* Ports of virtual switches; @port: a handle that the program was started with. Frames are struct
 * system_frame one behind the other. */
int64_t system_port_information(uint32_t port, struct system_port_information *information);
int64_t system_port_send(uint32_t port, const void *frames, uint32_t size);
/* Bytes of frames that are in @buffer; 0: the link has changed. */
int64_t system_port_receive(uint32_t port, void *buffer, uint32_t size, uint64_t deadline);
int64_t system_port_filter(uint32_t port, uint32_t filter);

/* A word or two about an error, positive or negative. */
const char *system_error_text(int64_t error);

#endif
