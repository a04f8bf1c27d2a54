/* The ring of a channel, both ends in one program. */
#include "vmbus/ring.h"

#include "tests/unit/unit.h"

#define DATA_PAGES 2u
#define SIZE (DATA_PAGES * VMBUS_PAGE_SIZE)
#define OVERHEAD (sizeof(struct vmbus_packet_header) + sizeof(struct vmbus_packet_trailer))

/* Not in order, so that a page boundary is one. */
static _Alignas(VMBUS_PAGE_SIZE) uint8_t memory[5][VMBUS_PAGE_SIZE];
static uint8_t *const pages[] = {memory[0], memory[4], memory[2]};
static struct vmbus_ring writer, reader;
static struct vmbus_ring_control *control;

/* Both ends, with the next packet at @offset. */
static void set_up(uint32_t offset)
{
    memset(memory, 0xee, sizeof(memory));
    CHECK(vmbus_ring_init(&writer, pages, DATA_PAGES + 1, true));
    CHECK(vmbus_ring_init(&reader, pages, DATA_PAGES + 1, false));
    control = writer.control;
    control->read_index = control->write_index = offset;
    writer.index = writer.published = reader.index = reader.published = offset;
}

static enum vmbus_ring_status put(const void *data, size_t size, uint64_t transaction)
{
    struct vmbus_ring_piece piece = {data, size};

    return vmbus_ring_write(&writer, VMBUS_PACKET_DATA_INBAND, 0, transaction, 0, &piece, 1);
}

static uint8_t byte_at(uint32_t index)
{
    return pages[1 + index / VMBUS_PAGE_SIZE][index % VMBUS_PAGE_SIZE];
}

static void test_init(void)
{
    struct vmbus_ring ring;

    CHECK(!vmbus_ring_init(&ring, pages, 0, true));
    CHECK(!vmbus_ring_init(&ring, pages, 1, true));
    CHECK(!vmbus_ring_init(&ring, pages, 1u << 20, true));
    CHECK(!vmbus_ring_init(&ring, pages, UINT32_MAX, true));
    memset(memory, 0xee, sizeof(memory));
    CHECK(vmbus_ring_init(&ring, pages, 2, false));
    CHECK_EQUAL(ring.control->write_index, 0xeeeeeeee);
    CHECK(vmbus_ring_init(&ring, pages, 2, true));
    CHECK_EQUAL(ring.control->write_index, 0);
    CHECK_EQUAL(ring.control->interrupt_mask, 0);
    CHECK_EQUAL(ring.control->feature_bits, VMBUS_RING_FEATURE_PENDING_SEND_SIZE);
    CHECK_EQUAL(ring.size, VMBUS_PAGE_SIZE);
}

/* A packet of every length at every offset: wraps in header, data, padding and trailer. */
static void test_wrap(void)
{
    uint8_t data[64], buffer[72];
    struct vmbus_packet packet;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i + 1);
    for (uint32_t offset = 0; offset < SIZE; offset += 8) {
        for (size_t size = 0; size <= sizeof(data); size += 5) {
            uint32_t padded = (uint32_t)(size + 7) / 8 * 8;

            set_up(offset);
            CHECK_EQUAL(put(data, size, offset), VMBUS_RING_OK);
            CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, sizeof(buffer)),
                        VMBUS_RING_EMPTY);
            CHECK(vmbus_ring_publish(&writer));
            CHECK_EQUAL(control->write_index, (offset + padded + OVERHEAD) % SIZE);
            memset(buffer, 0xcc, sizeof(buffer));
            CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, padded), VMBUS_RING_OK);
            CHECK_EQUAL(packet.size, padded);
            CHECK_EQUAL(packet.transaction_id, offset);
            CHECK(memcmp(buffer, data, size) == 0);
            for (size_t i = size; i < padded; i++)
                CHECK_EQUAL(buffer[i], 0);
            CHECK_EQUAL(buffer[padded], 0xcc);
            CHECK_EQUAL(reader.index, writer.index);
            /* The trailer: u32 0, u32 where the packet begins. */
            uint32_t trailer = (offset + padded + 16) % SIZE, start = 0;

            for (unsigned i = 0; i < 8; i++) {
                if (i < 4)
                    CHECK_EQUAL(byte_at((trailer + i) % SIZE), 0);
                else
                    start |= (uint32_t)byte_at((trailer + i) % SIZE) << 8 * (i - 4);
            }
            CHECK_EQUAL(start, offset);
        }
    }
}

