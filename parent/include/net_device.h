/* Network devices: the one interface between what moves Ethernet frames (drivers of network cards,
 * ports of the virtual switch) and the one client on top of each (the IPv4 stack, the virtual
 * switch).
 *
 * Sending: net_device_transmit() gives a frame to the device, which hands it back exactly once by
 * net_device_sent(), from any context, perhaps before net_device_transmit() returns. Until then the
 * device may read the frame's bytes, by DMA at their physical addresses or by the CPU.
 * Receiving: the device lends each frame to net_device_deliver(), for the duration of the call, and
 * then puts its buffer back into its ring; a client copies what it keeps.
 *
 * Locks: none here. A device protects its own rings (LOCK_LEVEL_DRIVER: clients send with their
 * lock held); it calls net_device_sent() and net_device_deliver() from threads or interrupt
 * handlers, and holds no lock while it calls net_device_deliver(): the client takes its own, and
 * may send from within.
 * Deliveries of one device do not overlap each other. */
#ifndef VENEER_PARENT_NET_DEVICE_H
#define VENEER_PARENT_NET_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAC_SIZE 6

struct mac_address {
    uint8_t bytes[MAC_SIZE];
};

#define NET_HEADER_SIZE 14  /* destination, source, type */
#define NET_VLAN_TAG_SIZE 4 /* may follow the source on the virtual switch's devices */
#define NET_FRAME_MIN 60    /* bytes of a sent frame without its check sequence, IEEE 802.3 */
#define NET_MTU 1500        /* bytes of payload of an ordinary frame */
#define NET_SEGMENTS_MAX 16
#define NET_DEVICES_MAX 32
#define NET_NAME_SIZE 16 /* with the zero at its end */

/* A piece of a frame, contiguous for the CPU and in physical memory. */
struct net_segment {
    void *data;
    uint64_t address; /* physical address of the byte at data */
    uint32_t size;    /* bytes, not 0 */
};

/* An Ethernet frame from its destination address to the end of its payload, without check sequence.
 * One to be sent has at least NET_FRAME_MIN bytes: whoever makes it pads it. */
struct net_frame {
    const struct net_segment *segments;
    uint32_t segment_count; /* 1 to NET_SEGMENTS_MAX */
    uint32_t size;          /* bytes of all segments */
    /* Of a frame to be sent: takes it back; @sent is false if it was dropped. Any context; may not
     * send from within. */
    void (*complete)(struct net_frame *frame, bool sent);
};

/* Counted since the device was registered. */
struct net_statistics {
    uint64_t packets;
    uint64_t bytes;
    uint64_t errors;  /* frames lost to the hardware, or not allowed */
    uint64_t dropped; /* good frames lost for want of buffers, of a link or of a client */
};

struct net_device;

struct net_device_operations {
    /* Receives and sends from now on. False if the hardware does not work. */
    bool (*start)(struct net_device *device);
    /* Returns when all frames were handed back and no delivery is under way or will come. */
    void (*stop)(struct net_device *device);
    /* Takes a frame of allowed size while the link is up. Without room in the ring: drops it by
     * net_device_sent(). Any context; does not wait. */
    void (*transmit)(struct net_device *device, struct net_frame *frame);
    /* All frames instead of those to the own address, broadcasts and multicasts wanted: for the
     * virtual switch. May be NULL if the device receives everything anyway. */
    void (*set_promiscuous)(struct net_device *device, bool promiscuous);
};

/* What sits on a device. Both functions are called in the context of the device's interrupt. */
struct net_client {
    void (*receive)(struct net_client *client, const struct net_frame *frame);
    void (*link_changed)(struct net_client *client);
};

struct net_device {
    /* Set by the driver before it registers the device. */
    const struct net_device_operations *operations;
    const char *model; /* for people: "Intel 82540EM" */
    struct mac_address mac;
    uint16_t mtu;
    void *driver_data;

    /* Kept by the functions below. */
    char name[NET_NAME_SIZE]; /* net0, net1, … or what it was registered as */
    bool link_up;
    uint32_t link_mbps;
    struct net_client *client;
    struct net_statistics received, sent;
};

/* For drivers. */

/* Names @device, which is registered from now on, with its link down: as the first of net0, net1, …
 * that is free; or @name, which net_device_register_as() wants to be free. False if NET_DEVICES_MAX
 * are registered, the name is not free or too long, or the MAC address or MTU cannot be right.
 * Registering, unregistering and walking along the devices do not overlap each other: the first
 * thread does them, which becomes the console's. */
bool net_device_register(struct net_device *device);
bool net_device_register_as(struct net_device *device, const char *name);

/* @device, which has no client, is no longer known. */
void net_device_unregister(struct net_device *device);

/* A good frame was received. Not between stop and start. */
void net_device_deliver(struct net_device *device, const struct net_frame *frame);

/* The device is done with @frame: @sent, or dropped for want of room. */
void net_device_sent(struct net_device *device, struct net_frame *frame, bool sent);

/* @count frames were lost: in error on the wire, or for want of receive buffers. */
void net_device_lost(struct net_device *device, uint64_t errors, uint64_t dropped);

/* The link is up with @mbps (0: unknown), or down. Tells the client if that is new. */
void net_device_set_link(struct net_device *device, bool up, uint32_t mbps);

/* For clients. */

/* Puts @client on @device and starts it; false if there is one already or it does not start. */
bool net_device_attach(struct net_device *device, struct net_client *client);

/* Stops @device, which has a client; afterwards that is not called any more, and the link counts as
 * down. */
void net_device_detach(struct net_device *device);

/* Sends @frame or drops it; either way it comes back by its complete function. Any context. */
void net_device_transmit(struct net_device *device, struct net_frame *frame);

/* The registered device with this index (0, 1, …) or name; NULL if there is none. */
struct net_device *net_device_at(unsigned index);
struct net_device *net_device_find(const char *name);

#endif
