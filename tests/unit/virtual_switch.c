#include "parent/net/virtual_switch.h"

#include "tests/virtual_switch_machine.h"

/* --- Ports of children ---------------------------------------------------------------------- */

static struct switch_port child;
static unsigned received;

static bool child_receive(struct switch_port *port, const struct net_frame *frame)
{
    (void)port;
    (void)frame;
    CHECK(locks_held != 0);
    received++;
    return true;
}

static void connect_child(struct virtual_switch *net)
{
    child = (struct switch_port){.mac = station(1),
                                 .mtu = NET_MTU,
                                 .accept = SWITCH_ACCEPT_DIRECTED | SWITCH_ACCEPT_BROADCAST,
                                 .receive = child_receive};
    received = 0;
    CHECK(virtual_switch_connect(net, &child));
}

static uint8_t bytes[2048];
static struct net_segment segment = {.data = bytes};
static struct net_frame frame = {.segments = &segment, .segment_count = 1};

static void build(struct mac_address source, struct mac_address destination, uint32_t size)
{
    memset(bytes, 0x11, sizeof(bytes));
    memcpy(bytes, destination.bytes, MAC_SIZE);
    memcpy(bytes + MAC_SIZE, source.bytes, MAC_SIZE);
    segment.size = frame.size = size;
}

static unsigned send(struct virtual_switch *net, struct mac_address destination, uint32_t size)
{
    build(child.mac, destination, size);
    return virtual_switch_send(net, &child, &frame);
}

static void receive_from_card(struct mac_address source, struct mac_address destination)
{
    build(source, destination, 60);
    net_device_deliver(&card.device, &frame);
}

static struct switch_port_statistics statistics_of(struct virtual_switch *net, unsigned place)
{
    struct virtual_switch_port_information information = {0};

    CHECK(virtual_switch_describe_port(net, place, &information));
    return information.statistics;
}

/* --- Tests ---------------------------------------------------------------------------------- */

static void refuse(const char *name, enum virtual_switch_kind kind, struct net_device *device,
                   const char *why)
{
    const char *error = NULL;

    CHECK(virtual_switch_create(name, kind, device, &error) == NULL);
    CHECK_TEXT(error, why);
}

static void test_names(void)
{
    static const char bad[] = "a name has 1 to 15 letters, digits and dashes";
    static const char kind[] = "an external switch has a network card, and no other";
    char name[] = "s0";
    const char *error;
    struct virtual_switch_information information;

    refuse("", SWITCH_PRIVATE, NULL, bad);
    refuse("sixteen-letters-", SWITCH_PRIVATE, NULL, bad);
    refuse("a b", SWITCH_PRIVATE, NULL, bad);
    refuse("../a", SWITCH_PRIVATE, NULL, bad);
    refuse("net0", SWITCH_PRIVATE, NULL, "a network card has this name");
    refuse("a", SWITCH_PRIVATE, &card.device, kind);
    refuse("a", SWITCH_EXTERNAL, NULL, kind);
    for (unsigned i = 0; i < VIRTUAL_SWITCHES_MAX; i++) {
        name[1] = (char)('a' + i);
        CHECK(virtual_switch_create(name, SWITCH_PRIVATE, NULL, &error) != NULL);
    }
    refuse("sa", SWITCH_PRIVATE, NULL, "there is a switch of this name already");
    refuse("more", SWITCH_PRIVATE, NULL, "there are as many switches as can be");
    CHECK(virtual_switch_describe(VIRTUAL_SWITCHES_MAX - 1, &information));
    CHECK_TEXT(information.name, name);
    CHECK(!virtual_switch_describe(VIRTUAL_SWITCHES_MAX, &information));
    for (unsigned i = 0; i < VIRTUAL_SWITCHES_MAX; i++) {
        name[1] = (char)('a' + i);
        CHECK(virtual_switch_delete(name, &error));
    }
    CHECK(!virtual_switch_delete("sa", &error));
    CHECK_TEXT(error, "there is no switch of this name");
    CHECK_EQUAL(allocated, 0);
}