static void test_layout(void)
{
    const uint64_t ranges[] = {1, 2};
    const char text[] = "abc";
    struct vmbus_ring_piece pieces[] = {{ranges, sizeof(ranges)}, {text, 3}};
    uint8_t buffer[64];
    struct vmbus_packet packet;

    set_up(0);
    CHECK_EQUAL(vmbus_ring_write(&writer, VMBUS_PACKET_GPA_DIRECT,
                                 VMBUS_PACKET_FLAG_COMPLETION_REQUESTED, 0x1122334455667788, 16,
                                 pieces, 2),
                VMBUS_RING_OK);
    static const uint8_t header[] = {9,    0,    4,    0,    5,    0,    1,    0,
                                     0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    CHECK(memcmp(memory[4], header, sizeof(header)) == 0);
    vmbus_ring_publish(&writer);
    CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 64), VMBUS_RING_OK);
    CHECK_EQUAL(packet.type, VMBUS_PACKET_GPA_DIRECT);
    CHECK_EQUAL(packet.flags, VMBUS_PACKET_FLAG_COMPLETION_REQUESTED);
    CHECK_EQUAL(packet.descriptor_size, 16);
    CHECK_EQUAL(packet.size, 24);
    CHECK(memcmp(buffer, ranges, 16) == 0 && memcmp(buffer + 16, "abc\0\0\0\0", 8) == 0);
    /* A descriptor that is not one. */
    CHECK_EQUAL(vmbus_ring_write(&writer, 9, 0, 0, 4, pieces, 2), VMBUS_RING_TOO_LARGE);
    CHECK_EQUAL(vmbus_ring_write(&writer, 9, 0, 0, 24, pieces, 2), VMBUS_RING_TOO_LARGE);
}

static void test_limits(void)
{
    static uint8_t data[SIZE];
    struct vmbus_packet packet;
    struct vmbus_ring_piece huge[] = {{data, SIZE_MAX}, {data, 8}};

    set_up(16);
    CHECK_EQUAL(put(data, SIZE - OVERHEAD, 0), VMBUS_RING_TOO_LARGE);
    CHECK_EQUAL(vmbus_ring_write(&writer, 6, 0, 0, 0, huge, 2), VMBUS_RING_TOO_LARGE);
    /* The largest: all but 8 bytes. */
    CHECK_EQUAL(put(data, SIZE - OVERHEAD - 8, 0), VMBUS_RING_OK);
    CHECK_EQUAL(put(data, 0, 0), VMBUS_RING_FULL);
    vmbus_ring_publish(&writer);
    CHECK_EQUAL(vmbus_ring_read(&reader, &packet, data, SIZE - OVERHEAD - 9), VMBUS_RING_TOO_LARGE);
    CHECK_EQUAL(reader.index, 16);
    CHECK_EQUAL(vmbus_ring_read(&reader, &packet, data, SIZE - OVERHEAD - 8), VMBUS_RING_OK);
}

/* The writer signals a reader that had read everything, and no other. */
static void test_signal_reader(void)
{
    uint8_t data[8] = {0}, buffer[8];
    struct vmbus_packet packet;

    set_up(0);
    CHECK(!vmbus_ring_publish(&writer));
    put(data, 8, 1);
    put(data, 8, 2);
    CHECK(vmbus_ring_publish(&writer)); /* one for the batch */
    CHECK(!vmbus_ring_publish(&writer));
    put(data, 8, 3);
    CHECK(!vmbus_ring_publish(&writer)); /* it was not empty */
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 8), VMBUS_RING_OK);
    put(data, 8, 4);
    CHECK(!vmbus_ring_publish(&writer)); /* nor is it seen to be, before it is released */
    CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 8), VMBUS_RING_OK);
    CHECK_EQUAL(packet.transaction_id, 4);
    CHECK(!vmbus_ring_release(&reader));
    vmbus_ring_mask(&reader);
    put(data, 8, 5);
    CHECK(!vmbus_ring_publish(&writer)); /* masked */
    CHECK(vmbus_ring_unmask(&reader));   /* but not lost */
    CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 8), VMBUS_RING_OK);
    vmbus_ring_release(&reader);
    CHECK(!vmbus_ring_unmask(&reader));
    put(data, 8, 6);
    CHECK(vmbus_ring_publish(&writer));
}

