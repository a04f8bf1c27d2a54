/* The guest's end of VMBus against the host's end: each protocol version, channels, GPADLs of all
 * sizes, traffic until both rings are full, rescinds. */
#include "tests/unit/unit.h"
#include "tests/vsc_client.h"

static struct echo echo;

static void set_up(void)
{
    const struct vmbus_offer offer = {
        .class_id = VMBUS_CLASS_SCSI, .provider = &echo_provider, .context = &echo};

    memset(&echo, 0, sizeof(echo));
    create_host();
    CHECK(vmbus_host_offer(host, 1, &offer, "echo"));
    CHECK(vmbus_host_offer(host, 2, &offer, "echo"));
}

static void test_versions(void)
{
    static const uint32_t versions[] = {
        VMBUS_VERSION(5, 3), VMBUS_VERSION(5, 2), VMBUS_VERSION(5, 1), VMBUS_VERSION(5, 0),
        VMBUS_VERSION(4, 1), VMBUS_VERSION(4, 0), VMBUS_VERSION(3, 0), VMBUS_VERSION(2, 4)};

    set_up();
    for (unsigned i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
        CHECK(connect_up_to(versions[i]));
        CHECK_EQUAL(bus.version, versions[i]);
        CHECK_EQUAL(vmbus_host_version(host), versions[i]);
        CHECK(scsi(0) && scsi(1) && !scsi(2));
        CHECK(vsc_channel_open(scsi(0), pages + FIRST_PAGE, 4, 0));
        CHECK(vsc_bus_unload(&bus));
        CHECK_EQUAL(echo.opened, i + 1);
        CHECK_EQUAL(echo.closed, i + 1);
    }
    CHECK_EQUAL(contacts, sizeof(versions) / sizeof(*versions));
    CHECK(!connect_up_to(VMBUS_VERSION(1, 1)));
    destroy_host();
}

/* Answers to a request are counted; the number of packets in the rings is the most they hold. */
static void test_traffic(void)
{
    uint8_t buffer[1024], data[1000];
    struct vmbus_ring_piece piece = {data, sizeof(data)};
    struct vmbus_packet packet;
    uint64_t sent = 0, received = 0;

    set_up();
    connect_up_to(VMBUS_VERSION(5, 3));
    struct vsc_channel *channel = scsi(1);

    CHECK(vsc_channel_open(channel, pages + FIRST_PAGE, 4, 0));
    CHECK(!vsc_channel_open(channel, pages + FIRST_PAGE, 4, 0));
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < round % 4 + 1; i++) {
            memset(data, (uint8_t)sent, sizeof(data));
            if (vsc_channel_write(channel, VMBUS_PACKET_DATA_INBAND, 1, sent, 0, &piece, 1) ==
                VMBUS_RING_OK)
                sent++;
        }
        vsc_channel_flush(channel);
        client_wait(NULL);
        while (vsc_channel_read(channel, &packet, buffer, sizeof(buffer)) == VMBUS_RING_OK) {
            CHECK_EQUAL(packet.type, VMBUS_PACKET_COMPLETION);
            CHECK_EQUAL(packet.transaction_id, received);
            CHECK_EQUAL(packet.size, sizeof(data));
            CHECK_EQUAL(buffer[999], (uint8_t)received);
            received++;
        }
    }
    CHECK(sent > 300);
    CHECK_EQUAL(received, sent);
    CHECK(signals_to_host <= 200);
    vsc_channel_close(channel);
    CHECK_EQUAL(echo.closed, 1);
    CHECK(vsc_channel_open(channel, pages + FIRST_PAGE, 6, 0));
    destroy_host();
}

