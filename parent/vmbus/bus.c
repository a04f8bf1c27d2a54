#include "parent/vmbus/bus.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/time.h"
#include "parent/kernel/sched/thread.h"
#include "parent/vmbus/bus_internal.h"

/* How soon a message is posted again that found the guest's slot taken. */
#define RETRY_MICROSECONDS 1000u

/* The kernel's own devices come first, then the slots. */
#define FIRST_SLOT_RELID 8u
#define KEYBOARD_RELID (IC_KIND_COUNT + 1u)
_Static_assert(KEYBOARD_RELID < FIRST_SLOT_RELID, "relids of the kernel's devices");
_Static_assert(FIRST_SLOT_RELID + SYSTEM_VM_SLOTS - 1 <= VMBUS_HOST_MAX_CHANNELS, "a channel each");

/* --- Messages from the guest --- */

void bus_wake(struct bus *bus)
{
    __atomic_store_n(&bus->attention, true, __ATOMIC_RELEASE);
    wake_all(&bus->queue);
}

/* In an interrupt handler. */
static void message_arrived(void *context, uint32_t connection_id, const struct hv_message *message)
{
    struct bus *bus = context;
    uint64_t flags = spin_lock(&bus->messages_lock);
    if (bus->count == MESSAGES_MAX) {
        bus->dropped++;
    } else {
        struct bus_message *place = &bus->messages[(bus->first + bus->count++) % MESSAGES_MAX];
        place->connection_id = connection_id;
        place->size = message->payload_size;
        if (place->size > sizeof(place->payload))
            place->size = sizeof(place->payload);
        memcpy(place->payload, message->payload, place->size);
    }
    spin_unlock(&bus->messages_lock, flags);
    bus_wake(bus);
}

static bool take_message(struct bus *bus, struct bus_message *message, uint32_t *dropped)
{
    uint64_t flags = spin_lock(&bus->messages_lock);
    bool found = bus->count > 0;
    if (found) {
        *message = bus->messages[bus->first];
        bus->first = (bus->first + 1) % MESSAGES_MAX;
        bus->count--;
    }
    *dropped = bus->dropped;
    bus->dropped = 0;
    spin_unlock(&bus->messages_lock, flags);
    return found;
}

/* --- The thread --- */

static void close_failed(struct bus *bus)
{
    for (uint32_t i = 0; i < VMBUS_HOST_MAX_CHANNELS; i++) {
        if (__atomic_exchange_n(&bus->channels[i].failed, false, __ATOMIC_ACQ_REL))
            vmbus_host_close_failed(bus->host, bus->channels[i].relid);
    }
}

/* Everything that there is to do. True: messages to the guest wait. */
static bool serve(struct bus *bus)
{
    struct bus_message message;
    uint32_t dropped;
    bool waiting;
    mutex_lock(&bus->lock);
    close_failed(bus);
    for (;;) {
        waiting = vmbus_host_send(bus->host);
        if (!vmbus_host_can_receive(bus->host) || !take_message(bus, &message, &dropped))
            break;
        if (dropped > 0 && !bus->loss_logged) {
            bus->loss_logged = true;
            log_print(LOG_WARNING,
                      "vmbus: VM %lu sends too fast: %u messages are lost; further losses are not "
                      "shown",
                      bus->partition->deposits.partition_id, dropped);
        }
        vmbus_host_receive(bus->host, message.connection_id, message.payload, message.size);
    }
    mutex_unlock(&bus->lock);
    return waiting;
}

static bool has_something_to_do(struct bus *bus)
{
    return __atomic_exchange_n(&bus->attention, false, __ATOMIC_ACQ_REL) ||
           __atomic_load_n(&bus->stop, __ATOMIC_ACQUIRE);
}

static int run(void *argument)
{
    struct bus *bus = argument;
    bool waiting = false;
    while (!__atomic_load_n(&bus->stop, __ATOMIC_ACQUIRE)) {
        WAIT_UNTIL(&bus->queue, has_something_to_do(bus),
                   waiting ? time_now() + RETRY_MICROSECONDS : WAIT_FOREVER);
        waiting = serve(bus);
    }
    return 0;
}

/* --- Devices --- */

static enum system_error attach(struct bus *bus, uint32_t relid, struct channel_device *device)
{
    mutex_lock(&bus->lock);
    enum system_error error = bus_channel_attach(bus_channel(bus, relid), device);
    mutex_unlock(&bus->lock);
    if (error == SYSTEM_OK)
        bus_wake(bus);
    return error;
}

enum system_error bus_attach(struct bus *bus, uint64_t slot, struct channel_device *device)
{
    if (slot >= SYSTEM_VM_SLOTS)
        return SYSTEM_ERROR_ARGUMENT;
    object_get(&device->object);
    enum system_error error = attach(bus, FIRST_SLOT_RELID + (uint32_t)slot, device);
    if (error != SYSTEM_OK)
        object_put(&device->object);
    return error;
}

enum system_error bus_detach(struct bus *bus, uint64_t slot)
{
    if (slot >= SYSTEM_VM_SLOTS)
        return SYSTEM_ERROR_ARGUMENT;
    struct bus_channel *channel = bus_channel(bus, FIRST_SLOT_RELID + (uint32_t)slot);
    mutex_lock(&bus->lock);
    bool found = channel->device != NULL;
    bus_channel_detach(channel);
    mutex_unlock(&bus->lock);
    bus_wake(bus);
    return found ? SYSTEM_OK : SYSTEM_ERROR_ARGUMENT;
}

