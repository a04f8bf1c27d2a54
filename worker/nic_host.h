/* The network behind an adapter of the machine: a port of a virtual switch, as a handle. What the
 * adapter sends goes to the switch at once; a thread brings what has come, several frames at a
 * time. */
#ifndef VENEER_WORKER_NIC_HOST_H
#define VENEER_WORKER_NIC_HOST_H

#include "parent/user/system.h"
#include "worker/devices/nic.h"

#define NIC_HOST_FRAME_SPACE (sizeof(struct system_frame) + NIC_MAX_FRAME)

/* The owner's memory, for as long as the machine lives. */
struct nic_host {
    struct nic_link link; /* for the adapter; first */
    uint32_t port;        /* handle */
    /* By the machine's lock. */
    _Alignas(struct system_frame) uint8_t sent[NIC_HOST_FRAME_SPACE];
    /* The thread's. */
    _Alignas(struct system_frame) uint8_t received[SYSTEM_MAX_FRAMES_SIZE];
};

/* Makes @host on @port: its link has an address and a state, and can send. Ends the process if the
 * handle is no port. */
void nic_host_init(struct nic_host *host, uint32_t port);

/* Begins to receive, by a thread, when the adapter has filled in its callbacks. */
void nic_host_start(struct nic_host *host);

#endif
