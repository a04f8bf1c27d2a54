/* Unit test of the network card 21140A: registers, rings, filters, interrupts, errors. */
#include "tests/devices/dec21140_card.h"

#include "lib/crc32.h"
#include "tests/unit/unit.h"

#define MS 1000000ull

#define RX 0x1000 /* where the test has its rings and buffers */
#define TX 0x2000
#define RX_BUFFERS 0x10000
#define TX_BUFFERS 0x20000
#define BUFFER_SIZE 1536u
#define OWN 0x80000000u
#define LAST 0x40000000u
#define FIRST 0x20000000u
#define SET 0x08000000u
#define CHAINED 0x01000000u
#define RING_END 0x02000000u

static struct dec21140_card card;
static uint8_t sent[NIC_MAX_FRAME];
static uint32_t sent_size, sent_count;

static void take(struct nic_link *from, const void *frame, uint32_t size)
{
    CHECK(from == &card.cable && size >= 14 && size <= NIC_MAX_FRAME);
    memcpy(sent, frame, size);
    sent_size = size;
    sent_count++;
}

static void start(void)
{
    sent_count = 0;
    card_create(&card, take);
}

static void end(void)
{
    card_destroy(&card);
}

/* --- Memory of the driver --- */

static void put32(uint32_t address, uint32_t value)
{
    memcpy(card.machine.ram + address, &value, 4);
}

static uint32_t get32(uint32_t address)
{
    uint32_t value;

    memcpy(&value, card.machine.ram + address, 4);
    return value;
}

static void descriptor(uint32_t address, uint32_t status, uint32_t control, uint32_t buffer1,
                       uint32_t buffer2)
{
    put32(address, status);
    put32(address + 4, control);
    put32(address + 8, buffer1);
    put32(address + 12, buffer2);
}

/* Rings of @count descriptors, those to receive with owned by the card. */
static void make_rings(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t last = i + 1 == count ? RING_END : 0;

        descriptor(RX + 16 * i, OWN, last | BUFFER_SIZE, RX_BUFFERS + BUFFER_SIZE * i, 0);
        descriptor(TX + 16 * i, 0, last, TX_BUFFERS + BUFFER_SIZE * i, 0);
    }
    card_write(&card, 3, RX);
    card_write(&card, 4, TX);
}

static void make_frame(uint8_t *frame, uint32_t size, const uint8_t *destination)
{
    for (uint32_t i = 0; i < size; i++)
        frame[i] = (uint8_t)(i * 7 + size);
    memcpy(frame, destination, 6);
    frame[12] = 0x08;
    frame[13] = 0x00;
}