static void test_references(void)
{
    struct virtual_switch_information information;
    const char *error;
    struct virtual_switch *net = virtual_switch_create("lan", SWITCH_PRIVATE, NULL, &error);

    CHECK(virtual_switch_get("lan") == net && virtual_switch_get("lan") == net);
    CHECK(virtual_switch_get("la") == NULL);
    connect_child(net);
    CHECK(virtual_switch_describe(0, &information));
    CHECK(information.references == 2 && information.ports == 1 && information.media_up);
    CHECK_TEXT(information.card, "");
    virtual_switch_put(net);
    CHECK(!virtual_switch_delete("lan", &error));
    virtual_switch_disconnect(net, &child);
    CHECK_EQUAL(send(net, station(2), 60), 0);
    virtual_switch_put(net);
    CHECK(virtual_switch_delete("lan", &error));
    CHECK_EQUAL(allocated, 0);
}

/* The parent's port: what it sends arrives at once, what it gets when its thread runs. */
static void test_internal(void)
{
    const char *error;
    struct virtual_switch *net = virtual_switch_create("lan", SWITCH_INTERNAL, NULL, &error);
    struct net_device *device = net_device_find("lan");

    CHECK(stacks == 1 && device->client == &stack_client && !device->link_up);
    link_changes = delivered = 0;
    run(host_thread);
    CHECK(device->link_up && device->link_mbps == HOST_PORT_MBPS && link_changes == 1);
    connect_child(net);
    CHECK_EQUAL(send(net, device->mac, 100), 1);
    CHECK_EQUAL(delivered, 0);
    run(host_thread);
    CHECK(delivered == 1 && delivered_size == 100);

    for (unsigned i = 0; i < HOST_PORT_BUFFERS; i++)
        CHECK_EQUAL(send(net, device->mac, 1514), 1);
    CHECK_EQUAL(send(net, device->mac, 1514), 0);
    CHECK_EQUAL(statistics_of(net, 0).sent.dropped, 1);
    run(host_thread);
    CHECK_EQUAL(delivered, 1 + HOST_PORT_BUFFERS);
    CHECK_EQUAL(send(net, device->mac, 60), 1);

    CHECK(virtual_switch_plug(net, 0, false));
    CHECK(!virtual_switch_plug(net, 2, false) && !virtual_switch_plug(net, 1000, false));
    run(host_thread);
    CHECK(!device->link_up && link_changes == 2);
    CHECK(virtual_switch_plug(net, 0, true));
    run(host_thread);
    delivered = 0;
    CHECK_EQUAL(send(net, device->mac, 60), 1);
    CHECK_EQUAL(send(net, device->mac, 60), 1);
    virtual_switch_disconnect(net, &child);
    CHECK(virtual_switch_delete("lan", &error)); /* with frames in the queue */
    CHECK(delivered == 0 && stacks == 0 && allocated == 0);
    CHECK(net_device_find("lan") == NULL);
}

static void test_host_transmit(void)
{
    const char *error;
    struct virtual_switch *net = virtual_switch_create("lan", SWITCH_INTERNAL, NULL, &error);
    struct net_device *device = net_device_find("lan");
    struct net_pool pool;
    uint64_t memory = pages_allocate(1, 1);
    struct net_buffer *buffer;

    net_pool_init(&pool, (void *)(uintptr_t)memory, memory, PAGE);
    run(host_thread);
    connect_child(net);
    build(device->mac, child.mac, 60);
    buffer = net_buffer_take(&pool);
    CHECK(net_buffer_fill(buffer, &frame));
    net_device_transmit(device, &buffer->frame);
    CHECK(received == 1 && net_pool_free_count(&pool) == 2);
    build(station(9), child.mac, 60); /* not its address */
    buffer = net_buffer_take(&pool);
    CHECK(net_buffer_fill(buffer, &frame));
    net_device_transmit(device, &buffer->frame);
    CHECK(received == 1 && net_pool_free_count(&pool) == 2);
    CHECK_EQUAL(statistics_of(net, 0).spoofed, 1);
    virtual_switch_disconnect(net, &child);
    CHECK(virtual_switch_delete("lan", &error));
    pages_free(memory, 1);
}

