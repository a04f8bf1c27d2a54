#include "lib/printf.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/kernel/sched/scheduler.h"
#include "parent/kernel/time.h"
#include "parent/vmbus/bus_internal.h"

/* About the time of a request to a fast disk. */
#define POLL_LIMIT_US 50u

static void wake_channel(struct bus_channel *channel)
{
    __atomic_store_n(&channel->work, true, __ATOMIC_RELEASE);
    wake_all(&channel->queue);
}

static void signalled(void *context)
{
    wake_channel(context);
}

void bus_channel_init(struct bus *bus, uint32_t relid)
{
    struct bus_channel *channel = bus_channel(bus, relid);
    channel->bus = bus;
    channel->relid = relid;
    channel->sink = (struct port_sink){.event = signalled, .context = channel};
    wait_queue_init(&channel->queue);
}

/* --- The thread --- */

static bool has_something_to_do(struct bus_channel *channel)
{
    return __atomic_exchange_n(&channel->work, false, __ATOMIC_ACQ_REL) ||
           __atomic_load_n(&channel->leave, __ATOMIC_ACQUIRE);
}

/* Waits up to POLL_LIMIT_US without giving the CPU away. Not inlined, and without calls in the
 * loop: tests/bench/ takes its instructions for waiting. */
__attribute__((noinline)) static void poll(const struct bus_channel *channel)
{
    uint64_t end = rdtsc() + time_to_tsc(POLL_LIMIT_US);
    uint32_t ready = sched_ready_count();
    while (!__atomic_load_n(&channel->work, __ATOMIC_ACQUIRE) && rdtsc() < end &&
           sched_ready_count() == ready)
        cpu_pause();
}

/* Whether to poll first: requests are under way, and the last ones took no longer. Where the guest
 * would run instead, a completion's interrupt would take the CPU from it at once: two world
 * switches each way. So only if nobody but the guest waits for this CPU. */
static bool polling_pays(const struct bus_channel *channel)
{
    return vmbus_channel_is_busy(channel->channel) && channel->last_wait <= POLL_LIMIT_US &&
           sched_only_process_waits(channel->bus->process_id);
}

static void wait_for_work(struct bus_channel *channel)
{
    uint64_t start = time_now();
    if (polling_pays(channel))
        poll(channel);
    WAIT_UNTIL(&channel->queue, has_something_to_do(channel), WAIT_FOREVER);
    if (vmbus_channel_is_busy(channel->channel))
        channel->last_wait = time_now() - start;
}

static int run(void *argument)
{
    struct bus_channel *channel = argument;
    bool accepted = vmbus_channel_enter(channel->channel);
    channel->accepted = accepted;
    completion_signal(&channel->entered);
    if (!accepted)
        return 0;
    for (;;) {
        wait_for_work(channel);
        if (__atomic_load_n(&channel->leave, __ATOMIC_ACQUIRE))
            break;
        vmbus_channel_serve(channel->channel);
    }
    vmbus_channel_leave(channel->channel);
    return 0;
}

bool bus_channel_start(void *context, uint32_t relid, struct vmbus_channel *vmbus_channel)
{
    struct bus_channel *channel = bus_channel(context, relid);
    char name[THREAD_NAME_SIZE];
    channel->channel = vmbus_channel;
    channel->leave = false;
    channel->last_wait = 0;
    completion_init(&channel->entered);
    snprintf(name, sizeof(name), "channel %lu.%u", channel->bus->partition->deposits.partition_id,
             relid);
    channel->thread = thread_create(name, run, channel, PRIORITY_HIGH, THREAD_ANY_CPU);
    if (!channel->thread)
        return false;
    completion_wait(&channel->entered, WAIT_FOREVER);
    if (!channel->accepted)
        thread_join(channel->thread);
    return channel->accepted;
}

void bus_channel_stop(void *context, uint32_t relid)
{
    struct bus_channel *channel = bus_channel(context, relid);
    __atomic_store_n(&channel->leave, true, __ATOMIC_RELEASE);
    wake_all(&channel->queue);
    thread_join(channel->thread);
}

void bus_channel_schedule(void *context, uint32_t relid)
{
    wake_channel(bus_channel(context, relid));
}

void bus_channel_failed(void *context, uint32_t relid)
{
    struct bus_channel *channel = bus_channel(context, relid);
    __atomic_store_n(&channel->failed, true, __ATOMIC_RELEASE);
    bus_wake(channel->bus);
}

/* --- Its device --- */

enum system_error bus_channel_attach(struct bus_channel *channel, struct channel_device *device)
{
    struct bus *bus = channel->bus;
    if (channel->device || __atomic_exchange_n(&device->attached, true, __ATOMIC_ACQ_REL))
        return SYSTEM_ERROR_BUSY;
    enum system_error error = port_create_sink(
        bus->partition, &channel->sink, VMBUS_EVENT_CONNECTION(channel->relid), &channel->port);
    if (error == SYSTEM_OK &&
        !vmbus_host_offer(bus->host, channel->relid, &device->offer, device->name)) {
        port_delete(channel->port);
        error = SYSTEM_ERROR_BUSY;
    }
    if (error == SYSTEM_OK)
        channel->device = device;
    else
        __atomic_store_n(&device->attached, false, __ATOMIC_RELEASE);
    return error;
}

void bus_channel_detach(struct bus_channel *channel)
{
    if (!channel->device)
        return;
    vmbus_host_remove(channel->bus->host, channel->relid);
    port_delete(channel->port);
    __atomic_store_n(&channel->device->attached, false, __ATOMIC_RELEASE);
    object_put(&channel->device->object);
    channel->device = NULL;
}
