/* The network provider with a guest that sends any packets on its channel, in any order, and
 * changes its memory while the provider reads it. What the provider may use is its buffers and the
 * pages that it was given; its own account of the receive buffer stays consistent. */
#include "tests/fuzz/fuzz.h"

#include "tests/netvsp_guest.h"
#include "vsp/netvsp/internal.h"

#define STEPS 200u
#define QUIET_PAGE 100u /* from here on no input names a page */
#define QUIET_BYTE 0x5a
#define FRAME_MAX 9018u

static struct fuzz_input *changes; /* where the guest's changes come from */

/* The guest writes somewhere into its send buffer or its data pages. */
static void change_memory(void)
{
    if (changes->size == 0 || (changes->data[0] & 3) != 0)
        return;
    uint32_t page = fuzz_byte(changes) & 4 ? DATA_PAGE + fuzz_byte(changes) % 4 : SEND_PAGE;
    uint32_t offset = (uint32_t)fuzz_number(changes, 2) % 64;
    uint32_t value = (uint32_t)fuzz_number(changes, 4);

    memcpy(guest_bytes(page, offset), &value, sizeof(value));
}

static void check_frame(const struct net_frame *frame)
{
    uint32_t size = 0;

    FUZZ_CHECK(frame->segment_count >= 1 && frame->segment_count <= NET_SEGMENTS_MAX);
    for (uint32_t i = 0; i < frame->segment_count; i++) {
        FUZZ_CHECK(frame->segments[i].size > 0);
        size += frame->segments[i].size;
    }
    FUZZ_CHECK(size == frame->size && size >= NET_FRAME_MIN && size <= FRAME_MAX + 4);
    FUZZ_CHECK(frame->segments[0].size >= NET_HEADER_SIZE);
    change_memory();
}

/* Each section is in one place. */
static void check_sections(void)
{
    const struct receive_buffer *receive = &adapter->receive;
    uint32_t free = 0, ready = 0;

    for (uint32_t i = 0; i < receive->section_count; i++) {
        free += receive->sections[i].state == RECEIVE_FREE;
        ready += receive->sections[i].state == RECEIVE_READY;
        FUZZ_CHECK(receive->sections[i].state != RECEIVE_TAKEN);
    }
    FUZZ_CHECK(free == receive->free.count);
    FUZZ_CHECK(ready == receive->ready[RECEIVE_CONTROL].count + receive->ready[RECEIVE_DATA].count);
    FUZZ_CHECK(adapter->mtu >= NETVSP_MTU_DEFAULT && adapter->mtu <= NETVSP_MTU_MAX);
    FUZZ_CHECK(receive->pages == NULL || receive->section_size > adapter->mtu);
}

/* --- What the guest does --- */

/* A message of NVSP with numbers that mostly mean something. */
static void send_message(struct fuzz_input *input)
{
    static const uint32_t types[] = {
        NVSP_MESSAGE_INIT,
        NVSP_MESSAGE_SEND_NDIS_CONFIG,
        NVSP_MESSAGE_SEND_RECEIVE_BUFFER,
        NVSP_MESSAGE_SEND_SEND_BUFFER,
        NVSP_MESSAGE_REVOKE_RECEIVE_BUFFER,
        NVSP_MESSAGE_REVOKE_SEND_BUFFER,
        NVSP_MESSAGE_SUBCHANNEL,
        NVSP_MESSAGE_SWITCH_DATA_PATH,
    };
    uint8_t choice = fuzz_byte(input);
    struct nvsp_message message = {.type = choice < 200 ? types[choice % 8] : choice};
    uint32_t size = fuzz_byte(input);

    for (uint32_t i = 0; i < 2; i++)
        message.words[i] = (uint32_t)fuzz_number(input, 4);
    if (choice & 8)
        message.buffer.id = choice & 16 ? RECEIVE_ID : 0;
    send_packet(VMBUS_PACKET_DATA_INBAND, 7, NULL, 0, &message,
                size < sizeof(message) ? size : sizeof(message));
}

static _Alignas(8) uint8_t taken[4096];

