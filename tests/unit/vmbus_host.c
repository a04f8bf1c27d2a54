/* Unit test of the host side of VMBus: what each message of a guest is answered in which state. */
#include "tests/unit/unit.h"
#include "tests/vmbus_guest.h"
#include "vmbus/host_internal.h"

#define RING_GPADL 100u

static struct vmbus_host *host;
static struct echo echoes[4];
static uint32_t connection = VMBUS_CONNECTION_NEW;

static void receive(const void *message, size_t size)
{
    CHECK(vmbus_host_can_receive(host));
    vmbus_host_receive(host, connection, message, (uint32_t)size);
    vmbus_host_send(host);
}

#define SEND(...) receive(&(__VA_ARGS__), sizeof(__VA_ARGS__))

/* The next message that the guest got, which is of @type and @size; zeros if not. */
static const void *expect(uint32_t type, size_t size)
{
    static const uint64_t nothing[VMBUS_MESSAGE_MAX / 8];
    CHECK(posted_taken < posted_count);
    if (posted_taken == posted_count)
        return nothing;
    const struct posted *message = &posted[posted_taken++];
    const struct vmbus_header *header = (const void *)message->data;
    CHECK_EQUAL(header->type, type);
    CHECK_EQUAL(message->size, size);
    return header->type == type ? message->data : (const void *)nothing;
}

static void expect_nothing(void)
{
    CHECK_EQUAL(posted_taken, posted_count);
    posted_taken = posted_count = 0;
}

static void create(void)
{
    message_room = POSTED_MAX;
    posted_taken = posted_count = scheduled = failed = 0;
    memset(echoes, 0, sizeof(echoes));
    memset(guest_memory, 0, sizeof(guest_memory));
    host = vmbus_host_create(&guest_operations, NULL, "VM 2");
}

static void destroy(void)
{
    vmbus_host_destroy(host);
    CHECK_EQUAL(blocks, 0);
}

static bool offer(uint32_t relid)
{
    const struct vmbus_offer what = {
        .class_id = VMBUS_CLASS_SCSI,
        .provider = &echo_provider,
        .context = &echoes[relid % 4],
        .flags = 3,
        .user_data = {7},
    };
    return vmbus_host_offer(host, relid, &what, "echo");
}

static bool contact(uint32_t version, uint32_t by)
{
    struct vmbus_initiate_contact message = {
        .header.type = VMBUS_MESSAGE_INITIATE_CONTACT, .version = version, .target_vp = 1};
    if (version >= VMBUS_VERSION(5, 0))
        message.sint = 3;
    connection = by;
    SEND(message);
    const struct vmbus_version_response *response = expect(VMBUS_MESSAGE_VERSION_RESPONSE, 16);
    CHECK(!response->supported || version < VMBUS_VERSION(5, 0) ||
          response->message_connection_id == by);
    return response->supported;
}

static void request_offers(void)
{
    SEND((struct vmbus_header){.type = VMBUS_MESSAGE_REQUEST_OFFERS});
}

/* Page numbers from @first on. */
static void send_gpadl(uint32_t relid, uint32_t id, uint32_t first, uint32_t count)
{
    struct {
        struct vmbus_gpadl_header header;
        uint64_t numbers[VMBUS_GPADL_HEADER_PAGES];
    } __attribute__((packed))
    message = {.header = {.header.type = VMBUS_MESSAGE_GPADL_HEADER,
                          .relid = relid,
                          .gpadl = id,
                          .range_buffer_length = (uint16_t)(8 + 8 * count),
                          .range_count = 1,
                          .range_byte_count = count * 4096}};
    uint32_t in_header = count < VMBUS_GPADL_HEADER_PAGES ? count : VMBUS_GPADL_HEADER_PAGES;
    for (uint32_t i = 0; i < in_header; i++)
        message.numbers[i] = first + i;
    receive(&message, sizeof(message.header) + in_header * 8);
    for (uint32_t sent = in_header; sent < count;) {
        struct {
            struct vmbus_gpadl_body body;
            uint64_t numbers[VMBUS_GPADL_BODY_PAGES];
        } body = {.body = {.header.type = VMBUS_MESSAGE_GPADL_BODY, .gpadl = id}};
        uint32_t n = 0;
        while (n < VMBUS_GPADL_BODY_PAGES && sent < count)
            body.numbers[n++] = first + sent++;
        receive(&body, sizeof(body.body) + n * 8);
    }
}

