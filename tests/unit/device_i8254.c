/* Unit test of the timer: what each mode puts out and counts, latches, and counter 0's interrupt.
 */
#include "worker/devices/i8254.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"
#include "worker/devices/clock.h"

#define HZ 1193182
#define SECOND 1000000000ull

static struct fake_machine machine;
static struct fake_line irq;
static struct i8254 pit;

static void start(void)
{
    fake_create(&machine);
    irq = (struct fake_line){0};
    i8254_init(&pit, &machine.host, fake_line(&irq));
    fake_add_ports(&machine, &pit.ports[0].ports);
    fake_add_ports(&machine, &pit.ports[1].ports);
}

static void end(void)
{
    fake_destroy(&machine);
}

/* Lets @ticks of the timer's clock pass. */
static void tick(uint64_t ticks)
{
    uint64_t at = clock_ns(clock_ticks(machine.now_ns, HZ) + ticks, HZ);

    fake_pass(&machine, at - machine.now_ns);
}

static void control(uint8_t value)
{
    fake_outb(&machine, 0x43, value);
}

/* A count for counter @index, which takes both bytes. */
static void load(uint32_t index, uint16_t count)
{
    fake_outb(&machine, (uint16_t)(0x40 + index), (uint8_t)count);
    fake_outb(&machine, (uint16_t)(0x40 + index), (uint8_t)(count >> 8));
}

static uint16_t count(uint32_t index)
{
    uint8_t low;

    control((uint8_t)(index << 6));
    low = fake_inb(&machine, (uint16_t)(0x40 + index));
    return (uint16_t)(fake_inb(&machine, (uint16_t)(0x40 + index)) << 8 | low);
}

static bool out2(void)
{
    return fake_inb(&machine, 0x61) & 0x20;
}

static void gate2(bool open)
{
    fake_outb(&machine, 0x61, open);
}

/* Counter 2's output must be @expected ('1' or '0') at each tick, from now. */
static void check_wave(int line, const char *expected)
{
    for (const char *c = expected; *c != '\0'; c++, tick(1)) {
        if (out2() != (*c == '1')) {
            fprintf(stderr, "line %d: tick %d of %s\n", line, (int)(c - expected), expected);
            unit_failures++;
        }
    }
}
#define WAVE(expected) check_wave(__LINE__, expected)

static void mode0(void)
{
    start();
    gate2(true);
    control(0xb0);
    WAVE("00");
    load(2, 4);
    WAVE("00000111");
    CHECK_EQUAL(count(2), 0xfffd); /* it counts on: 4 at tick 1, 0 at 5, now tick 8 */
    fake_outb(&machine, 0x42, 2);  /* the first byte stops it */
    WAVE("000");
    fake_outb(&machine, 0x42, 0);
    WAVE("00011");
    load(2, 100);
    tick(51);
    CHECK_EQUAL(count(2), 50);
    gate2(false);
    tick(1000);
    CHECK_EQUAL(count(2), 50);
    CHECK(!out2());
    gate2(true);
    tick(49);
    CHECK(!out2());
    tick(1);
    CHECK(out2());
    gate2(false);
    load(2, 3); /* loaded, but held */
    tick(10);
    CHECK_EQUAL(count(2), 3);
    gate2(true);
    WAVE("0001");
    end();
}

static void mode1(void)
{
    start();
    gate2(true);
    control(0xb2);
    load(2, 3);
    WAVE("11111"); /* it waits for an edge of the gate */
    gate2(false);
    WAVE("11");
    gate2(true);
    WAVE("0000111");
    gate2(false);
    gate2(true);
    WAVE("00");
    load(2, 5); /* not for this pulse */
    gate2(false);
    WAVE("0011");
    gate2(true);
    WAVE("000");
    gate2(false);
    gate2(true); /* begins anew */
    WAVE("00000011");
    end();
}

static void mode2(void)
{
    start();
    gate2(true);
    control(0xb4);
    WAVE("11");
    load(2, 4);
    WAVE("1111011101110");
    load(2, 3); /* when the period ends, which is now */
    WAVE("1110110110");
    CHECK_EQUAL(count(2), 3);
    load(2, 5);
    tick(1);
    CHECK_EQUAL(count(2), 2);
    gate2(false);
    tick(77);
    CHECK(out2());
    gate2(true); /* begins anew, with what was loaded last */
    WAVE("1111101111011");
    control(0xb4);
    load(2, 1);
    WAVE("11010");
    end();
}

static void mode3(void)
{
    start();
    gate2(true);
    control(0xb6);
    load(2, 4);
    WAVE("1110011001");
    control(0xb6);
    load(2, 5);
    WAVE("11110011100");
    CHECK_EQUAL(count(2), 4);
    tick(1);
    CHECK_EQUAL(count(2), 2);
    tick(1);
    CHECK_EQUAL(count(2), 0);
    tick(1);
    CHECK_EQUAL(count(2), 4);
    tick(1);
    CHECK_EQUAL(count(2), 2);
    control(0xbe); /* mode 7 is mode 3 */
    load(2, 2);
    WAVE("11010");
    gate2(false);
    WAVE("1111");
    end();
}

static void mode4(void)
{
    start();
    gate2(true);
    control(0xb8);
    load(2, 3);
    WAVE("1111011111");
    load(2, 2);
    WAVE("11");
    load(2, 3);
    WAVE("11");
    gate2(false);
    WAVE("1111");
    gate2(true);
    WAVE("11011");
    end();
}

