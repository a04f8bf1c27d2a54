/* Two stacks, wired together by a cable that loses, repeats, reorders and damages frames. All is
 * decided by a fixed seed. */
#include "parent/net/net.h"
#include "parent/net/ping.h"
#include "parent/net/udp.h"

#include "tests/net/packet.h"
#include "tests/net/station.h"
#include "tests/unit/unit.h"

#define FLIGHTS_MAX 512
#define PORT 5000
#define DATAGRAM_MAX 6000
#define DELAY_US 100
#define REORDER_US 3000
#define STEP_US (NET_SECOND / 2)
#define STEPS 600 /* in each, both ends send a ping and a datagram */

/* Percent of the frames. */
struct faults {
    unsigned lost, repeated, reordered, damaged;
};

struct flight {
    bool used;
    uint64_t due_us;
    struct station *to;
    struct station_frame frame;
};

static struct flight flights[FLIGHTS_MAX];
static struct faults faults;
static uint64_t random_state;
static uint64_t now_us;

/* One end: a station, pings and datagrams that it sends, datagrams that it gets. */
struct end {
    struct station station;
    struct end *other;
    struct ping ping;
    uint8_t ping_payload[DATAGRAM_MAX];
    unsigned pings_done, pings_answered;
    struct udp_socket socket;
    unsigned datagrams_sent, datagrams_received;
    bool seen[STEPS];
};

static struct end ends[2];

static bool happens(unsigned percent)
{
    return station_random(&random_state) % 100 < percent;
}

static void put_on_wire(struct station *to, const uint8_t *bytes, size_t size)
{
    struct flight *flight = flights;

    while (flight->used && flight < flights + FLIGHTS_MAX - 1)
        flight++;
    if (flight->used)
        return; /* a full cable loses, too */
    flight->used = true;
    flight->to = to;
    flight->due_us = now_us + DELAY_US;
    if (happens(faults.reordered))
        flight->due_us += station_random(&random_state) % REORDER_US;
    memcpy(flight->frame.bytes, bytes, size);
    flight->frame.size = size;
    /* One bit, from 0 to 1: what checksums are sure to find, in several fragments, too. */
    if (happens(faults.damaged))
        flight->frame.bytes[station_random(&random_state) % size] |=
            (uint8_t)(1 << station_random(&random_state) % 8);
}

static void transmit(struct station *from, const uint8_t *bytes, size_t size)
{
    struct end *end = from->context;

    if (happens(faults.lost))
        return;
    put_on_wire(&end->other->station, bytes, size);
    if (happens(faults.repeated))
        put_on_wire(&end->other->station, bytes, size);
}

/* A datagram says its number; its size and its bytes follow from that. */
static size_t make_datagram(uint32_t number, uint8_t data[DATAGRAM_MAX])
{
    uint64_t state = number;
    size_t size = 4 + station_random(&state) % (number % 4 == 0 ? DATAGRAM_MAX - 4 : 1000);

    memcpy(data, &number, 4);
    for (size_t i = 4; i < size; i++)
        data[i] = (uint8_t)station_random(&state);
    return size;
}

static void receive(struct udp_socket *socket, const struct udp_datagram *datagram)
{
    struct end *end = socket->context;
    static uint8_t expected[DATAGRAM_MAX];
    uint32_t number;

    CHECK(datagram->size >= 4);
    memcpy(&number, datagram->data, 4);
    CHECK(number < STEPS);
    CHECK_EQUAL(datagram->size, make_datagram(number, expected));
    CHECK(memcmp(datagram->data, expected, datagram->size) == 0);
    if (number < STEPS && !end->seen[number])
        end->datagrams_received++;
    if (number < STEPS)
        end->seen[number] = true;
}

static void ping_done(struct ping *ping, enum ping_result result, uint64_t round_trip_us,
                      uint8_t ttl)
{
    struct end *end = ping->context;

    CHECK(result != PING_REPLY || (round_trip_us >= 2 * DELAY_US && ttl == 64));
    end->pings_answered += result == PING_REPLY;
    end->pings_done++;
}

static void send_ping(struct end *end)
{
    end->ping.sequence++;
    end->ping.size = station_random(&random_state) % 3000;
    CHECK_EQUAL(ping_send(&end->station.stack, &end->ping), NET_OK);
}

static void init_end(struct end *end, struct end *other, uint8_t number, uint8_t other_number)
{
    memset(end, 0, sizeof(*end));
    station_init(&end->station, number);
    station_configure(&end->station, number);
    end->station.transmit = transmit;
    end->station.context = end;
    end->other = other;
    end->socket = (struct udp_socket){.receive = receive, .context = end};
    CHECK_EQUAL(udp_bind(&end->station.stack, &end->socket, PORT), NET_OK);
    for (size_t i = 0; i < DATAGRAM_MAX; i++)
        end->ping_payload[i] = (uint8_t)(i * number);
    end->ping = (struct ping){
        .destination = IPV4(10, 0, 0, other_number),
        .identifier = number,
        .payload = end->ping_payload,
        .timeout_us = STEP_US / 2,
        .done = ping_done,
        .context = end,
    };
}

