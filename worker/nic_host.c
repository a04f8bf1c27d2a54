#include "worker/nic_host.h"

#include "lib/string.h"
#include "worker/machine.h"

static const char no_port[] = "no port of a virtual switch for a network card";

/* A system call that fails has lost the frame: so may any network. */
static void send(struct nic_link *link, const void *frame, uint32_t size)
{
    struct nic_host *host = (struct nic_host *)link;
    struct system_frame *sent = (struct system_frame *)host->sent;

    sent->size = size;
    memcpy(sent->data, frame, size);
    system_port_send(host->port, sent, (uint32_t)sizeof(*sent) + size);
}

/* Whether the link is up, and the rest of what is known of the port. */
static bool describe(struct nic_host *host, struct system_port_information *information)
{
    machine_must(system_port_information(host->port, information), no_port);
    return information->link_up != 0;
}

static void update_link(struct nic_host *host)
{
    struct system_port_information information;
    bool up = describe(host, &information);

    lock_take(&machine.lock);
    if (host->link.up != up) {
        host->link.up = up;
        host->link.changed(host->link.device);
    }
    lock_release(&machine.lock);
}

/* The kernel has written them, so they are as they should be. */
static void deliver(struct nic_host *host, uint32_t size)
{
    lock_take(&machine.lock);
    for (uint32_t at = 0; at < size;) {
        const struct system_frame *frame = (const struct system_frame *)(host->received + at);

        host->link.receive(host->link.device, frame->data, frame->size);
        at += system_frame_space(frame->size);
    }
    lock_release(&machine.lock);
}

static void receive(void *argument)
{
    struct nic_host *host = argument;

    for (;;) {
        int64_t size =
            system_port_receive(host->port, host->received, sizeof(host->received), SYSTEM_FOREVER);

        if (size < 0)
            system_thread_exit(); /* the process is being ended */
        if (size == 0)
            update_link(host);
        else
            deliver(host, (uint32_t)size);
    }
}

void nic_host_init(struct nic_host *host, uint32_t port)
{
    struct system_port_information information;

    memset(host, 0, sizeof(*host));
    host->port = port;
    host->link.up = describe(host, &information);
    memcpy(host->link.mac, information.mac, sizeof(host->link.mac));
    host->link.send = send;
}

void nic_host_start(struct nic_host *host)
{
    machine_must(system_port_filter(host->port, SYSTEM_PORT_DIRECTED | SYSTEM_PORT_MULTICAST |
                                                    SYSTEM_PORT_BROADCAST),
                 no_port);
    machine_start_thread(receive, host);
}
