/* Self test of virtual switches, "switch": test ports on a private, an internal and an external
 * one. The external one is on net0 in the network of an emulator; unless "stranger=0" says that its
 * server knows only one station, a test port asks that for an address of its own. */
#include <stddef.h>

#include "lib/big_endian.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/selftest_net.h"
#include "parent/net/checksum.h"
#include "parent/net/dhcp_message.h"
#include "parent/net/ethernet.h"
#include "parent/net/virtual_switch.h"

#define WAIT_US 5000000
#define LINK_US 30000000
#define POLL_US 1000
#define BURST 2000 /* frames: many more than any pool has */
#define BURST_PAUSE_US 200000
#define CONNECTIONS 500
#define ROUNDS 5 /* of creating and deleting */
#define FRAME_SIZE (NET_HEADER_SIZE + NET_MTU)

#define PARENT_ADDRESS IPV4(192, 168, 77, 1)
#define STATION_ADDRESS IPV4(192, 168, 77, 2)

#define PAYLOAD NET_HEADER_SIZE
#define ARP_SIZE 28
#define IPV4_SIZE 20
#define UDP_SIZE 8
#define ICMP_SIZE 40
#define ECHO_REQUEST 8
#define PROTOCOL_ICMP 1
#define PROTOCOL_UDP 17
#define TRANSACTION 0x56454e45

/* A port, and the first frame that came to it of those that are looked for. */
struct station {
    struct switch_port port;
    bool (*wanted)(const uint8_t *frame, uint32_t size);
    uint8_t frame[FRAME_SIZE];
    uint32_t frame_size; /* 0: none has come; atomic */
    uint64_t received;   /* frames; atomic */
    uint32_t changes;    /* of the link; atomic */
    bool gone;           /* disconnected: receive() must not be called; atomic */
    uint64_t late;       /* frames that came all the same */
};

static struct station first, second;
static struct virtual_switch *net;

static bool receive(struct switch_port *port, const struct net_frame *frame)
{
    struct station *station = CONTAINER_OF(port, struct station, port);
    uint32_t size = 0;

    if (__atomic_load_n(&station->gone, __ATOMIC_ACQUIRE))
        station->late++;
    __atomic_fetch_add(&station->received, 1, __ATOMIC_RELAXED);
    if (station->wanted == NULL || frame->size > FRAME_SIZE ||
        __atomic_load_n(&station->frame_size, __ATOMIC_ACQUIRE) != 0)
        return true;
    for (uint32_t i = 0; i < frame->segment_count; i++) {
        memcpy(station->frame + size, frame->segments[i].data, frame->segments[i].size);
        size += frame->segments[i].size;
    }
    if (station->wanted(station->frame, size))
        __atomic_store_n(&station->frame_size, size, __ATOMIC_RELEASE);
    return true;
}

static void link_changed(struct switch_port *port)
{
    __atomic_fetch_add(&CONTAINER_OF(port, struct station, port)->changes, 1, __ATOMIC_RELAXED);
}

static bool connect(struct station *station, uint8_t number)
{
    *station = (struct station){.port = {.mac = {{0x02, 0, 0, 0, 0x77, number}},
                                         .mtu = NET_MTU,
                                         .accept = SWITCH_ACCEPT_DIRECTED | SWITCH_ACCEPT_BROADCAST,
                                         .owner = "self test",
                                         .receive = receive,
                                         .link_changed = link_changed}};
    return check(virtual_switch_connect(net, &station->port), "no port is free");
}

static void disconnect(struct station *station)
{
    virtual_switch_disconnect(net, &station->port);
    __atomic_store_n(&station->gone, true, __ATOMIC_RELEASE);
}

/* Sends the first @size bytes of @frame, whose source is set to the station's. */
static unsigned send(struct station *station, uint8_t *frame, uint32_t size)
{
    struct net_segment segment = {.data = frame, .size = size};
    struct net_frame lent = {.segments = &segment, .segment_count = 1, .size = size};

    memcpy(frame + MAC_SIZE, station->port.mac.bytes, MAC_SIZE);
    return virtual_switch_send(net, &station->port, &lent);
}

