/* Random frames to a stack whose user is busy at the same time. Whatever comes, what is sent is
 * correct and of bounded number, and in the end no buffer is lost and nothing is left to do. */
#include "parent/net/net.h"
#include "parent/net/ping.h"
#include "parent/net/udp.h"

#include "tests/fuzz/fuzz.h"
#include "tests/net/packet.h"
#include "tests/net/station.h"

#define FRAME_MAX 1600
#define PINGS 4
#define PORT 100

/* One received frame may free all that waits for its station, and be answered in fragments. */
#define ANSWERS_MAX (ARP_PENDING_MAX + IPV4_PAYLOAD_MAX / 1480 + 2)

enum operation {
    RECEIVE_RAW,
    RECEIVE_TO_US,       /* with the right destination and IPv4 checksum */
    RECEIVE_CHECKSUMMED, /* and that of the protocol on top */
    WAIT,
    PING,
    SEND,
    CONFIGURE,
    HOLD,
    OPERATIONS,
};

static struct station station;
static struct udp_socket sockets[2];
static struct ping pings[PINGS];
static bool ping_active[PINGS];
static unsigned sent_count;

static void check_sent(struct station *sender, const uint8_t *frame, size_t size)
{
    const struct mac_address to = mac_load(frame);
    const uint8_t *packet = frame + NET_HEADER_SIZE;

    sent_count++;
    FUZZ_CHECK(size >= NET_FRAME_MIN && size <= NET_HEADER_SIZE + NET_MTU);
    FUZZ_CHECK(mac_unicast(&to) || mac_equal(&to, &mac_broadcast));
    FUZZ_CHECK(memcmp(frame + MAC_SIZE, sender->device.mac.bytes, MAC_SIZE) == 0);
    if (frame[12] == 8 && frame[13] == 0) {
        FUZZ_CHECK(packet[0] == 0x45 && packet_checksum(packet, 20) == 0);
        FUZZ_CHECK((size_t)(packet[2] << 8 | packet[3]) <= size - NET_HEADER_SIZE);
    } else {
        FUZZ_CHECK(frame[12] == 8 && frame[13] == 6 && size == NET_FRAME_MIN);
    }
}

static void echo_back(struct udp_socket *socket, const struct udp_datagram *datagram)
{
    FUZZ_CHECK(datagram->size <= UDP_PAYLOAD_MAX);
    FUZZ_CHECK(ipv4_unicast(datagram->source));
    FUZZ_CHECK(!datagram->broadcast || socket->broadcast);
    /* Two sockets of ours would do so for ever. */
    if (!datagram->broadcast && datagram->source != station.stack.configuration.address)
        udp_send(&station.stack, socket, datagram->source, datagram->source_port, datagram->data,
                 datagram->size);
}

static void ping_done(struct ping *ping, enum ping_result result, uint64_t round_trip_us,
                      uint8_t ttl)
{
    FUZZ_CHECK(ping_active[ping - pings]);
    FUZZ_CHECK(result == PING_REPLY || (round_trip_us == 0 && ttl == 0));
    ping_active[ping - pings] = false;
}

/* Makes checksums right where there seem to be some. */
static void fix_frame(uint8_t *frame, size_t size, bool protocol_too)
{
    uint8_t *packet = frame + NET_HEADER_SIZE;
    size_t header_size, total;
    uint16_t sum;

    if (size < NET_HEADER_SIZE + 20)
        return;
    memcpy(frame, OUR_MAC.bytes, MAC_SIZE);
    if (frame[12] != 8 || frame[13] != 0)
        return;
    header_size = (size_t)(packet[0] & 0xf) * 4;
    total = (size_t)(packet[2] << 8 | packet[3]);
    if (header_size < 20 || total < header_size + 8 || total > size - NET_HEADER_SIZE)
        return;
    packet[10] = packet[11] = 0;
    sum = packet_checksum(packet, header_size);
    packet[10] = (uint8_t)(sum >> 8);
    packet[11] = (uint8_t)sum;
    if (protocol_too && packet[9] == 17)
        packet[header_size + 6] = packet[header_size + 7] = 0;
    if (protocol_too && packet[9] == 1) {
        packet[header_size + 2] = packet[header_size + 3] = 0;
        sum = packet_checksum(packet + header_size, total - header_size);
        packet[header_size + 2] = (uint8_t)(sum >> 8);
        packet[header_size + 3] = (uint8_t)sum;
    }
}

static void receive(struct fuzz_input *input, enum operation operation)
{
    uint8_t frame[FRAME_MAX] = {0};
    size_t size = fuzz_number(input, 2) % (FRAME_MAX + 1);
    size_t given = size < input->size ? size : input->size;

    memcpy(frame, input->data, given);
    input->data += given;
    input->size -= given;
    if (operation != RECEIVE_RAW)
        fix_frame(frame, size, operation == RECEIVE_CHECKSUMMED);
    station_tick(&station);
    sent_count = 0;
    station_receive(&station, frame, size);
    FUZZ_CHECK(sent_count <= ANSWERS_MAX);
}

