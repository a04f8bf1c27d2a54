/* Unit test of the real-time clock: time, its format and what the guest does to it, interrupts. */
#include "worker/devices/mc146818.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"

#define MS 1000000ull
#define SECOND (1000 * MS)

static struct fake_machine machine;
static struct fake_line irq;
static struct mc146818 rtc;

/* A clock that starts at @wall, in seconds. */
static void start(uint64_t wall)
{
    fake_create(&machine);
    machine.wall_start_ns = wall * SECOND;
    irq = (struct fake_line){0};
    mc146818_init(&rtc, &machine.host, fake_line(&irq));
    fake_add_ports(&machine, &rtc.ports.ports);
}

static uint8_t get(uint8_t index)
{
    fake_outb(&machine, 0x70, index);
    return fake_inb(&machine, 0x71);
}

static void set(uint8_t index, uint8_t value)
{
    fake_outb(&machine, 0x70, index);
    fake_outb(&machine, 0x71, value);
}

static void check_time(uint8_t hour, uint8_t minute, uint8_t second)
{
    CHECK_EQUAL(get(4), hour);
    CHECK_EQUAL(get(2), minute);
    CHECK_EQUAL(get(0), second);
}

static void check_date(uint8_t century, uint8_t year, uint8_t month, uint8_t day)
{
    CHECK_EQUAL(get(0x32), century);
    CHECK_EQUAL(get(9), year);
    CHECK_EQUAL(get(8), month);
    CHECK_EQUAL(get(7), day);
}

static void shows_the_wall_clock(void)
{
    start(951868799); /* Tuesday 2000-02-29 23:59:59 */
    CHECK_EQUAL(get(0x0a), 0x26);
    CHECK_EQUAL(get(0x0b), 0x02);
    CHECK_EQUAL(get(0x0d), 0x80);
    check_date(0x20, 0x00, 0x02, 0x29);
    check_time(0x23, 0x59, 0x59);
    CHECK_EQUAL(get(6), 3);
    fake_pass(&machine, SECOND);
    check_date(0x20, 0x00, 0x03, 0x01);
    check_time(0x00, 0x00, 0x00);
    CHECK_EQUAL(get(6), 4);
    fake_pass(&machine, 40 * 365 * 86400ull * SECOND);
    check_date(0x20, 0x40, 0x02, 0x20);
    fake_destroy(&machine);
}

static void keeps_the_guests_time(void)
{
    start(1000000000); /* 2001-09-09 01:46:40 */
    set(0x0b, 0x82);   /* SET: nothing moves */
    set(0, 0x58);
    set(2, 0x59);
    set(4, 0x23);
    set(7, 0x31);
    set(8, 0x12);
    set(9, 0x99);
    set(0x32, 0x19);
    fake_pass(&machine, 5 * SECOND);
    check_time(0x23, 0x59, 0x58);
    set(0x0b, 0x02);
    fake_pass(&machine, SECOND);
    check_time(0x23, 0x59, 0x59);
    check_date(0x19, 0x99, 0x12, 0x31);
    fake_pass(&machine, SECOND);
    check_time(0x00, 0x00, 0x00);
    check_date(0x20, 0x00, 0x01, 0x01);
    /* The wall clock is set: the distance to it stays, backwards as well. */
    machine.wall_start_ns -= 3600 * SECOND;
    check_time(0x23, 0x00, 0x00);
    CHECK_EQUAL(get(0x0c) & 0x10, 0x10);
    CHECK_EQUAL(get(0x0c), 0);
    machine.wall_start_ns = 0;
    machine.now_ns = 0;
    check_date(0x19, 0x70, 0x01, 0x01);
    CHECK_EQUAL(get(0x0c) & 0x30, 0); /* going back is neither an update nor an alarm */
    fake_destroy(&machine);
}

static void formats(void)
{
    start(1000000000);
    set(0x0b, 0x86); /* binary */
    set(4, 13);
    set(2, 59);
    set(0, 59);
    set(7, 9);
    set(8, 9);
    set(9, 1);
    set(0x32, 20);
    set(0x0b, 0x06);
    fake_pass(&machine, SECOND);
    check_time(14, 0, 0);
    set(0x0b, 0x80); /* BCD, 12 hours */
    set(4, 0x11);
    set(2, 0x59);
    set(0, 0x59);
    set(7, 0x09);
    set(8, 0x09);
    set(9, 0x01);
    set(0x32, 0x20);
    set(0x0b, 0x00);
    fake_pass(&machine, SECOND);
    check_time(0x92, 0, 0); /* noon is 12 PM */
    fake_pass(&machine, 3600 * SECOND);
    check_time(0x81, 0, 0);
    fake_pass(&machine, 11 * 3600 * SECOND);
    check_time(0x12, 0, 0); /* midnight is 12 AM */
    check_date(0x20, 0x01, 0x09, 0x10);
    fake_destroy(&machine);
}

