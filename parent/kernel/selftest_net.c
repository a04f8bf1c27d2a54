/* Self tests of network cards and of the stack on them, in the network of an emulator:
 *  "net"      gets an address, pings the gateway with up to "ping=" bytes, and fetches the file
 * "file=" of "size=" bytes from it by TFTP (RFC 1350), whose 64-bit words are those of the disks'
 * pattern "net-link" asks the test harness to pull the cable, and to plug it in again */
#include <stddef.h>

#include "lib/string.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/selftest_net.h"
#include "parent/net/udp.h"
#include "parent/services/network.h"

#define ADDRESS_LIMIT_US 20000000
#define PING_LIMIT_US 2000000
#define LINK_LIMIT_US 30000000
#define POLL_US 10000
#define PINGS 20
#define PING_SIZE 1400

#define TFTP_PORT 69
#define TFTP_READ 1
#define TFTP_DATA 3
#define TFTP_ACKNOWLEDGE 4
#define TFTP_BLOCK 512
#define TFTP_HEADER 4
#define TFTP_PAUSE_US 1000000 /* until a message is repeated */
#define TFTP_REPEATS 5

static struct network *network;
static struct net_device *device;

static bool find_network(void)
{
    network = network_get(0);
    device = net_device_at(0);
    return check(network != NULL && device != NULL, "there is no network");
}

struct net_configuration selftest_configuration(struct network *on)
{
    uint64_t flags;
    struct net_configuration copy = network_take(on, &flags)->configuration;
    network_release(on, flags);
    return copy;
}

bool selftest_wait_address(struct network *on)
{
    uint64_t deadline = time_now() + ADDRESS_LIMIT_US;
    while (selftest_configuration(on).address == 0 && time_now() < deadline)
        thread_sleep(POLL_US);
    return check(selftest_configuration(on).address != 0, "no address came");
}

uint64_t selftest_ping(struct network *on, uint16_t sequence, uint32_t size)
{
    enum ping_result result = PING_TIMEOUT;
    uint64_t round_trip_us = 0;
    enum net_status status = network_ping(on, selftest_configuration(on).gateway, sequence, size,
                                          PING_LIMIT_US, &result, &round_trip_us);
    if (check(status == NET_OK, "ping: %s", net_status_text(status)))
        check(result == PING_REPLY, "ping of %u bytes: %s", size, ping_result_text(result));
    return round_trip_us;
}

/* A file that is being fetched. Changed under the stack's lock, but for ended, which is atomic. */
static struct {
    struct udp_socket socket;
    uint64_t received;
    uint16_t block; /* the last that came */
    uint16_t server_port;
    bool wrong, ended;
} transfer;

static uint8_t file_byte(uint64_t offset)
{
    return (uint8_t)(selftest_pattern(offset / 8) >> offset % 8 * 8);
}

static void acknowledge(struct net_stack *stack)
{
    uint8_t message[TFTP_HEADER] = {0, TFTP_ACKNOWLEDGE, (uint8_t)(transfer.block >> 8),
                                    (uint8_t)transfer.block};
    udp_send(stack, &transfer.socket, stack->configuration.gateway, transfer.server_port, message,
             sizeof(message));
}

/* In the stack, by the card's interrupt. */
static void take_block(struct udp_socket *socket, const struct udp_datagram *datagram)
{
    struct net_stack *stack = socket->context;
    const uint8_t *data = datagram->data;
    if (datagram->size < TFTP_HEADER || data[1] != TFTP_DATA) {
        transfer.wrong = true;
        return;
    }
    uint16_t block = (uint16_t)(data[2] << 8 | data[3]);
    if (block != (uint16_t)(transfer.block + 1))
        return; /* comes again */
    transfer.block = block;
    transfer.server_port = datagram->source_port;
    for (size_t i = TFTP_HEADER; i < datagram->size; i++)
        transfer.wrong |= data[i] != file_byte(transfer.received++);
    acknowledge(stack);
    if (datagram->size < TFTP_HEADER + TFTP_BLOCK)
        __atomic_store_n(&transfer.ended, true, __ATOMIC_RELEASE);
}

