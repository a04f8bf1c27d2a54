/* The VMBus of a child: carries what vmbus/host.h decides. It is part of its partition and goes
 * with it: then channels are closed and their requests have ended before the child's memory is
 * given back.
 *
 * A thread handles the guest's messages, and each open channel has one for its provider. Locks,
 * outermost first: the bus's mutex (host, devices); then what providers take in open() and close().
 * In interrupt handlers: the ports' lock, the queue's (LOCK_LEVEL_VMBUS), wait queues'. */
#ifndef VENEER_PARENT_VMBUS_BUS_H
#define VENEER_PARENT_VMBUS_BUS_H

#include "parent/include/system_call.h"
#include "parent/vid/partition.h"
#include "parent/vmbus/device.h"
#include "vsp/ic/ic.h"
#include "vsp/keyboard/keyboard.h"

struct bus;

/* Starts @partition's bus, with the integration services and a keyboard on it. Devices reach the
 * memory that the child has by now. SYSTEM_ERROR_BUSY: it runs already. Thread. */
enum system_error bus_start(struct partition *partition);

/* The bus of @partition, which stays as long as that, or NULL. */
struct bus *bus_of(struct partition *partition);

/* Offers @device, to which the bus gets a reference, in @slot (below SYSTEM_VM_SLOTS).
 * SYSTEM_ERROR_BUSY: the slot is taken, perhaps by a device that is gone but not yet for the guest,
 * or the device is somewhere else. Thread. */
enum system_error bus_attach(struct bus *bus, uint64_t slot, struct channel_device *device);

/* Takes the device away from the guest, when its requests have ended. SYSTEM_ERROR_ARGUMENT: there
 * is none. Thread. */
enum system_error bus_detach(struct bus *bus, uint64_t slot);

/* bus_services.c: asks the guest's system to end; types a key (enum system_vm_key); *@age:
 * microseconds since its last beat. SYSTEM_ERROR_UNAVAILABLE: it does not listen, or there was no
 * beat yet. Thread. */
enum system_error bus_shutdown(struct bus *bus, enum system_vm_shutdown how);
enum system_error bus_key(struct bus *bus, uint16_t make_code, uint32_t flags);
enum system_error bus_heartbeat(struct bus *bus, uint64_t *age);

/* What is always there. */
struct ic *bus_ic(struct bus *bus, enum ic_kind kind);
struct keyboard *bus_keyboard(struct bus *bus);

#endif