static void begin_wait(struct station *station, bool (*wanted)(const uint8_t *, uint32_t))
{
    station->wanted = wanted;
    __atomic_store_n(&station->frame_size, 0, __ATOMIC_RELEASE);
}

static bool wait_frame(struct station *station, const char *what)
{
    uint64_t deadline = time_now() + WAIT_US;

    while (__atomic_load_n(&station->frame_size, __ATOMIC_ACQUIRE) == 0 && time_now() < deadline)
        thread_sleep(POLL_US);
    return check(station->frame_size != 0, "no %s came", what);
}

static bool create_switch(enum virtual_switch_kind kind, struct net_device *card)
{
    const char *error = "";

    if (!check(virtual_switch_create("test", kind, card, &error) != NULL, "create: %s", error))
        return false;
    net = virtual_switch_get("test");
    return check(net != NULL, "it has not the name that it was given");
}

/* A switch that is in use stays. */
static void delete_switch(void)
{
    const char *error;

    check(!virtual_switch_delete("test", &error), "it was deleted while it was in use");
    virtual_switch_put(net);
    check(virtual_switch_delete("test", &error), "delete: %s", error);
    check(virtual_switch_get("test") == NULL, "it is still there");
}

/* The counters of the port at @place. */
static struct switch_port_statistics statistics_at(unsigned place)
{
    struct virtual_switch_port_information information = {0};

    check(virtual_switch_describe_port(net, place, &information), "there is no port %u", place);
    return information.statistics;
}

/* --- Private -------------------------------------------------------------------------------- */

static uint64_t sent_by_thread;
static bool sender_ends; /* atomic */

static int send_for_ever(void *argument)
{
    static uint8_t frame[NET_FRAME_MIN];

    (void)argument;
    memset(frame, 0xff, MAC_SIZE);
    while (!__atomic_load_n(&sender_ends, __ATOMIC_ACQUIRE)) {
        send(&first, frame, sizeof(frame));
        __atomic_fetch_add(&sent_by_thread, 1, __ATOMIC_RELAXED);
        cpu_pause(); /* an emulator runs the other processor then */
    }
    return 0;
}

/* Waits until the thread has sent two more frames: the second was begun after the call. */
static void wait_for_sender(void)
{
    uint64_t before = __atomic_load_n(&sent_by_thread, __ATOMIC_RELAXED);

    while (__atomic_load_n(&sent_by_thread, __ATOMIC_RELAXED) < before + 2) {
        thread_yield();
        cpu_pause();
    }
}

static void disconnect_under_load(void)
{
    struct thread *thread;
    uint64_t late = 0, received = 0;

    sender_ends = false;
    thread = thread_create("sender", send_for_ever, NULL, PRIORITY_NORMAL, THREAD_ANY_CPU);
    if (!check(thread != NULL, "no memory for a thread"))
        return;
    for (unsigned i = 0; i < CONNECTIONS && connect(&second, 2); i++) {
        wait_for_sender();
        disconnect(&second);
        wait_for_sender();
        received += second.received;
        late += second.late;
    }
    __atomic_store_n(&sender_ends, true, __ATOMIC_RELEASE);
    thread_join(thread);
    check(received >= CONNECTIONS, "only %lu frames arrived", received);
    check_equal(late, 0, "frames after the port was disconnected");
}

