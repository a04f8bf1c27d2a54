/* System calls on child partitions. What they do is in parent/vid/. */
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/system_calls.h"
#include "parent/kernel/proc/user.h"
#include "parent/kernel/time.h"
#include "parent/vid/partition.h"
#include "parent/vid/pass_through.h"
#include "parent/vid/port.h"
#include "parent/vid/vid.h"

#define VM_RIGHTS                                                                                  \
    (SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE | SYSTEM_RIGHT_DUPLICATE | SYSTEM_RIGHT_TRANSFER)
#define VM_ACCESS ((uint64_t)(SYSTEM_VM_READ | SYSTEM_VM_WRITE | SYSTEM_VM_EXECUTE))

/* Guest physical addresses are below: what four levels of tables reach. */
#define GPA_LIMIT (1ull << 48)

enum system_error system_call_get_vm(uint64_t handle, uint32_t rights, struct partition **partition)
{
    struct object *object;
    enum system_error error =
        handle_get(&current_process()->handles, handle, OBJECT_PARTITION, rights, &object);
    if (error == SYSTEM_OK)
        *partition = CONTAINER_OF(object, struct partition, object);
    return error;
}

static void put_vm(struct partition *partition)
{
    object_put(&partition->object);
}

int64_t call_vm_create(const uint64_t *argument)
{
    uint64_t privileges = argument[0];
    uint64_t features = argument[1];
    uint64_t address = argument[2];
    struct partition *partition;
    if (!vid_is_available())
        return failure(SYSTEM_ERROR_UNAVAILABLE);
    enum system_error error =
        partition_create(current_process()->job, privileges, features, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    uint64_t id = partition->deposits.partition_id;
    uint32_t handle = 0;
    if (!user_write(address, &id, sizeof(id)))
        error = SYSTEM_ERROR_ADDRESS;
    else if ((handle = handle_add(&current_process()->handles, &partition->object, VM_RIGHTS)) == 0)
        error = SYSTEM_ERROR_LIMIT;
    if (error == SYSTEM_OK)
        return handle;
    put_vm(partition);
    return failure(error);
}

static bool range_is_valid(uint64_t start, uint64_t size, uint64_t limit)
{
    return start % PAGE_SIZE == 0 && size % PAGE_SIZE == 0 && size > 0 && start <= limit &&
           size <= limit - start;
}

static enum system_error map(struct partition *partition, const uint64_t *argument)
{
    uint64_t handle = argument[1];
    uint64_t offset = argument[2];
    uint64_t size = argument[3];
    uint64_t gpa = argument[4];
    uint32_t access = (uint32_t)argument[5];
    struct object *object;
    uint32_t rights = SYSTEM_RIGHT_READ;
    if (access & SYSTEM_VM_WRITE)
        rights |= SYSTEM_RIGHT_WRITE;
    enum system_error error =
        handle_get(&current_process()->handles, handle, OBJECT_MEMORY, rights, &object);
    if (error != SYSTEM_OK)
        return error;
    struct memory_object *memory = CONTAINER_OF(object, struct memory_object, object);
    error = SYSTEM_ERROR_ARGUMENT;
    if (range_is_valid(offset, size, memory->page_count << PAGE_SHIFT))
        error = partition_map(partition, memory, offset >> PAGE_SHIFT, size >> PAGE_SHIFT,
                              gpa >> PAGE_SHIFT, access);
    object_put(object);
    return error;
}

int64_t call_vm_map(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t size = argument[3];
    uint64_t gpa = argument[4];
    uint64_t access = argument[5];
    struct partition *partition;
    if (access & ~VM_ACCESS || !(access & SYSTEM_VM_READ) || !range_is_valid(gpa, size, GPA_LIMIT))
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = system_call_get_vm(handle, SYSTEM_RIGHT_WRITE, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    error = map(partition, argument);
    put_vm(partition);
    return failure(error);
}

int64_t call_vm_unmap(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t gpa = argument[1];
    struct partition *partition;
    if (gpa % PAGE_SIZE)
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = system_call_get_vm(handle, SYSTEM_RIGHT_WRITE, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    error = partition_unmap(partition, gpa >> PAGE_SHIFT);
    put_vm(partition);
    return failure(error);
}

int64_t call_vp_create(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t index = argument[1];
    struct partition *partition;
    uint64_t address;
    enum system_error error = system_call_get_vm(handle, SYSTEM_RIGHT_WRITE, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    error = partition_create_vp(partition, index, &current_process()->space, &address);
    put_vm(partition);
    return error == SYSTEM_OK ? (int64_t)address : failure(error);
}

int64_t call_vp_wait(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t index = argument[1];
    uint64_t tsc = argument[2];
    uint64_t what = argument[3];
    struct partition *partition;
    if (what & ~(uint64_t)SYSTEM_VP_WAIT_EVENTS)
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = system_call_get_vm(handle, SYSTEM_RIGHT_READ, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    struct vp *vp = partition_vp(partition, index);
    error = SYSTEM_ERROR_ARGUMENT;
    if (vp)
        error = partition_wait_vp(vp, time_at_tsc(tsc), what & SYSTEM_VP_WAIT_EVENTS);
    put_vm(partition);
    return error == SYSTEM_ERROR_TIMEOUT ? 1 : failure(error);
}

/* The arguments have been checked. */
static int64_t pass(struct partition *partition, const uint64_t *argument, void *input,
                    void *output)
{
    uint64_t input_value = argument[1];
    uint64_t input_address = argument[2];
    uint64_t input_size = argument[3];
    uint64_t output_address = argument[4];
    uint64_t output_size = argument[5];
    if (!input || !output)
        return failure(SYSTEM_ERROR_MEMORY);
    if (!user_read(input, input_address, input_size))
        return failure(SYSTEM_ERROR_ADDRESS);
    uint64_t result = pass_through(partition, input_value, input, input_size, output, output_size);
    if (!user_write(output_address, output, output_size))
        return failure(SYSTEM_ERROR_ADDRESS);
    return (int64_t)result;
}

int64_t call_vm_call(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t input_value = argument[1];
    uint64_t input_size = argument[3];
    uint64_t output_size = argument[5];
    struct partition *partition;
    if (!pass_through_is_allowed(input_value, input_size, output_size))
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = system_call_get_vm(handle, SYSTEM_RIGHT_WRITE, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    void *input = heap_allocate(input_size);
    void *output = heap_allocate(output_size + 1); /* never nothing */
    int64_t result = pass(partition, argument, input, output);
    heap_free(input);
    heap_free(output);
    put_vm(partition);
    return result;
}

int64_t call_vm_port_create(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t type = argument[1];
    uint64_t connection_id = argument[2];
    uint64_t flag_count = argument[3];
    struct partition *partition;
    bool is_event = type == SYSTEM_PORT_EVENT;
    if ((type != SYSTEM_PORT_MESSAGE && !is_event) || connection_id > UINT32_MAX ||
        flag_count > SYSTEM_MAX_PORT_FLAGS || is_event != (flag_count > 0))
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = system_call_get_vm(handle, SYSTEM_RIGHT_WRITE, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    error = port_create(partition, (enum system_port_type)type, (uint32_t)connection_id,
                        (uint16_t)flag_count);
    put_vm(partition);
    return failure(error);
}

int64_t call_vm_receive(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t address = argument[1];
    uint64_t deadline = argument[2];
    struct partition *partition;
    struct system_vm_event event;
    enum system_error error = system_call_get_vm(handle, SYSTEM_RIGHT_READ, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    error = port_receive(partition, &event, deadline);
    put_vm(partition);
    if (error == SYSTEM_OK && !user_write(address, &event, sizeof(event)))
        error = SYSTEM_ERROR_ADDRESS;
    return failure(error);
}

int64_t call_vm_statistics(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t index = argument[1];
    uint64_t address = argument[2];
    struct partition *partition;
    struct veneer_vp_statistics statistics[2];
    enum system_error error = system_call_get_vm(handle, SYSTEM_RIGHT_READ, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    struct vp *vp = partition_vp(partition, index);
    error = vp ? partition_statistics(vp, statistics) : SYSTEM_ERROR_ARGUMENT;
    put_vm(partition);
    if (error == SYSTEM_OK && !user_write(address, statistics, sizeof(statistics)))
        error = SYSTEM_ERROR_ADDRESS;
    return failure(error);
}
