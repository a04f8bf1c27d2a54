/* What requests to a virtual disk cost, from before they are queued until they are answered. */
#include "lib/x86/cpu.h"
#include "vsc/demo/bench.h"
#include "vsc/demo/bus.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/console.h"
#include "vsc/demo/disk.h"

#define SMALL_SIZE 4096u
#define LARGE_SIZE (100u * 1024)
#define WAIT_US 5000000u /* for an answer */

static struct vsc_storage storage;
static struct vsc_storage_capacity capacity;
static struct vsc_storage_request requests[BENCH_DISK_DEPTH];
static uint8_t data[LARGE_SIZE] __attribute__((aligned(VMBUS_PAGE_SIZE)));
static bool is_open;

bool bench_disk_open(void)
{
    if (is_open)
        return true;
    if (!disk_open(&storage, 0))
        return false;
    is_open = vsc_storage_capacity(&storage, 0, data, &capacity) &&
              LARGE_SIZE % capacity.sector_size == 0 &&
              capacity.sectors >= LARGE_SIZE / capacity.sector_size;
    if (!is_open)
        vsc_storage_close(&storage);
    return is_open;
}

void bench_disk_close(void)
{
    if (is_open)
        vsc_storage_close(&storage);
    is_open = false;
    demo_bus_end();
}

/* --- Waiting for answers --- */

/* Until a packet of the host's is in the ring. Not inlined, and without calls: tests/bench/ takes
 * its instructions for waiting. */
__attribute__((noinline)) static bool wait_for_packet(const struct vmbus_ring *ring,
                                                      uint64_t deadline)
{
    while (__atomic_load_n(&ring->control->write_index, __ATOMIC_RELAXED) == ring->index) {
        if (rdtsc() > deadline)
            return false;
        cpu_pause();
    }
    return true;
}

static void wait_polling(uint32_t count)
{
    uint64_t deadline = clock_deadline(WAIT_US);

    for (uint32_t done = 0; done < count; done += vsc_storage_poll(&storage)) {
        if (storage.failed || !wait_for_packet(&storage.channel->incoming, deadline))
            die("bench: the disk does not answer");
    }
}

/* Interrupts are on. */
static void wait_halting(uint32_t count)
{
    uint32_t done;

    for (done = vsc_storage_poll(&storage); done < count; done += vsc_storage_poll(&storage)) {
        if (storage.failed)
            die("bench: the disk does not answer");
        interrupts_disable();
        while (!demo_bus_take()) {
            halt_until_interrupt();
            interrupts_disable();
        }
        interrupts_enable();
    }
}

/* --- Requests --- */

/* Ticks for one of @count requests that are under way at once. */
static uint64_t measure(bool write, uint32_t size, uint32_t count, bool polling)
{
    uint64_t start = rdtsc();

    storage.channel->polled = polling;
    for (uint32_t i = 0; i < count; i++) {
        vsc_storage_transfer(&requests[i], 0, write, 0, size / capacity.sector_size,
                             capacity.sector_size, data);
        if (!vsc_storage_queue(&storage, &requests[i]))
            die("bench: the queue of the disk is full");
    }
    vsc_storage_submit(&storage);
    (polling ? wait_polling : wait_halting)(count);
    uint64_t ticks = (rdtsc() - start) / count;

    storage.channel->polled = false;
    for (uint32_t i = 0; i < count; i++) {
        if (requests[i].srb_status != SRB_STATUS_SUCCESS)
            die("bench: a request to the disk has failed");
    }
    return ticks;
}

uint64_t bench_disk_read_4k(void)
{
    return measure(false, SMALL_SIZE, 1, true);
}

uint64_t bench_disk_write_4k(void)
{
    return measure(true, SMALL_SIZE, 1, true);
}

uint64_t bench_disk_write_100k(void)
{
    return measure(true, LARGE_SIZE, 1, true);
}

uint64_t bench_disk_write_100k_deep(void)
{
    return measure(true, LARGE_SIZE, BENCH_DISK_DEPTH, true);
}

uint64_t bench_disk_write_100k_halting(void)
{
    return measure(true, LARGE_SIZE, 1, false);
}

uint64_t bench_disk_write_100k_halting_deep(void)
{
    return measure(true, LARGE_SIZE, BENCH_DISK_DEPTH, false);
}
