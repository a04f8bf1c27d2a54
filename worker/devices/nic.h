/* What the network is to an adapter of the machine, and the adapter to the network.
 *
 * All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_NIC_H
#define VENEER_WORKER_DEVICES_NIC_H

#include <stdbool.h>
#include <stdint.h>

#define NIC_MAX_FRAME 1518 /* bytes, without the check sequence, with one VLAN tag */

/* The end of a cable. The machine makes it, with an address for the adapter; the adapter fills in
 * the callbacks. */
struct nic_link {
    uint8_t mac[6];
    bool up; /* the cable is plugged in, and there is a network at its other end */

    /* Sends @size bytes from the destination address on, 14 to NIC_MAX_FRAME; they are copied, or
     * lost if the network cannot take them now. */
    void (*send)(struct nic_link *link, const void *frame, uint32_t size);

    /* A frame for the adapter, which decides itself whether it wants it: all that are on the
     * network come here, or at least those that the adapter could want. It copies it. */
    void (*receive)(void *device, const void *frame, uint32_t size);
    /* `up` has changed. */
    void (*changed)(void *device);
    void *device;
};

#endif
