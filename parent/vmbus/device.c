#include "parent/vmbus/device.h"

#include "lib/string.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"

static void destroy(struct object *object)
{
    struct channel_device *device = CONTAINER_OF(object, struct channel_device, object);
    if (device->release)
        device->release(device->context);
    heap_free(device);
}

struct channel_device *channel_device_create(const struct vmbus_offer *offer, const char *name,
                                             void (*release)(void *context), void *context)
{
    struct channel_device *device = heap_allocate(sizeof(*device));
    if (!device)
        return NULL;
    object_init(&device->object, OBJECT_CHANNEL_DEVICE, destroy);
    device->offer = *offer;
    device->release = release;
    device->context = context;
    string_copy(device->name, name, sizeof(device->name));
    return device;
}

void channel_device_put(struct channel_device *device)
{
    object_put(&device->object);
}

void *channel_device_context(const struct channel_device *device)
{
    return device->context;
}

struct object *channel_device_object(struct channel_device *device)
{
    return &device->object;
}