/* The guest takes all packets, and gives sections back. */
static void drain(void)
{
    struct vmbus_packet packet;

    while (read_packet(&packet, taken, sizeof(taken))) {
        if (packet.type == VMBUS_PACKET_TRANSFER_PAGES)
            complete_batch(packet.transaction_id);
    }
}

/* It takes one, and completes that, perhaps something else before. */
static void take(struct fuzz_input *input)
{
    struct vmbus_packet packet;
    uint8_t choice = fuzz_byte(input);

    if (!read_packet(&packet, taken, sizeof(taken)))
        return;
    if (!(choice & 7))
        complete_batch(packet.transaction_id ^
                       (choice & 8 ? fuzz_byte(input) % 64 : fuzz_number(input, 8)));
    complete_batch(packet.transaction_id);
}

/* Sets up all of it, with a version and an MTU of the input's choice. */
static void set_up(struct fuzz_input *input)
{
    static const uint32_t versions[] = {NVSP_VERSION_1, NVSP_VERSION_4, NVSP_VERSION_6_1,
                                        NVSP_VERSION_5};
    const struct rndis_initialize request = {.header = {RNDIS_MESSAGE_INITIALIZE, sizeof(request)},
                                             .major = 1};
    uint32_t version = versions[fuzz_byte(input) % 4];
    struct nvsp_message message = {.type = NVSP_MESSAGE_INIT, .init = {version, version}};

    send_nvsp(&message);
    message = (struct nvsp_message){.type = NVSP_MESSAGE_SEND_NDIS_CONFIG,
                                    .ndis_config.mtu = (uint32_t)fuzz_number(input, 2)};
    send_nvsp(&message);
    message = (struct nvsp_message){.type = NVSP_MESSAGE_SEND_RECEIVE_BUFFER,
                                    .buffer = {RECEIVE_GPADL, RECEIVE_ID}};
    send_nvsp(&message);
    message =
        (struct nvsp_message){.type = NVSP_MESSAGE_SEND_SEND_BUFFER, .buffer.gpadl = SEND_GPADL};
    send_nvsp(&message);
    send_section(NVSP_CHANNEL_CONTROL, 0, &request, sizeof(request));
    drain();
}

/* Words of an RNDIS message at @target; how many bytes it says it has. */
static uint32_t make_rndis(struct fuzz_input *input, uint8_t *target)
{
    static const uint32_t objects[] = {OID_GEN_CURRENT_PACKET_FILTER, OID_802_3_MULTICAST_LIST,
                                       OID_TCP_OFFLOAD_PARAMETERS, OID_GEN_SUPPORTED_LIST,
                                       OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES};
    uint8_t choice = fuzz_byte(input);
    uint32_t size = (uint32_t)fuzz_number(input, 2) % 3000, value = choice % 9;
    struct rndis_packet packet = {
        .header = {RNDIS_MESSAGE_PACKET, 44 + size}, .data_offset = 36, .data_length = size};

    memcpy(target, &packet, sizeof(packet));
    if (choice & 16) { /* a control message instead */
        struct rndis_request request = {.header = {value, 28 + size % 64},
                                        .request_id = size,
                                        .oid = objects[fuzz_byte(input) % 5],
                                        .information_length = fuzz_byte(input),
                                        .information_offset = 20};

        memcpy(target, &request, sizeof(request));
        packet.header.length = 28 + size % 64;
    }
    for (uint32_t i = choice >> 5; i > 0; i--) {
        value = (uint32_t)fuzz_number(input, 4);
        memcpy(target + fuzz_byte(input) % 16 * 4, &value, sizeof(value));
    }
    return packet.header.length;
}

/* Ranges of pages at @descriptor, of @capacity bytes; the first one has the message of @length
 * bytes unless @choice says otherwise. Their size. */
