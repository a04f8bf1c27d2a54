/* The guest's end of network adapters against the provider: two adapters of a guest on one switch.
 */
#include "tests/unit/unit.h"

#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/net/switch.h"
#include "tests/vsc_client.h"
#include "vsc/netvsc.h"
#include "vsp/netvsp/netvsp.h"

#define ADAPTERS 2u
#define RINGS 8u /* pages */
#define RECEIVE 24u
#define SEND 16u
#define MTU 9000u

static const uint32_t first_page[ADAPTERS] = {1, GUEST_GAP + 1};

static struct net_switch net;
static struct end {
    struct netvsp *provider;
    struct switch_port port;
    struct vsc_network client;
    uint32_t frames, last_size;
    uint8_t last[9100];
} ends[ADAPTERS];

void *heap_allocate(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *pointer)
{
    free(pointer);
}

uint64_t spin_lock(struct spinlock *lock)
{
    (void)lock;
    return 0;
}

void spin_unlock(struct spinlock *lock, uint64_t flags)
{
    (void)lock;
    (void)flags;
}

static void network_send(void *context, const struct net_frame *frame)
{
    struct end *end = context;

    switch_send(&net, &end->port, frame, 0);
}

static void network_set_filter(void *context, uint32_t filter)
{
    struct end *end = context;

    end->port.accept = filter != 0 ? SWITCH_ACCEPT_DIRECTED | SWITCH_ACCEPT_BROADCAST : 0;
}

static const struct netvsp_network network = {network_send, network_set_filter};

static bool port_receive(struct switch_port *port, const struct net_frame *frame)
{
    return netvsp_receive(ends[port == &ends[1].port].provider, frame);
}

static void received(void *context, const uint8_t *frame, uint32_t size)
{
    struct end *end = context;

    end->frames++;
    end->last_size = size;
    CHECK(size <= sizeof(end->last));
    memcpy(end->last, frame, size);
}

static bool open_client(uint32_t index, uint32_t mtu)
{
    const struct vmbus_guid class_id = VMBUS_CLASS_NETWORK;
    uint8_t *const *first = pages + first_page[index];
    const struct vsc_network_memory memory = {
        first, RINGS, first + RINGS, RECEIVE, first + RINGS + RECEIVE, SEND};
    struct vsc_channel *channel = vsc_bus_find(&bus, &class_id, index);

    if (channel == NULL || !vsc_network_open(&ends[index].client, channel, &memory, mtu, 0))
        return false;
    ends[index].client.received = received;
    ends[index].client.context = &ends[index];
    return vsc_network_set_filter(&ends[index].client,
                                  RNDIS_PACKET_TYPE_DIRECTED | RNDIS_PACKET_TYPE_BROADCAST);
}

static void set_up(uint32_t mtu)
{
    create_host();
    switch_init(&net);
    for (uint32_t i = 0; i < ADAPTERS; i++) {
        const struct mac_address mac = {{2, 0, 0, 0, 0, (uint8_t)(i + 1)}};
        struct vmbus_guid instance = {{(uint8_t)(i + 1)}};
        struct vmbus_offer offer;

        ends[i] = (struct end){.provider = netvsp_create(&mac, &network, &ends[i]),
                               .port = {.mac = mac, .mtu = MTU, .receive = port_receive}};
        CHECK(switch_connect(&net, &ends[i].port));
        netvsp_offer(ends[i].provider, &instance, &offer);
        CHECK(vmbus_host_offer(host, i + 1, &offer, "network"));
    }
    CHECK(connect_up_to(VMBUS_VERSION(5, 3)));
    for (uint32_t i = 0; i < ADAPTERS; i++)
        CHECK(open_client(i, mtu));
}

static void tear_down(void)
{
    for (uint32_t i = 0; i < ADAPTERS; i++)
        vsc_network_close(&ends[i].client);
    destroy_host();
    for (uint32_t i = 0; i < ADAPTERS; i++) {
        CHECK_EQUAL(ends[i].port.accept, 0);
        netvsp_destroy(ends[i].provider);
    }
}

/* A frame from adapter 0 to the address of @to (which may be neither). */
static void make_frame(uint8_t *frame, uint8_t to, uint32_t seed, uint32_t size)
{
    const uint8_t header[14] = {2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, 1, 8, 0};

    memcpy(frame, header, sizeof(header));
    for (uint32_t i = sizeof(header); i < size; i++)
        frame[i] = (uint8_t)(seed * 5 + i * 3);
}

static void turn(void)
{
    for (uint32_t i = 0; i < ADAPTERS; i++) {
        vsc_network_submit(&ends[i].client);
        client_wait(NULL);
        vsc_network_poll(&ends[i].client);
    }
}

static void test_open(void)
{
    static const uint8_t mac[] = {2, 0, 0, 0, 0, 2};
    uint32_t value;

    set_up(1500);
    CHECK_EQUAL(ends[0].client.version, NVSP_VERSION_6_1);
    CHECK_EQUAL(ends[0].client.mtu, 1500);
    CHECK_EQUAL(ends[0].client.send_section_count, 10);
    CHECK(memcmp(ends[1].client.mac, mac, 6) == 0);
    CHECK(ends[0].client.link_up);
    CHECK_EQUAL(vsc_network_query(&ends[0].client, OID_GEN_LINK_SPEED, &value, 4), 4);
    CHECK_EQUAL(vsc_network_query(&ends[0].client, OID_GEN_FRIENDLY_NAME, &value, 4), -1);
    CHECK_EQUAL(vsc_network_query(&ends[0].client, OID_GEN_SUPPORTED_LIST, &value, 4) > 100, true);
    CHECK(!vsc_network_set_filter(&ends[0].client, 0x1000));
    tear_down();
}

