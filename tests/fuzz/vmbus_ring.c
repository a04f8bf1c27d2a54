/* Both sides of a ring whose control page and data the peer changes between all steps. Whatever it
 * does, no access is outside the ring and the buffer, what is read fits what is said, and a broken
 * ring stays so. */
#include "vmbus/ring.h"

#include "tests/fuzz/fuzz.h"

#define DATA_PAGES 2u
#define SIZE (DATA_PAGES * VMBUS_PAGE_SIZE)
#define BUFFER_SIZE 512u
#define GUARD 0x5a

static _Alignas(VMBUS_PAGE_SIZE) uint8_t memory[DATA_PAGES + 1][VMBUS_PAGE_SIZE];
static uint8_t *const pages[] = {memory[0], memory[2], memory[1]};

static void write_packet(struct vmbus_ring *ring, struct fuzz_input *input)
{
    static const uint8_t zeroes[2 * SIZE];
    struct vmbus_ring_piece pieces[3];
    uint32_t count = fuzz_byte(input) % 4u, total = 0;
    bool was_broken = ring->broken;
    uint32_t before = ring->index;

    for (uint32_t i = 0; i < count; i++) {
        pieces[i] = (struct vmbus_ring_piece){zeroes, fuzz_number(input, 2) % sizeof(zeroes)};
        total += (uint32_t)pieces[i].size;
    }
    enum vmbus_ring_status status =
        vmbus_ring_write(ring, (uint16_t)fuzz_number(input, 2), 1, 2,
                         (uint32_t)fuzz_number(input, 2), pieces, count);

    if (was_broken)
        FUZZ_CHECK(status == VMBUS_RING_BROKEN);
    if (status == VMBUS_RING_OK)
        FUZZ_CHECK((ring->index + SIZE - before) % SIZE >= total);
    else
        FUZZ_CHECK(ring->index == before);
}

static void read_packet(struct vmbus_ring *ring, struct fuzz_input *input)
{
    uint8_t buffer[BUFFER_SIZE + 1];
    size_t capacity = fuzz_number(input, 2) % (BUFFER_SIZE + 1);
    struct vmbus_packet packet;
    bool was_broken = ring->broken;

    buffer[capacity] = GUARD;
    enum vmbus_ring_status status = vmbus_ring_read(ring, &packet, buffer, capacity);

    FUZZ_CHECK(buffer[capacity] == GUARD);
    if (was_broken)
        FUZZ_CHECK(status == VMBUS_RING_BROKEN);
    if (status == VMBUS_RING_OK) {
        FUZZ_CHECK(packet.size <= capacity && packet.descriptor_size <= packet.size);
        FUZZ_CHECK(packet.size % 8 == 0 && packet.descriptor_size % 8 == 0);
    }
}

/* The peer writes a word of the control page, or a packet header. */
static void tamper(const struct vmbus_ring *ring, struct fuzz_input *input)
{
    uint8_t choice = fuzz_byte(input);
    uint64_t value = fuzz_number(input, 8);

    if (choice % 2) {
        memcpy(memory[0] + choice / 2 % 17 * 4, &value, 4);
        return;
    }
    uint32_t index = (ring->index + choice / 2 % 4 * 8) % SIZE;

    memcpy(pages[1 + index / VMBUS_PAGE_SIZE] + index % VMBUS_PAGE_SIZE, &value, 8);
}

static void check(const struct vmbus_ring *ring)
{
    FUZZ_CHECK(ring->index < SIZE && ring->index % 8 == 0);
    FUZZ_CHECK(ring->published < SIZE && ring->published % 8 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct vmbus_ring writer, reader;

    memset(memory, 0, sizeof(memory));
    FUZZ_CHECK(vmbus_ring_init(&writer, pages, DATA_PAGES + 1, true));
    FUZZ_CHECK(vmbus_ring_init(&reader, pages, DATA_PAGES + 1, false));
    while (input.size > 0) {
        switch (fuzz_byte(&input) % 7) {
        case 0:
            write_packet(&writer, &input);
            break;
        case 1:
            vmbus_ring_publish(&writer);
            break;
        case 2:
            read_packet(&reader, &input);
            break;
        case 3:
            vmbus_ring_release(&reader);
            break;
        case 4:
            vmbus_ring_mask(&reader);
            break;
        case 5:
            vmbus_ring_unmask(&reader);
            break;
        default:
            tamper(&reader, &input);
        }
        check(&writer);
        check(&reader);
    }
    return 0;
}
