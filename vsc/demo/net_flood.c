/* `flood=COUNT`: as many frames as fit, from the first adapter to the second one on the same
 * switch, which is closed and opened again meanwhile. Each frame that arrives is as it was sent,
 * and in order; those that do not were counted as dropped. */
#include "lib/big_endian.h"
#include "lib/string.h"
#include "vsc/demo/bus.h"
#include "vsc/demo/console.h"
#include "vsc/demo/net.h"
#include "vsc/demo/options.h"

#define HEADER_SIZE 18u /* Ethernet's, then the frame's number */
#define FRAME_MIN 60u
#define FRAME_MAX 1514u
#define DEFAULT_COUNT 1000u
#define REOPEN_FRAMES 10u
#define LAZY_FRAMES                                                                                \
    300u /* sent in a row while the receiver does not look: more than it has room for */

static struct vsc_network *from, *to;
static uint8_t frame[FRAME_MAX];
static uint64_t received, wrong;
static uint32_t expected; /* at least */

static uint32_t size_of(uint32_t number)
{
    return FRAME_MIN + number * 37 % (FRAME_MAX - FRAME_MIN + 1);
}

static uint8_t byte_of(uint32_t number, uint32_t place)
{
    return (uint8_t)(number * 7 + place * 3);
}

static void make_frame(uint32_t number)
{
    memcpy(frame, to->mac, VSC_NETWORK_MAC_SIZE);
    memcpy(frame + VSC_NETWORK_MAC_SIZE, from->mac, VSC_NETWORK_MAC_SIZE);
    store_be16(frame + 2 * VSC_NETWORK_MAC_SIZE, NET_ETHERTYPE);
    store_be32(frame + HEADER_SIZE - 4, number);
    for (uint32_t i = HEADER_SIZE; i < size_of(number); i++)
        frame[i] = byte_of(number, i);
}

static void check_frame(void *context, const uint8_t *data, uint32_t size)
{
    uint32_t number = size >= HEADER_SIZE ? load_be32(data + HEADER_SIZE - 4) : 0;
    bool good = size >= HEADER_SIZE && number >= expected && size == size_of(number);

    (void)context;
    for (uint32_t i = HEADER_SIZE; good && i < size; i++)
        good = data[i] == byte_of(number, i);
    received++;
    wrong += !good;
    expected = number + 1;
}

/* Lets the host go on until the sender has room, or has none under way any more. False: it does
 * not.
 */
static bool wait_for_room(bool all)
{
    struct vsc_bus *bus = from->channel->bus;
    uint64_t before = from->send_busy;

    vsc_network_submit(from);
    for (vsc_network_poll(from); from->send_busy != 0; vsc_network_poll(from)) {
        if (!all && from->send_busy != before)
            return true;
        if (from->failed || !bus->operations->wait(bus->context))
            return false;
    }
    return !from->failed;
}

/* Sends frames @first to @last - 1; the receiver looks after each @interval of them. */
static bool send(uint32_t first, uint32_t last, uint32_t interval)
{
    for (uint32_t number = first; number < last; number++) {
        make_frame(number);
        while (!vsc_network_send(from, frame, size_of(number))) {
            if (!wait_for_room(false))
                return false;
        }
        if (number % interval == 0)
            vsc_network_poll(to);
    }
    return wait_for_room(true);
}

/* Takes what has come: what was completed at the sender is in the ring before the answer to this
 * query. False: not @least to @most frames have come or were counted as dropped since *@dropped,
 * which is set anew. */
static bool settle(uint64_t least, uint64_t most, uint32_t *dropped)
{
    uint32_t now = 0;

    if (vsc_network_query(to, OID_GEN_RCV_NO_BUFFER, &now, sizeof(now)) != sizeof(now))
        return false;
    uint64_t sum = received + (now - *dropped);
    bool good = sum >= least && sum <= most && received > 0 && wrong == 0;

    print("%s flood: %llu received, %u dropped, %llu wrong\n", good ? "ok" : "FAIL",
          (unsigned long long)received, now - *dropped, (unsigned long long)wrong);
    *dropped = now;
    received = 0;
    return good;
}

static bool open_receiver(void)
{
    to = net_open(1);
    if (to != NULL)
        to->received = check_frame;
    return to != NULL;
}

/* The receiver goes while frames are under way to it. */
static bool reopen(uint32_t first)
{
    for (uint32_t i = 0; i < REOPEN_FRAMES; i++) {
        make_frame(first + i);
        vsc_network_send(from, frame, size_of(first + i));
    }
    vsc_network_submit(from);
    vsc_network_close(to);
    return open_receiver();
}

bool net_flood(void)
{
    uint32_t count = (uint32_t)option_number("flood", 0, DEFAULT_COUNT), dropped = 0;

    from = net_open(0);
    bool good = from != NULL && open_receiver();

    good = good && send(0, count, 1) && settle(count, count, &dropped);
    good = good && send(count, 2 * count, LAZY_FRAMES) && settle(count, count, &dropped);
    good = good && reopen(2 * count) &&
           send(2 * count + REOPEN_FRAMES, 3 * count + REOPEN_FRAMES, 1) &&
           settle(count, count + REOPEN_FRAMES, &dropped);
    if (!good)
        print("FAIL flood: the adapters do not do what they should\n");
    if (from != NULL)
        vsc_network_close(from);
    if (to != NULL)
        vsc_network_close(to);
    demo_bus_end();
    return good;
}
