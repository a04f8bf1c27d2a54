/* System calls on processes and threads. */
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/program.h"
#include "parent/kernel/proc/system_calls.h"
#include "parent/kernel/proc/user.h"

#define PROCESS_RIGHTS                                                                             \
    (SYSTEM_RIGHT_WAIT | SYSTEM_RIGHT_KILL | SYSTEM_RIGHT_DUPLICATE | SYSTEM_RIGHT_TRANSFER)

int64_t call_exit(const uint64_t *argument)
{
    uint64_t status = argument[0];
    process_exit((int)status);
    return SYSTEM_OK;
}

/* Copies of everything that the caller's structure points to. */
struct start_request {
    char name[SYSTEM_MAX_PROGRAM_NAME];
    char arguments[SYSTEM_MAX_ARGUMENTS];
    uint32_t arguments_size;
    uint32_t handle_count; /* handles that have references */
    struct handle handles[SYSTEM_MAX_START_HANDLES];
};

static enum system_error read_texts(const struct system_process_start *start,
                                    struct start_request *request)
{
    if (start->name_size >= sizeof(request->name) ||
        start->arguments_size > sizeof(request->arguments) ||
        start->handle_count > SYSTEM_MAX_START_HANDLES)
        return SYSTEM_ERROR_ARGUMENT;
    if (!user_read(request->name, start->name, start->name_size) ||
        !user_read(request->arguments, start->arguments, start->arguments_size))
        return SYSTEM_ERROR_ADDRESS;
    if (start->arguments_size > 0 && request->arguments[start->arguments_size - 1] != '\0')
        return SYSTEM_ERROR_ARGUMENT;
    request->arguments_size = start->arguments_size;
    return SYSTEM_OK;
}

static enum system_error read_request(const struct system_process_start *start,
                                      struct start_request *request)
{
    enum system_error error = read_texts(start, request);
    for (uint32_t i = 0; error == SYSTEM_OK && i < start->handle_count; i++) {
        error = handle_copy(&current_process()->handles, start->handles[i], SYSTEM_RIGHT_DUPLICATE,
                            &request->handles[i]);
        if (error == SYSTEM_OK)
            request->handle_count++;
    }
    return error;
}

static struct process *create(const struct start_request *request, enum system_error *error)
{
    struct process_plan plan = {
        .name = request->name,
        .arguments = request->arguments,
        .arguments_size = request->arguments_size,
        .starter = current_process(),
        .handles = request->handles,
        .handle_count = request->handle_count,
    };
    const char *text;
    *error = SYSTEM_ERROR_NOT_FOUND;
    if (!program_find(request->name, &plan.file, &plan.size))
        return NULL;
    return process_create(&plan, error, &text);
}

/* A process that its starter can get no handle for does not stay. */
static int64_t start_process(const struct start_request *request)
{
    enum system_error error;
    struct process *process = create(request, &error);
    if (!process)
        return failure(error);
    uint32_t number = handle_add(&current_process()->handles, &process->object, PROCESS_RIGHTS);
    if (number != 0)
        return number;
    process_kill(process, -1);
    process_put(process);
    return failure(SYSTEM_ERROR_LIMIT);
}

int64_t call_process_start(const uint64_t *argument)
{
    uint64_t address = argument[0];
    struct system_process_start start;
    if (!user_read(&start, address, sizeof(start)))
        return failure(SYSTEM_ERROR_ADDRESS);
    struct start_request *request = heap_allocate(sizeof(*request));
    if (!request)
        return failure(SYSTEM_ERROR_MEMORY);
    enum system_error error = read_request(&start, request);
    int64_t result = error == SYSTEM_OK ? start_process(request) : failure(error);
    for (uint32_t i = 0; i < request->handle_count; i++)
        object_put(request->handles[i].object);
    heap_free(request);
    return result;
}

static enum system_error get_process(uint64_t handle, uint32_t right, struct process **process)
{
    struct object *object;
    enum system_error error =
        handle_get(&current_process()->handles, handle, OBJECT_PROCESS, right, &object);
    if (error == SYSTEM_OK)
        *process = CONTAINER_OF(object, struct process, object);
    return error;
}

int64_t call_process_kill(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t status = argument[1];
    struct process *process;
    enum system_error error = get_process(handle, SYSTEM_RIGHT_KILL, &process);
    if (error != SYSTEM_OK)
        return failure(error);
    process_kill(process, (int)status);
    process_put(process);
    return SYSTEM_OK;
}

int64_t call_process_wait(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t address = argument[1];
    uint64_t deadline = argument[2];
    struct system_process_end end;
    struct process *process;
    enum system_error error = get_process(handle, SYSTEM_RIGHT_WAIT, &process);
    if (error != SYSTEM_OK)
        return failure(error);
    if (!process_wait(process, &end, deadline))
        error = process_is_dying() ? SYSTEM_ERROR_INTERRUPTED : SYSTEM_ERROR_TIMEOUT;
    else if (!user_write(address, &end, sizeof(end)))
        error = SYSTEM_ERROR_ADDRESS;
    process_put(process);
    return failure(error);
}

int64_t call_process_id(const uint64_t *argument)
{
    (void)argument;
    return current_process()->id;
}

int64_t call_thread_start(const uint64_t *argument)
{
    uint64_t rip = argument[0];
    uint64_t rsp = argument[1];
    if (rip >= USER_END || rsp >= USER_END)
        return failure(SYSTEM_ERROR_ARGUMENT);
    struct trap_frame entry = {
        .rip = rip,
        .cs = SELECTOR_USER_CODE,
        .rflags = RFLAGS_FIXED | RFLAGS_IF,
        .rsp = rsp,
        .ss = SELECTOR_USER_DATA,
        .rdi = argument[2],
    };
    return failure(process_add_thread(current_process(), &entry));
}

int64_t call_thread_exit(const uint64_t *argument)
{
    (void)argument;
    process_leave();
}