static void test_frames(void)
{
    static const uint32_t sizes[] = {60, 61, 1514, 1518};
    uint8_t frame[2000];

    set_up(1500);
    for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        make_frame(frame, 2, i, sizes[i]);
        if (sizes[i] == 1518)
            memcpy(frame + 12, "\x81\0\0\5", 4);
        CHECK(vsc_network_send(&ends[0].client, frame, sizes[i]));
        turn();
        CHECK_EQUAL(ends[1].frames, i + 1);
        CHECK(ends[1].last_size == sizes[i] && memcmp(ends[1].last, frame, sizes[i]) == 0);
    }
    CHECK(!vsc_network_send(&ends[0].client, frame, 1519));
    make_frame(frame, 9, 0, 100); /* nobody's address */
    CHECK(vsc_network_send(&ends[0].client, frame, 100));
    make_frame(frame, 2, 0, 100);
    frame[11] = 7; /* not its own */
    CHECK(vsc_network_send(&ends[0].client, frame, 100));
    turn();
    CHECK_EQUAL(ends[1].frames, 4);
    CHECK_EQUAL(ends[0].port.statistics.spoofed, 1);
    CHECK_EQUAL(ends[0].client.send_busy, 0);
    tear_down();
}

static void test_jumbo(void)
{
    static uint8_t frame[9014];

    set_up(MTU);
    CHECK_EQUAL(ends[0].client.mtu, MTU);
    make_frame(frame, 2, 1, 6000);
    CHECK(vsc_network_send(&ends[0].client, frame, 6000));
    CHECK(!vsc_network_send(&ends[0].client, frame, 9014)); /* larger than a section */
    turn();
    CHECK(ends[1].last_size == 6000 && memcmp(ends[1].last, frame, 6000) == 0);
    tear_down();
}

/* As many as there are places, again and again; the receiver keeps up or frames are lost, but
 * nothing gets stuck. */
static void test_many(void)
{
    uint8_t frame[1514];
    uint32_t sent = 0;

    set_up(1500);
    for (uint32_t round = 0; round < 50; round++) {
        make_frame(frame, 2, round, 1000);
        while (vsc_network_send(&ends[0].client, frame, 1000))
            sent++;
        turn();
        turn();
    }
    CHECK_EQUAL(sent, 500);
    CHECK_EQUAL(ends[1].frames, sent);
    CHECK_EQUAL(ends[0].client.send_busy, 0);
    CHECK(!ends[0].client.failed && !ends[1].client.failed);
    tear_down();
}

static void test_link(void)
{
    set_up(1500);
    netvsp_set_link(ends[1].provider, false);
    turn();
    CHECK(!ends[1].client.link_up && ends[0].client.link_up);
    netvsp_set_link(ends[1].provider, true);
    turn();
    CHECK(ends[1].client.link_up);
    vsc_network_close(&ends[1].client);
    netvsp_set_link(ends[1].provider, false);
    CHECK(open_client(1, 1500));
    CHECK(!ends[1].client.link_up);
    tear_down();
}

/* A host that leaves the protocol: the client stops, and reads nothing outside its buffers. */
static void test_bad_host(void)
{
    static const struct vmbus_transfer_range ranges[] = {
        {100, RECEIVE * 4096 - 99}, {UINT32_MAX, 4096}, {100, UINT32_MAX}, {4, 0}};
    const struct nvsp_message message = {.type = NVSP_MESSAGE_RNDIS_PACKET};

    for (uint32_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]) + 2; i++) {
        struct {
            struct vmbus_transfer_pages transfer;
            struct vmbus_transfer_range range;
        } descriptor = {{.page_set_id = 0xcafe, .range_count = 1}, ranges[i % 4]};
        const struct vmbus_ring_piece pieces[] = {{&descriptor, sizeof(descriptor)},
                                                  {&message, sizeof(message)}};
        struct vmbus_ring ring;

        set_up(1500);
        if (i == 4)
            descriptor.transfer.range_count = 2;
        CHECK(vmbus_ring_init(&ring, pages + first_page[0] + RINGS / 2, RINGS / 2, false));
        ring.index = ring.published = ring.control->write_index;
        vmbus_ring_write(&ring, i == 5 ? VMBUS_PACKET_COMPLETION : VMBUS_PACKET_TRANSFER_PAGES, 0,
                         3, sizeof(descriptor), pieces, 2);
        vmbus_ring_publish(&ring);
        CHECK_EQUAL(vsc_network_poll(&ends[0].client), 0);
        CHECK(ends[0].client.failed);
        CHECK(!vsc_network_send(&ends[0].client, &message, 20));
        tear_down();
    }
}

int main(void)
{
    test_open();
    test_frames();
    test_jumbo();
    test_many();
    test_link();
    test_bad_host();
    return unit_result();
}
