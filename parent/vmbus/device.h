/* What the bus sees of a channel device (parent/include/channel_device.h). */
#ifndef VENEER_PARENT_VMBUS_DEVICE_H
#define VENEER_PARENT_VMBUS_DEVICE_H

#include "parent/include/channel_device.h"
#include "parent/kernel/proc/object.h"
#include "vmbus/host.h"

struct channel_device {
    struct object object;
    struct vmbus_offer offer;
    void (*release)(void *context);
    void *context;
    bool attached; /* atomic: to one child at most */
    char name[VMBUS_HOST_NAME_SIZE];
};

#endif
