#include "parent/user/system.h"

#include "lib/string.h"

int64_t system_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                    uint64_t f)
{
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = f;
    int64_t result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

_Noreturn void system_exit(int status)
{
    for (;;)
        system_call(SYSTEM_EXIT, (uint64_t)status, 0, 0, 0, 0, 0);
}

int64_t system_print(const char *text, size_t size)
{
    return system_call(SYSTEM_PRINT, (uint64_t)text, size, 0, 0, 0, 0);
}

void system_yield(void)
{
    system_call(SYSTEM_YIELD, 0, 0, 0, 0, 0, 0);
}

void system_sleep(uint64_t deadline)
{
    system_call(SYSTEM_SLEEP, deadline, 0, 0, 0, 0, 0);
}

uint64_t system_time(void)
{
    return (uint64_t)system_call(SYSTEM_TIME, 0, 0, 0, 0, 0, 0);
}

uint64_t system_wall_clock(void)
{
    return (uint64_t)system_call(SYSTEM_WALL_CLOCK, 0, 0, 0, 0, 0, 0);
}

int64_t system_handle_close(uint32_t handle)
{
    return system_call(SYSTEM_HANDLE_CLOSE, handle, 0, 0, 0, 0, 0);
}

int64_t system_handle_duplicate(uint32_t handle, uint32_t rights)
{
    return system_call(SYSTEM_HANDLE_DUPLICATE, handle, rights, 0, 0, 0, 0);
}

int64_t system_memory_create(uint64_t size)
{
    return system_call(SYSTEM_MEMORY_CREATE, size, 0, 0, 0, 0, 0);
}

int64_t system_memory_map(uint32_t handle, uint64_t offset, uint64_t size, uint32_t rights,
                          void **address)
{
    int64_t result = system_call(SYSTEM_MEMORY_MAP, handle, offset, size, rights, 0, 0);
    if (result < 0)
        return result;
    *address = (void *)result;
    return 0;
}

int64_t system_memory_unmap(void *address)
{
    return system_call(SYSTEM_MEMORY_UNMAP, (uint64_t)address, 0, 0, 0, 0, 0);
}

int64_t system_pipe_create(uint32_t handles[2])
{
    return system_call(SYSTEM_PIPE_CREATE, (uint64_t)handles, 0, 0, 0, 0, 0);
}

int64_t system_pipe_send(uint32_t pipe, const void *data, uint32_t size, const uint32_t *handles,
                         uint32_t count, uint64_t deadline)
{
    struct system_message message = {.buffer = (uint64_t)data, .size = size, .handle_count = count};
    if (count > SYSTEM_MAX_MESSAGE_HANDLES)
        return -SYSTEM_ERROR_ARGUMENT;
    if (count > 0)
        memcpy(message.handles, handles, count * sizeof(handles[0]));
    return system_call(SYSTEM_PIPE_SEND, pipe, (uint64_t)&message, deadline, 0, 0, 0);
}

int64_t system_pipe_receive(uint32_t pipe, struct system_message *message, uint64_t deadline)
{
    return system_call(SYSTEM_PIPE_RECEIVE, pipe, (uint64_t)message, deadline, 0, 0, 0);
}

int64_t system_process_start(const char *name, const char *arguments, uint32_t arguments_size,
                             const uint32_t *handles, uint32_t handle_count)
{
    struct system_process_start start = {
        .name = (uint64_t)name,
        .arguments = (uint64_t)arguments,
        .name_size = (uint32_t)strlen(name),
        .arguments_size = arguments_size,
        .handle_count = handle_count,
    };
    if (handle_count > SYSTEM_MAX_START_HANDLES)
        return -SYSTEM_ERROR_ARGUMENT;
    if (handle_count > 0)
        memcpy(start.handles, handles, handle_count * sizeof(handles[0]));
    return system_call(SYSTEM_PROCESS_START, (uint64_t)&start, 0, 0, 0, 0, 0);
}

int64_t system_process_kill(uint32_t process, int status)
{
    return system_call(SYSTEM_PROCESS_KILL, process, (uint64_t)status, 0, 0, 0, 0);
}

int64_t system_process_wait(uint32_t process, struct system_process_end *end, uint64_t deadline)
{
    return system_call(SYSTEM_PROCESS_WAIT, process, (uint64_t)end, deadline, 0, 0, 0);
}

uint32_t system_process_id(void)
{
    return (uint32_t)system_call(SYSTEM_PROCESS_ID, 0, 0, 0, 0, 0, 0);
}

int64_t system_thread_start(void (*entry)(void *argument), void *stack_top, void *argument)
{
    /* As if called from nowhere: the return address below the top is what the stack has there. */
    uint64_t rsp = ((uint64_t)stack_top & ~15ull) - sizeof(uint64_t);
    return system_call(SYSTEM_THREAD_START, (uint64_t)entry, rsp, (uint64_t)argument, 0, 0, 0);
}

_Noreturn void system_thread_exit(void)
{
    for (;;)
        system_call(SYSTEM_THREAD_EXIT, 0, 0, 0, 0, 0, 0);
}

int64_t system_vm_create(uint64_t privileges, uint64_t features, uint64_t *partition_id)
{
    return system_call(SYSTEM_VM_CREATE, privileges, features, (uint64_t)partition_id, 0, 0, 0);
}

int64_t system_vm_map(uint32_t vm, uint32_t memory, uint64_t offset, uint64_t size, uint64_t gpa,
                      uint32_t access)
{
    return system_call(SYSTEM_VM_MAP, vm, memory, offset, size, gpa, access);
}

int64_t system_vm_unmap(uint32_t vm, uint64_t gpa)
{
    return system_call(SYSTEM_VM_UNMAP, vm, gpa, 0, 0, 0, 0);
}

int64_t system_vp_create(uint32_t vm, uint32_t index, void **pages)
{
    int64_t result = system_call(SYSTEM_VP_CREATE, vm, index, 0, 0, 0, 0);
    if (result < 0)
        return result;
    *pages = (void *)result;
    return 0;
}

int64_t system_vp_wait(uint32_t vm, uint32_t index, uint64_t tsc, uint32_t what)
{
    return system_call(SYSTEM_VP_WAIT, vm, index, tsc, what, 0, 0);
}

int64_t system_vm_call(uint32_t vm, uint16_t code, uint16_t reps, const void *input,
                       size_t input_size, void *output, size_t output_size)
{
    return system_call(SYSTEM_VM_CALL, vm, code | (uint64_t)reps << HV_HYPERCALL_REP_COUNT_SHIFT,
                       (uint64_t)input, input_size, (uint64_t)output, output_size);
}

int64_t system_vm_port_create(uint32_t vm, enum system_port_type type, uint32_t connection_id,
                              uint32_t flag_count)
{
    return system_call(SYSTEM_VM_PORT_CREATE, vm, type, connection_id, flag_count, 0, 0);
}

int64_t system_vm_receive(uint32_t vm, struct system_vm_event *event, uint64_t deadline)
{
    return system_call(SYSTEM_VM_RECEIVE, vm, (uint64_t)event, deadline, 0, 0, 0);
}

int64_t system_vm_statistics(uint32_t vm, uint32_t index, struct veneer_vp_statistics statistics[2])
{
    return system_call(SYSTEM_VM_STATISTICS, vm, index, (uint64_t)statistics, 0, 0, 0);
}

int64_t system_vm_bus_start(uint32_t vm)
{
    return system_call(SYSTEM_VM_BUS_START, vm, 0, 0, 0, 0, 0);
}

int64_t system_vm_attach(uint32_t vm, uint32_t device, uint32_t slot)
{
    return system_call(SYSTEM_VM_ATTACH, vm, device, slot, 0, 0, 0);
}

int64_t system_vm_detach(uint32_t vm, uint32_t slot)
{
    return system_call(SYSTEM_VM_DETACH, vm, slot, 0, 0, 0, 0);
}

int64_t system_vm_shutdown(uint32_t vm, enum system_vm_shutdown how)
{
    return system_call(SYSTEM_VM_SHUTDOWN, vm, how, 0, 0, 0, 0);
}

int64_t system_vm_key(uint32_t vm, uint16_t make_code, uint32_t flags)
{
    return system_call(SYSTEM_VM_KEY, vm, make_code, flags, 0, 0, 0);
}

int64_t system_vm_heartbeat(uint32_t vm)
{
    return system_call(SYSTEM_VM_HEARTBEAT, vm, 0, 0, 0, 0, 0);
}

int64_t system_disk_information(uint32_t disk, struct system_disk_information *information)
{
    return system_call(SYSTEM_DISK_INFORMATION, disk, (uint64_t)information, 0, 0, 0, 0);
}

int64_t system_disk_transfer(uint32_t disk, enum system_disk_operation operation, uint64_t sector,
                             const struct system_disk_segment *segments, uint32_t count)
{
    return system_call(SYSTEM_DISK_TRANSFER, disk, operation, sector, (uint64_t)segments, count, 0);
}

int64_t system_port_information(uint32_t port, struct system_port_information *information)
{
    return system_call(SYSTEM_PORT_INFORMATION, port, (uint64_t)information, 0, 0, 0, 0);
}

int64_t system_port_send(uint32_t port, const void *frames, uint32_t size)
{
    return system_call(SYSTEM_PORT_SEND, port, (uint64_t)frames, size, 0, 0, 0);
}

int64_t system_port_receive(uint32_t port, void *buffer, uint32_t size, uint64_t deadline)
{
    return system_call(SYSTEM_PORT_RECEIVE, port, (uint64_t)buffer, size, deadline, 0, 0);
}

int64_t system_port_filter(uint32_t port, uint32_t filter)
{
    return system_call(SYSTEM_PORT_FILTER, port, filter, 0, 0, 0, 0);
}

const char *system_error_text(int64_t error)
{
    static const char *const texts[SYSTEM_ERROR_COUNT] = {
        [SYSTEM_OK] = "no error",
        [SYSTEM_ERROR_CALL] = "no such system call",
        [SYSTEM_ERROR_ARGUMENT] = "argument out of range",
        [SYSTEM_ERROR_ADDRESS] = "bad pointer",
        [SYSTEM_ERROR_HANDLE] = "bad handle",
        [SYSTEM_ERROR_RIGHTS] = "the handle lacks the right",
        [SYSTEM_ERROR_MEMORY] = "no memory left",
        [SYSTEM_ERROR_LIMIT] = "limit reached",
        [SYSTEM_ERROR_NOT_FOUND] = "no such program",
        [SYSTEM_ERROR_EXECUTABLE] = "not a program",
        [SYSTEM_ERROR_TIMEOUT] = "deadline passed",
        [SYSTEM_ERROR_CLOSED] = "pipe closed",
        [SYSTEM_ERROR_SIZE] = "message too large",
        [SYSTEM_ERROR_INTERRUPTED] = "interrupted",
        [SYSTEM_ERROR_UNAVAILABLE] = "the hypervisor does not run children",
        [SYSTEM_ERROR_HYPERVISOR] = "the hypervisor refuses",
        [SYSTEM_ERROR_BUSY] = "in use",
        [SYSTEM_ERROR_MEDIUM] = "the disk cannot read or write there",
        [SYSTEM_ERROR_READ_ONLY] = "the disk is read-only",
        [SYSTEM_ERROR_NO_MEDIUM] = "the disk is gone",
        [SYSTEM_ERROR_FULL] = "no room for the disk to grow",
    };
    uint64_t number = error < 0 ? -(uint64_t)error : (uint64_t)error;
    return number < SYSTEM_ERROR_COUNT ? texts[number] : "unknown error";
}
