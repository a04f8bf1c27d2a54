#include "vsc/demo/net.h"

#include "lib/x86/cpu.h"
#include "vsc/demo/bus.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/console.h"
#include "vsc/demo/net_station.h"
#include "vsc/demo/options.h"

#define RING_PAGES 16u
#define RECEIVE_PAGES 64u
#define SEND_PAGES 32u
#define PAGES (RING_PAGES + RECEIVE_PAGES + SEND_PAGES)
#define MTU 1500u
#define FILTER (RNDIS_PACKET_TYPE_DIRECTED | RNDIS_PACKET_TYPE_BROADCAST)
#define PING_COUNT 3u
#define ANSWER_US 3000000u /* for an answer */
#define RETRY_US 250000u   /* until it is asked again */
#define TEXT_SIZE 32u

static uint8_t memory[NET_ADAPTERS][PAGES][VMBUS_PAGE_SIZE]
    __attribute__((aligned(VMBUS_PAGE_SIZE)));
static uint8_t *pages[NET_ADAPTERS][PAGES];
static struct vsc_network networks[NET_ADAPTERS];
static struct station stations[NET_ADAPTERS];
static unsigned station_count;
static bool links[NET_ADAPTERS]; /* as they were printed */
static uint64_t link_changes;

struct vsc_network *net_open(unsigned index)
{
    const struct vmbus_guid class_id = VMBUS_CLASS_NETWORK;
    struct vsc_bus *bus = demo_bus();
    struct vsc_channel *channel = bus != NULL ? vsc_bus_find(bus, &class_id, index) : NULL;
    uint8_t **first = pages[index];
    const struct vsc_network_memory places = {first,
                                              RING_PAGES,
                                              first + RING_PAGES,
                                              RECEIVE_PAGES,
                                              first + RING_PAGES + RECEIVE_PAGES,
                                              SEND_PAGES};

    for (unsigned i = 0; i < PAGES; i++)
        first[i] = memory[index][i];
    if (channel == NULL || !vsc_network_open(&networks[index], channel, &places, MTU, 0))
        return NULL;
    if (vsc_network_set_filter(&networks[index], FILTER))
        return &networks[index];
    vsc_network_close(&networks[index]);
    return NULL;
}

static void print_address(uint32_t address)
{
    print("%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

static void print_link(unsigned index)
{
    links[index] = networks[index].link_up;
    print("net %u: link %s\n", index, links[index] ? "up" : "down");
}

/* Opens an adapter for each address. */
static bool open_stations(void)
{
    char text[TEXT_SIZE];

    for (station_count = 0; station_count < NET_ADAPTERS; station_count++) {
        struct station *station = &stations[station_count];

        if (!option_part("ip", station_count, text, sizeof(text)))
            break;
        *station = (struct station){.network = net_open(station_count)};
        if (station->network == NULL || !station_parse(text, &station->address)) {
            print("FAIL net %u: %s\n", station_count,
                  station->network ? "its address cannot be read" : "it does not start");
            return false;
        }
        station->network->received = station_receive;
        station->network->context = station;
        const uint8_t *mac = station->network->mac;

        print("net %u: %02x:%02x:%02x:%02x:%02x:%02x, MTU %u, address ", station_count, mac[0],
              mac[1], mac[2], mac[3], mac[4], mac[5], station->network->mtu);
        print_address(station->address);
        print("\n");
        print_link(station_count);
    }
    if (station_count == 0)
        print("FAIL net: give the child an address by ip=\n");
    return station_count > 0;
}

/* What has come for any station. False: an adapter's host has left the protocol. */
static bool poll(void)
{
    bool good = true;

    demo_bus_take();
    for (unsigned i = 0; i < station_count; i++) {
        vsc_network_poll(&networks[i]);
        if (links[i] != networks[i].link_up) {
            print_link(i);
            link_changes++;
        }
        good = good && !networks[i].failed;
    }
    cpu_pause();
    return good;
}

/* Sends request @sequence until it is answered. */
static bool ping_once(struct station *station, uint16_t sequence)
{
    uint64_t end = clock_deadline(ANSWER_US), again = 0;

    while (rdtsc() < end && station->answered != sequence) {
        bool known = station->peer_known;

        if (rdtsc() >= again) {
            station_send(station, sequence);
            again = clock_deadline(RETRY_US);
        }
        if (!poll())
            return false;
        if (known != station->peer_known)
            again = 0; /* now the request itself */
    }
    return station->answered == sequence;
}

static bool ping(void)
{
    struct station *station = &stations[0];
    uint64_t count = option_number("ping", 1, PING_COUNT);
    char text[TEXT_SIZE] = "";
    uint64_t answered = 0;

    option_part("ping", 0, text, sizeof(text));
    if (!station_parse(text, &station->peer)) {
        print("FAIL ping %s: that is no address\n", text);
        return false;
    }
    for (uint64_t i = 1; i <= count; i++)
        answered += ping_once(station, (uint16_t)i);
    print("%s ping %s: %llu sent, %llu answered\n", answered == count ? "ok" : "FAIL", text,
          (unsigned long long)count, (unsigned long long)answered);
    return answered == count;
}

/* @changes: of links, in all, after which it is enough. */
static bool serve(uint64_t seconds, uint64_t changes)
{
    uint64_t end = clock_deadline(seconds * 1000000);

    while (rdtsc() < end && link_changes < changes) {
        if (!poll()) {
            print("FAIL net: the host has left the protocol\n");
            return false;
        }
    }
    return true;
}

bool net_run(void)
{
    bool good = open_stations();

    if (good && option("ping"))
        good = ping();
    if (good)
        good = serve(option_number("serve", 0, 0), option_number("serve", 1, UINT64_MAX));
    for (unsigned i = 0; i < station_count; i++)
        vsc_network_close(&networks[i]);
    demo_bus_end();
    return good;
}
