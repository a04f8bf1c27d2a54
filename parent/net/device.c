#include "parent/include/net_device.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/net/address.h"

/* RFC 791: what every IPv4 link must carry. The largest keeps frame sizes far from any overflow. */
#define MTU_MIN 68
#define MTU_MAX 16384

static struct net_device *devices[NET_DEVICES_MAX];
static unsigned device_count;

/* Sending and receiving run side by side, and frames are dropped outside the driver's locks. */
static void count(uint64_t *counter, uint64_t amount)
{
    __atomic_fetch_add(counter, amount, __ATOMIC_RELAXED);
}

static void count_frame(struct net_statistics *statistics, const struct net_frame *frame)
{
    count(&statistics->packets, 1);
    count(&statistics->bytes, frame->size);
}

bool net_device_register_as(struct net_device *device, const char *name)
{
    unsigned index = device_count;

    if (index == NET_DEVICES_MAX || strlen(name) >= NET_NAME_SIZE ||
        net_device_find(name) != NULL || !mac_unicast(&device->mac) || device->mtu < MTU_MIN ||
        device->mtu > MTU_MAX)
        return false;
    string_copy(device->name, name, sizeof(device->name));
    device->link_up = false;
    device->link_mbps = 0;
    device->client = NULL;
    device->received = device->sent = (struct net_statistics){0};
    devices[index] = device;
    device_count = index + 1;
    return true;
}

bool net_device_register(struct net_device *device)
{
    char name[NET_NAME_SIZE];
    unsigned number = 0;

    do
        snprintf(name, sizeof(name), "net%u", number++);
    while (net_device_find(name) != NULL);
    return net_device_register_as(device, name);
}

void net_device_unregister(struct net_device *device)
{
    unsigned index = 0;

    while (index < device_count && devices[index] != device)
        index++;
    if (index == device_count)
        return;
    device_count--;
    for (; index < device_count; index++)
        devices[index] = devices[index + 1];
}

struct net_device *net_device_at(unsigned index)
{
    return index < device_count ? devices[index] : NULL;
}

struct net_device *net_device_find(const char *name)
{
    struct net_device *device = NULL;

    for (unsigned i = 0; (device = net_device_at(i)) != NULL; i++) {
        if (strcmp(device->name, name) == 0)
            break;
    }
    return device;
}

bool net_device_attach(struct net_device *device, struct net_client *client)
{
    if (device->client != NULL)
        return false;
    __atomic_store_n(&device->client, client, __ATOMIC_RELEASE);
    if (device->operations->start(device))
        return true;
    __atomic_store_n(&device->client, NULL, __ATOMIC_RELEASE);
    return false;
}

void net_device_detach(struct net_device *device)
{
    device->operations->stop(device);
    __atomic_store_n(&device->client, NULL, __ATOMIC_RELEASE);
    __atomic_store_n(&device->link_up, false, __ATOMIC_RELEASE);
    device->link_mbps = 0;
}

void net_device_deliver(struct net_device *device, const struct net_frame *frame)
{
    struct net_client *client = __atomic_load_n(&device->client, __ATOMIC_ACQUIRE);

    if (client == NULL) {
        count(&device->received.dropped, 1);
        return;
    }
    count_frame(&device->received, frame);
    client->receive(client, frame);
}

void net_device_sent(struct net_device *device, struct net_frame *frame, bool sent)
{
    if (sent)
        count_frame(&device->sent, frame);
    else
        count(&device->sent.dropped, 1);
    frame->complete(frame, sent);
}

void net_device_lost(struct net_device *device, uint64_t errors, uint64_t dropped)
{
    count(&device->received.errors, errors);
    count(&device->received.dropped, dropped);
}

void net_device_set_link(struct net_device *device, bool up, uint32_t mbps)
{
    struct net_client *client = __atomic_load_n(&device->client, __ATOMIC_ACQUIRE);
    bool changed = __atomic_exchange_n(&device->link_up, up, __ATOMIC_ACQ_REL) != up;

    device->link_mbps = up ? mbps : 0;
    if (changed && client != NULL)
        client->link_changed(client);
}

void net_device_transmit(struct net_device *device, struct net_frame *frame)
{
    uint32_t limit = NET_HEADER_SIZE + NET_VLAN_TAG_SIZE + (uint32_t)device->mtu;

    if (frame->size < NET_FRAME_MIN || frame->size > limit || frame->segment_count == 0 ||
        frame->segment_count > NET_SEGMENTS_MAX) {
        count(&device->sent.errors, 1);
        frame->complete(frame, false);
    } else if (!__atomic_load_n(&device->link_up, __ATOMIC_ACQUIRE)) {
        net_device_sent(device, frame, false);
    } else {
        device->operations->transmit(device, frame);
    }
}
