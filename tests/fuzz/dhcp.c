/* Random answers to a DHCP client, and stations that get in its way. What it configures is valid,
 * what it sends is bounded, and it never gets stuck. */
#include "parent/net/net.h"

#include "tests/fuzz/fuzz.h"
#include "tests/net/dhcp_server.h"
#include "tests/net/station.h"

#define MESSAGE_MAX 1400
#define OPTIONS_OFFSET 240

enum operation { ANSWER, RAW, WAIT, ARP, LINK, OPERATIONS };

static struct station station;
static unsigned sent_count;
static struct dhcp_seen seen; /* the client's last message */

static void count_sent(struct station *sender, const uint8_t *bytes, size_t size)
{
    static struct station_frame frame;
    struct dhcp_seen message;

    (void)sender;
    sent_count++;
    memcpy(frame.bytes, bytes, size);
    frame.size = size;
    if (dhcp_read(&frame, &message))
        seen = message;
}

static void check_client(void)
{
    const struct net_stack *stack = &station.stack;
    enum dhcp_state state = stack->dhcp.state;
    bool has_lease =
        state == DHCP_STATE_BOUND || state == DHCP_STATE_RENEWING || state == DHCP_STATE_REBINDING;

    FUZZ_CHECK(state != DHCP_STATE_STOPPED && state != DHCP_STATE_RELEASING);
    FUZZ_CHECK(has_lease == (stack->configuration.address != 0));
    if (has_lease)
        FUZZ_CHECK(net_configuration_valid(&stack->configuration) && stack->origin == NET_DHCP);
    /* Something will happen, unless the lease is for ever. */
    FUZZ_CHECK(station.deadline_us != NET_NEVER || stack->dhcp.lease.lease_s == DHCP_INFINITE);
}

/* A message with random options, to this client and exchange. */
static void answer(struct fuzz_input *input)
{
    struct dhcp_answer usual = dhcp_usual((uint8_t)(fuzz_byte(input) % 8), seen.transaction);
    uint8_t message[MESSAGE_MAX];
    struct packet packet;
    size_t size;

    memcpy(message, dhcp_write(&packet, &usual), OPTIONS_OFFSET + 64);
    if (fuzz_byte(input) % 2) {
        /* In place of the usual options. */
        size = fuzz_byte(input);
        if (size > input->size)
            size = input->size;
        memcpy(message + OPTIONS_OFFSET, input->data, size);
        input->data += size;
        input->size -= size;
        size += OPTIONS_OFFSET;
    } else {
        /* One of them changed, or one byte of the header's rest. */
        size = OPTIONS_OFFSET + 64;
        message[fuzz_number(input, 2) % size] = fuzz_byte(input);
        message[fuzz_number(input, 2) % size] = fuzz_byte(input);
    }
    packet_udp(&packet, 67, 68, message, size);
    station_receive(&station, packet.bytes, packet.size);
}

/* Bytes as they are: to the parser, and to the client. */
static void receive_raw(struct fuzz_input *input)
{
    size_t size = fuzz_number(input, 2) % MESSAGE_MAX;
    struct dhcp_reply reply;
    struct packet packet;
    uint8_t *message;

    if (size > input->size)
        size = input->size;
    message = malloc(size > 0 ? size : 1);
    memcpy(message, input->data, size);
    input->data += size;
    input->size -= size;
    if (dhcp_parse_reply(message, size, &OUR_MAC, 0, &reply) == DHCP_GOOD)
        FUZZ_CHECK(ipv4_unicast(reply.server));
    packet_init(&packet);
    packet.from = SERVER;
    packet.to = IPV4_BROADCAST;
    packet_udp(&packet, 67, 68, message, size);
    station_receive(&station, packet.bytes, packet.size);
    free(message);
}

static void receive_arp(struct fuzz_input *input)
{
    static const ipv4_t addresses[] = {LEASED, SERVER, 0, PEER};
    ipv4_t sender = addresses[fuzz_byte(input) % 4], target = addresses[fuzz_byte(input) % 4];
    struct packet packet;

    packet_init(&packet);
    packet_arp(&packet, 1 + fuzz_byte(input) % 2, &SERVER_MAC, sender, &OUR_MAC, target);
    station_receive(&station, packet.bytes, packet.size);
}

static void perform(struct fuzz_input *input)
{
    sent_count = 0;
    switch (fuzz_byte(input) % OPERATIONS) {
    case ANSWER:
        answer(input);
        break;
    case RAW:
        receive_raw(input);
        break;
    case WAIT: {
        uint64_t duration_s = fuzz_byte(input) % 32 * 32;

        station_wait(&station, duration_s * NET_SECOND);
        /* At most a message, and a question for its station, every few seconds. */
        FUZZ_CHECK(sent_count <= 16 + duration_s);
        sent_count = 0;
        break;
    }
    case ARP:
        receive_arp(input);
        break;
    case LINK:
        net_device_set_link(&station.device, !station.device.link_up, 0);
        break;
    }
    station_tick(&station);
    FUZZ_CHECK(sent_count <= ARP_PENDING_MAX + 2);
    check_client();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};

    station_init(&station, 2);
    station.transmit = count_sent;
    FUZZ_CHECK(dhcp_start(&station.stack, "fuzz") == NET_OK);
    station_tick(&station);
    while (input.size > 0)
        perform(&input);

    dhcp_release(&station.stack);
    station_wait(&station, 10 * NET_SECOND);
    FUZZ_CHECK(station.stack.dhcp.state == DHCP_STATE_STOPPED);
    FUZZ_CHECK(station.stack.configuration.address == 0);
    station_wait(&station, UINT32_MAX * NET_SECOND);
    FUZZ_CHECK(net_pool_free_count(&station.stack.pool) == STATION_BUFFERS);
    FUZZ_CHECK(station.deadline_us == NET_NEVER);
    return 0;
}
