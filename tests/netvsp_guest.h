/* A guest of the network provider: the channel's packets, its two buffers, and a network that keeps
 * what the guest sends. For unit tests and fuzzers, which include it once. */
#ifndef VENEER_TESTS_NETVSP_GUEST_H
#define VENEER_TESTS_NETVSP_GUEST_H

#include "include/vmbus/netvsc.h"
#include "include/vmbus/rndis.h"
#include "tests/vmbus_provider.h"
#include "vsp/netvsp/netvsp.h"

#define RECEIVE_PAGE 8u
#define RECEIVE_PAGES 24u
#define RECEIVE_GPADL 2u
#define RECEIVE_ID 0xcafeu
#define SEND_PAGE 40u
#define SEND_PAGES 16u
#define SEND_GPADL 3u
#define SEND_SECTION 6144u /* bytes */
#define DATA_PAGE 70u      /* for messages in pages */
#define SENT_MAX 32u

struct sent_frame {
    uint32_t size, segment_count;
    uint8_t data[9200];
};

static struct netvsp *adapter;
static struct sent_frame sent[SENT_MAX];
static uint32_t sent_count, network_filter;

/* Before the frame is taken: a guest that changes its memory now. */
static void (*before_send)(const struct net_frame *frame);

static void network_send(void *context, const struct net_frame *frame)
{
    struct sent_frame *place = &sent[sent_count++ % SENT_MAX];

    (void)context;
    if (before_send != NULL)
        before_send(frame);
    place->size = 0;
    place->segment_count = frame->segment_count;
    for (uint32_t i = 0; i < frame->segment_count; i++) {
        memcpy(place->data + place->size, frame->segments[i].data, frame->segments[i].size);
        place->size += frame->segments[i].size;
    }
}

static void network_set_filter(void *context, uint32_t filter)
{
    (void)context;
    network_filter = filter;
}

static const struct netvsp_network network = {network_send, network_set_filter};
static const struct mac_address adapter_mac = {{2, 1, 2, 3, 4, 5}};

static void create_gpadl(uint32_t id, uint32_t first, uint32_t count)
{
    struct {
        struct vmbus_gpadl_header header;
        uint64_t numbers[VMBUS_GPADL_HEADER_PAGES];
    } __attribute__((packed)) message = {{.header.type = VMBUS_MESSAGE_GPADL_HEADER,
                                          .relid = PROVIDER_RELID,
                                          .gpadl = id,
                                          .range_buffer_length = (uint16_t)(8 + 8 * count),
                                          .range_count = 1,
                                          .range_byte_count = count * 4096},
                                         {0}};

    for (uint32_t i = 0; i < count; i++)
        message.numbers[i] = first + i;
    provider_send(&message, (uint32_t)(sizeof(message.header) + 8 * count));
}

/* A guest that has opened the channel and named the pages of its buffers. */
static void guest_open(void)
{
    const struct vmbus_guid instance = {{1}};
    struct vmbus_offer offer;

    sent_count = network_filter = 0;
    before_send = NULL;
    adapter = netvsp_create(&adapter_mac, &network, NULL);
    netvsp_offer(adapter, &instance, &offer);
    provider_open(&offer);
    create_gpadl(RECEIVE_GPADL, RECEIVE_PAGE, RECEIVE_PAGES);
    create_gpadl(SEND_GPADL, SEND_PAGE, SEND_PAGES);
}

static inline void guest_close(void)
{
    provider_close();
    netvsp_destroy(adapter);
}

/* Sends a packet that wants a completion, with @descriptor in front, and lets the provider run. */
static void send_packet(uint16_t type, uint64_t transaction, const void *descriptor,
                        uint32_t descriptor_size, const void *data, uint32_t size)
{
    const struct vmbus_ring_piece pieces[] = {{descriptor, descriptor_size}, {data, size}};

    vmbus_ring_write(&to_host, type, VMBUS_PACKET_FLAG_COMPLETION_REQUESTED, transaction,
                     descriptor_size, pieces, 2);
    vmbus_ring_publish(&to_host);
    guest_schedule(NULL, PROVIDER_RELID);
    guest_turn(provider_host, 4);
}

static inline void send_nvsp(const struct nvsp_message *message)
{
    send_packet(VMBUS_PACKET_DATA_INBAND, 7, NULL, 0, message, sizeof(*message));
}

/* The provider's next packet; false: none. */
static inline bool read_packet(struct vmbus_packet *packet, void *buffer, size_t capacity)
{
    bool any = vmbus_ring_read(&from_host, packet, buffer, capacity) == VMBUS_RING_OK;

    vmbus_ring_release(&from_host);
    return any;
}

/* A place in guest memory, which is contiguous here. */
static inline uint8_t *guest_bytes(uint32_t page, uint32_t offset)
{
    return &guest_memory[page][0] + offset;
}

/* A message of @size bytes in a section of the send buffer. */
static inline void send_section(uint32_t channel, uint32_t section, const void *data, uint32_t size)
{
    const struct nvsp_message message = {
        .type = NVSP_MESSAGE_RNDIS_PACKET,
        .rndis = {.channel = channel, .section = section, .size = size}};

    memcpy(guest_bytes(SEND_PAGE, section * SEND_SECTION), data, size);
    send_packet(VMBUS_PACKET_DATA_INBAND, 9, NULL, 0, &message, sizeof(message));
}

/* Gives the batch of @packet back. */
static inline void complete_batch(uint64_t transaction)
{
    const struct nvsp_message message = {.type = NVSP_MESSAGE_RNDIS_PACKET_COMPLETE,
                                         .rndis_complete.status = NVSP_STATUS_SUCCESS};
    const struct vmbus_ring_piece piece = {&message, 8};

    vmbus_ring_write(&to_host, VMBUS_PACKET_COMPLETION, 0, transaction, 0, &piece, 1);
    vmbus_ring_publish(&to_host);
    guest_schedule(NULL, PROVIDER_RELID);
    guest_turn(provider_host, 4);
}

#endif