/* What is no date stays as it was written, and the clock lives on. */
static void nonsense(void)
{
    static const uint8_t bad[][2] = {{0, 0x60}, {0, 0x0a}, {2, 0xa0}, {4, 0x24}, {7, 0x00},
                                     {7, 0x32}, {8, 0x13}, {8, 0x00}, {9, 0xff}, {8, 0xff}};

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        start(1000000000);
        set(bad[i][0], bad[i][1]);
        fake_pass(&machine, 3 * SECOND);
        CHECK_EQUAL(get(bad[i][0]), bad[i][1]);
        fake_destroy(&machine);
    }
    start(1000000000);
    set(0x0b, 0x00); /* 12 hours: 0 and 13 are none of them */
    set(4, 0x00);
    fake_pass(&machine, 3 * SECOND);
    check_time(0x00, 0x46, 0x40);
    set(4, 0x13);
    fake_pass(&machine, 3 * SECOND);
    check_time(0x13, 0x46, 0x40);
    set(4, 0x01);
    fake_pass(&machine, 3 * SECOND);
    check_time(0x01, 0x46, 0x43);
    fake_destroy(&machine);
}

static void update_in_progress(void)
{
    uint32_t changes = 0;
    uint8_t last;

    start(1000000000);
    last = get(0x0a) & 0x80;
    CHECK_EQUAL(last, 0);
    for (int i = 0; i < 3000; i++) { /* 3 seconds, a poll each ms */
        uint8_t second = get(0), uip = get(0x0a) & 0x80;

        if (uip != last) {
            changes++;
            /* It ends with the new second. */
            if (!uip)
                CHECK(machine.now_ns % SECOND < MS);
            else
                CHECK_EQUAL(get(0), second);
        }
        last = uip;
        fake_pass(&machine, MS);
    }
    CHECK_EQUAL(changes, 5); /* the third ends just now */
    machine.now_ns = 4 * SECOND - 2228000;
    CHECK_EQUAL(get(0x0a), 0xa6);
    machine.now_ns--;
    CHECK_EQUAL(get(0x0a), 0x26);
    machine.now_ns++;
    set(0x0b, 0x82);
    CHECK_EQUAL(get(0x0a), 0x26);
    fake_destroy(&machine);
}

/* The divider held and let go: the next second is half a one away. */
static void divider(void)
{
    start(1000000000);
    set(0x0a, 0x76);
    fake_pass(&machine, 10 * SECOND + 123 * MS);
    check_time(0x01, 0x46, 0x40);
    set(0x0a, 0x26);
    fake_pass(&machine, 499 * MS);
    CHECK_EQUAL(get(0x0a), 0xa6);
    check_time(0x01, 0x46, 0x40);
    fake_pass(&machine, MS);
    check_time(0x01, 0x46, 0x41);
    fake_pass(&machine, 999 * MS);
    check_time(0x01, 0x46, 0x41);
    fake_pass(&machine, MS);
    check_time(0x01, 0x46, 0x42);
    fake_destroy(&machine);
}

static void update_interrupt(void)
{
    start(1000000000);
    CHECK_EQUAL(fake_next_deadline(&machine), DEVICE_NEVER);
    fake_pass(&machine, 300 * MS);
    set(0x0b, 0x12);
    fake_pass(&machine, 699 * MS);
    CHECK(!irq.asserted);
    fake_pass(&machine, MS);
    CHECK(irq.asserted);
    fake_pass(&machine, 5 * SECOND); /* no other until register C has been read */
    CHECK_EQUAL(irq.rises, 1);
    CHECK_EQUAL(get(0x0c) & 0xb0, 0x90);
    CHECK(!irq.asserted);
    CHECK_EQUAL(get(0x0c), 0);
    fake_pass(&machine, SECOND);
    CHECK_EQUAL(irq.rises, 2);
    set(0x0b, 0x92); /* SET clears UIE */
    CHECK_EQUAL(get(0x0b), 0x82);
    CHECK(!irq.asserted);
    fake_destroy(&machine);
}

