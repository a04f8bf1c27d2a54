/* Who has a port or an address: ranges that overlap, come and go, also by the access itself. */
#include "worker/io.h"

#include <setjmp.h>

#include "tests/unit/unit.h"
#include "worker/guest_memory.h"
#include "worker/machine.h"

struct machine machine;
static jmp_buf failed;
static uint8_t memory[16]; /* at 1000h */
static bool memory_is_there;

_Noreturn void machine_fail(const char *format, ...)
{
    (void)format;
    longjmp(failed, 1);
}

void lock_wait(struct lock *lock)
{
    (void)lock;
    CHECK(!"the lock is taken twice");
    longjmp(failed, 1);
}

void *guest_memory_to_read(uint64_t address, uint64_t size)
{
    (void)size;
    return memory_is_there && address >= 0x1000 && address < 0x1010 ? memory + (address - 0x1000)
                                                                    : NULL;
}

void *guest_memory_to_write(uint64_t address, uint64_t size)
{
    return guest_memory_to_read(address, size);
}

/* A device that answers with its number and the offset, and notes what is written. */
struct device {
    uint32_t number;
    struct device_ports ports;
    struct device_mmio mmio;
    uint32_t writes, blocks;
    uint64_t last;
    struct device_ports *moves; /* a write moves this range up by one */
};

static uint32_t read_port(void *context, uint16_t offset, uint32_t size)
{
    const struct device *device = context;
    CHECK(machine.lock.taken && size <= 4);
    return device->number << 8 | offset;
}

static void write_port(void *context, uint16_t offset, uint32_t size, uint32_t value)
{
    struct device *device = context;
    (void)offset, (void)size;
    device->writes++;
    device->last = value;
    if (!device->moves)
        return;
    io_remove_ports(device->moves);
    device->moves->first++;
    io_add_ports(device->moves);
}

static void read_block(void *context, uint16_t offset, uint32_t size, uint32_t count, void *data)
{
    struct device *device = context;
    (void)offset;
    device->blocks++;
    memset(data, (int)device->number, (size_t)size * count);
}

static uint64_t read_register(void *context, uint64_t offset, uint32_t size)
{
    const struct device *device = context;
    (void)size;
    return device->number << 8 | offset;
}

static void write_register(void *context, uint64_t offset, uint32_t size, uint64_t value)
{
    write_port(context, (uint16_t)offset, size, (uint32_t)value);
}

static struct device make(uint32_t number)
{
    return (struct device){.number = number};
}

static void place(struct device *device, uint16_t first, uint16_t count)
{
    device->ports = (struct device_ports){first, count, read_port, write_port, device, NULL, NULL};
    device->mmio = (struct device_mmio){first, count, read_register, write_register, device};
}

static void test_ports(void)
{
    struct device a = make(1), b = make(2);
    place(&a, 0x100, 4);
    place(&b, 0x102, 4);
    CHECK_EQUAL(io_read_port(NULL, 0x100, 1), UINT32_MAX);
    io_add_ports(&a.ports);
    io_add_ports(&b.ports);
    CHECK_EQUAL(io_read_port(NULL, 0x103, 1), 0x103); /* the first one's */
    CHECK_EQUAL(io_read_port(NULL, 0x104, 1), 0x202);
    io_remove_ports(&a.ports);
    CHECK_EQUAL(io_read_port(NULL, 0x103, 1), 0x201); /* appears again */
    CHECK_EQUAL(io_read_port(NULL, 0x101, 1), UINT32_MAX);
    io_remove_ports(&a.ports); /* nothing */
    io_add_ports(&a.ports);
    CHECK_EQUAL(io_read_port(NULL, 0x103, 1), 0x201); /* the second one now */
    io_remove_ports(&b.ports);
    io_write_port(NULL, 0x103, 2, 7);
    CHECK(a.last == 7 && a.writes == 1 && b.writes == 0);
    io_remove_ports(&a.ports);
    io_write_port(NULL, 0x103, 2, 7);
    CHECK_EQUAL(a.writes, 1);
}

static void test_strings(void)
{
    struct device a = make(1), b = make(2);
    uint16_t data[4] = {1, 2, 3, 4};
    place(&a, 0x200, 1);
    place(&b, 0x201, 1);
    io_add_ports(&a.ports);
    io_add_ports(&b.ports);
    io_write_port_elements(NULL, 0x200, 2, 4, data);
    CHECK(a.writes == 4 && a.last == 4);
    io_read_port_elements(NULL, 0x200, 2, 4, data);
    CHECK(data[0] == 0x100 && data[3] == 0x100);
    a.ports.read_block = read_block;
    io_read_port_elements(NULL, 0x200, 2, 4, data);
    CHECK(a.blocks == 1 && data[3] == 0x101);
    a.moves = &a.ports; /* the first element moves the device away from the others */
    io_write_port_elements(NULL, 0x200, 2, 4, data);
    CHECK(a.writes == 5);
    io_read_port_elements(NULL, 0x200, 2, 2, data);
    CHECK(data[0] == 0xffff && data[1] == 0xffff);
    CHECK_EQUAL(io_read_port(NULL, 0x201, 1), 0x200); /* was there before it */
    io_remove_ports(&a.ports);
    io_remove_ports(&b.ports);
}

static void test_registers(void)
{
    struct device a = make(3);
    uint8_t bytes[4] = {9, 9, 9, 9};
    place(&a, 0x1000, 16);
    io_add_mmio(&a.mmio);
    CHECK_EQUAL(io_read_memory(NULL, 0x1004, 4), 0x304);
    CHECK_EQUAL(io_read_memory(NULL, 0x100e, 4), UINT64_MAX); /* beyond its end */
    io_read_memory_elements(NULL, 0x1000, 1, 4, bytes);
    CHECK(bytes[0] == 0 && bytes[3] == 3);
    memory_is_there = true; /* mapped meanwhile */
    io_write_memory(NULL, 0x1004, 4, 0x12345678);
    CHECK(a.writes == 0 && memory[5] == 0x56);
    CHECK_EQUAL((uint32_t)io_read_memory(NULL, 0x1004, 4), 0x12345678);
    memory_is_there = false;
    io_remove_mmio(&a.mmio);
    CHECK_EQUAL(io_read_memory(NULL, 0x1004, 4), UINT64_MAX);
}

/* More ranges than there is room for, and one that would wrap. */
static void test_full(void)
{
    static struct device many[80];
    struct device beyond = make(4);
    volatile unsigned added = 0;
    place(&beyond, 0xfffe, 4);
    if (setjmp(failed) == 0) {
        io_add_ports(&beyond.ports);
        CHECK(!"a range that wraps");
    }
    if (setjmp(failed) == 0)
        for (unsigned i = 0; i < 80; i++) {
            place(&many[i], (uint16_t)(0x4000 + 4 * i), 4);
            io_add_ports(&many[i].ports);
            added++;
        }
    CHECK_EQUAL(added, 63);
    CHECK_EQUAL(io_read_port(NULL, 0x4005, 1), 1);
}

int main(void)
{
    test_ports();
    test_strings();
    test_registers();
    test_full();
    return unit_result();
}
