/* Part of self test "vid": the bus of a partition starts, takes devices, and goes with its
 * partition. Guests that use it are other tests'. */
#include "parent/kernel/selftest.h"
#include "parent/kernel/selftest_bus.h"
#include "parent/vmbus/bus.h"

static uint32_t released;

static bool refuse(struct vmbus_channel *channel, const uint8_t user_data[VMBUS_USER_DATA_SIZE])
{
    (void)channel;
    (void)user_data;
    return false;
}

static const struct vmbus_provider provider = {.open = refuse};

static void release(void *context)
{
    check(context == &released, "another device is released");
    released++;
}

static struct channel_device *make_device(void)
{
    const struct vmbus_offer offer = {
        .class_id = VMBUS_CLASS_SCSI, .provider = &provider, .context = &released};
    struct channel_device *device = channel_device_create(&offer, "self test", release, &released);
    check(device != NULL, "no memory for a device");
    return device;
}

static void use_slots(struct bus *bus)
{
    struct channel_device *device = make_device();
    struct channel_device *other = make_device();
    if (!device || !other)
        return;
    check_equal(bus_attach(bus, SYSTEM_VM_SLOTS, device), SYSTEM_ERROR_ARGUMENT,
                "error of a slot that is not there");
    check_equal(bus_detach(bus, 0), SYSTEM_ERROR_ARGUMENT, "error of taking nothing away");
    check_equal(bus_attach(bus, 0, device), SYSTEM_OK, "error of attaching a device");
    check_equal(bus_attach(bus, 0, other), SYSTEM_ERROR_BUSY, "error of a slot that is taken");
    check_equal(bus_attach(bus, 1, device), SYSTEM_ERROR_BUSY, "error of attaching it twice");
    check_equal(bus_attach(bus, SYSTEM_VM_SLOTS - 1, other), SYSTEM_OK,
                "error of attaching in the last slot");
    check_equal(bus_detach(bus, 0), SYSTEM_OK, "error of taking a device away");
    check_equal(bus_attach(bus, 0, device), SYSTEM_OK, "error of attaching it again");
    channel_device_put(device);
    channel_device_put(other);
}

void selftest_bus(struct partition *partition)
{
    uint64_t time;
    enum system_error error = bus_start(partition);
    if (!check_equal(error, SYSTEM_OK, "error of starting a bus"))
        return;
    check_equal(bus_start(partition), SYSTEM_ERROR_BUSY, "error of starting it twice");
    struct bus *bus = bus_of(partition);
    released = 0;
    use_slots(bus);
    check_equal(released, 0, "devices that are released while they are attached");
    check(!ic_request_shutdown(bus_ic(bus, IC_SHUTDOWN), false) &&
              !ic_last_beat(bus_ic(bus, IC_HEARTBEAT), &time) &&
              !keyboard_key(bus_keyboard(bus), 1, 0),
          "a guest that does not run listens");
}

void selftest_bus_is_gone(void)
{
    check_equal(released, 2, "devices that are released when their child has gone");
}
