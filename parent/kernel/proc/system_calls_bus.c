/* System calls on the bus of a child. What they do is in parent/vmbus/ and vsp/. */
#include "include/vmbus/ic.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/system_calls.h"
#include "parent/vmbus/bus.h"

#define KEY_FLAGS ((uint64_t)(SYSTEM_VM_KEY_RELEASE | SYSTEM_VM_KEY_E0 | SYSTEM_VM_KEY_E1))

_Static_assert(SYSTEM_VM_KEY_RELEASE == VMBUS_KEYBOARD_BREAK &&
                   SYSTEM_VM_KEY_E0 == VMBUS_KEYBOARD_E0 && SYSTEM_VM_KEY_E1 == VMBUS_KEYBOARD_E1,
               "passed on as they are");

/* What one call does with a child's bus; argument[0] is the child's handle. Result: of the call. */
typedef int64_t bus_action(struct bus *bus, const uint64_t *argument);

/* SYSTEM_ERROR_UNAVAILABLE: the child has no bus. */
static int64_t with_bus(const uint64_t *argument, uint32_t rights, bus_action *act)
{
    struct partition *partition;
    enum system_error error = system_call_get_vm(argument[0], rights, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    struct bus *bus = bus_of(partition);
    int64_t result = bus ? act(bus, argument) : failure(SYSTEM_ERROR_UNAVAILABLE);
    object_put(&partition->object);
    return result;
}

int64_t call_vm_bus_start(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    struct partition *partition;
    enum system_error error = system_call_get_vm(handle, SYSTEM_RIGHT_WRITE, &partition);
    if (error != SYSTEM_OK)
        return failure(error);
    error = bus_start(partition);
    object_put(&partition->object);
    return failure(error);
}

static int64_t attach(struct bus *bus, const uint64_t *argument)
{
    uint64_t device = argument[1];
    uint64_t slot = argument[2];
    struct object *object;
    enum system_error error = handle_get(&current_process()->handles, device, OBJECT_CHANNEL_DEVICE,
                                         SYSTEM_RIGHT_WRITE, &object);
    if (error != SYSTEM_OK)
        return failure(error);
    error = bus_attach(bus, slot, CONTAINER_OF(object, struct channel_device, object));
    object_put(object);
    return failure(error);
}

int64_t call_vm_attach(const uint64_t *argument)
{
    return with_bus(argument, SYSTEM_RIGHT_WRITE, attach);
}

static int64_t detach(struct bus *bus, const uint64_t *argument)
{
    return failure(bus_detach(bus, argument[1]));
}

int64_t call_vm_detach(const uint64_t *argument)
{
    return with_bus(argument, SYSTEM_RIGHT_WRITE, detach);
}

static int64_t shut_down(struct bus *bus, const uint64_t *argument)
{
    return failure(bus_shutdown(bus, (enum system_vm_shutdown)argument[1]));
}

int64_t call_vm_shutdown(const uint64_t *argument)
{
    if (argument[1] > SYSTEM_VM_RESTART)
        return failure(SYSTEM_ERROR_ARGUMENT);
    return with_bus(argument, SYSTEM_RIGHT_WRITE, shut_down);
}

static int64_t press_key(struct bus *bus, const uint64_t *argument)
{
    return failure(bus_key(bus, (uint16_t)argument[1], (uint32_t)argument[2]));
}

int64_t call_vm_key(const uint64_t *argument)
{
    uint64_t make_code = argument[1];
    uint64_t flags = argument[2];
    if (make_code > UINT16_MAX || flags & ~KEY_FLAGS)
        return failure(SYSTEM_ERROR_ARGUMENT);
    return with_bus(argument, SYSTEM_RIGHT_WRITE, press_key);
}

static int64_t age_of_beat(struct bus *bus, const uint64_t *argument)
{
    uint64_t age;
    (void)argument;
    enum system_error error = bus_heartbeat(bus, &age);
    return error == SYSTEM_OK ? (int64_t)age : failure(error);
}

int64_t call_vm_heartbeat(const uint64_t *argument)
{
    return with_bus(argument, SYSTEM_RIGHT_READ, age_of_beat);
}