static void mode5(void)
{
    start();
    control(0xba);
    load(2, 3);
    WAVE("111111");
    gate2(true);
    WAVE("1111011");
    gate2(false);
    gate2(true);
    WAVE("11");
    gate2(false);
    gate2(true);
    WAVE("111101111111");
    end();
}

static void counting(void)
{
    start();
    gate2(true);
    control(0xb0);
    load(2, 0); /* 65536 */
    tick(1);
    CHECK_EQUAL(count(2), 0);
    tick(1);
    CHECK_EQUAL(count(2), 0xffff);
    tick(0xfffe);
    CHECK_EQUAL(count(2), 1);
    CHECK(!out2());
    tick(1);
    CHECK(out2());
    control(0xb1); /* BCD */
    load(2, 0);
    tick(2);
    CHECK_EQUAL(count(2), 0x9999);
    tick(9998);
    CHECK_EQUAL(count(2), 1);
    CHECK(!out2());
    tick(1);
    CHECK(out2());
    load(2, 0x1234);
    tick(35);
    CHECK_EQUAL(count(2), 0x1200);
    load(2, 0xffff); /* no number, but no harm */
    tick(3);
    control(0x90); /* low byte only */
    fake_outb(&machine, 0x42, 200);
    tick(1);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 200);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 200);
    control(0xa0); /* high byte only */
    fake_outb(&machine, 0x42, 2);
    tick(2);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 1);
    CHECK_EQUAL(fake_inb(&machine, 0x43), 0xff);
    end();
}

static void latches(void)
{
    start();
    gate2(true);
    control(0xb0);
    load(2, 0x1234);
    tick(1);
    control(0x80);
    tick(0x34);
    control(0x80); /* the first latch holds */
    CHECK_EQUAL(fake_inb(&machine, 0x42), 0x34);
    tick(0x100);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 0x12);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 0x00); /* now it counts again: 1100 */
    tick(1);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 0x10); /* each byte when it is read: 10ff */

    control(0xd8); /* count of 2; then its status, too: status is read first */
    control(0xe8);
    tick(0x80);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 0x30);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 0xff);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 0x10);
    control(0xb0);
    control(0xe8);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 0x70); /* no count yet */
    load(2, 1);
    tick(2);
    control(0xe8);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 0xb0);
    control(0x35);
    control(0xc2); /* counter 0, count and status */
    CHECK_EQUAL(fake_inb(&machine, 0x40), 0xf5);
    load(0, 0x100);
    control(0xe2);
    tick(3);
    CHECK_EQUAL(fake_inb(&machine, 0x40), 0xb5);
    control(0xb2); /* mode 1: a new count waits for the trigger */
    load(2, 9);
    control(0xe8);
    CHECK_EQUAL(fake_inb(&machine, 0x42), 0xf2);
    end();
}

/* Interrupts in a second. */
static uint32_t in_a_second(void)
{
    irq.rises = 0;
    fake_pass(&machine, SECOND);
    return irq.rises;
}

static void interrupts(void)
{
    start();
    CHECK_EQUAL(fake_next_deadline(&machine), DEVICE_NEVER);
    control(0x34);
    load(0, 11932);
    CHECK_EQUAL(in_a_second(), 99); /* and a bit */
    CHECK_EQUAL(in_a_second(), 100);
    control(0x36);
    load(0, 0);
    CHECK_EQUAL(in_a_second(), 18);
    /* A shorter period comes when this one has ended. */
    fake_pass(&machine, 10000000);
    irq.rises = 0;
    load(0, 1193);
    fake_pass(&machine, 20000000);
    CHECK(irq.rises <= 1);
    fake_pass(&machine, 25000000);
    irq.rises = 0;
    fake_pass(&machine, 100000000);
    CHECK_EQUAL(irq.rises, 100);
    load(0, 1); /* faster than can be: not one for each, but no standstill */
    fake_pass(&machine, SECOND);
    CHECK(in_a_second() <= 50000);
    CHECK(in_a_second() > 40000);
    control(0x30); /* mode 0 alone stops it, and lowers the line */
    CHECK(!irq.asserted);
    CHECK_EQUAL(in_a_second(), 0);
    load(0, 0);
    CHECK_EQUAL(in_a_second(), 1); /* once only */
    CHECK(irq.asserted);
    load(0, 1000);
    CHECK(!irq.asserted);
    tick(1000);
    CHECK(!irq.asserted);
    tick(1);
    CHECK(irq.asserted);
    control(0x38); /* one strobe, with a period in between */
    load(0, 50);
    CHECK_EQUAL(in_a_second(), 1);
    load(0, 50);
    tick(51);
    CHECK_EQUAL(irq.rises, 1);
    tick(1);
    CHECK_EQUAL(irq.rises, 2);
    load(0, 5000);
    i8254_reset(&pit);
    CHECK_EQUAL(in_a_second(), 0);
    CHECK(!irq.asserted);
    end();
}

static void port61(void)
{
    uint32_t changes = 0;
    uint8_t last;

    start();
    fake_outb(&machine, 0x61, 0xff);
    CHECK_EQUAL(fake_inb(&machine, 0x61) & 0xcf, 0x0f);
    last = fake_inb(&machine, 0x61);
    for (int i = 0; i < 1000; i++) { /* us */
        fake_pass(&machine, 1000);
        changes += (fake_inb(&machine, 0x61) ^ last) >> 4 & 1;
        last = fake_inb(&machine, 0x61);
    }
    CHECK(changes > 60 && changes < 70);
    end();
}

int main(void)
{
    mode0();
    mode1();
    mode2();
    mode3();
    mode4();
    mode5();
    counting();
    latches();
    interrupts();
    port61();
    return unit_result();
}
