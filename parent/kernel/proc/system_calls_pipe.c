/* System calls on pipes. */
#include "parent/kernel/proc/pipe.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/system_calls.h"
#include "parent/kernel/proc/user.h"

/* Without TRANSFER: a pipe whose end waits in one of its own messages would never go away. */
#define PIPE_RIGHTS (SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE | SYSTEM_RIGHT_DUPLICATE)

int64_t call_pipe_create(const uint64_t *argument)
{
    uint64_t handles = argument[0];
    struct handle_table *table = &current_process()->handles;
    struct object *ends[2];
    uint32_t numbers[2];
    enum system_error error = pipe_create(current_process()->job, ends);
    if (error != SYSTEM_OK)
        return failure(error);
    for (int i = 0; i < 2; i++) {
        numbers[i] = handle_add(table, ends[i], PIPE_RIGHTS);
        if (numbers[i] == 0)
            object_put(ends[i]);
    }
    error = numbers[0] == 0 || numbers[1] == 0 ? SYSTEM_ERROR_LIMIT : SYSTEM_OK;
    if (error == SYSTEM_OK && !user_write(handles, numbers, sizeof(numbers)))
        error = SYSTEM_ERROR_ADDRESS;
    if (error != SYSTEM_OK) {
        handle_close(table, numbers[0]);
        handle_close(table, numbers[1]);
    }
    return failure(error);
}

/* Adds copies of the handles that @wanted names. */
static enum system_error collect_handles(const struct system_message *wanted,
                                         struct message *message)
{
    for (uint32_t i = 0; i < wanted->handle_count; i++) {
        enum system_error error = handle_copy(&current_process()->handles, wanted->handles[i],
                                              SYSTEM_RIGHT_TRANSFER, &message->handles[i]);
        if (error != SYSTEM_OK)
            return error;
        message->handle_count++;
    }
    return SYSTEM_OK;
}

/* The message that @wanted describes; NULL: *@error says why not. */
static struct message *make_message(const struct system_message *wanted, enum system_error *error)
{
    *error = SYSTEM_ERROR_ARGUMENT;
    if (wanted->size > SYSTEM_MAX_MESSAGE || wanted->handle_count > SYSTEM_MAX_MESSAGE_HANDLES)
        return NULL;
    *error = SYSTEM_ERROR_MEMORY;
    struct message *message = message_create(wanted->size);
    if (!message)
        return NULL;
    *error = SYSTEM_ERROR_ADDRESS;
    if (user_read(message->data, wanted->buffer, wanted->size))
        *error = collect_handles(wanted, message);
    if (*error == SYSTEM_OK)
        return message;
    message_destroy(message);
    return NULL;
}

static enum system_error get_end(uint64_t handle, uint32_t right, struct object **end)
{
    return handle_get(&current_process()->handles, handle, OBJECT_PIPE_END, right, end);
}

int64_t call_pipe_send(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t address = argument[1];
    uint64_t deadline = argument[2];
    struct system_message wanted;
    struct object *end;
    if (!user_read(&wanted, address, sizeof(wanted)))
        return failure(SYSTEM_ERROR_ADDRESS);
    enum system_error error = get_end(handle, SYSTEM_RIGHT_WRITE, &end);
    if (error != SYSTEM_OK)
        return failure(error);
    struct message *message = make_message(&wanted, &error);
    if (message) {
        error = pipe_send(end, message, deadline);
        if (error != SYSTEM_OK)
            message_destroy(message);
    }
    object_put(end);
    return failure(error);
}

/* Hands over the bytes and handles of @message; on an error the program gets none of the handles.
 */
static enum system_error deliver(struct message *message, struct system_message *wanted,
                                 uint64_t address)
{
    struct handle_table *table = &current_process()->handles;
    enum system_error error =
        user_write(wanted->buffer, message->data, message->size) ? SYSTEM_OK : SYSTEM_ERROR_ADDRESS;
    *wanted = (struct system_message){.buffer = wanted->buffer, .size = message->size};
    while (error == SYSTEM_OK && wanted->handle_count < message->handle_count) {
        struct handle *handle = &message->handles[wanted->handle_count];
        object_get(handle->object);
        uint32_t number = handle_add(table, handle->object, handle->rights);
        if (number == 0) {
            object_put(handle->object);
            error = SYSTEM_ERROR_LIMIT;
        } else {
            wanted->handles[wanted->handle_count++] = number;
        }
    }
    if (error == SYSTEM_OK && !user_write(address, wanted, sizeof(*wanted)))
        error = SYSTEM_ERROR_ADDRESS;
    for (uint32_t i = 0; error != SYSTEM_OK && i < wanted->handle_count; i++)
        handle_close(table, wanted->handles[i]);
    return error;
}

int64_t call_pipe_receive(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t address = argument[1];
    uint64_t deadline = argument[2];
    struct system_message wanted;
    struct message *message;
    struct object *end;
    if (!user_read(&wanted, address, sizeof(wanted)))
        return failure(SYSTEM_ERROR_ADDRESS);
    enum system_error error = get_end(handle, SYSTEM_RIGHT_READ, &end);
    if (error != SYSTEM_OK)
        return failure(error);
    error = pipe_receive(end, wanted.size, deadline, &message);
    object_put(end);
    if (error == SYSTEM_OK) {
        error = deliver(message, &wanted, address);
        message_destroy(message);
    }
    return failure(error);
}