static bool gpadl_created(uint32_t relid, uint32_t id)
{
    const struct vmbus_gpadl_created *created = expect(VMBUS_MESSAGE_GPADL_CREATED, 20);
    CHECK(created->gpadl == id && created->relid == relid);
    return created->status == 0;
}

static void tear_down(uint32_t relid, uint32_t id)
{
    SEND((struct vmbus_gpadl_teardown){
        .header.type = VMBUS_MESSAGE_GPADL_TEARDOWN, .relid = relid, .gpadl = id});
    const struct vmbus_gpadl_torndown *answer = expect(VMBUS_MESSAGE_GPADL_TORNDOWN, 12);
    CHECK_EQUAL(answer->gpadl, id);
}

static bool open_channel(uint32_t relid, uint32_t gpadl, uint32_t split)
{
    SEND((struct vmbus_open_channel){.header.type = VMBUS_MESSAGE_OPEN_CHANNEL,
                                     .relid = relid,
                                     .open_id = relid + 50,
                                     .ring_gpadl = gpadl,
                                     .target_vp = 2,
                                     .downstream_page_offset = split});
    const struct vmbus_open_result *result = expect(VMBUS_MESSAGE_OPEN_CHANNEL_RESULT, 20);
    CHECK(result->relid == relid && result->open_id == relid + 50);
    return result->status == 0;
}

static void send_relid(uint32_t type, uint32_t relid)
{
    SEND((struct vmbus_relid_message){.header.type = type, .relid = relid});
}

/* A connected guest with channels 1 to @count, each with a ring of 3 pages in each direction. */
static void create_open(uint32_t count)
{
    create();
    for (uint32_t i = 1; i <= count; i++)
        CHECK(offer(i));
    CHECK(contact(VMBUS_VERSION(5, 3), VMBUS_CONNECTION_NEW));
    request_offers();
    posted_taken = posted_count;
    for (uint32_t i = 1; i <= count; i++) {
        send_gpadl(i, RING_GPADL + i, 6 * (i - 1), 6);
        CHECK(gpadl_created(i, RING_GPADL + i));
        CHECK(open_channel(i, RING_GPADL + i, 3));
    }
    expect_nothing();
    guest_turn(host, 4);
}

/* --- What is checked --- */

static void check_versions(void)
{
    static const uint32_t all[] = {VMBUS_VERSION(5, 3), VMBUS_VERSION(5, 2), VMBUS_VERSION(5, 1),
                                   VMBUS_VERSION(5, 0), VMBUS_VERSION(4, 1), VMBUS_VERSION(4, 0),
                                   VMBUS_VERSION(3, 0), VMBUS_VERSION(2, 4)};
    static const uint32_t others[] = {0,
                                      VMBUS_VERSION(1, 1),
                                      VMBUS_VERSION(2, 3),
                                      VMBUS_VERSION(5, 4),
                                      VMBUS_VERSION(6, 0),
                                      UINT32_MAX};
    create();
    for (uint32_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        bool newer = all[i] >= VMBUS_VERSION(5, 0);
        uint32_t right = newer ? VMBUS_CONNECTION_NEW : VMBUS_CONNECTION_OLD;
        CHECK(contact(all[i], right));
        CHECK_EQUAL(vmbus_host_version(host), all[i]);
        CHECK(posted[posted_count - 1].vp == 1);
        CHECK_EQUAL(posted[posted_count - 1].sint, newer ? 3 : 2);
        CHECK(!contact(all[i], VMBUS_CONNECTION_OLD + VMBUS_CONNECTION_NEW - right));
        CHECK_EQUAL(vmbus_host_version(host), 0);
    }
    for (uint32_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CHECK(!contact(others[i], VMBUS_CONNECTION_NEW));
        CHECK(!contact(others[i], VMBUS_CONNECTION_OLD));
    }
    /* Nothing but a contact is answered to a guest that is not connected. */
    request_offers();
    SEND((struct vmbus_header){.type = VMBUS_MESSAGE_UNLOAD});
    expect_nothing();
    destroy();
}