static void request_file(struct net_stack *stack, const char *name)
{
    static const char mode[] = "octet";
    uint8_t message[64] = {0, TFTP_READ};
    size_t length = string_copy((char *)message + 2, name, 32);
    memcpy(message + 2 + length + 1, mode, sizeof(mode));
    udp_send(stack, &transfer.socket, stack->configuration.gateway, TFTP_PORT, message,
             2 + length + 1 + sizeof(mode));
}

static void begin_transfer(const char *name)
{
    uint64_t flags;
    struct net_stack *stack = network_take(network, &flags);
    transfer.socket.receive = take_block;
    transfer.socket.context = stack;
    check(udp_bind(stack, &transfer.socket, 0) == NET_OK, "no free port");
    request_file(stack, name);
    network_release(network, flags);
}

/* Repeats the last message. Returns how much has come. */
static uint64_t repeat_message(const char *name)
{
    uint64_t flags;
    struct net_stack *stack = network_take(network, &flags);
    uint64_t received = transfer.received;
    if (transfer.block == 0)
        request_file(stack, name);
    else
        acknowledge(stack);
    network_release(network, flags);
    return received;
}

static void end_transfer(void)
{
    uint64_t flags;
    struct net_stack *stack = network_take(network, &flags);
    udp_close(stack, &transfer.socket);
    network_release(network, flags);
}

static bool transfer_ends_in(uint64_t microseconds)
{
    uint64_t deadline = time_now() + microseconds;
    while (!__atomic_load_n(&transfer.ended, __ATOMIC_ACQUIRE) && time_now() < deadline)
        thread_sleep(POLL_US);
    return __atomic_load_n(&transfer.ended, __ATOMIC_ACQUIRE);
}

static void fetch_file(const char *name, uint64_t size)
{
    uint64_t start = time_now(), before = 0;
    begin_transfer(name);
    for (int repeats = 0; repeats < TFTP_REPEATS && !transfer_ends_in(TFTP_PAUSE_US); repeats++) {
        uint64_t received = repeat_message(name);
        if (received != before)
            repeats = 0;
        before = received;
    }
    end_transfer();
    check(transfer.ended, "the transfer stops after %lu bytes", transfer.received);
    check(!transfer.wrong, "wrong data in the file");
    check_equal(transfer.received, size, "size of the file");
    note("%lu bytes by TFTP in %lu us", transfer.received, time_now() - start);
}

static void run_net(void)
{
    char name[32];
    uint64_t largest = selftest_option("ping", PING_SIZE);
    if (!find_network())
        return;
    if (!selftest_wait_address(network))
        return;
    for (uint16_t i = 0; i < PINGS; i++) {
        uint32_t bytes = (uint32_t)(i * largest / (PINGS - 1));
        uint64_t round_trip_us = selftest_ping(network, i, bytes);
        if (i == 0)
            note("ping of %u bytes: %lu us", bytes, round_trip_us);
    }
    if (boot_option("file", name, sizeof(name)))
        fetch_file(name, selftest_option("size", 0));
    note("%s, received %lu, sent %lu, errors %lu, dropped %lu", device->model,
         device->received.packets, device->sent.packets,
         device->received.errors + device->sent.errors,
         device->received.dropped + device->sent.dropped);
    check_equal(device->received.errors + device->sent.errors, 0, "errors");
}

static bool wait_link(bool up)
{
    uint64_t deadline = time_now() + LINK_LIMIT_US;
    while (__atomic_load_n(&device->link_up, __ATOMIC_ACQUIRE) != up && time_now() < deadline)
        thread_sleep(POLL_US);
    return check(device->link_up == up, "the link does not go %s", up ? "up" : "down");
}

static void run_net_link(void)
{
    enum ping_result result;
    uint64_t round_trip_us;
    if (!find_network() || !selftest_wait_address(network))
        return;
    selftest_ping(network, 0, 56);
    ipv4_t destination = selftest_configuration(network).gateway;
    note("the link may go down");
    if (!wait_link(false))
        return;
    enum net_status status =
        network_ping(network, destination, 1, 56, PING_LIMIT_US, &result, &round_trip_us);
    check(status == NET_NO_LINK, "ping without link: %s", net_status_text(status));
    note("the link may go up");
    if (!wait_link(true) || !selftest_wait_address(network))
        return;
    selftest_ping(network, 2, 56);
}

const struct selftest selftest_net = {"net", run_net, SELFTEST_ONCE, true};
const struct selftest selftest_net_link = {"net-link", run_net_link, SELFTEST_ONCE, true};
