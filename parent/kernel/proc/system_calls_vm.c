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

/* What one call does with its partition; argument[0] is the handle. Result: of the call. */
typedef int64_t action(struct partition *partition, const uint64_t *argument);

static int64_t with_vm(const uint64_t *argument, uint32_t rights, action *act)
{
    struct partition *partition;
    enum system_error error = system_call_get_vm(argument[0], rights, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    int64_t result = act(partition, argument);
    object_put(&partition->object);
    return result;
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
    object_put(&partition->object);
    return failure(error);
}

static bool range_is_valid(uint64_t start, uint64_t size, uint64_t limit)
{
    return start % PAGE_SIZE == 0 && size % PAGE_SIZE == 0 && size > 0 && start <= limit &&
           size <= limit - start;
}

static int64_t map(struct partition *partition, const uint64_t *argument)
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
        return failure(error);
    struct memory_object *memory = CONTAINER_OF(object, struct memory_object, object);
    error = SYSTEM_ERROR_ARGUMENT;
    if (range_is_valid(offset, size, memory->page_count << PAGE_SHIFT))
        error = partition_map(partition, memory, offset >> PAGE_SHIFT, size >> PAGE_SHIFT,
                              gpa >> PAGE_SHIFT, access);
    object_put(object);
    return failure(error);
}

int64_t call_vm_map(const uint64_t *argument)
{
    uint64_t size = argument[3];
    uint64_t gpa = argument[4];
    uint64_t access = argument[5];
    if (access & ~VM_ACCESS || !(access & SYSTEM_VM_READ) || !range_is_valid(gpa, size, GPA_LIMIT))
        return failure(SYSTEM_ERROR_ARGUMENT);
    return with_vm(argument, SYSTEM_RIGHT_WRITE, map);
}

static int64_t unmap(struct partition *partition, const uint64_t *argument)
{
    return failure(partition_unmap(partition, argument[1] >> PAGE_SHIFT));
}

int64_t call_vm_unmap(const uint64_t *argument)
{
    if (argument[1] % PAGE_SIZE)
        return failure(SYSTEM_ERROR_ARGUMENT);
    return with_vm(argument, SYSTEM_RIGHT_WRITE, unmap);
}

static int64_t create_vp(struct partition *partition, const uint64_t *argument)
{
    uint64_t address;
    enum system_error error =
        partition_create_vp(partition, argument[1], &current_process()->space, &address);
    return error == SYSTEM_OK ? (int64_t)address : failure(error);
}

int64_t call_vp_create(const uint64_t *argument)
{
    return with_vm(argument, SYSTEM_RIGHT_WRITE, create_vp);
}

static int64_t wait_vp(struct partition *partition, const uint64_t *argument)
{
    uint64_t tsc = argument[2];
    uint64_t what = argument[3];
    struct vp *vp = partition_vp(partition, argument[1]);
    if (!vp)
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = partition_wait_vp(vp, time_at_tsc(tsc), what & SYSTEM_VP_WAIT_EVENTS);
    return error == SYSTEM_ERROR_TIMEOUT ? 1 : failure(error);
}

int64_t call_vp_wait(const uint64_t *argument)
{
    if (argument[3] & ~(uint64_t)SYSTEM_VP_WAIT_EVENTS)
        return failure(SYSTEM_ERROR_ARGUMENT);
    return with_vm(argument, SYSTEM_RIGHT_READ, wait_vp);
}

/* The sizes have been checked. */
static int64_t pass_buffers(struct partition *partition, const uint64_t *argument, void *input,
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

static int64_t pass(struct partition *partition, const uint64_t *argument)
{
    void *input = heap_allocate(argument[3]);
    void *output = heap_allocate(argument[5] + 1); /* never nothing */
    int64_t result = pass_buffers(partition, argument, input, output);
    heap_free(input);
    heap_free(output);
    return result;
}

int64_t call_vm_call(const uint64_t *argument)
{
    uint64_t input_value = argument[1];
    uint64_t input_size = argument[3];
    uint64_t output_size = argument[5];
    if (!pass_through_is_allowed(input_value, input_size, output_size))
        return failure(SYSTEM_ERROR_ARGUMENT);
    return with_vm(argument, SYSTEM_RIGHT_WRITE, pass);
}

static int64_t create_port(struct partition *partition, const uint64_t *argument)
{
    uint64_t type = argument[1];
    uint64_t connection_id = argument[2];
    uint64_t flag_count = argument[3];
    return failure(port_create(partition, (enum system_port_type)type, (uint32_t)connection_id,
                               (uint16_t)flag_count));
}

int64_t call_vm_port_create(const uint64_t *argument)
{
    uint64_t type = argument[1];
    uint64_t connection_id = argument[2];
    uint64_t flag_count = argument[3];
    bool is_event = type == SYSTEM_PORT_EVENT;
    if ((type != SYSTEM_PORT_MESSAGE && !is_event) || connection_id > UINT32_MAX ||
        flag_count > SYSTEM_MAX_PORT_FLAGS || is_event != (flag_count > 0))
        return failure(SYSTEM_ERROR_ARGUMENT);
    return with_vm(argument, SYSTEM_RIGHT_WRITE, create_port);
}

static int64_t receive(struct partition *partition, const uint64_t *argument)
{
    uint64_t address = argument[1];
    uint64_t deadline = argument[2];
    struct system_vm_event event;
    enum system_error error = port_receive(partition, &event, deadline);
    if (error == SYSTEM_OK && !user_write(address, &event, sizeof(event)))
        error = SYSTEM_ERROR_ADDRESS;
    return failure(error);
}

int64_t call_vm_receive(const uint64_t *argument)
{
    return with_vm(argument, SYSTEM_RIGHT_READ, receive);
}

static int64_t get_statistics(struct partition *partition, const uint64_t *argument)
{
    uint64_t address = argument[2];
    struct veneer_vp_statistics statistics[2];
    struct vp *vp = partition_vp(partition, argument[1]);
    enum system_error error = vp ? partition_statistics(vp, statistics) : SYSTEM_ERROR_ARGUMENT;
    if (error == SYSTEM_OK && !user_write(address, statistics, sizeof(statistics)))
        error = SYSTEM_ERROR_ADDRESS;
    return failure(error);
}

int64_t call_vm_statistics(const uint64_t *argument)
{
    return with_vm(argument, SYSTEM_RIGHT_READ, get_statistics);
}