static const uint8_t own[] = {0x00, 0x15, 0x5d, 1, 2, 3};
static const uint8_t other[] = {0x00, 0x15, 0x5d, 1, 2, 4};
static const uint8_t group[] = {0x01, 0x00, 0x5e, 0, 0, 1};
static const uint8_t broadcast[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* A frame comes from the network. */
static void arrive(const uint8_t *destination, uint32_t size)
{
    uint8_t frame[NIC_MAX_FRAME];

    make_frame(frame, size, destination);
    card.cable.receive(card.cable.device, frame, size);
}

/* --- Tests --- */

static void identity(void)
{
    start();
    CHECK_EQUAL(card_read_config(&card, 0x00), 0x00091011);
    CHECK_EQUAL(card_read_config(&card, 0x08), 0x02000020);
    CHECK_EQUAL(card_read_config(&card, 0x2c), 0x21140a00);
    CHECK_EQUAL(card_read_config(&card, 0x3c), 0x28140100);
    card_write_config(&card, 0x10, 0xffffffff);
    CHECK_EQUAL(card_read_config(&card, 0x10), 0xffffff81);
    card_write_config(&card, 0x14, 0xffffffff);
    CHECK_EQUAL(card_read_config(&card, 0x14), 0xffffff80);
    card_write_config(&card, 0x10, CARD_PORT);
    card_write_config(&card, 0x14, CARD_MMIO);
    CHECK_EQUAL(card_read(&card, 0), 0xfe000000);
    CHECK_EQUAL(card_read(&card, 1), 0xffffffff);
    CHECK_EQUAL(card_read(&card, 5), 0xfc000000);
    CHECK_EQUAL(card_read(&card, 6), 0x32000040);
    CHECK_EQUAL(card_read(&card, 7), 0xfffe0000);
    CHECK_EQUAL(card_read(&card, 8), 0xfffe0000);
    CHECK_EQUAL(card_read(&card, 9), 0xfffc83ff);
    CHECK_EQUAL(fake_read(&card.machine, CARD_MMIO + 8 * 6, 4), 0x32000040);
    fake_write(&card.machine, CARD_MMIO + 8 * 3, 4, 0x1237);
    CHECK_EQUAL(card_read(&card, 3), 0x1234);
    fake_out(&card.machine, CARD_PORT + 8 * 3, 2, 0); /* registers have 4 bytes */
    fake_out(&card.machine, CARD_PORT + 8 * 3 + 4, 4, 0);
    CHECK_EQUAL(card_read(&card, 3), 0x1234);
    CHECK_EQUAL(fake_in(&card.machine, CARD_PORT + 8 * 6 + 3, 1), 0x32);
    CHECK_EQUAL(fake_in(&card.machine, CARD_PORT + 8 * 6 + 4, 4), 0);
    card_write(&card, 0, 1); /* the reset is over at once */
    CHECK_EQUAL(card_read(&card, 0), 0xfe000000);
    CHECK_EQUAL(card_read(&card, 3), 0);
    card_write(&card, 12, 0x1f0);
    card_write(&card, 12, 0x0ff);
    CHECK_EQUAL(card_read(&card, 12), 0xfffffef0);
    end();
}

static void transmit(void)
{
    uint8_t frame[1514];

    start();
    make_rings(4);
    make_frame(frame, sizeof(frame), other);
    card_write(&card, 7, 0x1ebef);
    card_write(&card, 6, 0x2000);
    CHECK_EQUAL(card_read(&card, 5), 0xfc610004); /* suspended: there is nothing */
    card_write(&card, 5, 0xffff);
    CHECK(!card.line.asserted);
    /* Three pieces, the last one in the second buffer of its descriptor. */
    memcpy(card.machine.ram + TX_BUFFERS, frame, sizeof(frame));
    descriptor(TX, OWN, FIRST | 14, TX_BUFFERS, 0);
    descriptor(TX + 16, OWN, OWN | LAST | 500 << 11 | 1000, TX_BUFFERS + 14, TX_BUFFERS + 1014);
    card_write(&card, 1, 1);
    CHECK_EQUAL(sent_count, 1);
    CHECK_EQUAL(sent_size, 1514);
    CHECK(memcmp(sent, frame, sizeof(frame)) == 0);
    CHECK_EQUAL(get32(TX), 0);
    CHECK_EQUAL(get32(TX + 16), 0);
    CHECK_EQUAL(card_read(&card, 5), 0xfc610005);
    CHECK_EQUAL(card.line.rises, 2); /* once for all */
    card_write(&card, 5, 0x5);
    CHECK(!card.line.asserted);
    /* Around the ring's end; a short frame is padded. */
    memset(card.machine.ram + TX_BUFFERS, 0xee, 64);
    descriptor(TX + 32, OWN, FIRST | LAST | 20, TX_BUFFERS, 0);
    descriptor(TX + 48, OWN, FIRST | LAST | RING_END | 20, TX_BUFFERS, 0);
    descriptor(TX, OWN, FIRST | LAST | 0x00800000 | 20, TX_BUFFERS, 0); /* this one is not */
    card_write(&card, 1, 1);
    CHECK_EQUAL(sent_count, 4);
    CHECK_EQUAL(sent_size, 20);
    descriptor(TX + 16, OWN, FIRST | LAST | 20, TX_BUFFERS, 0);
    card_write(&card, 1, 1);
    CHECK_EQUAL(sent_size, 60);
    CHECK_EQUAL(sent[19], 0xee);
    CHECK_EQUAL(sent[20], 0);
    CHECK_EQUAL(sent[59], 0);
    /* With the driver's own check sequence, which does not go out. */
    descriptor(TX + 32, OWN, FIRST | LAST | 0x04000000 | 104, TX_BUFFERS, 0);
    card_write(&card, 1, 1);
    CHECK_EQUAL(sent_size, 100);
    /* Stopped: the state is there at once, and the place is kept. */
    card_write(&card, 5, 0xffff);
    card_write(&card, 6, 0);
    CHECK_EQUAL(card_read(&card, 5), 0xfc008002);
    descriptor(TX + 48, OWN, FIRST | LAST | RING_END | 60, TX_BUFFERS, 0);
    card_write(&card, 1, 1);
    CHECK_EQUAL(sent_count, 6);
    card_write(&card, 6, 0x2000);
    CHECK_EQUAL(sent_count, 7);
    end();
}

static void transmit_odd(void)
{
    start();
    make_rings(4);
    card_write(&card, 6, 0x2000);
    /* No link: errors of its kind. */
    card.cable.up = false;
    descriptor(TX, OWN, FIRST | LAST | 60, TX_BUFFERS, 0);
    card_write(&card, 1, 1);
    CHECK_EQUAL(get32(TX), 0x8c00);
    CHECK_EQUAL(sent_count, 0);
    card.cable.up = true;
    /* Longer than what fits: not sent, and the next one is. */
    descriptor(TX + 16, OWN, FIRST | 2040 << 11 | 2040, TX_BUFFERS, TX_BUFFERS);
    descriptor(TX + 32, OWN, LAST | 100, TX_BUFFERS, 0);
    descriptor(TX + 48, OWN, FIRST | LAST | RING_END | 64, TX_BUFFERS, 0);
    card_write(&card, 1, 1);
    CHECK_EQUAL(get32(TX + 32), 0x8002);
    CHECK_EQUAL(get32(TX + 48), 0);
    CHECK_EQUAL(sent_count, 1);
    /* Longer than a frame may be, and one that is none. */
    descriptor(TX, OWN, FIRST | LAST | 1519, TX_BUFFERS, 0);
    descriptor(TX + 16, OWN, FIRST | LAST | 0x00800000 | 13, TX_BUFFERS, 0);
    /* One without anything, as Linux' driver has before a setup frame. */
    descriptor(TX + 32, OWN, 0, 0xfffffff0, 0xfffffff0);
    card_write(&card, 1, 1);
    CHECK_EQUAL(get32(TX + 32), 0);
    CHECK_EQUAL(sent_count, 1);
    /* Chained, with a distance between descriptors that does not count there. */
    card_write(&card, 0, 4 << 2);
    descriptor(TX + 48, OWN, FIRST | CHAINED | 30, TX_BUFFERS, 0x3000);
    descriptor(0x3000, OWN, LAST | CHAINED | 30, TX_BUFFERS, 0x3100);
    descriptor(0x3100, OWN, FIRST | LAST | 70, TX_BUFFERS, 0);
    descriptor(0x3120, OWN, FIRST | LAST | 80, TX_BUFFERS, 0); /* 16 + 4 * 4 on */
    card_write(&card, 1, 1);
    CHECK_EQUAL(sent_count, 4);
    CHECK_EQUAL(sent_size, 80);
    end();
}

/* What the guest may do for ever, the adapter does not. */
static void transmit_without_end(void)
{
    uint32_t address = TX;

    start();
    card_write(&card, 4, TX);
    for (int i = 0; i < 1000; i++, address += 16)
        descriptor(address, OWN, FIRST | LAST | 60, 0, 0);
    card_write(&card, 6, 0x2000);
    CHECK(sent_count > 0 && sent_count < 1000);
    fake_pass(&card.machine, MS);
    CHECK_EQUAL(sent_count, 1000);
    CHECK_EQUAL(fake_next_deadline(&card.machine), DEVICE_NEVER);
    /* Polling by itself. */
    card_write(&card, 0, 2 << 17);
    card_write(&card, 1, 0);
    descriptor(address, OWN, FIRST | LAST | 60, 0, 0);
    fake_pass(&card.machine, MS);
    CHECK_EQUAL(sent_count, 1001);
    card_write(&card, 6, 0);
    CHECK_EQUAL(fake_next_deadline(&card.machine), DEVICE_NEVER);
    end();
}

/* The check sequence of frames of all lengths. */
static void check_sequences(void)
{
    start();
    make_rings(1);
    card_write(&card, 6, 2);
    for (uint32_t size = 60; size < 80; size++) {
        put32(RX, OWN);
        arrive(own, size);
        CHECK_EQUAL(get32(RX), (size + 4) << 16 | 0x320);
        CHECK_EQUAL(get32(RX_BUFFERS + size), crc32(0, card.machine.ram + RX_BUFFERS, size));
    }
    end();
}

static void receive(void)
{
    uint8_t frame[1514];
    uint32_t crc;

    start();
    make_rings(3);
    arrive(own, 100);
    CHECK_EQUAL(get32(RX), OWN); /* not yet */
    card_write(&card, 7, 0x1ebef);
    card_write(&card, 6, 2);
    CHECK_EQUAL(card_read(&card, 5), 0xfc060000);
    arrive(own, 1514);
    make_frame(frame, 1514, own);
    CHECK_EQUAL(get32(RX), 1518 << 16 | 0x320);
    CHECK(memcmp(card.machine.ram + RX_BUFFERS, frame, 1514) == 0);
    crc = crc32(0, frame, 1514);
    CHECK_EQUAL(get32(RX_BUFFERS + 1514), crc);
    CHECK_EQUAL(card_read(&card, 5), 0xfc070040);
    CHECK(card.line.asserted);
    arrive(broadcast, 20);
    CHECK_EQUAL(get32(RX + 16), 64 << 16 | 0x720);
    CHECK_EQUAL(card.machine.ram[RX_BUFFERS + BUFFER_SIZE + 30], 0);
    CHECK_EQUAL(card.line.rises, 1);
    arrive(other, 100);
    arrive(group, 100);
    CHECK_EQUAL(get32(RX + 32), OWN);
    /* With a VLAN tag: longer than a frame of old, but no error. */
    arrive(own, 1518);
    CHECK_EQUAL(get32(RX + 32), 1522 << 16 | 0x3a0);
    /* None is left: missed, counted until read. */
    card_write(&card, 5, 0xffff);
    arrive(own, 100);
    arrive(own, 100);
    CHECK_EQUAL(card_read(&card, 5), 0xfc088080);
    CHECK_EQUAL(card_read(&card, 8), 0xfffe0002);
    CHECK_EQUAL(card_read(&card, 8), 0xfffe0000);
    put32(RX, OWN);
    card_write(&card, 2, 1);
    CHECK_EQUAL(card_read(&card, 5) >> 17 & 7, 3);
    arrive(own, 100);
    CHECK_EQUAL(get32(RX), 104 << 16 | 0x320);
    card_write(&card, 5, 0xffff);
    card_write(&card, 6, 0);
    CHECK_EQUAL(card_read(&card, 5), 0xfc008100);
    end();
}

/* Frames over several descriptors and two buffers each. */
static void receive_pieces(void)
{
    uint8_t frame[300];

    start();
    make_frame(frame, sizeof(frame), own);
    card_write(&card, 3, RX);
    descriptor(RX, OWN, 64 << 11 | 64, RX_BUFFERS, RX_BUFFERS + 64);
    descriptor(RX + 16, OWN, CHAINED | 128, RX_BUFFERS + 128, RX + 64);
    descriptor(RX + 64, OWN, RING_END | 128, RX_BUFFERS + 256, 0);
    card_write(&card, 6, 2);
    arrive(own, 300);
    CHECK_EQUAL(get32(RX), 0x200);
    CHECK_EQUAL(get32(RX + 16), 0);
    CHECK_EQUAL(get32(RX + 64), 304 << 16 | 0x120);
    CHECK(memcmp(card.machine.ram + RX_BUFFERS, frame, 300) == 0);
    /* The rest has no place. */
    put32(RX, OWN);
    arrive(own, 300);
    CHECK_EQUAL(get32(RX), 304 << 16 | 0xc320);
    CHECK_EQUAL(card_read(&card, 5) >> 17 & 7, 4);
    CHECK_EQUAL(card_read(&card, 5) & 0xc0, 0xc0);
    /* A ring of one. */
    card_write(&card, 6, 0);
    card_write(&card, 3, RX);
    descriptor(RX, OWN, RING_END | 64, RX_BUFFERS, 0);
    card_write(&card, 6, 2);
    arrive(own, 300);
    CHECK_EQUAL(get32(RX), 304 << 16 | 0xc320);
    /* A ring of empty ones. */
    card_write(&card, 6, 0);
    for (uint32_t i = 0; i < 500; i++)
        descriptor(RX + 16 * i, OWN, 0, 0, 0);
    card_write(&card, 6, 2);
    card_write(&card, 3, RX); /* not while it runs */
    arrive(own, 300);
    CHECK_EQUAL(card_read(&card, 5) & 0xc0, 0xc0);
    CHECK_EQUAL(get32(RX + 16 * 450), OWN);
    end();
}

/* A setup frame of @kind (FT1, FT0) that is at TX_BUFFERS. */
static void setup(uint32_t kind)
{
    uint32_t filter = (kind & 2) << 27 | (kind & 1) << 22;

    card_write(&card, 6, 0);
    card_write(&card, 4, TX);
    descriptor(TX, OWN, SET | filter | RING_END | 192, TX_BUFFERS, 0);
    card_write(&card, 6, 0x2000);
    CHECK_EQUAL(get32(TX), 0x7fffffff);
}

static void put_address(uint32_t at, const uint8_t *address)
{
    for (uint32_t i = 0; i < 6; i++)
        card.machine.ram[at + i / 2 * 4 + i % 2] = address[i];
}

static bool wanted(uint32_t mode, const uint8_t *destination)
{
    card_write(&card, 6, 0);
    card_write(&card, 3, RX);
    descriptor(RX, OWN, RING_END | BUFFER_SIZE, RX_BUFFERS, 0);
    card_write(&card, 6, 2 | mode);
    arrive(destination, 60);
    return !(get32(RX) & OWN);
}

static void filters(void)
{
    uint32_t bit;

    start();
    for (uint32_t i = 0; i < 16; i++)
        put_address(TX_BUFFERS + 12 * i, i == 15 ? group : own);
    setup(0);
    CHECK(wanted(0, own) && wanted(0, group));
    CHECK(!wanted(0, other) && !wanted(0, broadcast));
    CHECK(wanted(0x80, broadcast) && !wanted(0x80, other)); /* all multicast */
    CHECK(wanted(0x40, other));
    CHECK_EQUAL(get32(RX), 64 << 16 | 0x40000320);
    CHECK(wanted(0x40, own));
    CHECK_EQUAL(get32(RX), 64 << 16 | 0x320);
    CHECK(wanted(0x40000000, other));
    setup(2);
    CHECK_EQUAL(card_read(&card, 6) & 0x15, 0x10);
    CHECK(!wanted(0, own) && !wanted(0, group) && wanted(0, other) && wanted(0, broadcast));
    /* A table of 512 bits, with the CRC of the address. */
    memset(card.machine.ram + TX_BUFFERS, 0, 192);
    bit = ~crc32(0, group, 6) & 511;
    card.machine.ram[TX_BUFFERS + bit / 16 * 4 + bit % 16 / 8] |= (uint8_t)(1 << bit % 8);
    card.machine.ram[TX_BUFFERS + 255 / 16 * 4 + 1] |=
        0x80; /* broadcast, as Linux' driver has it */
    put_address(TX_BUFFERS + 156, own);
    setup(1);
    CHECK_EQUAL(card_read(&card, 6) & 0x15, 0x01);
    CHECK(wanted(0, own) && wanted(0, group) && wanted(0, broadcast) && !wanted(0, other));
    setup(3);
    CHECK_EQUAL(card_read(&card, 6) & 0x15, 0x05);
    CHECK(!wanted(0, own) && wanted(0, group));
    card_write(&card, 0, 1);
    CHECK(wanted(0, own) && wanted(0, broadcast) && !wanted(0, group));
    end();
}

static void interrupts(void)
{
    start();
    /* No summary without an event that is enabled; none without the summary's own bit. */
    make_rings(2);
    card_write(&card, 6, 2);
    arrive(own, 60);
    CHECK_EQUAL(card_read(&card, 5), 0xfc060040);
    CHECK(!card.line.asserted);
    card_write(&card, 7, 0x40);
    CHECK_EQUAL(card_read(&card, 5), 0xfc070040);
    CHECK(!card.line.asserted);
    card_write(&card, 7, 0x8040);
    CHECK(!card.line.asserted);
    card_write(&card, 7, 0x10040);
    CHECK(card.line.asserted);
    card_write(&card, 7, 0x10000);
    CHECK(!card.line.asserted);
    card_write(&card, 7, 0x10040);
    card_write(&card, 0, 1);
    CHECK(!card.line.asserted);
    /* The timer, once and again. */
    card_write(&card, 7, 0x18800);
    card_write(&card, 11, 10);
    CHECK_EQUAL(card_read(&card, 11), 0xfffe000a);
    fake_pass(&card.machine, 409600);
    CHECK_EQUAL(card_read(&card, 11), 0xfffe0005);
    CHECK(!card.line.asserted);
    fake_pass(&card.machine, 409600);
    CHECK_EQUAL(card_read(&card, 5), 0xfc018800);
    CHECK(card.line.asserted);
    card_write(&card, 5, 0x800);
    fake_pass(&card.machine, 100 * MS);
    CHECK_EQUAL(card.line.rises, 3);
    card_write(&card, 11, 0x10002);
    for (int i = 0; i < 5; i++) {
        fake_pass(&card.machine, 163840);
        CHECK(card.line.asserted);
        card_write(&card, 5, 0x800);
    }
    card_write(&card, 11, 0);
    CHECK_EQUAL(fake_next_deadline(&card.machine), DEVICE_NEVER);
    end();
}

static void bus_errors(void)
{
    start();
    make_rings(2);
    card_write(&card, 7, 0xa000);
    put32(TX, OWN);
    put32(TX + 4, FIRST | LAST | 100);
    put32(TX + 8, FAKE_RAM_SIZE - 50);
    card_write(&card, 6, 0x2002);
    CHECK_EQUAL(card_read(&card, 5), 0xfc80a000); /* both stand */
    CHECK(card.line.asserted);
    CHECK_EQUAL(card_read_config(&card, 4) >> 16, 0x2200);
    CHECK_EQUAL(sent_count, 0);
    card_write(&card, 5, 0xffff);
    CHECK(!card.line.asserted);
    put32(TX + 8, TX_BUFFERS);
    card_write(&card, 1, 1);
    arrive(own, 100);
    CHECK_EQUAL(sent_count, 0);
    CHECK_EQUAL(get32(RX), OWN);
    card_write(&card, 0, 1);
    make_rings(2);
    put32(RX + 8, 0xfffffffc);
    card_write(&card, 6, 2);
    arrive(own, 100);
    CHECK_EQUAL(card_read(&card, 5) & 0x2000, 0x2000);
    card_write(&card, 0, 1);
    card_write(&card, 4, 0xfffffff8); /* a descriptor of which a part is RAM by no means */
    card_write(&card, 6, 0x2000);
    CHECK_EQUAL(card_read(&card, 5) & 0x2000, 0x2000);
    /* Without the right to reach memory nothing happens, and goes on when it is there. */
    card_write(&card, 0, 1);
    make_rings(2);
    put32(TX, OWN);
    put32(TX + 4, FIRST | LAST | 100);
    card_write_config(&card, 4, 3);
    card_write(&card, 6, 0x2002);
    arrive(own, 100);
    CHECK_EQUAL(sent_count, 0);
    CHECK_EQUAL(get32(RX), OWN);
    card_write_config(&card, 4, 7);
    CHECK_EQUAL(sent_count, 1);
    end();
}

static void loopback(void)
{
    start();
    make_rings(2);
    card.cable.up = false;
    make_frame(card.machine.ram + TX_BUFFERS, 100, own);
    card_write(&card, 6, 0x2402);
    descriptor(TX, OWN, FIRST | LAST | 100, TX_BUFFERS, 0);
    card_write(&card, 1, 1);
    CHECK_EQUAL(sent_count, 0);
    CHECK_EQUAL(get32(TX), 0);
    CHECK_EQUAL(get32(RX), 104 << 16 | 0x1320);
    CHECK(memcmp(card.machine.ram + RX_BUFFERS, card.machine.ram + TX_BUFFERS, 100) == 0);
    card.cable.up = true;
    arrive(own, 100); /* the network is not heard meanwhile */
    CHECK_EQUAL(get32(RX + 16), OWN);
    end();
}

int main(void)
{
    identity();
    transmit();
    transmit_odd();
    transmit_without_end();
    receive();
    check_sequences();
    receive_pieces();
    filters();
    interrupts();
    bus_errors();
    loopback();
    return unit_result();
}
