/* Unit test of the I/O APIC: edges, levels that stay until they are served, masks, registers. */
#include "worker/devices/i82093.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"

#define REDIRECTION(n) (0x10u + 2 * (n))
#define MASKED 0x10000u
#define LEVEL 0x8000u
#define REMOTE_IRR 0x4000u

static struct fake_machine machine;
static struct i82093 ioapic;
static uint64_t delivered;
static unsigned count;

static void deliver(void *context, uint64_t redirection)
{
    CHECK(context == &count);
    delivered = redirection;
    count++;
}

static uint32_t get(uint8_t number)
{
    fake_write(&machine, I82093_ADDRESS, 4, number);
    return (uint32_t)fake_read(&machine, I82093_ADDRESS + 0x10, 4);
}

static void set(uint8_t number, uint32_t value)
{
    fake_write(&machine, I82093_ADDRESS, 4, number);
    fake_write(&machine, I82093_ADDRESS + 0x10, 4, value);
}

static void start(void)
{
    fake_create(&machine);
    i82093_init(&ioapic, deliver, &count);
    fake_add_mmio(&machine, &ioapic.mmio);
    count = 0;
}

static void test_registers(void)
{
    start();
    CHECK_EQUAL(get(1), 0x00170020);
    set(0, 0xffffffff);
    CHECK(get(0) == 0x0f000000 && get(2) == 0x0f000000);
    CHECK(get(REDIRECTION(23)) == MASKED && get(REDIRECTION(24)) == 0 && get(3) == 0);
    set(REDIRECTION(23), 0xffffffff);
    set(REDIRECTION(23) + 1, 0xffffffff);
    CHECK_EQUAL(get(REDIRECTION(23)), 0x1afff); /* delivery status and remote IRR are its own */
    CHECK_EQUAL(get(REDIRECTION(23) + 1), 0xff000000);
    set(REDIRECTION(24), 0); /* nothing is there */
    set(0xff, 0);
    CHECK_EQUAL(fake_read(&machine, I82093_ADDRESS + 0x20, 4), 0);
    fake_destroy(&machine);
}

static void test_edge(void)
{
    start();
    i82093_set_input(&ioapic, 4, true); /* masked: lost */
    set(REDIRECTION(4) + 1, 0x03000000);
    set(REDIRECTION(4), 0x34);
    CHECK_EQUAL(count, 0);
    i82093_set_input(&ioapic, 4, true);
    CHECK_EQUAL(count, 0);
    i82093_set_input(&ioapic, 4, false);
    i82093_set_input(&ioapic, 4, true);
    CHECK(count == 1 && delivered == 0x0300000000000034);
    i82093_eoi(&ioapic, 0x34);
    CHECK(count == 1 && !(get(REDIRECTION(4)) & REMOTE_IRR));
    fake_destroy(&machine);
}

static void test_level(void)
{
    start();
    set(REDIRECTION(9), LEVEL | 0x41);
    i82093_set_input(&ioapic, 9, true);
    CHECK(count == 1 && get(REDIRECTION(9)) & REMOTE_IRR);
    i82093_set_input(&ioapic, 9, true);
    i82093_eoi(&ioapic, 0x42);
    CHECK_EQUAL(count, 1);
    i82093_eoi(&ioapic, 0x41); /* it is still there: again */
    CHECK_EQUAL(count, 2);
    i82093_set_input(&ioapic, 9, false);
    fake_write(&machine, I82093_ADDRESS + 0x40, 4, 0x41);
    CHECK(count == 2 && !(get(REDIRECTION(9)) & REMOTE_IRR));
    set(REDIRECTION(9), MASKED | LEVEL | 0x41);
    i82093_set_input(&ioapic, 9, true);
    CHECK_EQUAL(count, 2);
    set(REDIRECTION(9), LEVEL | 0x41); /* a level waits for the mask's end */
    CHECK_EQUAL(count, 3);
    set(REDIRECTION(9), 0x41); /* an edge keeps nothing */
    CHECK(!(get(REDIRECTION(9)) & REMOTE_IRR));
    fake_destroy(&machine);
}

int main(void)
{
    test_registers();
    test_edge();
    test_level();
    return unit_result();
}
