/* The client of network adapters with a host that writes what it likes into the ring and the
 * receive buffer: what the client reads is within its buffers. */
#include "tests/fuzz/fuzz.h"

#include "vsc/netvsc.h"

#define RING_PAGES 3u
#define RECEIVE_SIZE 8192u
#define SECTION_SIZE 2048u
#define SECTIONS 4u
#define STEPS 100u

static uint8_t ring_memory[2][RING_PAGES][VMBUS_PAGE_SIZE]
    __attribute__((aligned(VMBUS_PAGE_SIZE)));
static struct vmbus_ring to_client, from_client;
static struct vsc_network network;
static struct fuzz_input *source;

/* A packet of the host's, and a message in the receive buffer that it may be about. */
static void host_packet(struct fuzz_input *input)
{
    static const uint16_t types[] = {VMBUS_PACKET_TRANSFER_PAGES, VMBUS_PACKET_COMPLETION,
                                     VMBUS_PACKET_DATA_INBAND, VMBUS_PACKET_GPA_DIRECT};
    struct {
        struct vmbus_transfer_pages transfer;
        struct vmbus_transfer_range range;
    } descriptor = {{.page_set_id = 0xcafe, .range_count = 1}, {64, 0}};
    struct nvsp_message message = {.type = NVSP_MESSAGE_RNDIS_PACKET};
    const struct vmbus_ring_piece pieces[] = {{&descriptor, sizeof(descriptor)},
                                              {&message, fuzz_byte(input) % 41}};
    uint8_t choice = fuzz_byte(input), buffer[256];
    uint32_t offset = (uint32_t)fuzz_number(input, 2) % (RECEIVE_SIZE - 64);
    struct vmbus_packet packet;

    descriptor.range.byte_offset = offset;
    if (choice & 4)
        descriptor.range.byte_count = (uint32_t)fuzz_number(input, choice & 128 ? 4 : 2);
    if (choice & 8)
        descriptor.range.byte_offset = (uint32_t)fuzz_number(input, 4);
    if (choice & 16)
        descriptor.transfer.range_count = fuzz_byte(input);
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t word = fuzz_byte(input);

        if (word == 255)
            word = (uint32_t)fuzz_number(input, 4);
        if (word == 253)
            word = (uint32_t)fuzz_number(input, 2);
        if (word == 252)
            word = network.request_id;
        if (word == 254)
            word = RNDIS_MESSAGE_QUERY | RNDIS_MESSAGE_COMPLETE;
        memcpy(network.receive + offset + i * 4, &word, sizeof(word));
    }
    vmbus_ring_write(&to_client, types[choice & 3], 0, choice & 32 ? UINT64_MAX : choice >> 6,
                     choice & 64 ? 8 : sizeof(descriptor), pieces, 2);
    vmbus_ring_publish(&to_client);
    while (vmbus_ring_read(&from_client, &packet, buffer, sizeof(buffer)) == VMBUS_RING_OK)
        ;
    vmbus_ring_release(&from_client);
}

static bool wait_for_host(void *context)
{
    (void)context;
    if (source->size == 0)
        return false;
    host_packet(source);
    return true;
}

static void signal_host(void *context, uint32_t connection)
{
    (void)context;
    (void)connection;
}

static void received(void *context, const uint8_t *frame, uint32_t size)
{
    uint32_t sum = 0;

    (void)context;
    FUZZ_CHECK(frame >= network.receive && frame + size <= network.receive + RECEIVE_SIZE);
    for (uint32_t i = 0; i < size; i++)
        sum += frame[i];
    vsc_network_send(&network, &sum, sizeof(sum));
}

static const struct vsc_operations operations = {.wait = wait_for_host, .signal = signal_host};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t *pages[2][RING_PAGES];
    struct fuzz_input input = {data, size};
    struct vsc_bus bus = {.operations = &operations};
    struct vsc_channel channel = {.bus = &bus, .open = true, .offer.is_dedicated_interrupt = 1};
    uint8_t *buffers = malloc(RECEIVE_SIZE), value[8];

    FUZZ_CHECK(buffers != NULL);
    source = &input;
    memset(ring_memory, 0, sizeof(ring_memory));
    for (uint32_t i = 0; i < 2 * RING_PAGES; i++)
        pages[i / RING_PAGES][i % RING_PAGES] = ring_memory[i / RING_PAGES][i % RING_PAGES];
    vmbus_ring_init(&channel.outgoing, pages[0], RING_PAGES, true);
    vmbus_ring_init(&channel.incoming, pages[1], RING_PAGES, true);
    vmbus_ring_init(&from_client, pages[0], RING_PAGES, false);
    vmbus_ring_init(&to_client, pages[1], RING_PAGES, false);
    memset(buffers, 0, RECEIVE_SIZE);
    network = (struct vsc_network){.channel = &channel,
                                   .mtu = 1500,
                                   .received = received,
                                   .receive = buffers,
                                   .receive_size = RECEIVE_SIZE,
                                   .send = malloc(SECTIONS * SECTION_SIZE),
                                   .send_section_size = SECTION_SIZE,
                                   .send_section_count = SECTIONS};
    for (uint32_t i = 0; i < STEPS && input.size > 0; i++) {
        uint8_t choice = fuzz_byte(&input);

        if (choice == 0)
            FUZZ_CHECK(vsc_network_query(&network, OID_GEN_LINK_SPEED, value, sizeof(value)) <
                       (int)VSC_NETWORK_RESPONSE);
        else if (choice == 1)
            vsc_network_set_filter(&network, 1);
        else
            host_packet(&input);
        vsc_network_poll(&network);
        FUZZ_CHECK((network.send_busy >> SECTIONS) == 0);
        FUZZ_CHECK(network.response_size <= VSC_NETWORK_RESPONSE);
        network.failed &= choice % 2; /* the next one may find something else */
    }
    free(buffers);
    free(network.send);
    return 0;
}