static void check_offers(void)
{
    create();
    CHECK(!offer(0) && !offer(VMBUS_HOST_MAX_CHANNELS + 1));
    CHECK(offer(1) && offer(VMBUS_HOST_MAX_CHANNELS) && !offer(1));
    CHECK(contact(VMBUS_VERSION(4, 1), VMBUS_CONNECTION_OLD));
    expect_nothing();
    request_offers();
    const struct vmbus_offer_channel *message = expect(VMBUS_MESSAGE_OFFER_CHANNEL, 196);
    CHECK(message->relid == 1 && message->connection_id == VMBUS_EVENT_CONNECTION(1) &&
          message->is_dedicated_interrupt == 1 && message->monitor_allocated == 0 &&
          message->channel_flags == 3 && message->user_data[0] == 7);
    message = expect(VMBUS_MESSAGE_OFFER_CHANNEL, 196);
    CHECK_EQUAL(message->relid, VMBUS_HOST_MAX_CHANNELS);
    expect(VMBUS_MESSAGE_ALL_OFFERS_DELIVERED, 8);
    request_offers();
    expect_nothing();

    /* Hot add and remove. */
    CHECK(offer(2));
    vmbus_host_send(host);
    expect(VMBUS_MESSAGE_OFFER_CHANNEL, 196);
    vmbus_host_remove(host, 2);
    vmbus_host_remove(host, 2);
    vmbus_host_send(host);
    const struct vmbus_relid_message *rescind = expect(VMBUS_MESSAGE_RESCIND_CHANNEL_OFFER, 12);
    CHECK_EQUAL(rescind->relid, 2);
    CHECK(!offer(2)); /* until the guest has released it */
    CHECK(!open_channel(2, RING_GPADL, 3));
    send_relid(VMBUS_MESSAGE_RELID_RELEASED, 1); /* is not rescinded */
    CHECK(!offer(1));
    send_relid(VMBUS_MESSAGE_RELID_RELEASED, 2);
    CHECK(offer(2));
    vmbus_host_send(host);
    expect(VMBUS_MESSAGE_OFFER_CHANNEL, 196);
    expect_nothing();
    destroy();
}

static void check_gpadls(void)
{
    create();
    CHECK(offer(1) && contact(VMBUS_VERSION(5, 3), VMBUS_CONNECTION_NEW));
    send_gpadl(1, 5, 0, 1);
    CHECK(!gpadl_created(1, 5)); /* the guest does not know the channel yet */
    request_offers();
    posted_taken = posted_count;
    send_gpadl(1, 5, 0, 60);
    CHECK(gpadl_created(1, 5));
    send_gpadl(1, 5, 0, 1);
    CHECK(!gpadl_created(1, 5)); /* is taken */
    send_gpadl(9, 6, 0, 1);
    CHECK(!gpadl_created(9, 6));
    send_gpadl(1, 6, GUEST_GAP - 1, 2);
    CHECK(!gpadl_created(1, 6));
    send_gpadl(1, 6, GUEST_PAGES - 40, 41); /* the bad page is in a body */
    CHECK(!gpadl_created(1, 6));
    send_gpadl(1, 6, 0, 0);
    CHECK(!gpadl_created(1, 6));
    refusals = 1;
    send_gpadl(1, 6, 0, 1);
    CHECK(!gpadl_created(1, 6));
    struct vmbus_gpadl_header bad = {.header.type = VMBUS_MESSAGE_GPADL_HEADER,
                                     .relid = 1,
                                     .gpadl = 6,
                                     .range_buffer_length = 16,
                                     .range_count = 2,
                                     .range_byte_count = 4096};
    SEND(bad);
    CHECK(!gpadl_created(1, 6));
    bad.range_count = 1;
    bad.range_byte_offset = 8;
    SEND(bad);
    CHECK(!gpadl_created(1, 6));
    bad.range_byte_offset = 0;
    bad.range_byte_count = UINT32_MAX;
    SEND(bad);
    CHECK(!gpadl_created(1, 6));
    CHECK_EQUAL(blocks, 2); /* the host, and what was created */
    tear_down(1, 5);
    tear_down(1, 77); /* whatever it is: guests wait for it */
    CHECK_EQUAL(blocks, 1);
    for (uint32_t i = 0; i < VMBUS_HOST_MAX_GPADLS; i++) {
        send_gpadl(1, 200 + i, 0, 1);
        CHECK(gpadl_created(1, 200 + i));
    }
    send_gpadl(1, 300, 0, 1);
    CHECK(!gpadl_created(1, 300));
    expect_nothing();
    destroy();
}

