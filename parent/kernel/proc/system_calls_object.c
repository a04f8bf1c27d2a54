/* System calls on handles and memory. */
#include "lib/x86/cpu.h"
#include "parent/include/list.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/system_calls.h"

/* Puts a reference of the caller's into the process's table; the result of the system call. */
static int64_t give_handle(struct object *object, uint32_t rights)
{
    uint32_t number = handle_add(&current_process()->handles, object, rights);
    if (number != 0)
        return number;
    object_put(object);
    return failure(SYSTEM_ERROR_LIMIT);
}

int64_t call_handle_close(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    return failure(handle_close(&current_process()->handles, handle));
}

int64_t call_handle_duplicate(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t rights = argument[1];
    struct handle copy;
    if (rights & ~(uint64_t)SYSTEM_RIGHTS_ALL)
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error =
        handle_copy(&current_process()->handles, handle, SYSTEM_RIGHT_DUPLICATE, &copy);
    if (error != SYSTEM_OK)
        return failure(error);
    return give_handle(copy.object, copy.rights & (uint32_t)rights);
}

int64_t call_memory_create(const uint64_t *argument)
{
    uint64_t size = argument[0];
    enum system_error error;
    if (size == 0 || size > UINT64_MAX - PAGE_SIZE)
        return failure(SYSTEM_ERROR_ARGUMENT);
    struct memory_object *memory =
        memory_object_create(current_process()->job, (size + PAGE_SIZE - 1) >> PAGE_SHIFT, &error);
    if (!memory)
        return failure(error);
    return give_handle(&memory->object, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE |
                                            SYSTEM_RIGHT_DUPLICATE | SYSTEM_RIGHT_TRANSFER);
}

static enum system_error map(struct memory_object *memory, uint64_t offset, uint64_t size,
                             uint32_t rights, uint64_t *address)
{
    uint64_t limit = memory->page_count << PAGE_SHIFT;
    if (offset % PAGE_SIZE || size == 0 || offset > limit || size > limit - offset)
        return SYSTEM_ERROR_ARGUMENT;
    return address_space_map(&current_process()->space, memory, offset >> PAGE_SHIFT,
                             (size + PAGE_SIZE - 1) >> PAGE_SHIFT,
                             rights & SYSTEM_RIGHT_WRITE ? ACCESS_WRITE : ACCESS_READ, address);
}

int64_t call_memory_map(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t offset = argument[1];
    uint64_t size = argument[2];
    uint64_t rights = argument[3];
    struct object *object;
    uint64_t address = 0;
    if (!(rights & SYSTEM_RIGHT_READ) ||
        rights & ~(uint64_t)(SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE))
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error =
        handle_get(&current_process()->handles, handle, OBJECT_MEMORY, (uint32_t)rights, &object);
    if (error != SYSTEM_OK)
        return failure(error);
    error = map(CONTAINER_OF(object, struct memory_object, object), offset, size, (uint32_t)rights,
                &address);
    object_put(object);
    return error == SYSTEM_OK ? (int64_t)address : failure(error);
}

int64_t call_memory_unmap(const uint64_t *argument)
{
    uint64_t address = argument[0];
    /* What the program began with stays: its code, data and first stack. */
    if (address < USER_MAP_START || !address_space_unmap(&current_process()->space, address))
        return failure(SYSTEM_ERROR_ARGUMENT);
    return SYSTEM_OK;
}