/* The reader signals a writer that waits for room, when it comes to have it, once. */
static void test_signal_writer(void)
{
    static uint8_t data[4096], buffer[4096];
    struct vmbus_packet packet;
    unsigned count = 0;

    set_up(SIZE - 64);
    while (put(data, 1000, count) == VMBUS_RING_OK)
        count++;
    CHECK_EQUAL(count, 7);
    CHECK_EQUAL(control->pending_send_size, 1000 + OVERHEAD);
    vmbus_ring_publish(&writer);
    CHECK_EQUAL(put(data, 4000, 0), VMBUS_RING_FULL);
    CHECK_EQUAL(control->pending_send_size, 4000 + OVERHEAD);
    /* 1024 bytes each; 1024 are free: more than 4024 are after three more, and 4096 > 4024. */
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 4096), VMBUS_RING_OK);
        CHECK_EQUAL(vmbus_ring_release(&reader), i == 2);
    }
    CHECK_EQUAL(put(data, 4000, 0), VMBUS_RING_OK);
    CHECK_EQUAL(control->pending_send_size, 0);
    vmbus_ring_publish(&writer);
    CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 4096), VMBUS_RING_OK);
    CHECK(!vmbus_ring_release(&reader));
    /* 2,120 bytes are free. Exactly as many as it waits for are not enough. */
    control->pending_send_size = 2120 + 1024;
    CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 4096), VMBUS_RING_OK);
    CHECK(!vmbus_ring_release(&reader));
    CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 4096), VMBUS_RING_OK);
    CHECK(vmbus_ring_release(&reader));
}

/* What breaks a ring: indices that are none, packets that are not in what was written. */
static void test_broken(void)
{
    uint8_t data[16] = {0}, buffer[64];
    struct vmbus_packet packet;
    static const uint32_t bad_indices[] = {SIZE, SIZE + 8, 4, 0xffffffff, 0xfffffff8};
    /* Data offset and length, in a ring where 40 bytes are written. */
    static const uint16_t bad_headers[][2] = {{0, 4}, {1, 4}, {5, 4},      {2, 1},
                                              {2, 0}, {2, 5}, {2, 0xffff}, {0xffff, 0xffff}};

    for (unsigned i = 0; i < sizeof(bad_indices) / sizeof(*bad_indices); i++) {
        set_up(0);
        control->write_index = bad_indices[i];
        CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 64), VMBUS_RING_BROKEN);
        control->write_index = 0;
        CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 64), VMBUS_RING_BROKEN);
        CHECK(!vmbus_ring_unmask(&reader) && !vmbus_ring_release(&reader));
        control->read_index = bad_indices[i];
        CHECK_EQUAL(put(data, 16, 0), VMBUS_RING_BROKEN);
        control->read_index = 0;
        CHECK_EQUAL(put(data, 16, 0), VMBUS_RING_BROKEN);
        CHECK(!vmbus_ring_publish(&writer));
    }
    for (unsigned i = 0; i < sizeof(bad_headers) / sizeof(*bad_headers); i++) {
        set_up(0);
        put(data, 16, 0);
        vmbus_ring_publish(&writer);
        memcpy(memory[4] + 2, bad_headers[i], 4);
        CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 64), VMBUS_RING_BROKEN);
    }
    for (uint32_t size = 8; size < OVERHEAD; size += 8) {
        set_up(0);
        control->write_index = size;
        CHECK_EQUAL(vmbus_ring_read(&reader, &packet, buffer, 64), VMBUS_RING_BROKEN);
    }
}

int main(void)
{
    test_init();
    test_wrap();
    test_layout();
    test_limits();
    test_signal_reader();
    test_signal_writer();
    test_broken();
    return unit_result();
}
