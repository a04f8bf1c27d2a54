/* Unit test of the host bridge: which region each nibble stands for, and the lock. */
#include "worker/devices/i440bx.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"

static struct fake_machine machine;
static struct pci_bus bus;
static struct i440bx bridge;
static uint8_t shadow[64]; /* of each 4 KiB from C0000h: bit 0 reads, bit 1 writes go to RAM */
static uint32_t calls;

static void set_shadow(void *context, uint32_t first, uint32_t size, bool read, bool write)
{
    CHECK(context == &machine);
    CHECK(first >= 0xc0000 && size <= 0x10000 && first + size <= 0x100000);
    calls++;
    for (uint32_t page = (first - 0xc0000) / 4096; size > 0; page++, size -= 4096)
        shadow[page] = (uint8_t)(read | write << 1);
}

static void set(uint32_t offset, uint8_t value)
{
    fake_out(&machine, 0xcf8, 4, 0x80000000 | (offset & 0xfc));
    fake_outb(&machine, (uint16_t)(0xcfc + (offset & 3)), value);
}

static uint8_t get(uint32_t offset)
{
    fake_out(&machine, 0xcf8, 4, 0x80000000 | (offset & 0xfc));
    return fake_inb(&machine, (uint16_t)(0xcfc + (offset & 3)));
}

/* @value in PAM register @index gives @access to the @count regions of 16 KiB from @region. */
static void check_pam(uint32_t index, uint8_t value, uint32_t region, uint32_t count,
                      uint8_t access)
{
    set(0x59 + index, value);
    for (uint32_t page = 0; page < 64; page++) {
        bool inside = page / 4 >= region && page / 4 < region + count;

        CHECK_EQUAL(shadow[page], inside ? access : 0);
    }
    set(0x59 + index, 0);
}

int main(void)
{
    static const struct pci_ranges ranges = {0};

    fake_create(&machine);
    pci_init(&bus, &machine.host, &ranges);
    i440bx_init(&bridge, &machine, set_shadow);
    pci_add(&bus, 0, 0, &bridge.function);
    fake_add_ports(&machine, &bus.ports);
    CHECK_EQUAL(calls, 0);
    CHECK_EQUAL(get(2), 0x92);

    check_pam(0, 0x30, 12, 4, 3);
    check_pam(0, 0xdf, 12, 4, 1); /* bits of no meaning */
    for (uint32_t i = 1; i < 7; i++) {
        check_pam(i, 0x01, 2 * i - 2, 1, 1);
        check_pam(i, 0x02, 2 * i - 2, 1, 2);
        check_pam(i, 0x10, 2 * i - 1, 1, 1);
        check_pam(i, 0x20, 2 * i - 1, 1, 2);
        check_pam(i, 0x33, 2 * i - 2, 2, 3);
    }
    set(0x5f, 0xff);
    CHECK_EQUAL(get(0x5f), 0x33);
    calls = 0;
    set(0x5f, 0x33); /* nothing changes */
    set(0x57, 0xff);
    CHECK_EQUAL(calls, 0);
    pci_reset(&bus);
    CHECK_EQUAL(calls, 2);
    CHECK_EQUAL(shadow[40], 0);

    CHECK_EQUAL(get(0x72), 0x02);
    set(0x72, 0x7f); /* opening it and locking it: it is locked, not open */
    CHECK_EQUAL(get(0x72), 0x3a);
    set(0x72, 0x00);
    CHECK_EQUAL(get(0x72), 0x3a);
    pci_reset(&bus);
    CHECK_EQUAL(get(0x72), 0x02);
    set(0x72, 0x08);
    CHECK_EQUAL(get(0x72), 0x0a);
    set(0xd3, 0x5a);
    CHECK_EQUAL(get(0xd3), 0x5a);
    fake_destroy(&machine);
    return unit_result();
}
