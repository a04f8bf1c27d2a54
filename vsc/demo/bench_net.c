/* What frames cost from one adapter of this child to another one on the same switch: from before
 * they are sent until they have been received. */
#include "lib/big_endian.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "vsc/demo/bench.h"
#include "vsc/demo/bus.h"
#include "vsc/demo/console.h"
#include "vsc/demo/net.h"

#define FRAME_SIZE 1514u

static struct vsc_network *from, *to;
static uint8_t frame[FRAME_SIZE];

bool bench_net_open(void)
{
    if (to != NULL)
        return true;
    if (from == NULL)
        from = net_open(0);
    if (from == NULL)
        return false;
    to = net_open(1);
    if (to == NULL)
        return false;
    memcpy(frame, to->mac, sizeof(to->mac));
    memcpy(frame + sizeof(to->mac), from->mac, sizeof(from->mac));
    store_be16(frame + 2 * sizeof(to->mac), NET_ETHERTYPE);
    return true;
}

void bench_net_close(void)
{
    if (from != NULL)
        vsc_network_close(from);
    if (to != NULL)
        vsc_network_close(to);
    from = to = NULL;
}

/* Ticks for one of @count frames that are under way at once. */
static uint64_t measure(uint32_t count)
{
    uint32_t received = 0;
    uint64_t start = rdtsc();

    for (uint32_t i = 0; i < count; i++) {
        if (!vsc_network_send(from, frame, sizeof(frame)))
            die("bench: the send buffer is full");
    }
    vsc_network_submit(from);
    while (received < count) {
        struct vsc_bus *bus = to->channel->bus;

        received += vsc_network_poll(to);
        if (received < count && (to->failed || !bus->operations->wait(bus->context)))
            die("bench: a frame is lost");
    }
    uint64_t ticks = (rdtsc() - start) / count;

    /* The sections of what was sent are given back. */
    while (from->send_busy != 0) {
        struct vsc_bus *bus = from->channel->bus;

        vsc_network_poll(from);
        if (from->send_busy != 0 && (from->failed || !bus->operations->wait(bus->context)))
            die("bench: a frame is not completed");
    }
    return ticks;
}

uint64_t bench_net_frame_1500(void)
{
    return measure(1);
}

uint64_t bench_net_frame_1500_deep(void)
{
    return measure(BENCH_NET_DEPTH);
}