static void alarm_interrupt(void)
{
    start(1000000000); /* 01:46:40 */
    set(5, 0x01);
    set(3, 0x47);
    set(1, 0x05);
    set(0x0b, 0x22);
    fake_pass(&machine, 24 * SECOND);
    CHECK(!irq.asserted);
    fake_pass(&machine, SECOND);
    CHECK(irq.asserted);
    CHECK_EQUAL(get(0x0c) & 0xa0, 0xa0);
    set(3, 0xc0); /* any minute, any hour */
    set(5, 0xff);
    for (int i = 0; i < 10; i++) {
        fake_pass(&machine, 60 * SECOND);
        CHECK_EQUAL(irq.rises, 2 + i);
        CHECK_EQUAL(get(0x0c) & 0xa0, 0xa0);
    }
    /* Nobody looks for a week, with the alarm's interrupt off: its flag is there. */
    set(0x0b, 0x02);
    set(5, 0x23);
    set(3, 0x00);
    set(1, 0x00);
    fake_pass(&machine, 7 * 86400 * SECOND);
    CHECK_EQUAL(get(0x0c), 0x70);
    fake_destroy(&machine);
}

/* Periodic interrupts in a second, when each is acknowledged at once. */
static uint32_t periodic_in_a_second(uint8_t rate)
{
    uint64_t end = machine.now_ns + SECOND;
    uint32_t count = 0;

    set(0x0a, 0x20 | rate);
    get(0x0c);
    set(0x0b, 0x42);
    while (fake_next_deadline(&machine) <= end) {
        fake_pass(&machine, fake_next_deadline(&machine) - machine.now_ns);
        count += irq.asserted;
        CHECK_EQUAL(get(0x0c) & 0xc0, 0xc0);
    }
    fake_pass(&machine, end - machine.now_ns);
    set(0x0b, 0x02);
    return count;
}

static void periodic_interrupt(void)
{
    start(1000000000);
    CHECK_EQUAL(periodic_in_a_second(0), 0);
    CHECK_EQUAL(periodic_in_a_second(1), 256);
    CHECK_EQUAL(periodic_in_a_second(2), 128);
    CHECK_EQUAL(periodic_in_a_second(3), 8192);
    CHECK_EQUAL(periodic_in_a_second(6), 1024);
    CHECK_EQUAL(periodic_in_a_second(10), 64);
    CHECK_EQUAL(periodic_in_a_second(15), 2);
    /* Late by many periods: one interrupt, and the next at its old place. */
    set(0x0a, 0x2f);
    set(0x0b, 0x42);
    fake_pass(&machine, 2 * SECOND);
    irq.rises = 0;
    get(0x0c);
    fake_pass(&machine, 499 * MS);
    CHECK_EQUAL(irq.rises, 0);
    fake_pass(&machine, MS);
    CHECK_EQUAL(irq.rises, 1);
    set(0x0a, 0x7f); /* divider held */
    get(0x0c);
    fake_pass(&machine, 10 * SECOND);
    CHECK_EQUAL(irq.rises, 1);
    fake_destroy(&machine);
}

static void memory_and_ports(void)
{
    start(1000000000);
    mc146818_cmos_write(&rtc, 0x10, 0x44);
    mc146818_cmos_write(&rtc, 0x0d, 0);
    CHECK_EQUAL(get(0x10), 0x44);
    CHECK_EQUAL(get(0x8d), 0x80); /* bit 7 is not of the index */
    set(0x7f, 0x55);
    CHECK_EQUAL(mc146818_cmos_read(&rtc, 0x7f), 0x55);
    fake_outb(&machine, 0x72, 0x0b); /* the second bank has no clock */
    fake_outb(&machine, 0x73, 0xff);
    CHECK_EQUAL(get(0x0b), 0x02);
    CHECK_EQUAL(mc146818_cmos_read(&rtc, 0x8b), 0xff);
    CHECK_EQUAL(fake_inb(&machine, 0x77), 0xff);
    fake_out(&machine, 0x74, 2, 0x6611); /* index and data in one */
    CHECK_EQUAL(fake_in(&machine, 0x70, 2), 0x6611);
    CHECK_EQUAL(fake_in(&machine, 0x77, 4), 0xffffffff);
    set(0x0c, 0xff);
    set(0x0d, 0x00);
    CHECK_EQUAL(get(0x0c), 0);
    CHECK_EQUAL(get(0x0d), 0x80);
    set(0x0b, 0x7a);
    fake_pass(&machine, SECOND);
    CHECK(irq.asserted);
    mc146818_reset(&rtc);
    CHECK(!irq.asserted);
    CHECK_EQUAL(get(0x0b), 0x02);
    CHECK_EQUAL(get(0x10), 0x44);
    CHECK_EQUAL(fake_next_deadline(&machine), DEVICE_NEVER);
    fake_destroy(&machine);
}

int main(void)
{
    shows_the_wall_clock();
    keeps_the_guests_time();
    formats();
    nonsense();
    update_in_progress();
    divider();
    update_interrupt();
    alarm_interrupt();
    periodic_interrupt();
    memory_and_ports();
    return unit_result();
}