static void check_opening(void)
{
    create();
    CHECK(offer(1) && contact(VMBUS_VERSION(5, 3), VMBUS_CONNECTION_NEW));
    request_offers();
    posted_taken = posted_count;
    send_gpadl(1, 5, 0, 6);
    CHECK(gpadl_created(1, 5));
    CHECK(!open_channel(1, 5, 0) && !open_channel(1, 5, 1) && !open_channel(1, 5, 5));
    CHECK(!open_channel(1, 5, 6) && !open_channel(1, 5, UINT32_MAX) && !open_channel(1, 6, 3));
    CHECK(!open_channel(2, 5, 3) && !open_channel(0, 5, 3) && !open_channel(UINT32_MAX, 5, 3));
    echoes[1].refuse = true;
    CHECK(!open_channel(1, 5, 3));
    echoes[1].refuse = false;
    CHECK(open_channel(1, 5, 3) && !open_channel(1, 5, 3));
    CHECK(echoes[1].opened == 1 && echoes[1].closed == 0);
    send_relid(VMBUS_MESSAGE_CLOSE_CHANNEL, 1);
    send_relid(VMBUS_MESSAGE_CLOSE_CHANNEL, 1);
    CHECK_EQUAL(echoes[1].closed, 1);
    CHECK(open_channel(1, 5, 3));
    vmbus_host_remove(host, 1);
    CHECK_EQUAL(echoes[1].closed, 2);
    vmbus_host_send(host);
    expect(VMBUS_MESSAGE_RESCIND_CHANNEL_OFFER, 12);
    tear_down(1, 5);
    expect_nothing();
    destroy();
}

/* The guest's side of channel @relid's rings. */
static void guest_rings(uint32_t relid, struct vmbus_ring *to_host, struct vmbus_ring *from_host)
{
    static uint8_t *pages[VMBUS_HOST_MAX_CHANNELS + 1][6];
    for (uint32_t i = 0; i < 6; i++)
        pages[relid][i] = guest_memory[6 * (relid - 1) + i];
    CHECK(vmbus_ring_init(to_host, pages[relid], 3, false));
    CHECK(vmbus_ring_init(from_host, pages[relid] + 3, 3, false));
}

static void check_data(void)
{
    struct vmbus_ring to_host, from_host;
    struct vmbus_packet packet;
    uint64_t word = 0x1234;
    const struct vmbus_ring_piece piece = {&word, sizeof(word)};
    create_open(2);
    guest_rings(1, &to_host, &from_host);
    CHECK_EQUAL(vmbus_ring_write(&to_host, VMBUS_PACKET_DATA_INBAND, 0, 99, 0, &piece, 1),
                VMBUS_RING_OK);
    CHECK(vmbus_ring_publish(&to_host)); /* the host waits for a signal */
    signal_count = 0;
    guest_schedule(NULL, 1);
    guest_turn(host, 4);
    CHECK(signal_count == 1 && last_vp == 2 && last_flag == 1);
    word = 0;
    CHECK_EQUAL(vmbus_ring_read(&from_host, &packet, &word, sizeof(word)), VMBUS_RING_OK);
    CHECK(packet.transaction_id == 99 && word == 0x1234);

    /* A channel whose ring the guest has damaged is closed, the other goes on. */
    ((struct vmbus_ring_control *)guest_memory[0])->write_index = 3;
    guest_schedule(NULL, 1);
    guest_turn(host, 4);
    CHECK(echoes[1].closed == 1 && echoes[2].closed == 0);
    CHECK(!running[1] && running[2]);
    ((struct vmbus_ring_control *)guest_memory[0])->write_index = 0;
    memset(guest_memory, 0, 6 * 4096);
    CHECK(open_channel(1, RING_GPADL + 1, 3));
    expect_nothing();
    destroy();
    CHECK(echoes[1].closed == 2 && echoes[2].closed == 1);
}

/* A guest that repeats its faults: what is said of a channel and of the bus ends, for each alone.
 */
static void check_log(void)
{
    create_open(2);
    log_lines = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        CHECK(!open_channel(1, RING_GPADL + 1, 3)); /* it is open */
        posted_taken = posted_count = 0;
        message_room = POSTED_MAX;
    }
    uint32_t lines = log_lines;
    CHECK(lines > 1 && lines <= LOG_LINES_MAX + 1);
    for (uint32_t i = 0; i < 1000; i++)
        SEND((struct vmbus_header){.type = 77});
    CHECK_EQUAL(log_lines, 2 * lines);
    ((struct vmbus_ring_control *)guest_memory[6])->write_index = 3;
    guest_schedule(NULL, 2);
    guest_turn(host, 4);
    CHECK_EQUAL(log_lines, 2 * lines + 1); /* of the other channel something is still said */
    destroy();
}

