/* A guest that leaves every protocol of the bus: `hostile=SEED,COUNT`. Afterwards it connects
 * again, which has to work. Whatever it does, the host may close its channels, and nothing else. */
#include "include/vmbus/messages.h"
#include "include/vmbus/ring.h"
#include "vsc/demo/bus.h"
#include "vsc/demo/console.h"
#include "vsc/demo/hostile.h"
#include "vsc/demo/options.h"
#include "vsc/demo/random.h"

#define DEFAULT_COUNT 10000u
#define RING_PAGES 8u /* both rings of a channel */
#define CHANNELS 5u   /* that it plays with: those of every bus, and a disk controller */
#define DRAIN_MAX 64u /* messages of the host's after each step */

static uint8_t memory[CHANNELS][RING_PAGES][VMBUS_PAGE_SIZE]
    __attribute__((aligned(VMBUS_PAGE_SIZE)));
static uint8_t *ring_pages[CHANNELS][RING_PAGES];
static struct vsc_bus *bus;

static struct vsc_channel *any_channel(unsigned *number)
{
    *number = random_below(CHANNELS);
    return bus->channels[*number].offered ? &bus->channels[*number] : NULL;
}

/* Any message but those that end or begin the connection, which are rare. */
static void random_message(void)
{
    uint32_t words[VMBUS_MESSAGE_MAX / 4];
    uint32_t type = 1 + random_below(26);

    if ((type == VMBUS_MESSAGE_UNLOAD || type == VMBUS_MESSAGE_INITIATE_CONTACT) &&
        random_below(50) != 0)
        type = VMBUS_MESSAGE_OPEN_CHANNEL;
    for (unsigned i = 0; i < VMBUS_MESSAGE_MAX / 4; i++)
        words[i] = random_odd_number();
    words[0] = random_below(10) == 0 ? random_odd_number() : type;
    if (random_below(4) != 0)
        words[2] = bus->channels[random_below(CHANNELS)].offer.relid;
    if (random_below(2) == 0)
        words[3] = random_below(bus->last_gpadl + 2);
    bus->operations->post(bus->context, bus->connection, words,
                          random_below(VMBUS_MESSAGE_MAX + 1));
}

/* After a message has ended the connection by chance, or all channels are gone. */
static void reconnect(void)
{
    demo_bus_end();
    if (demo_bus() == NULL)
        die("hostile: the bus is gone");
}

/* Opens as it should be, perhaps again, and never closes: a random message may. */
static void open_channel(void)
{
    unsigned number;
    struct vsc_channel *channel = any_channel(&number);

    if (channel == NULL || channel->rescinded)
        return;
    struct vmbus_open_channel open = {.header.type = VMBUS_MESSAGE_OPEN_CHANNEL,
                                      .relid = channel->offer.relid,
                                      .open_id = (uint32_t)random_number(),
                                      .downstream_page_offset = RING_PAGES / 2};

    vmbus_ring_init(&channel->outgoing, ring_pages[number], RING_PAGES / 2, true);
    vmbus_ring_init(&channel->incoming, ring_pages[number] + RING_PAGES / 2, RING_PAGES / 2, true);
    open.ring_gpadl = vsc_gpadl_create(channel, ring_pages[number], RING_PAGES);
    if (open.ring_gpadl == 0) {
        reconnect();
        return;
    }
    bus->operations->post(bus->context, bus->connection, &open, sizeof(open));
}

/* Words of the control pages and of the data, also while the host reads them. */
static void tear(void)
{
    unsigned number;

    if (any_channel(&number) == NULL)
        return;
    for (unsigned i = random_below(20); i > 0; i--) {
        uint32_t page = random_below(RING_PAGES);
        uint32_t word =
            page % (RING_PAGES / 2) == 0 ? random_below(17) : random_below(VMBUS_PAGE_SIZE / 4);

        __atomic_store_n((uint32_t *)(void *)memory[number][page] + word, random_odd_number(),
                         __ATOMIC_RELAXED);
    }
    if (bus->channels[number].offered)
        bus->operations->signal(bus->context, bus->channels[number].offer.connection_id);
}

/* A packet whose ranges and content are not what they should be. */
static void random_packet(void)
{
    unsigned number;
    struct vsc_channel *channel = any_channel(&number);
    uint32_t words[64];
    struct vmbus_ring_piece piece = {words, random_below(sizeof(words) + 1)};

    if (channel == NULL || channel->outgoing.control == NULL)
        return;
    for (unsigned i = 0; i < sizeof(words) / 4; i++)
        words[i] = random_odd_number();
    words[1] = random_below(3);
    vsc_channel_write(channel, (uint16_t)(6 + random_below(6)), (uint16_t)random_below(3),
                      random_number(), random_below(9) * 8, &piece, 1);
    vsc_channel_flush(channel);
    bus->operations->signal(bus->context, channel->offer.connection_id);
}

static void step(void)
{
    switch (random_below(16)) {
    case 0:
        open_channel();
        break;
    case 1 ... 5:
        random_message();
        break;
    case 6 ... 9:
        tear();
        break;
    case 10:
        bus->operations->signal(bus->context, random_odd_number());
        break;
    default:
        random_packet();
    }
    for (unsigned i = 0; i < DRAIN_MAX && demo_bus_take(); i++)
        ;
}

void hostile_bus_run(void)
{
    uint64_t count = option_number("hostile", 1, DEFAULT_COUNT);

    bus = demo_bus();
    if (bus == NULL)
        return;
    random_seed(option_number("hostile", 0, 1));
    for (unsigned i = 0; i < CHANNELS; i++) {
        for (unsigned j = 0; j < RING_PAGES; j++)
            ring_pages[i][j] = memory[i][j];
    }
    for (uint64_t i = 0; i < count; i++)
        step();
    reconnect();
    demo_bus_end();
    print("hostile: %llu done\n", (unsigned long long)count);
}