/* An address that is interesting, or any. */
static ipv4_t choose_address(struct fuzz_input *input)
{
    static const ipv4_t addresses[] = {
        PEER, OURS, IPV4(10, 0, 0, 1), IPV4_BROADCAST, IPV4(10, 0, 0, 255), IPV4(192, 0, 2, 1),
    };
    size_t index = fuzz_byte(input) % (sizeof(addresses) / sizeof(addresses[0]) + 1);

    return index < sizeof(addresses) / sizeof(addresses[0]) ? addresses[index]
                                                            : (ipv4_t)fuzz_number(input, 4);
}

static void ping(struct fuzz_input *input)
{
    static const uint8_t payload[IPV4_PAYLOAD_MAX + 100];
    unsigned index = fuzz_byte(input) % PINGS;

    if (ping_active[index]) {
        ping_cancel(&station.stack, &pings[index]);
        ping_active[index] = false;
        return;
    }
    pings[index] = (struct ping){
        .destination = choose_address(input),
        .identifier = 1,
        .sequence = fuzz_byte(input) % 2,
        .payload = payload,
        .size = fuzz_number(input, 2) % sizeof(payload),
        .timeout_us = (uint32_t)fuzz_number(input, 3),
        .done = ping_done,
    };
    ping_active[index] = ping_send(&station.stack, &pings[index]) == NET_OK;
}

static void send(struct fuzz_input *input)
{
    static const uint8_t data[UDP_PAYLOAD_MAX + 100];
    struct udp_socket *socket = &sockets[fuzz_byte(input) % 2];
    ipv4_t destination = choose_address(input);
    uint16_t port = fuzz_byte(input) % 2 ? PORT : (uint16_t)fuzz_number(input, 2);

    udp_send(&station.stack, socket, destination, port, data, fuzz_number(input, 2) % sizeof(data));
}

static void configure(struct fuzz_input *input)
{
    struct net_configuration configuration = {OURS, 0xffffff00, IPV4(10, 0, 0, 1), {0}};

    switch (fuzz_byte(input) % 6) {
    case 0:
        net_configure(&station.stack, &configuration);
        break;
    case 1:
        configuration.address = (ipv4_t)fuzz_number(input, 4);
        configuration.mask = (ipv4_t)fuzz_number(input, 4);
        configuration.gateway = (ipv4_t)fuzz_number(input, 4);
        net_configure(&station.stack, &configuration);
        break;
    case 2:
        net_unconfigure(&station.stack);
        break;
    case 3:
        dhcp_start(&station.stack, "fuzz");
        break;
    case 4:
        dhcp_release(&station.stack);
        break;
    case 5:
        net_device_set_link(&station.device, !station.device.link_up, 0);
        break;
    }
    FUZZ_CHECK(station.stack.configuration.address == 0 ||
               net_configuration_valid(&station.stack.configuration));
}

static void perform(struct fuzz_input *input)
{
    enum operation operation = fuzz_byte(input) % OPERATIONS;

    switch (operation) {
    case RECEIVE_RAW:
    case RECEIVE_TO_US:
    case RECEIVE_CHECKSUMMED:
        receive(input, operation);
        break;
    case WAIT:
        station_wait(&station, fuzz_number(input, 2) * 1000);
        break;
    case PING:
        ping(input);
        break;
    case SEND:
        send(input);
        break;
    case CONFIGURE:
        configure(input);
        break;
    case HOLD:
        station.hold = !station.hold;
        if (!station.hold)
            station_complete(&station);
        break;
    default:
        break;
    }
    station_tick(&station);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};

    station_init(&station, 2);
    station_configure(&station, 2);
    station.transmit = check_sent;
    memset(ping_active, 0, sizeof(ping_active));
    for (unsigned i = 0; i < 2; i++) {
        sockets[i] = (struct udp_socket){.broadcast = i == 1, .receive = echo_back};
        FUZZ_CHECK(udp_bind(&station.stack, &sockets[i], (uint16_t)(PORT + i)) == NET_OK);
    }
    while (input.size > 0)
        perform(&input);

    station.hold = false;
    station_complete(&station);
    net_unconfigure(&station.stack);
    station_wait(&station, UINT32_MAX * NET_SECOND);
    FUZZ_CHECK(net_pool_free_count(&station.stack.pool) == STATION_BUFFERS);
    FUZZ_CHECK(station.stack.pings == NULL && station.deadline_us == NET_NEVER);
    for (unsigned i = 0; i < PINGS; i++)
        FUZZ_CHECK(!ping_active[i]);
    return 0;
}
