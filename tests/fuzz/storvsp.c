/* Fuzzer of the storage provider: packets of any kind, content and range, among disks and media
 * that come and go and requests that end in any order. What reaches a disk is the guest's memory or
 * the bounce buffer; no request is lost; whatever is taken away is given back. */
#include "tests/fuzz/fuzz.h"
#include "tests/storvsp_double.h"

#define LUNS 4u

static struct vdisk disks[LUNS]; /* of LUN n */
static bool in_use[LUNS];        /* not yet released */
static struct vmbus_channel *const channel = (struct vmbus_channel *)memory;
static struct fuzz_input in;
static uint32_t wanted; /* answers */

void vdisk_submit(struct vdisk *target, struct vdisk_request *request)
{
    uint64_t size = 0;

    FUZZ_CHECK(target >= disks && target < disks + LUNS && in_use[target - disks]);
    FUZZ_CHECK(pending_count < PENDING_MAX);
    for (uint32_t i = 0; i < request->segment_count; i++) {
        const struct block_segment *segment = &request->segments[i];

        FUZZ_CHECK(segment->length > 0 && segment->length % 2 == 0 && segment->address % 2 == 0);
        FUZZ_CHECK(segment->address + segment->length <= sizeof(memory));
        size += segment->length;
    }
    if (request->operation == VDISK_READ || request->operation == VDISK_WRITE) {
        FUZZ_CHECK(size > 0 && size % target->sector_size == 0);
        request->sector_count = size / target->sector_size;
    }
    FUZZ_CHECK(request->operation == VDISK_READ || request->operation == VDISK_FLUSH ||
               !target->read_only);
    FUZZ_CHECK(request->sector <= target->sector_count &&
               request->sector_count <= target->sector_count - request->sector);
    request->disk = target; /* as the virtual disk does */
    pending[pending_count++] = request;
}

static void released(void *context, struct vdisk *which)
{
    (void)context;
    if (which == NULL)
        return;
    FUZZ_CHECK(in_use[which - disks]);
    for (uint32_t i = 0; i < pending_count; i++)
        FUZZ_CHECK(pending[i]->disk != which);
    in_use[which - disks] = false;
}

static uint32_t odd_number(void)
{
    static const uint32_t numbers[] = {0,      1,       511,        512,       513,
                                       4095,   4096,    4097,       65536,     524288,
                                       524289, 1 << 20, 0x80000000, UINT32_MAX};
    uint8_t choice = fuzz_byte(&in);

    return choice < 200 ? numbers[choice % (sizeof(numbers) / sizeof(numbers[0]))]
                        : (uint32_t)fuzz_number(&in, 4);
}

static void fill_srb(struct vstor_srb *srb)
{
    static const uint8_t codes[] = {0x00, 0x03, 0x08, 0x0a, 0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28,
                                    0x2a, 0x2f, 0x35, 0x41, 0x42, 0x43, 0x46, 0x4a, 0x51, 0x5a,
                                    0x88, 0x8a, 0x91, 0x93, 0x9e, 0xa0, 0xa8, 0xaa};
    uint8_t choice = fuzz_byte(&in);

    srb->lun = choice % 8 == 7 ? fuzz_byte(&in) : choice % LUNS;
    srb->target = choice > 250;
    srb->cdb_length = choice & 0x40 ? fuzz_byte(&in) : 16;
    srb->sense_length = choice & 0x20 ? fuzz_byte(&in) : 20;
    srb->data_in = choice & 0x10 ? fuzz_byte(&in) : choice >> 3 & 1;
    srb->transfer_length = odd_number();
    for (uint32_t i = 1; i < 16; i++)
        srb->cdb_or_sense[i] = i % 4 == 1 ? fuzz_byte(&in) & 0x1f : 0;
    choice = fuzz_byte(&in);
    srb->cdb_or_sense[0] = choice < 250 ? codes[choice % sizeof(codes)] : fuzz_byte(&in);
    for (uint32_t i = fuzz_byte(&in) % 4; i > 0; i--)
        srb->cdb_or_sense[1 + fuzz_byte(&in) % 15] = fuzz_byte(&in);
}

static void drain(void)
{
    room = UINT32_MAX;
    do {
        while (pending_count > 0)
            complete(fuzz_byte(&in) % pending_count);
        run();
    } while (pending_count > 0);
    FUZZ_CHECK(answer_count == wanted);
}

static void initialize(void)
{
    static const uint32_t operations[] = {VSTOR_OPERATION_BEGIN_INITIALIZATION,
                                          VSTOR_OPERATION_QUERY_PROTOCOL_VERSION,
                                          VSTOR_OPERATION_END_INITIALIZATION};

    FUZZ_CHECK(offer.provider->open(channel, offer.user_data));
    for (uint32_t i = 0; i < 3; i++) {
        struct vstor_packet packet = {.operation = operations[i],
                                      .version.version = VSTOR_VERSION(6, 2)};

        memcpy(input, &packet, sizeof(packet));
        input_packet = (struct vmbus_packet){
            .type = VMBUS_PACKET_DATA_INBAND, .flags = 1, .size = sizeof(packet)};
        input_there = true;
        run();
        wanted++;
        FUZZ_CHECK(answer.status == VSTOR_STATUS_SUCCESS);
    }
}

