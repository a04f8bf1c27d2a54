/* System calls on ports of virtual switches. What they do is in parent/net/worker_port.c. */
#include "lib/string.h"
#include "parent/include/list.h"
#include "parent/include/thread.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/system_calls.h"
#include "parent/kernel/proc/user.h"
#include "parent/net/worker_port.h"

#define FILTERS ((uint64_t)(SYSTEM_PORT_DIRECTED | SYSTEM_PORT_MULTICAST | SYSTEM_PORT_BROADCAST))

static enum system_error get_port(uint64_t handle, uint32_t right, struct worker_port **port)
{
    struct object *object;
    enum system_error error =
        handle_get(&current_process()->handles, handle, OBJECT_WORKER_PORT, right, &object);
    if (error == SYSTEM_OK)
        *port = CONTAINER_OF(object, struct worker_port, object);
    return error;
}

int64_t call_port_information(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t address = argument[1];
    struct system_port_information information;
    struct worker_port *port;
    enum system_error error = get_port(handle, SYSTEM_RIGHT_READ, &port);
    if (error != SYSTEM_OK)
        return failure(error);
    worker_port_describe(port, &information);
    object_put(&port->object);
    if (!user_write(address, &information, sizeof(information)))
        return failure(SYSTEM_ERROR_ADDRESS);
    return SYSTEM_OK;
}

/* With the port's send_lock, which protects the kernel's copy. */
static enum system_error send(struct worker_port *port, uint64_t address, uint32_t size)
{
    if (!user_read(port->frames, address, size))
        return SYSTEM_ERROR_ADDRESS;
    if (worker_port_count(port->frames, size) == 0)
        return SYSTEM_ERROR_ARGUMENT;
    worker_port_send(port, port->frames, size);
    return SYSTEM_OK;
}

int64_t call_port_send(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t address = argument[1];
    uint64_t size = argument[2];
    struct worker_port *port;
    if (size > SYSTEM_MAX_FRAMES_SIZE)
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = get_port(handle, SYSTEM_RIGHT_WRITE, &port);
    if (error != SYSTEM_OK)
        return failure(error);
    mutex_lock(&port->send_lock);
    error = send(port, address, (uint32_t)size);
    mutex_unlock(&port->send_lock);
    object_put(&port->object);
    return failure(error);
}

/* Copies what waits, as far as there is room. The bytes, or a negative error: then at least one
 * frame is lost. */
static int64_t take_frames(struct worker_port *port, uint64_t address, uint64_t size)
{
    uint64_t done = 0;
    for (;;) {
        uint64_t space = size - done;
        struct net_buffer *buffer =
            worker_port_receive(port, space < UINT32_MAX ? (uint32_t)space : UINT32_MAX);
        if (!buffer)
            return (int64_t)done;
        struct system_frame frame = {.size = buffer->frame.size};
        bool written = user_write(address + done, &frame, sizeof(frame)) &&
                       user_write(address + done + sizeof(frame), buffer->data, buffer->frame.size);
        done += system_frame_space(frame.size);
        net_buffer_put(buffer);
        if (!written)
            return failure(SYSTEM_ERROR_ADDRESS);
    }
}

int64_t call_port_receive(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t address = argument[1];
    uint64_t size = argument[2];
    uint64_t deadline = argument[3];
    struct worker_port *port;
    if (size < system_frame_space(SYSTEM_FRAME_MAX))
        return failure(SYSTEM_ERROR_SIZE);
    if (size > SYSTEM_MAX_FRAMES_SIZE)
        size = SYSTEM_MAX_FRAMES_SIZE;
    enum system_error error = get_port(handle, SYSTEM_RIGHT_READ, &port);
    if (error != SYSTEM_OK)
        return failure(error);
    int64_t result = failure(SYSTEM_ERROR_TIMEOUT);
    if (WAIT_UNTIL(&port->work, process_is_dying() || worker_port_is_ready(port), deadline))
        result = process_is_dying() ? failure(SYSTEM_ERROR_INTERRUPTED)
                                    : take_frames(port, address, size);
    object_put(&port->object);
    return result;
}

int64_t call_port_filter(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t filter = argument[1];
    struct worker_port *port;
    if (filter & ~FILTERS)
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = get_port(handle, SYSTEM_RIGHT_READ, &port);
    if (error != SYSTEM_OK)
        return failure(error);
    worker_port_filter(port, (uint32_t)filter);
    object_put(&port->object);
    return SYSTEM_OK;
}