struct ic *bus_ic(struct bus *bus, enum ic_kind kind)
{
    return bus->ics[kind];
}

struct keyboard *bus_keyboard(struct bus *bus)
{
    return bus->keyboard;
}

/* The reference to @device, which may be NULL for lack of memory, goes to the bus. */
static enum system_error attach_own(struct bus *bus, uint32_t relid, struct channel_device *device)
{
    if (!device)
        return SYSTEM_ERROR_MEMORY;
    enum system_error error = attach(bus, relid, device);
    if (error != SYSTEM_OK)
        object_put(&device->object);
    return error;
}

static void release_ic(void *context)
{
    ic_destroy(context);
}

static void release_keyboard(void *context)
{
    keyboard_destroy(context);
}

/* Integration services and the keyboard. */
static enum system_error attach_standard(struct bus *bus)
{
    struct vmbus_offer offer;
    enum system_error error = SYSTEM_OK;
    for (uint32_t kind = 0; error == SYSTEM_OK && kind < IC_KIND_COUNT; kind++) {
        struct ic *ic = ic_create((enum ic_kind)kind);
        if (!ic)
            return SYSTEM_ERROR_MEMORY;
        ic_offer(ic, &offer);
        struct channel_device *device =
            channel_device_create(&offer, ic_name((enum ic_kind)kind), release_ic, ic);
        if (!device)
            ic_destroy(ic);
        error = attach_own(bus, kind + 1, device);
        bus->ics[kind] = error == SYSTEM_OK ? ic : NULL;
    }
    struct keyboard *keyboard = error == SYSTEM_OK ? keyboard_create() : NULL;
    if (!keyboard)
        return error == SYSTEM_OK ? SYSTEM_ERROR_MEMORY : error;
    keyboard_offer(keyboard, &offer);
    struct channel_device *device =
        channel_device_create(&offer, "keyboard", release_keyboard, keyboard);
    if (!device)
        keyboard_destroy(keyboard);
    error = attach_own(bus, KEYBOARD_RELID, device);
    bus->keyboard = error == SYSTEM_OK ? keyboard : NULL;
    return error;
}

/* --- Life --- */

/* Closes and frees what there is of @bus. Nobody else uses it any more. */
static void stop(struct bus *bus)
{
    if (bus->thread) {
        __atomic_store_n(&bus->stop, true, __ATOMIC_RELEASE);
        wake_all(&bus->queue);
        thread_join(bus->thread);
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (bus->ports[i])
            port_delete(bus->ports[i]);
    }
    for (uint32_t i = 0; bus->host && i < VMBUS_HOST_MAX_CHANNELS; i++)
        bus_channel_detach(&bus->channels[i]);
    if (bus->host)
        vmbus_host_destroy(bus->host);
    if (bus->memory)
        guest_memory_release(bus->partition, bus->memory);
    heap_free(bus);
}

static enum system_error set_up(struct bus *bus)
{
    static const uint32_t connections[2] = {VMBUS_CONNECTION_OLD, VMBUS_CONNECTION_NEW};
    char name[VMBUS_HOST_NAME_SIZE];
    snprintf(name, sizeof(name), "VM %lu", bus->partition->deposits.partition_id);
    bus->memory = guest_memory_hold(bus->partition);
    bus->host = bus->memory ? vmbus_host_create(&bus_host_operations, bus, name) : NULL;
    if (!bus->host)
        return SYSTEM_ERROR_MEMORY;
    enum system_error error = attach_standard(bus);
    for (uint32_t i = 0; error == SYSTEM_OK && i < 2; i++)
        error = port_create_sink(bus->partition, &bus->sink, connections[i], &bus->ports[i]);
    if (error != SYSTEM_OK)
        return error;
    bus->thread = thread_create(name, run, bus, PRIORITY_HIGH, THREAD_ANY_CPU);
    return bus->thread ? SYSTEM_OK : SYSTEM_ERROR_MEMORY;
}

struct bus *bus_of(struct partition *partition)
{
    return __atomic_load_n(&partition->bus, __ATOMIC_ACQUIRE);
}

enum system_error bus_start(struct partition *partition)
{
    if (bus_of(partition))
        return SYSTEM_ERROR_BUSY;
    struct bus *bus = heap_allocate(sizeof(*bus));
    if (!bus)
        return SYSTEM_ERROR_MEMORY;
    bus->partition = partition;
    bus->process_id = thread_self()->process_id;
    bus->messages_lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_VMBUS);
    bus->sink = (struct port_sink){.message = message_arrived, .context = bus};
    mutex_init(&bus->lock);
    wait_queue_init(&bus->queue);
    for (uint32_t relid = 1; relid <= VMBUS_HOST_MAX_CHANNELS; relid++)
        bus_channel_init(bus, relid);
    enum system_error error = set_up(bus);
    if (error != SYSTEM_OK) {
        stop(bus);
        return error;
    }
    partition->stop_bus = stop;
    __atomic_store_n(&partition->bus, bus, __ATOMIC_RELEASE);
    return SYSTEM_OK;
}
