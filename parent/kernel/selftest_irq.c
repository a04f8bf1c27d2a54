/* Self test "irq": interrupts of devices, by line and by message. */
#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/include/interrupt.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/selftest.h"

/* Programmable interval timer (8254), whose channel 0 is ISA interrupt 0. */
#define PIT_IRQ 0
#define PIT_CHANNEL_0 0x40
#define PIT_COMMAND 0x43
#define PIT_CHANNEL_0_ONE_SHOT 0x30 /* low byte, high byte, mode 0 */
#define PIT_COUNT 2000              /* about 1.7 ms */

#define PATIENCE_MICROSECONDS 2000000
#define MESSAGES 24

/* A device that may or may not say that the interrupt was its own. */
struct device {
    uint64_t count;
    uint64_t cpus; /* bit set of the first 64 that served it */
    bool claims;
};

static bool serve(void *context)
{
    struct device *device = context;
    device->cpus |= 1ull << this_cpu()->index % 64;
    __atomic_fetch_add(&device->count, 1, __ATOMIC_RELEASE);
    return device->claims;
}

static bool wait_for(const struct device *device, uint64_t count)
{
    uint64_t deadline = time_now() + PATIENCE_MICROSECONDS;
    while (__atomic_load_n(&device->count, __ATOMIC_ACQUIRE) < count && time_now() < deadline)
        thread_sleep(500);
    return __atomic_load_n(&device->count, __ATOMIC_ACQUIRE) == count;
}

static void start_pit(void)
{
    outb(PIT_COMMAND, PIT_CHANNEL_0_ONE_SHOT);
    outb(PIT_CHANNEL_0, PIT_COUNT & 0xff);
    outb(PIT_CHANNEL_0, PIT_COUNT >> 8);
}

/* Connections are for ever: the devices are, too. */
static void check_line(void)
{
    static struct device first = {.claims = true}, second = {.claims = true};
    check(!interrupt_connect_isa(16, serve, &first), "ISA interrupt 16 exists");
    if (!check(interrupt_connect_isa(PIT_IRQ, serve, &first), "no interrupt of the PIT"))
        return;
    for (uint64_t i = 1; i <= 5; i++) {
        start_pit();
        check(wait_for(&first, i), "%lu of %lu interrupts of the PIT came", first.count, i);
    }
    check(interrupt_connect_isa(PIT_IRQ, serve, &second), "the PIT's line cannot be shared");
    start_pit();
    check(wait_for(&first, 6), "no interrupt on a shared line");
    check_equal(second.count, 0, "interrupts that another device had claimed");
    first.claims = false;
    start_pit();
    check(wait_for(&second, 1), "no interrupt for the second device of a line");
}

/* What a device would write is sent as an interrupt between CPUs: the same for the receiver. */
static void check_messages(void)
{
    static struct device devices[MESSAGES];
    uint64_t served_by = 0;
    for (uint32_t i = 0; i < MESSAGES; i++) {
        struct interrupt_message message = {0};
        devices[i].claims = true;
        if (!check(interrupt_connect_message(serve, &devices[i], &message), "no message %u", i))
            return;
        check_equal(message.address, 0xfee00000 | (uint64_t)cpus[message.cpu]->apic_id << 12,
                    "address of a message");
        lapic_send_interrupt(cpus[message.cpu]->apic_id, (uint8_t)message.data);
        check(wait_for(&devices[i], 1), "message %u did not arrive", i);
        check_equal(devices[i].cpus, 1ull << message.cpu % 64, "CPU that served a message");
        served_by |= devices[i].cpus;
    }
    if (cpu_count <= MESSAGES)
        check_equal(served_by, (1ull << cpu_count) - 1, "set of the CPUs that get messages");
}

static void run(void)
{
    check_line();
    check_messages();
}

const struct selftest selftest_irq = {"irq", run, SELFTEST_ONCE, false};