static void test_private(void)
{
    static uint8_t frame[NET_FRAME_MIN];

    if (!create_switch(SWITCH_PRIVATE, NULL) || !connect(&first, 1))
        return;
    check(network_find("test") == NULL, "the parent is on a private switch");
    if (connect(&second, 2)) {
        memcpy(frame, second.port.mac.bytes, MAC_SIZE);
        check_equal(send(&first, frame, sizeof(frame)), 1, "ports that took a frame");
        check_equal(second.received, 1, "frames received");
        check_equal(first.received, 0, "frames received by their sender");
        virtual_switch_set_filter(net, &second.port, 0);
        check_equal(send(&first, frame, sizeof(frame)), 0, "ports that took what they refuse");
        virtual_switch_set_filter(net, &second.port, SWITCH_ACCEPT_DIRECTED);
        virtual_switch_set_link(net, &second.port, false);
        check_equal(send(&first, frame, sizeof(frame)), 0, "unplugged ports that took a frame");
        disconnect(&second);
        check_equal(send(&second, frame, sizeof(frame)), 0, "frames from no port");
    }
    disconnect_under_load();
    disconnect(&first);
    delete_switch();
}

/* --- Internal ------------------------------------------------------------------------------- */

static bool is_arp_reply(const uint8_t *frame, uint32_t size)
{
    return size >= PAYLOAD + ARP_SIZE && load_be16(frame + 12) == ETHERTYPE_ARP &&
           load_be16(frame + PAYLOAD + 6) == 2 && load_be32(frame + PAYLOAD + 14) == PARENT_ADDRESS;
}

static bool is_echo_reply(const uint8_t *frame, uint32_t size)
{
    return size >= PAYLOAD + IPV4_SIZE + ICMP_SIZE && load_be16(frame + 12) == ETHERTYPE_IPV4 &&
           frame[PAYLOAD + 9] == PROTOCOL_ICMP && frame[PAYLOAD + IPV4_SIZE] == 0;
}

/* Asks who has the parent's address, from the station's; RFC 826. */
static uint32_t build_arp(const struct station *station, uint8_t *frame)
{
    static const uint8_t ethernet_ipv4_request[] = {0, 1, 8, 0, 6, 4, 0, 1};
    uint8_t *arp = frame + PAYLOAD;

    memset(frame, 0, NET_FRAME_MIN);
    memset(frame, 0xff, MAC_SIZE);
    store_be16(frame + 12, ETHERTYPE_ARP);
    memcpy(arp, ethernet_ipv4_request, sizeof(ethernet_ipv4_request));
    memcpy(arp + 8, station->port.mac.bytes, MAC_SIZE);
    store_be32(arp + 14, STATION_ADDRESS);
    store_be32(arp + 24, PARENT_ADDRESS);
    return NET_FRAME_MIN;
}

static void build_ipv4(uint8_t *frame, uint8_t protocol, ipv4_t source, ipv4_t destination,
                       uint32_t payload_size)
{
    uint8_t *ip = frame + PAYLOAD;

    store_be16(frame + 12, ETHERTYPE_IPV4);
    memset(ip, 0, IPV4_SIZE);
    ip[0] = 0x45; /* version 4, 5 words */
    store_be16(ip + 2, (uint16_t)(IPV4_SIZE + payload_size));
    ip[8] = 64;
    ip[9] = protocol;
    store_be32(ip + 12, source);
    store_be32(ip + 16, destination);
    store_be16(ip + 10, checksum_finish(checksum_add(0, ip, IPV4_SIZE)));
}

static uint32_t build_echo(const struct mac_address *to, uint8_t *frame)
{
    uint8_t *icmp = frame + PAYLOAD + IPV4_SIZE;

    memcpy(frame, to->bytes, MAC_SIZE);
    build_ipv4(frame, PROTOCOL_ICMP, STATION_ADDRESS, PARENT_ADDRESS, ICMP_SIZE);
    memset(icmp, 0x5a, ICMP_SIZE);
    icmp[0] = ECHO_REQUEST;
    icmp[1] = icmp[2] = icmp[3] = 0;
    store_be16(icmp + 2, checksum_finish(checksum_add(0, icmp, ICMP_SIZE)));
    return PAYLOAD + IPV4_SIZE + ICMP_SIZE;
}