/* As a guest may at any time. */
static void reopen(void)
{
    drain();
    offer.provider->close(channel);
    FUZZ_CHECK(bounces == 0 && pending_count == 0);
    initialize();
}

/* A packet with any descriptor. */
static void send_packet(void)
{
    static const uint8_t types[] = {VMBUS_PACKET_DATA_INBAND, VMBUS_PACKET_GPA_DIRECT};
    struct vstor_packet packet = {.operation = VSTOR_OPERATION_EXECUTE_SRB};
    uint8_t shape = fuzz_byte(&in), first = fuzz_byte(&in);
    uint32_t head[4] = {0, 1, odd_number(), shape & 8 ? odd_number() : 0};
    uint32_t pages = shape & 16 ? fuzz_byte(&in) : 129;

    input_packet = (struct vmbus_packet){.type = types[shape >> 1 & 1],
                                         .flags = !(shape & 4),
                                         .descriptor_size = shape & 2 ? 16 + 8 * pages : 0};
    if (shape >= 250)
        input_packet.type = fuzz_byte(&in);
    if (shape == 249)
        input_packet.descriptor_size = fuzz_byte(&in) * 8u;
    memset(input, 0, sizeof(input));
    memcpy(input, head, sizeof(head));
    for (uint64_t i = 0; i < pages; i++)
        memcpy(input + 16 + 8 * i, &(uint64_t){first + i}, 8);
    if (shape & 32 && shape & 64)
        packet.operation = fuzz_byte(&in) % 16;
    if (packet.operation == VSTOR_OPERATION_EXECUTE_SRB)
        fill_srb(&packet.srb);
    else
        packet.version.version = VSTOR_VERSION(6, 2);
    memcpy(input + input_packet.descriptor_size, &packet, sizeof(packet));
    input_packet.size = input_packet.descriptor_size + sizeof(packet) - (shape == 248 ? 8 : 0);
    uint32_t before = failures;
    input_there = true;
    run();
    /* Until it is read, it waits. */
    for (uint32_t i = 0; input_there && failures == before && i < PENDING_MAX; i++) {
        room = UINT32_MAX;
        if (pending_count > 0)
            complete(fuzz_byte(&in) % pending_count);
        run();
    }
    FUZZ_CHECK(!input_there || failures > before);
    input_there = false;
    if (failures == before)
        wanted += input_packet.flags & 1;
    else
        reopen(); /* that is all that it costs */
}

static void change_lun(void)
{
    uint32_t lun = fuzz_byte(&in) % LUNS;

    switch (fuzz_byte(&in) % 4) {
    case 0:
        if (!in_use[lun]) {
            in_use[lun] = true;
            if (!storvsp_add_lun(controller, lun, &disks[lun], disks[lun].removable))
                in_use[lun] = false;
        }
        break;
    case 1:
        storvsp_remove_lun(controller, lun, released, NULL);
        break;
    case 2:
        storvsp_eject(controller, lun, released, NULL);
        break;
    default:
        if (!in_use[lun]) {
            in_use[lun] = true;
            if (!storvsp_insert(controller, lun, &disks[lun]))
                in_use[lun] = false;
        }
    }
}

static void step(void)
{
    uint8_t choice = fuzz_byte(&in);

    if (choice < 160) {
        send_packet();
    } else if (choice < 200) {
        next_status = choice & 1 ? VDISK_OK : choice % 9u;
        if (pending_count > 0)
            complete(fuzz_byte(&in) % pending_count);
        run();
    } else if (choice < 220) {
        change_lun();
    } else if (choice < 230) {
        room = fuzz_byte(&in) % 4;
    } else if (choice < 240) {
        memory_is_short = choice & 1;
    } else if (choice < 243) {
        reopen();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct vmbus_guid instance = {{1}};

    in = (struct fuzz_input){data, size};
    wanted = answer_count = failures = pending_count = bounces = 0;
    memory_is_short = false;
    next_status = VDISK_OK;
    room = UINT32_MAX;
    controller = storvsp_create();
    storvsp_offer(controller, &instance, &offer);
    for (uint32_t i = 0; i < LUNS; i++) {
        disks[i] = disk;
        disks[i].sector_size = i == 2 ? 2048 : 512;
        disks[i].sector_count = SECTORS * 512 / disks[i].sector_size;
        disks[i].read_only = disks[i].removable = i == 2;
        in_use[i] = i < 3 && storvsp_add_lun(controller, i, &disks[i], disks[i].removable);
    }
    initialize();
    while (in.size > 0)
        step();
    drain();
    offer.provider->close(channel);
    FUZZ_CHECK(bounces == 0);
    for (uint32_t i = 0; i < LUNS; i++)
        FUZZ_CHECK(!in_use[i] || storvsp_remove_lun(controller, i, released, NULL));
    storvsp_destroy(controller);
    return 0;
}
