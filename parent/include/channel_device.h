/* Synthetic devices as things with a handle: a disk controller or a network card that somebody has
 * made, gives to the process that runs a child (struct process_program), and that this process
 * attaches to its child (SYSTEM_VM_ATTACH). */
#ifndef VENEER_PARENT_INCLUDE_CHANNEL_DEVICE_H
#define VENEER_PARENT_INCLUDE_CHANNEL_DEVICE_H

#include "vmbus/channel.h"

struct channel_device;
struct object;

/* A device that is offered as @offer says, which is copied. @name: for people, copied. @release is
 * called with @context when nobody refers to the device any more: no channel of it is
 * open then. One reference for the caller. NULL: no memory. Thread. */
struct channel_device *channel_device_create(const struct vmbus_offer *offer, const char *name,
                                             void (*release)(void *context), void *context);

/* Gives a reference back. Thread. */
void channel_device_put(struct channel_device *device);

/* What it was created with. Any. */
void *channel_device_context(const struct channel_device *device);

/* For struct process_program; without a new reference. */
struct object *channel_device_object(struct channel_device *device);

#endif