static struct virtual_switch *create_external(void)
{
    const char *error;
    struct virtual_switch *net =
        virtual_switch_create("wan", SWITCH_EXTERNAL, &card.device, &error);

    CHECK(net != NULL && card.promiscuous && card.started);
    CHECK(stack_device == net_device_find("wan"));
    CHECK(mac_equal(&stack_device->mac, &card.device.mac));
    run(host_thread);
    return net;
}

static void delete_external(void)
{
    const char *error;

    CHECK(virtual_switch_delete("wan", &error));
    CHECK(stack_device == &card.device && card.started && !card.promiscuous);
    CHECK(card.device.client == &stack_client);
    CHECK_EQUAL(card.held_count, 0);
    CHECK_EQUAL(allocated, 0);
}

static void test_bridge(void)
{
    struct virtual_switch *net = create_external();

    CHECK(stack_device->link_up && stack_device->link_mbps == 100);
    refuse("b", SWITCH_EXTERNAL, &card.device, "the card is in use, by another switch perhaps");
    refuse("b", SWITCH_EXTERNAL, stack_device,
           "that card is the parent's port of a switch; a physical card is wanted");
    connect_child(net);
    delivered = 0;
    receive_from_card(station(50), child.mac);
    receive_from_card(station(50), card.device.mac);
    receive_from_card(station(50), station(51));   /* of others on the cable */
    receive_from_card(child.mac, card.device.mac); /* an address of ours */
    run(host_thread);
    CHECK(received == 1 && delivered == 1);
    receive_from_card(station(50), mac_broadcast);
    run(host_thread);
    CHECK(received == 2 && delivered == 2 && card.held_count == 0);
    CHECK_EQUAL(send(net, station(50), 1514), 1);
    CHECK(card.held_count == 1 && card.last_size == 1514 && memcmp(card.last, bytes, 1514) == 0);
    card_complete(true);
    CHECK_EQUAL(send(net, card.device.mac, 60), 1); /* not by the cable */
    CHECK_EQUAL(card.held_count, 0);

    /* A short frame, in a buffer that held a long one. */
    for (unsigned i = 0; i <= BRIDGE_BUFFERS; i++) {
        CHECK_EQUAL(send(net, station(50), 1514), 1);
        card_complete(true);
    }
    CHECK_EQUAL(send(net, station(50), 20), 1);
    CHECK_EQUAL(card.last_size, 60);
    for (unsigned i = 20; i < 60; i++)
        CHECK_EQUAL(card.last[i], 0);
    virtual_switch_disconnect(net, &child);
    delete_external();
}

/* A child that sends faster than the card. */
static void test_exhaustion(void)
{
    struct virtual_switch *net = create_external();

    connect_child(net);
    for (unsigned i = 0; i < BRIDGE_BUFFERS; i++)
        CHECK_EQUAL(send(net, station(50), 1000), 1);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQUAL(send(net, station(50), 1000), 0);
    CHECK_EQUAL(statistics_of(net, 1).sent.dropped, 10);
    CHECK_EQUAL(card.held_count, BRIDGE_BUFFERS);
    card_complete(true);
    CHECK_EQUAL(send(net, station(50), 1000), 1);
    virtual_switch_disconnect(net, &child);
    delete_external(); /* with a frame under way */
}

static void test_tagged(void)
{
    struct virtual_switch *net = create_external();

    connect_child(net);
    build(child.mac, station(50), 1518);
    CHECK_EQUAL(virtual_switch_send(net, &child, &frame), 0);
    bytes[12] = 0x81;
    bytes[13] = 0;
    CHECK_EQUAL(virtual_switch_send(net, &child, &frame), 1);
    CHECK_EQUAL(card.last_size, 1518);
    virtual_switch_disconnect(net, &child);
    delete_external();
}