/* The parent answers the station's question for its address, then its echo request. */
static void ping_parent(struct mac_address *parent)
{
    static uint8_t frame[FRAME_SIZE];

    begin_wait(&first, is_arp_reply);
    send(&first, frame, build_arp(&first, frame));
    if (!wait_frame(&first, "answer to ARP"))
        return;
    *parent = mac_load(first.frame + MAC_SIZE);
    begin_wait(&first, is_echo_reply);
    send(&first, frame, build_echo(parent, frame));
    wait_frame(&first, "echo reply");
}

/* Sends BURST frames to @to, at once: each has been taken or was counted as dropped at the port at
 * @place. Returns when the port has had time to be done with what it took. */
static void send_burst(const struct mac_address *to, unsigned place)
{
    static uint8_t frame[FRAME_SIZE];
    struct switch_port_statistics before = statistics_at(place), after;
    unsigned taken = 0;

    memcpy(frame, to->bytes, MAC_SIZE);
    for (unsigned i = 0; i < BURST; i++)
        taken += send(&first, frame, sizeof(frame));
    after = statistics_at(place);
    note("%u of %u frames at once taken", taken, BURST);
    check(after.sent.packets - before.sent.packets >= taken, "more were taken than counted");
    check(after.sent.dropped - before.sent.dropped >= BURST - taken, "drops were not counted");
    thread_sleep(BURST_PAUSE_US);
}

static bool set_address(struct network *network)
{
    struct net_configuration configuration = {.address = PARENT_ADDRESS, .mask = 0xffffff00};
    uint64_t flags;
    enum net_status status = net_configure(network_take(network, &flags), &configuration);

    network_release(network, flags);
    return check(status == NET_OK, "address: %s", net_status_text(status));
}

static bool wait_link(const char *name, bool up)
{
    struct net_device *device = net_device_find(name);
    uint64_t deadline = time_now() + LINK_US;

    if (device == NULL)
        return check(false, "there is no device %s", name);
    while (__atomic_load_n(&device->link_up, __ATOMIC_ACQUIRE) != up && time_now() < deadline)
        thread_sleep(POLL_US);
    return check(device->link_up == up, "%s: the link does not go %s", name, up ? "up" : "down");
}

static void test_internal(void)
{
    struct network *network;
    struct mac_address parent = {{0}};

    if (!create_switch(SWITCH_INTERNAL, NULL))
        return;
    network = network_find("test");
    if (check(network != NULL, "the parent is not on it") && wait_link("test", true) &&
        set_address(network) && connect(&first, 1)) {
        ping_parent(&parent);
        send_burst(&parent, 0);
        ping_parent(&parent);
        disconnect(&first);
    }
    delete_switch();
    check(net_device_find("test") == NULL, "the parent's device is still there");
}

/* Nothing is left over. */
static void test_rounds(void)
{
    struct memory_statistics before, after;
    const char *error;

    memory_get_statistics(&before);
    for (unsigned i = 0; i < ROUNDS; i++) {
        check(virtual_switch_create("test", SWITCH_INTERNAL, NULL, &error) != NULL, "%s", error);
        check(virtual_switch_delete("test", &error), "%s", error);
    }
    memory_get_statistics(&after);
    check_equal(after.heap_blocks, before.heap_blocks, "blocks of the heap");
    /* Less than one of the runs of pages that a port has. */
    check(after.pages_free + 32 > before.pages_free, "%lu pages are lost",
          before.pages_free - after.pages_free);
}

/* --- External ------------------------------------------------------------------------------- */

static bool is_offer(const uint8_t *frame, uint32_t size)
{
    const uint32_t headers = PAYLOAD + IPV4_SIZE + UDP_SIZE;
    struct dhcp_reply reply;

    return size > headers && load_be16(frame + 12) == ETHERTYPE_IPV4 &&
           frame[PAYLOAD + 9] == PROTOCOL_UDP &&
           dhcp_parse_reply(frame + headers, size - headers, &first.port.mac, TRANSACTION,
                            &reply) == DHCP_GOOD &&
           reply.type == DHCP_OFFER;
}