static uint32_t make_ranges(struct fuzz_input *input, uint8_t choice, uint32_t length,
                            uint8_t *descriptor, uint32_t capacity)
{
    struct vmbus_gpa_direct direct = {.range_count = 1 + fuzz_byte(input) % 4};
    uint32_t size = sizeof(direct), limit = direct.range_count;

    if (choice & 64)
        limit = direct.range_count = fuzz_byte(input) % 80;
    if (choice == 255)
        direct.range_count = (uint32_t)fuzz_number(input, 4);
    memcpy(descriptor, &direct, sizeof(direct));
    for (uint32_t i = 0; i < limit && size + 32 <= capacity; i++) {
        struct vmbus_gpa_range range = {fuzz_byte(input), (uint32_t)fuzz_number(input, 2) % 4200};
        uint32_t pages;

        if (i == 0 && !(choice & 64))
            range = (struct vmbus_gpa_range){length, 0};
        memcpy(descriptor + size, &range, sizeof(range));
        size += sizeof(range);
        pages = (range.byte_offset + range.byte_count + 4095) / 4096;
        for (uint64_t page = 0; page < pages && size + 8 <= capacity; page++) {
            uint64_t number = DATA_PAGE + page + (choice & 128 ? fuzz_byte(input) % 30 : 0);

            memcpy(descriptor + size, &number, sizeof(number));
            size += sizeof(number);
        }
    }
    return size;
}

static void send_rndis(struct fuzz_input *input)
{
    uint8_t descriptor[2000], choice = fuzz_byte(input);
    struct nvsp_message message = {.type = NVSP_MESSAGE_RNDIS_PACKET,
                                   .rndis = {.channel = choice & 1, .section = NVSP_SECTION_NONE}};
    uint32_t size = 0,
             length = make_rndis(input, guest_bytes(choice & 2 ? SEND_PAGE : DATA_PAGE, 0));

    if (choice & 2) {
        if (choice & 32)
            length += make_rndis(input, guest_bytes(SEND_PAGE, length % 3000));
        message.rndis.section = choice & 4 ? fuzz_byte(input) : 0;
        message.rndis.size = choice & 8 ? (uint32_t)fuzz_number(input, 2) : length;
    }
    if (!(choice & 2) || (choice & 16))
        size = make_ranges(input, choice, length, descriptor, sizeof(descriptor));
    send_packet(size > 0 ? VMBUS_PACKET_GPA_DIRECT : VMBUS_PACKET_DATA_INBAND, 9, descriptor, size,
                &message, sizeof(message));
}

/* The network has a frame for the guest. */
static void deliver(struct fuzz_input *input)
{
    static uint8_t data[FRAME_MAX];
    uint32_t size = NET_FRAME_MIN + (uint32_t)fuzz_number(input, 2) % (FRAME_MAX - NET_FRAME_MIN);
    struct net_segment segments[] = {{data, 0, 14}, {data + 14, 0, size - 14}};
    const struct net_frame frame = {.segments = segments, .segment_count = 2, .size = size};

    for (uint32_t i = 1 + fuzz_byte(input) % 64; i > 0; i--)
        netvsp_receive(adapter, &frame);
    guest_turn(provider_host, 4);
}

static void step(struct fuzz_input *input)
{
    switch (fuzz_byte(input) % 9) {
    case 0:
        send_message(input);
        break;
    case 1:
        set_up(input);
        break;
    case 2:
    case 3:
        send_rndis(input);
        break;
    case 4:
        deliver(input);
        break;
    case 5:
    case 6:
        take(input);
        break;
    case 7:
        drain();
        break;
    default:
        netvsp_set_link(adapter, fuzz_byte(input) & 1);
        guest_turn(provider_host, 4);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size / 2};
    struct fuzz_input other = {data + size / 2, size - size / 2};

    on_lock = NULL;
    guest_open();
    memset(guest_bytes(QUIET_PAGE, 0), QUIET_BYTE, (GUEST_PAGES - QUIET_PAGE) * 4096);
    changes = &other;
    before_send = check_frame;
    on_lock = change_memory;
    for (uint32_t i = 0; i < STEPS && input.size > 0 && running[PROVIDER_RELID] != NULL; i++) {
        step(&input);
        check_sections();
    }
    /* All bytes are as the one before. */
    FUZZ_CHECK(*guest_bytes(QUIET_PAGE, 0) == QUIET_BYTE &&
               memcmp(guest_bytes(QUIET_PAGE, 0), guest_bytes(QUIET_PAGE, 1),
                      (GUEST_PAGES - QUIET_PAGE) * 4096 - 1) == 0);
    guest_close();
    FUZZ_CHECK(blocks == 0 && network_filter == 0);
    return 0;
}