static void check_buffers(void)
{
    create_open(1);
    echoes[1].gpadl = 7;
    guest_schedule(NULL, 1);
    guest_turn(host, 4);
    CHECK(!echoes[1].gpadl_pages);
    send_gpadl(1, 7, 70, 30);
    CHECK(gpadl_created(1, 7));
    guest_schedule(NULL, 1);
    guest_turn(host, 4);
    CHECK(echoes[1].gpadl_pages && echoes[1].gpadl_pages[29] == guest_memory[99]);
    /* Torn down, it stays for who has looked it up, but cannot be looked up. */
    tear_down(1, 7);
    CHECK_EQUAL(blocks, 3);
    CHECK(echoes[1].gpadl_pages[0] == guest_memory[70]);
    guest_schedule(NULL, 1);
    guest_turn(host, 4);
    CHECK(!echoes[1].gpadl_pages);
    echoes[1].gpadl = RING_GPADL + 1;
    guest_schedule(NULL, 1);
    guest_turn(host, 4);
    CHECK(!echoes[1].gpadl_pages); /* rings are no buffers */
    send_gpadl(1, 8, GUEST_GAP, 1);
    CHECK(!gpadl_created(1, 8));
    send_relid(VMBUS_MESSAGE_CLOSE_CHANNEL, 1);
    CHECK_EQUAL(blocks, 2);
    destroy();
}

static void check_modification(void)
{
    create_open(1);
    const struct vmbus_modify_channel message = {
        .header.type = VMBUS_MESSAGE_MODIFY_CHANNEL, .relid = 1, .target_vp = 7};
    SEND(message);
    const struct vmbus_modify_channel_response *response =
        expect(VMBUS_MESSAGE_MODIFY_CHANNEL_RESPONSE, 16);
    CHECK(response->relid == 1 && response->status == 0);
    struct vmbus_ring to_host, from_host;
    uint64_t word = 1;
    const struct vmbus_ring_piece piece = {&word, sizeof(word)};
    guest_rings(1, &to_host, &from_host);
    vmbus_ring_write(&to_host, VMBUS_PACKET_DATA_INBAND, 0, 1, 0, &piece, 1);
    vmbus_ring_publish(&to_host);
    guest_schedule(NULL, 1);
    guest_turn(host, 4);
    CHECK_EQUAL(last_vp, 7);
    send_relid(VMBUS_MESSAGE_CLOSE_CHANNEL, 1);
    SEND(message);
    response = expect(VMBUS_MESSAGE_MODIFY_CHANNEL_RESPONSE, 16);
    CHECK(response->status != 0);
    CHECK(contact(VMBUS_VERSION(5, 2), VMBUS_CONNECTION_NEW));
    SEND(message);
    expect_nothing();
    destroy();
}

/* What the guest does not take waits, in order; and no message is taken whose answers would not
 * fit. */
static void check_back_pressure(void)
{
    uint32_t sent = 0;
    create_open(1);
    message_room = 0;
    while (vmbus_host_can_receive(host) && sent < 1000) {
        const struct vmbus_gpadl_teardown message = {.header.type = VMBUS_MESSAGE_GPADL_TEARDOWN,
                                                     .gpadl = 1000 + sent++};
        vmbus_host_receive(host, connection, &message, sizeof(message));
        CHECK(vmbus_host_send(host));
    }
    CHECK(sent > 8 && sent < 1000);
    /* What the administrator does fits in any case. */
    for (uint32_t i = 2; i <= VMBUS_HOST_MAX_CHANNELS; i++)
        CHECK(offer(i));
    uint32_t lines = log_lines;
    for (uint32_t i = 1; i <= VMBUS_HOST_MAX_CHANNELS; i++)
        vmbus_host_remove(host, i);
    CHECK_EQUAL(log_lines, lines);
    message_room = 3;
    CHECK(vmbus_host_send(host));
    message_room = POSTED_MAX;
    CHECK(!vmbus_host_send(host));
    for (uint32_t i = 0; i < sent; i++) {
        const struct vmbus_gpadl_torndown *answer = expect(VMBUS_MESSAGE_GPADL_TORNDOWN, 12);
        CHECK_EQUAL(answer->gpadl, 1000 + i);
    }
    destroy();
}