/* As a child would that starts. */
static void ask_for_address(void)
{
    static uint8_t frame[FRAME_SIZE], message[DHCP_MESSAGE_SIZE];
    const uint32_t size = UDP_SIZE + DHCP_MESSAGE_SIZE;
    struct dhcp_request request = {
        .type = DHCP_DISCOVER,
        .transaction = TRANSACTION,
        .mac = first.port.mac,
        .host_name = "stranger",
    };
    uint8_t *udp = frame + PAYLOAD + IPV4_SIZE;

    dhcp_build_request(&request, message);
    memset(frame, 0xff, MAC_SIZE);
    build_ipv4(frame, PROTOCOL_UDP, 0, IPV4_BROADCAST, size);
    store_be16(udp, DHCP_CLIENT_PORT);
    store_be16(udp + 2, DHCP_SERVER_PORT);
    store_be16(udp + 4, (uint16_t)size);
    memcpy(udp + UDP_SIZE, message, sizeof(message));
    begin_wait(&first, is_offer);
    send(&first, frame, PAYLOAD + IPV4_SIZE + size);
    wait_frame(&first, "offer of an address");
}

static void test_external(void)
{
    const struct mac_address nobody = {{0x02, 0, 0, 0, 0x77, 0x77}};
    struct net_device *card = net_device_find("net0");
    struct network *network = network_find("net0");
    ipv4_t address;

    if (!check(network != NULL, "there is no card") || !selftest_wait_address(network))
        return;
    address = selftest_configuration(network).address;
    if (!create_switch(SWITCH_EXTERNAL, card))
        return;
    check(network_find("test") == network, "the parent's stack has not moved");
    if (wait_link("test", true) && connect(&first, 1)) {
        selftest_ping(network, 1, 56);
        if (selftest_option("stranger", 1) != 0)
            ask_for_address();
        send_burst(&nobody, 1);
        selftest_ping(network, 2, 56);
        disconnect(&first);
    }
    delete_switch();
    check(network_find("net0") == network, "the parent's stack is not back");
    if (wait_link("net0", true))
        selftest_ping(network, 3, 56);
    check_equal(selftest_configuration(network).address, address, "the parent's address");
}

/* The cable's state is that of each port's link. */
static void pull_cable(struct network *network)
{
    static uint8_t frame[NET_FRAME_MIN];

    memset(frame, 0xff, MAC_SIZE);
    check(first.port.link_up, "the port's link is down");
    check_equal(send(&first, frame, sizeof(frame)), 2, "ports that took a broadcast");
    note("the link may go down");
    if (!wait_link("test", false))
        return;
    check(!first.port.link_up, "the port's link stays up");
    check_equal(first.changes, 1, "changes of the port's link");
    check_equal(send(&first, frame, sizeof(frame)), 0, "ports that took a frame without link");
    if (connect(&second, 2)) {
        check(!second.port.link_up, "a new port has a link");
        disconnect(&second);
    }
    note("the link may go up");
    if (!wait_link("test", true))
        return;
    check(first.port.link_up, "the port's link stays down");
    check_equal(first.changes, 2, "changes of the port's link");
    selftest_ping(network, 1, 56);
}

static void run_switch_link(void)
{
    struct network *network = network_find("net0");

    if (!check(network != NULL, "there is no card") || !selftest_wait_address(network) ||
        !create_switch(SWITCH_EXTERNAL, net_device_find("net0")))
        return;
    if (wait_link("test", true) && connect(&first, 1)) {
        pull_cable(network);
        disconnect(&first);
    }
    delete_switch();
}

static void run_switch(void)
{
    test_private();
    test_internal();
    test_rounds();
    test_external();
}

const struct selftest selftest_switch = {"switch", run_switch, SELFTEST_ONCE, true};
const struct selftest selftest_switch_link = {"switch-link", run_switch_link, SELFTEST_ONCE, true};
