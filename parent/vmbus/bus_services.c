/* What the parent asks of a guest's system by the devices that are always on its bus. */
#include "parent/include/time.h"
#include "parent/vmbus/bus.h"

enum system_error bus_shutdown(struct bus *bus, enum system_vm_shutdown how)
{
    bool asked = ic_request_shutdown(bus_ic(bus, IC_SHUTDOWN), how == SYSTEM_VM_RESTART);
    return asked ? SYSTEM_OK : SYSTEM_ERROR_UNAVAILABLE;
}

enum system_error bus_heartbeat(struct bus *bus, uint64_t *age)
{
    uint64_t last;
    if (!ic_last_beat(bus_ic(bus, IC_HEARTBEAT), &last))
        return SYSTEM_ERROR_UNAVAILABLE;
    *age = time_now() - last;
    return SYSTEM_OK;
}

enum system_error bus_key(struct bus *bus, uint16_t make_code, uint32_t flags)
{
    bool sent = keyboard_key(bus_keyboard(bus), make_code, flags);
    return sent ? SYSTEM_OK : SYSTEM_ERROR_UNAVAILABLE;
}
