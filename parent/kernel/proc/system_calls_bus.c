/* System calls on the bus of a child. What they do is in parent/vmbus/ and vsp/. */
#include "include/vmbus/ic.h"
#include "parent/include/time.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/system_calls.h"
#include "parent/vmbus/bus.h"

#define KEY_FLAGS ((uint64_t)(SYSTEM_VM_KEY_RELEASE | SYSTEM_VM_KEY_E0 | SYSTEM_VM_KEY_E1))

_Static_assert(SYSTEM_VM_KEY_RELEASE == VMBUS_KEYBOARD_BREAK &&
                   SYSTEM_VM_KEY_E0 == VMBUS_KEYBOARD_E0 && SYSTEM_VM_KEY_E1 == VMBUS_KEYBOARD_E1,
               "passed on as they are");

/* The bus of the child behind @handle, with a reference to the child. UNAVAILABLE: it has none. */
static enum system_error get_bus(uint64_t handle, uint32_t rights, struct partition **partition,
                                 struct bus **bus)
{
    enum system_error error = system_call_get_vm(handle, rights, partition);
    if (error != SYSTEM_OK)
        return error;
    *bus = bus_of(*partition);
    if (*bus)
        return SYSTEM_OK;
    object_put(&(*partition)->object);
    return SYSTEM_ERROR_UNAVAILABLE;
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

int64_t call_vm_attach(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t device = argument[1];
    uint64_t slot = argument[2];
    struct partition *partition;
    struct bus *bus;
    struct object *object;
    enum system_error error = get_bus(handle, SYSTEM_RIGHT_WRITE, &partition, &bus);
    if (error != SYSTEM_OK)
        return failure(error);
    error = handle_get(&current_process()->handles, device, OBJECT_CHANNEL_DEVICE,
                       SYSTEM_RIGHT_WRITE, &object);
    if (error == SYSTEM_OK) {
        error = bus_attach(bus, slot, CONTAINER_OF(object, struct channel_device, object));
        object_put(object);
    }
    object_put(&partition->object);
    return failure(error);
}

int64_t call_vm_detach(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t slot = argument[1];
    struct partition *partition;
    struct bus *bus;
    enum system_error error = get_bus(handle, SYSTEM_RIGHT_WRITE, &partition, &bus);
    if (error != SYSTEM_OK)
        return failure(error);
    error = bus_detach(bus, slot);
    object_put(&partition->object);
    return failure(error);
}

int64_t call_vm_shutdown(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t how = argument[1];
    struct partition *partition;
    struct bus *bus;
    if (how > SYSTEM_VM_RESTART)
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = get_bus(handle, SYSTEM_RIGHT_WRITE, &partition, &bus);
    if (error != SYSTEM_OK)
        return failure(error);
    if (!ic_request_shutdown(bus_ic(bus, IC_SHUTDOWN), how == SYSTEM_VM_RESTART))
        error = SYSTEM_ERROR_UNAVAILABLE;
    object_put(&partition->object);
    return failure(error);
}

int64_t call_vm_key(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    uint64_t make_code = argument[1];
    uint64_t flags = argument[2];
    struct partition *partition;
    struct bus *bus;
    if (make_code > UINT16_MAX || flags & ~KEY_FLAGS)
        return failure(SYSTEM_ERROR_ARGUMENT);
    enum system_error error = get_bus(handle, SYSTEM_RIGHT_WRITE, &partition, &bus);
    if (error != SYSTEM_OK)
        return failure(error);
    if (!keyboard_key(bus_keyboard(bus), (uint16_t)make_code, (uint32_t)flags))
        error = SYSTEM_ERROR_UNAVAILABLE;
    object_put(&partition->object);
    return failure(error);
}

int64_t call_vm_heartbeat(const uint64_t *argument)
{
    uint64_t handle = argument[0];
    struct partition *partition;
    struct bus *bus;
    uint64_t last;
    enum system_error error = get_bus(handle, SYSTEM_RIGHT_READ, &partition, &bus);
    if (error != SYSTEM_OK)
        return failure(error);
    int64_t result = failure(SYSTEM_ERROR_UNAVAILABLE);
    if (ic_last_beat(bus_ic(bus, IC_HEARTBEAT), &last))
        result = (int64_t)(time_now() - last);
    object_put(&partition->object);
    return result;
}
