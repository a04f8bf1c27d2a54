/* Ports of a switch that come, go and send anything, while what they send changes: what others get
 * is what was sent, from an address that the sender may use, and nothing refers to a port that has
 * gone. */
#include "parent/net/switch.h"

#include "parent/net/address.h"
#include "tests/fuzz/fuzz.h"

#define PORTS 6
#define FRAME_MAX 2048
#define TAG_SIZE 4

enum action { CONNECT, DISCONNECT, LINK, MEDIA, FILTER, SEND, SEND_MORE, WAIT, ACTIONS };

static struct net_switch net;
static struct switch_port *ports[PORTS]; /* NULL: not connected; each freed when it goes */
static const struct switch_port *sender;
static uint8_t sent[FRAME_MAX], checked[FRAME_MAX]; /* in the sender's memory, and as it was */
static uint32_t sent_size;
static unsigned taken;
static bool media;

/* Few addresses, so that they meet: 02:00:00:00:00:00 to 07, and groups. */
static struct mac_address read_mac(struct fuzz_input *input)
{
    uint8_t choice = fuzz_byte(input);

    if (choice == 255)
        return mac_broadcast;
    return (struct mac_address){{choice & 0x80 ? 3 : 2, 0, 0, 0, 0, choice & 7}};
}

static void check_source(void)
{
    struct mac_address source = mac_load(checked + MAC_SIZE);

    if (!sender->learns) {
        FUZZ_CHECK(mac_equal(&source, &sender->mac));
        return;
    }
    FUZZ_CHECK(mac_unicast(&source));
    for (unsigned i = 0; i < PORTS; i++)
        FUZZ_CHECK(ports[i] == NULL || ports[i]->learns || !mac_equal(&source, &ports[i]->mac));
}

static bool receive(struct switch_port *port, const struct net_frame *frame)
{
    struct mac_address destination = mac_load(checked);
    uint32_t done = 0;

    FUZZ_CHECK(port != sender && port->link_up && sender->link_up);
    FUZZ_CHECK(frame->size == sent_size);
    FUZZ_CHECK(frame->size <= NET_HEADER_SIZE + TAG_SIZE + (uint32_t)port->mtu);
    check_source();
    if (!port->learns && !(port->accept & SWITCH_ACCEPT_PROMISCUOUS) && mac_unicast(&destination))
        FUZZ_CHECK(mac_equal(&destination, &port->mac));
    memset(sent, 0xff, NET_HEADER_SIZE); /* the sender changes its header */
    for (uint32_t i = 0; i < frame->segment_count; i++) {
        FUZZ_CHECK(frame->segments[i].size > 0);
        FUZZ_CHECK(memcmp(frame->segments[i].data, checked + done, frame->segments[i].size) == 0);
        done += frame->segments[i].size;
    }
    FUZZ_CHECK(done == frame->size);
    taken++;
    return true;
}

static void link_changed(struct switch_port *port)
{
    FUZZ_CHECK(port->link_up == (media && !port->unplugged));
}

static void connect(unsigned index, struct fuzz_input *input)
{
    struct switch_port *port;

    if (ports[index] != NULL)
        return;
    port = calloc(1, sizeof(*port));
    FUZZ_CHECK(port != NULL);
    port->mac = read_mac(input);
    port->learns = (fuzz_byte(input) & 1) != 0;
    port->mtu = (uint16_t)fuzz_number(input, 2);
    port->accept = fuzz_byte(input);
    port->receive = receive;
    port->link_changed = link_changed;
    if (switch_connect(&net, port))
        ports[index] = port;
    else
        free(port);
}

static void disconnect(unsigned index)
{
    switch_disconnect(&net, ports[index]);
    free(ports[index]);
    ports[index] = NULL;
}

/* A frame in pieces of any sizes, whose sum may be another than it says. */
static void send(unsigned index, struct fuzz_input *input, uint64_t now_us)
{
    struct net_segment segments[NET_SEGMENTS_MAX + 2];
    struct net_frame frame = {.segments = segments};
    struct mac_address destination = read_mac(input), source = read_mac(input);
    uint32_t done = 0;
    unsigned result;

    memcpy(sent, destination.bytes, MAC_SIZE);
    memcpy(sent + MAC_SIZE, source.bytes, MAC_SIZE);
    sent[12] = (fuzz_byte(input) & 1) ? 0x81 : 0x08;
    sent[13] = 0;
    frame.segment_count = fuzz_byte(input) % (NET_SEGMENTS_MAX + 3u);
    for (uint32_t i = 0; i < frame.segment_count; i++) {
        uint32_t size = fuzz_byte(input) * (i % 2 ? 8u : 1u);

        if (size > FRAME_MAX - done)
            size = FRAME_MAX - done;
        segments[i] = (struct net_segment){.data = sent + done, .size = size};
        done += size;
    }
    frame.size = done + (fuzz_byte(input) == 1);
    memcpy(checked, sent, sizeof(sent));
    sender = ports[index];
    sent_size = frame.size;
    taken = 0;
    result = switch_send(&net, ports[index], &frame, now_us);
    FUZZ_CHECK(result == taken);
    FUZZ_CHECK(taken == 0 || (frame.size == done && done >= NET_HEADER_SIZE &&
                              frame.segment_count <= NET_SEGMENTS_MAX));
}

static void act(struct fuzz_input *input, uint64_t *now_us)
{
    enum action action = fuzz_byte(input) % ACTIONS;
    unsigned index = fuzz_byte(input) % PORTS;

    switch (action) {
    case CONNECT:
        connect(index, input);
        return;
    case MEDIA:
        media = (index & 1) != 0;
        switch_set_media(&net, media);
        return;
    case WAIT:
        *now_us += fuzz_number(input, 4);
        return;
    default:
        break;
    }
    if (ports[index] == NULL)
        return;
    if (action == DISCONNECT)
        disconnect(index);
    else if (action == LINK)
        switch_set_link(&net, ports[index], (fuzz_byte(input) & 1) != 0);
    else if (action == FILTER)
        ports[index]->accept = fuzz_byte(input);
    else
        send(index, input, *now_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint64_t now_us = 0;

    switch_init(&net);
    media = true;
    memset(sent, 0x33, sizeof(sent));
    while (input.size > 0)
        act(&input, &now_us);
    for (unsigned i = 0; i < PORTS; i++)
        if (ports[i] != NULL)
            disconnect(i);
    for (unsigned i = 0; i < SWITCH_SETS; i++)
        for (unsigned j = 0; j < SWITCH_WAYS; j++)
            FUZZ_CHECK(net.table[i][j].port == NULL);
    return 0;
}