static void test_gpadls(void)
{
    set_up();
    connect_up_to(VMBUS_VERSION(5, 3));
    CHECK(vsc_channel_open(scsi(0), pages + FIRST_PAGE, 4, 0));
    /* One message, exactly full, and with one and two bodies. */
    static const uint32_t counts[] = {1, 25, 26, 27, 54, 55};

    for (unsigned i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        uint8_t *many[64];
        uint32_t gpadl;

        for (unsigned j = 0; j < counts[i]; j++)
            many[j] = guest_memory[GUEST_GAP + 1 + (j * 5) % 63];
        for (unsigned j = 0; j < GUEST_PAGES; j++)
            guest_memory[j][4095] = 0;
        gpadl = vsc_gpadl_create(scsi(0), many, counts[i]);
        CHECK(gpadl != 0);
        echo.gpadl = gpadl;
        echo.gpadl_pages = NULL;
        guest_schedule(NULL, scsi(0)->offer.relid);
        client_wait(NULL);
        CHECK(echo.gpadl_pages != NULL);
        for (unsigned j = 0; j < counts[i]; j++)
            CHECK(many[j][4095] == 1);
        echo.gpadl = 0;
        CHECK(vsc_gpadl_teardown(scsi(0), gpadl));
    }
    CHECK_EQUAL(vsc_gpadl_create(scsi(0), pages, 0), 0);
    CHECK_EQUAL(vsc_gpadl_create(scsi(0), pages, 1u << 20), 0);
    /* A page that the guest does not have. */
    CHECK_EQUAL(vsc_gpadl_create(scsi(0), pages + GUEST_GAP, 1), 0);
    destroy_host();
}

static void test_rescind(void)
{
    set_up();
    connect_up_to(VMBUS_VERSION(4, 0));
    struct vsc_channel *channel = scsi(0);
    uint32_t relid = channel->offer.relid;

    CHECK(vsc_channel_open(channel, pages + FIRST_PAGE, 4, 0));
    vmbus_host_remove(host, relid);
    vmbus_host_send(host);
    client_wait(NULL);
    CHECK(channel->rescinded && channel->open);
    CHECK(!scsi(1));
    vsc_channel_close(channel);
    CHECK(!channel->offered);
    vmbus_host_remove(host, relid == 1 ? 2 : 1);
    vmbus_host_send(host);
    client_wait(NULL);
    CHECK(!scsi(0));
    /* Both were given back. */
    const struct vmbus_offer offer = {
        .class_id = VMBUS_CLASS_SCSI, .provider = &echo_provider, .context = &echo};

    CHECK(vmbus_host_offer(host, 1, &offer, "echo"));
    CHECK(vmbus_host_offer(host, 2, &offer, "echo"));
    vmbus_host_send(host);
    client_wait(NULL);
    CHECK(scsi(0) && scsi(1));
    destroy_host();
}

/* Messages that are none. */
static void test_bad_messages(void)
{
    struct vmbus_offer_channel offer = {.header.type = VMBUS_MESSAGE_OFFER_CHANNEL};
    uint8_t large[VMBUS_MESSAGE_MAX + 1] = {1};

    set_up();
    connect_up_to(VMBUS_VERSION(5, 3));
    offer.relid = 9;
    vsc_bus_receive(&bus, &offer, 7);
    vsc_bus_receive(&bus, &offer, sizeof(offer) - 1);
    vsc_bus_receive(&bus, large, sizeof(large));
    offer.header.type = VMBUS_MESSAGE_RESCIND_CHANNEL_OFFER;
    vsc_bus_receive(&bus, &offer, 8);
    unsigned offered = 0;

    for (unsigned i = 0; i < VSC_MAX_CHANNELS; i++)
        offered += bus.channels[i].offered;
    CHECK_EQUAL(offered, 2);
    offer.header.type = VMBUS_MESSAGE_OFFER_CHANNEL;
    for (offer.relid = 100; offer.relid < 200; offer.relid++)
        vsc_bus_receive(&bus, &offer, sizeof(offer));
    CHECK(log_lines > 0);
    destroy_host();
}

int main(void)
{
    test_versions();
    test_traffic();
    test_gpadls();
    test_rescind();
    test_bad_messages();
    return unit_result();
}