static void check_reconnection(void)
{
    create_open(2);
    CHECK(contact(VMBUS_VERSION(5, 3), VMBUS_CONNECTION_NEW)); /* after a reset */
    CHECK(echoes[1].closed == 1 && echoes[2].closed == 1);
    CHECK_EQUAL(blocks, 1);
    CHECK(!open_channel(1, RING_GPADL + 1, 3));
    request_offers();
    expect(VMBUS_MESSAGE_OFFER_CHANNEL, 196);
    expect(VMBUS_MESSAGE_OFFER_CHANNEL, 196);
    expect(VMBUS_MESSAGE_ALL_OFFERS_DELIVERED, 8);
    vmbus_host_remove(host, 2);
    vmbus_host_send(host);
    expect(VMBUS_MESSAGE_RESCIND_CHANNEL_OFFER, 12);
    SEND((struct vmbus_header){.type = VMBUS_MESSAGE_UNLOAD});
    expect(VMBUS_MESSAGE_UNLOAD_RESPONSE, 8);
    CHECK_EQUAL(vmbus_host_version(host), 0);
    CHECK(offer(2)); /* the guest has forgotten it */
    expect_nothing();
    destroy();
}

/* Too short, too long, of unknown types, by the wrong connection: without effect. */
static void check_ignored(void)
{
    static const uint8_t zeros[VMBUS_MESSAGE_MAX + 16];
    create_open(1);
    for (uint32_t type = 0; type < 40; type++) {
        struct vmbus_header header = {.type = type};
        if (type != VMBUS_MESSAGE_REQUEST_OFFERS && type != VMBUS_MESSAGE_UNLOAD)
            SEND(header);
        receive(&header, 4);
    }
    receive(zeros, sizeof(zeros));
    receive(zeros, 0);
    connection = VMBUS_CONNECTION_OLD;
    send_relid(VMBUS_MESSAGE_CLOSE_CHANNEL, 1);
    SEND((struct vmbus_header){.type = VMBUS_MESSAGE_UNLOAD});
    CHECK(running[1] && echoes[1].closed == 0);
    expect_nothing();
    destroy();
}

static void check_segments(void)
{
    struct {
        struct vmbus_gpa_range range;
        uint64_t numbers[4];
    } gpa = {{.byte_count = 3 * 4096, .byte_offset = 100}, {10, 11, 20, 21}};
    struct vmbus_segment segments[4];
    create_open(1);
    struct vmbus_channel *channel = running[1];
#define SEGMENTS(offset, size, limit)                                                              \
    vmbus_channel_gpa_segments(channel, &gpa, sizeof(gpa), offset, size, segments, limit)
    CHECK_EQUAL(SEGMENTS(0, 3 * 4096, 4), 2);
    CHECK(segments[0].data == guest_memory[10] + 100 && segments[0].size == 8192 - 100 &&
          segments[0].address == 0x100000 + 10 * 4096 + 100);
    CHECK(segments[1].data == guest_memory[20] && segments[1].size == 4096 + 100);
    CHECK_EQUAL(SEGMENTS(8192, 4096, 4), 1);
    CHECK(segments[0].data == guest_memory[20] + 100 && segments[0].size == 4096);
    CHECK_EQUAL(SEGMENTS(0, 0, 4), 0);
    CHECK_EQUAL(SEGMENTS(0, 3 * 4096, 1), -1);
    CHECK_EQUAL(SEGMENTS(1, 3 * 4096, 4), -1);
    CHECK_EQUAL(SEGMENTS(UINT32_MAX, 2, 4), -1);
    gpa.range.byte_offset = 4096;
    CHECK_EQUAL(SEGMENTS(0, 4096, 4), -1);
    gpa.range.byte_offset = 0;
    gpa.range.byte_count = UINT32_MAX;
    CHECK_EQUAL(SEGMENTS(0, 4 * 4096, 4), 2);
    CHECK_EQUAL(SEGMENTS(0, 4 * 4096 + 1, 4), -1);
    CHECK_EQUAL(SEGMENTS(UINT32_MAX - 4096, 4096, 4), -1);
    gpa.numbers[1] = GUEST_GAP;
    CHECK_EQUAL(SEGMENTS(0, 4096, 4), 1);
    CHECK_EQUAL(SEGMENTS(0, 4097, 4), -1);
    gpa.numbers[0] = UINT64_MAX;
    CHECK_EQUAL(SEGMENTS(0, 1, 4), -1);
    CHECK_EQUAL(vmbus_channel_gpa_segments(channel, &gpa, 7, 0, 0, segments, 4), -1);
#undef SEGMENTS
    destroy();
}

int main(void)
{
    check_versions();
    check_offers();
    check_gpadls();
    check_opening();
    check_data();
    check_log();
    check_buffers();
    check_modification();
    check_back_pressure();
    check_reconnection();
    check_ignored();
    check_segments();
    return unit_result();
}