static void tick(struct end *end)
{
    end->station.now_us = now_us;
    station_tick(&end->station);
}

/* Delivers what is due. */
static void deliver(void)
{
    for (unsigned i = 0; i < FLIGHTS_MAX; i++) {
        struct flight *flight = &flights[i];

        if (!flight->used || flight->due_us > now_us)
            continue;

        struct station_frame frame = flight->frame;

        flight->used = false;
        flight->to->now_us = now_us;
        station_receive(flight->to, frame.bytes, frame.size);
    }
}

static uint64_t next_event(uint64_t limit_us)
{
    uint64_t next = limit_us;

    for (unsigned i = 0; i < 2; i++) {
        if (ends[i].station.deadline_us < next)
            next = ends[i].station.deadline_us;
    }
    for (unsigned i = 0; i < FLIGHTS_MAX; i++) {
        if (flights[i].used && flights[i].due_us < next)
            next = flights[i].due_us;
    }
    return next;
}

static void run(uint64_t duration_us)
{
    uint64_t end_us = now_us + duration_us;

    while (now_us < end_us) {
        tick(&ends[0]);
        tick(&ends[1]);
        now_us = next_event(end_us);
        deliver();
    }
}

static void send_datagram(struct end *end)
{
    static uint8_t data[DATAGRAM_MAX];
    size_t size = make_datagram(end->datagrams_sent++, data);

    tick(end);
    CHECK_EQUAL(
        udp_send(&end->station.stack, &end->socket, end->ping.destination, PORT, data, size),
        NET_OK);
}

static void exchange(const struct faults *these, uint64_t seed)
{
    random_state = seed;
    faults = *these;
    memset(flights, 0, sizeof(flights));
    init_end(&ends[0], &ends[1], 2, 3);
    init_end(&ends[1], &ends[0], 3, 2);
    now_us = ends[0].station.now_us;
    for (unsigned step = 0; step < STEPS; step++) {
        for (unsigned i = 0; i < 2; i++) {
            send_datagram(&ends[i]);
            send_ping(&ends[i]);
        }
        run(STEP_US);
    }
    run(600 * NET_SECOND);
    for (unsigned i = 0; i < 2; i++) {
        const struct end *end = &ends[i];

        CHECK_EQUAL(end->pings_done, STEPS);
        CHECK_EQUAL(net_pool_free_count(&end->station.stack.pool), STATION_BUFFERS);
        CHECK_EQUAL(end->station.deadline_us, NET_NEVER);
        CHECK(end->station.stack.pings == NULL);
    }
}

static void test_good_cable(void)
{
    exchange(&(struct faults){0}, 1);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQUAL(ends[i].pings_answered, STEPS);
        CHECK_EQUAL(ends[i].datagrams_received, STEPS);
        CHECK_EQUAL(ends[i].station.stack.counters.reassembly_incomplete, 0);
    }
}

static void test_reordering(void)
{
    exchange(&(struct faults){.repeated = 10, .reordered = 50}, 2);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQUAL(ends[i].pings_answered, STEPS);
        CHECK_EQUAL(ends[i].datagrams_received, STEPS);
    }
}

/* Nothing wrong gets through, and most of what is right. */
static void test_bad_cable(void)
{
    struct net_counters counters[2];

    for (uint64_t seed = 0; seed < 8; seed++) {
        exchange(&(struct faults){.lost = 5, .repeated = 5, .reordered = 20, .damaged = 10}, seed);
        for (unsigned i = 0; i < 2; i++) {
            CHECK(ends[i].pings_answered > STEPS / 3);
            CHECK(ends[i].datagrams_received > STEPS / 3);
            CHECK(ends[i].station.stack.counters.udp_checksum > 0);
            CHECK(ends[i].station.stack.counters.ipv4_checksum > 0);
            counters[i] = ends[i].station.stack.counters;
        }
    }
    /* The same seed, the same course. */
    exchange(&(struct faults){.lost = 5, .repeated = 5, .reordered = 20, .damaged = 10}, 7);
    for (unsigned i = 0; i < 2; i++)
        CHECK(memcmp(&counters[i], &ends[i].station.stack.counters, sizeof(counters[i])) == 0);
}

int main(void)
{
    test_good_cable();
    test_reordering();
    test_bad_cable();
    return unit_result();
}
