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

int64_t call_handle_close(uint64_t handle, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                          uint64_t f)
{
    UNUSED_ARGUMENTS(b, c, d, e, f);
    if (handle > UINT32_MAX)
        return failure(SYSTEM_ERROR_HANDLE);
    return failure(handle_close(&current_process()->handles, (uint32_t)handle));
}

int64_t call_handle_duplicate(uint64_t handle, uint64_t rights, uint64_t c, uint64_t d, uint64_t e,
                              uint64_t f)
{
    struct handle copy;
    UNUSED_ARGUMENTS(c, d, e, f);
    if (handle > UINT32_MAX)
        return failure(SYSTEM_ERROR_HANDLE);
    if (rights & ~(uint64_t)SYSTEM_RIGHTS_ALL)
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error =
        handle_copy(&current_process()->handles, (uint32_t)handle, SYSTEM_RIGHT_DUPLICATE, &copy);
    if (error != SYSTEM_OK)
        return failure(error);
    return give_handle(copy.object, copy.rights & (uint32_t)rights);
}

int64_t call_memory_create(uint64_t size, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                           uint64_t f)
{
    enum system_error error;
    UNUSED_ARGUMENTS(b, c, d, e, f);
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

int64_t call_memory_map(uint64_t handle, uint64_t offset, uint64_t size, uint64_t rights,
                        uint64_t e, uint64_t f)
{
    struct object *object;
    uint64_t address = 0;
    UNUSED_ARGUMENTS(e, f);
    if (handle > UINT32_MAX)
        return failure(SYSTEM_ERROR_HANDLE);
    if (!(rights & SYSTEM_RIGHT_READ) ||
        rights & ~(uint64_t)(SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE))
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = handle_get(&current_process()->handles, (uint32_t)handle,
                                         OBJECT_MEMORY, (uint32_t)rights, &object);
    if (error != SYSTEM_OK)
        return failure(error);
    error = map(CONTAINER_OF(object, struct memory_object, object), offset, size, (uint32_t)rights,
                &address);
    object_put(object);
    return error == SYSTEM_OK ? (int64_t)address : failure(error);
}

int64_t call_memory_unmap(uint64_t address, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                          uint64_t f)
{
    UNUSED_ARGUMENTS(b, c, d, e, f);
    /* What the program began with stays: its code, data and first stack. */
    if (address < USER_MAP_START || !address_space_unmap(&current_process()->space, address))
        return failure(SYSTEM_ERROR_ARGUMENT);
    return SYSTEM_OK;
}