static void test_media(void)
{
    struct virtual_switch *net = create_external();
    struct virtual_switch_information information;

    connect_child(net);
    net_device_set_link(&card.device, false, 0);
    run(host_thread);
    CHECK(!child.link_up && !stack_device->link_up);
    CHECK(virtual_switch_describe(0, &information) && !information.media_up);
    CHECK_TEXT(information.card, "net0");
    CHECK_EQUAL(send(net, station(50), 60), 0);
    net_device_set_link(&card.device, true, 10);
    run(host_thread);
    CHECK(child.link_up && stack_device->link_up && stack_device->link_mbps == 10);
    virtual_switch_disconnect(net, &child);
    delete_external();
    card.link = false; /* no cable from the start */
    net = create_external();
    CHECK(!stack_device->link_up);
    connect_child(net);
    CHECK(!child.link_up);
    virtual_switch_disconnect(net, &child);
    card.link = true;
    delete_external();
}

/* Whatever is missing, everything is as it was. */
static void test_no_memory(void)
{
    static const enum virtual_switch_kind kinds[] = {SWITCH_PRIVATE, SWITCH_INTERNAL,
                                                     SWITCH_EXTERNAL};
    static const int allocations[] = {1, 5, 6};
    const char *error;

    for (unsigned k = 0; k < 3; k++) {
        bool created = false;
        int tries = 0;

        for (; !created; tries++) {
            failing = tries;
            created = virtual_switch_create("x", kinds[k],
                                            kinds[k] == SWITCH_EXTERNAL ? &card.device : NULL,
                                            &error) != NULL;
            failing = -1;
            if (created)
                break;
            CHECK_TEXT(error, "no memory");
            CHECK_EQUAL(allocated, 0);
            CHECK(net_device_find("x") == NULL && stack_device == &card.device);
            CHECK(card.device.client == &stack_client && !card.promiscuous && card.started);
        }
        CHECK_EQUAL(tries, allocations[k]);
        CHECK(virtual_switch_delete("x", &error));
        CHECK_EQUAL(allocated, 0);
    }
}

static void test_no_device(void)
{
    static struct net_device others[NET_DEVICES_MAX];
    unsigned count = 0;

    for (; count < NET_DEVICES_MAX; count++) {
        others[count].mac = station((uint8_t)(100 + count));
        others[count].mtu = NET_MTU;
        if (!net_device_register(&others[count]))
            break;
    }
    CHECK_EQUAL(count, NET_DEVICES_MAX - 1);
    refuse("x", SWITCH_INTERNAL, NULL,
           "the name is another network device's, or there are too many devices");
    refuse("x", SWITCH_EXTERNAL, &card.device,
           "the name is another network device's, or there are too many devices");
    CHECK(allocated == 0 && stack_device == &card.device && card.started);
    while (count-- > 0)
        net_device_unregister(&others[count]);
}

static void test_bad_cards(void)
{
    const char *error;

    card.broken = true; /* from now on */
    refuse("x", SWITCH_EXTERNAL, &card.device, "the card is in use or does not start");
    CHECK(allocated == 0 && !card.promiscuous && stack_device == &card.device);
    CHECK(net_device_find("x") == NULL && card.device.client == NULL);
    card.broken = false;
    CHECK(net_device_attach(&card.device, &other_client));
    refuse("x", SWITCH_EXTERNAL, &card.device, "the card is in use, by another switch perhaps");
    net_device_detach(&card.device);

    /* A card without a stack: the parent gets one on the switch, and keeps it. */
    stack_device = NULL;
    CHECK(virtual_switch_create("x", SWITCH_EXTERNAL, &card.device, &error) != NULL);
    CHECK(stacks == 1 && net_device_find("x")->client == &stack_client);
    stack_device = net_device_find("x");
    CHECK(virtual_switch_delete("x", &error));
    CHECK(stack_device == &card.device && allocated == 0);
}

int main(void)
{
    card.device = (struct net_device){
        .operations = &card_operations, .model = "card", .mac = station(200), .mtu = NET_MTU};
    card.link = true;
    virtual_switch_init();
    CHECK(net_device_register(&card.device));
    stack_device = &card.device;
    CHECK(net_device_attach(&card.device, &stack_client));
    test_names();
    test_references();
    test_internal();
    test_host_transmit();
    test_bridge();
    test_exhaustion();
    test_tagged();
    test_media();
    test_no_memory();
    test_no_device();
    test_bad_cards();
    return unit_result();
}
