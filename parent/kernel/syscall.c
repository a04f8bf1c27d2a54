/* System calls: the table, and those that are about nothing in particular. */
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/console.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/system_calls.h"
#include "parent/kernel/proc/user.h"

void system_call(struct trap_frame *frame);

static int64_t call_null(const uint64_t *argument)
{
    (void)argument;
    return SYSTEM_OK;
}

static int64_t call_print(const uint64_t *argument)
{
    uint64_t address = argument[0];
    uint64_t size = argument[1];
    if (size > SYSTEM_MAX_PRINT)
        return failure(SYSTEM_ERROR_ARGUMENT);
    char *text = heap_allocate(size + 1);
    if (!text)
        return failure(SYSTEM_ERROR_MEMORY);
    bool readable = user_read(text, address, size);
    if (readable)
        print("%s", text);
    heap_free(text);
    return readable ? SYSTEM_OK : failure(SYSTEM_ERROR_ADDRESS);
}

static int64_t call_yield(const uint64_t *argument)
{
    (void)argument;
    thread_yield();
    return SYSTEM_OK;
}

static int64_t call_sleep(const uint64_t *argument)
{
    uint64_t deadline = argument[0];
    struct wait_queue queue;
    wait_queue_init(&queue);
    WAIT_UNTIL(&queue, process_is_dying(), deadline);
    return SYSTEM_OK;
}

static int64_t call_time(const uint64_t *argument)
{
    (void)argument;
    return (int64_t)time_now();
}

static int64_t call_wall_clock(const uint64_t *argument)
{
    (void)argument;
    return (int64_t)time_wall_clock();
}

static system_call_function_t *const table[SYSTEM_CALL_COUNT] = {
    [SYSTEM_NULL] = call_null,
    [SYSTEM_EXIT] = call_exit,
    [SYSTEM_PRINT] = call_print,
    [SYSTEM_YIELD] = call_yield,
    [SYSTEM_SLEEP] = call_sleep,
    [SYSTEM_TIME] = call_time,
    [SYSTEM_WALL_CLOCK] = call_wall_clock,
    [SYSTEM_HANDLE_CLOSE] = call_handle_close,
    [SYSTEM_HANDLE_DUPLICATE] = call_handle_duplicate,
    [SYSTEM_MEMORY_CREATE] = call_memory_create,
    [SYSTEM_MEMORY_MAP] = call_memory_map,
    [SYSTEM_MEMORY_UNMAP] = call_memory_unmap,
    [SYSTEM_PIPE_CREATE] = call_pipe_create,
    [SYSTEM_PIPE_SEND] = call_pipe_send,
    [SYSTEM_PIPE_RECEIVE] = call_pipe_receive,
    [SYSTEM_PROCESS_START] = call_process_start,
    [SYSTEM_PROCESS_KILL] = call_process_kill,
    [SYSTEM_PROCESS_WAIT] = call_process_wait,
    [SYSTEM_PROCESS_ID] = call_process_id,
    [SYSTEM_THREAD_START] = call_thread_start,
    [SYSTEM_THREAD_EXIT] = call_thread_exit,
    [SYSTEM_VM_CREATE] = call_vm_create,
    [SYSTEM_VM_MAP] = call_vm_map,
    [SYSTEM_VM_UNMAP] = call_vm_unmap,
    [SYSTEM_VP_CREATE] = call_vp_create,
    [SYSTEM_VP_WAIT] = call_vp_wait,
    [SYSTEM_VM_CALL] = call_vm_call,
    [SYSTEM_VM_PORT_CREATE] = call_vm_port_create,
    [SYSTEM_VM_RECEIVE] = call_vm_receive,
    [SYSTEM_VM_STATISTICS] = call_vm_statistics,
    [SYSTEM_VM_BUS_START] = call_vm_bus_start,
    [SYSTEM_VM_ATTACH] = call_vm_attach,
    [SYSTEM_VM_DETACH] = call_vm_detach,
    [SYSTEM_VM_SHUTDOWN] = call_vm_shutdown,
    [SYSTEM_VM_KEY] = call_vm_key,
    [SYSTEM_VM_HEARTBEAT] = call_vm_heartbeat,
    [SYSTEM_DISK_INFORMATION] = call_disk_information,
    [SYSTEM_DISK_TRANSFER] = call_disk_transfer,
    [SYSTEM_PORT_INFORMATION] = call_port_information,
    [SYSTEM_PORT_SEND] = call_port_send,
    [SYSTEM_PORT_RECEIVE] = call_port_receive,
    [SYSTEM_PORT_FILTER] = call_port_filter,
};

/* Called by user.asm, interrupts on; returns with interrupts off. */
void system_call(struct trap_frame *frame)
{
    const uint64_t argument[] = {frame->rdi, frame->rsi, frame->rdx,
                                 frame->r10, frame->r8,  frame->r9};
    uint64_t number = frame->rax;
    frame->rax = (uint64_t)failure(SYSTEM_ERROR_CALL);
    if (number < SYSTEM_CALL_COUNT)
        frame->rax = (uint64_t)table[number](argument);
    interrupts_disable();
    process_check();
}
