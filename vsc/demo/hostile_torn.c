/* A guest whose second VP rewrites rings, packets and page numbers while the host reads them:
 * `torn=SEED,MS`. Whenever the host has closed the channel it is opened again, which has to work.
 * The requests only read; a packet may still become a write, of this guest's own disk. */
#include "lib/x86/cpu.h"
#include "vsc/demo/bus.h"
#include "vsc/demo/clock.h"
#include "vsc/demo/console.h"
#include "vsc/demo/disk.h"
#include "vsc/demo/hostile.h"
#include "vsc/demo/options.h"
#include "vsc/demo/random.h"
#include "vsc/demo/smp.h"

#define DEFAULT_MS 1000u
#define REQUESTS 16u
#define REQUEST_SIZE (16u * 1024)
#define SECTOR_SIZE 512u
#define ANSWER_US 5000u  /* after that an answer is given up, and the channel with it */
#define NEAR 1024u       /* bytes behind the last packet that are torn: those under way */
#define QUIET 8u         /* one in so many words is followed by a pause */
#define CONTROL_SHARE 64 /* one in so many goes into a control page */
#define INDEX_WORDS 4    /* of which half go into the first words: what changes with each packet */
#define CONTROL_WORDS 17 /* of a control page: indices, mask, pending size, features */

static uint8_t data[REQUESTS][REQUEST_SIZE] __attribute__((aligned(VMBUS_PAGE_SIZE)));
static struct vsc_storage_request requests[REQUESTS];
static struct vsc_storage storage;
static uint64_t tearing_state, torn;
/* Between the VPs: whether the second one may write, whether it does just now, the end. */
static bool allowed, busy, end;

/* --- The second VP --- */

static void tear(struct vmbus_ring *ring)
{
    uint32_t value = random_odd(&tearing_state);
    uint64_t choice = random_next(&tearing_state) >> 32;
    uint32_t place;

    if (choice % CONTROL_SHARE == 0) {
        uint32_t word = (uint32_t)(choice >> 12) % (choice >> 31 ? CONTROL_WORDS : INDEX_WORDS);

        __atomic_store_n((uint32_t *)(void *)ring->control + word, value, __ATOMIC_RELAXED);
        return;
    }
    place = __atomic_load_n(&ring->index, __ATOMIC_RELAXED);
    place = (place + ring->size - (uint32_t)(choice >> 12) % NEAR / 4 * 4) % ring->size;
    __atomic_store_n(
        (uint32_t *)(void *)(ring->pages[place / VMBUS_PAGE_SIZE] + place % VMBUS_PAGE_SIZE), value,
        __ATOMIC_RELAXED);
}

/* Some packets come through whole. */
static void be_quiet(void)
{
    for (uint64_t i = random_next(&tearing_state) >> 32 & 255; i > 0; i--)
        cpu_pause();
}

static void tear_on(void *argument)
{
    (void)argument;
    while (!__atomic_load_n(&end, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&busy, true, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&allowed, __ATOMIC_SEQ_CST)) {
            tear(random_next(&tearing_state) >> 32 & 15 ? &storage.channel->outgoing
                                                        : &storage.channel->incoming);
            torn++;
        }
        __atomic_store_n(&busy, false, __ATOMIC_SEQ_CST);
        if ((random_next(&tearing_state) >> 32) % QUIET == 0)
            be_quiet();
    }
}

static void allow(bool now)
{
    __atomic_store_n(&allowed, now, __ATOMIC_SEQ_CST);
    while (!now && __atomic_load_n(&busy, __ATOMIC_SEQ_CST))
        cpu_pause();
}

/* --- The first VP --- */

/* How many of the requests are answered in time. */
static uint32_t send(void)
{
    uint32_t answered = 0, count = 0;

    while (count < REQUESTS) {
        vsc_storage_transfer(&requests[count], 0, false, count * (REQUEST_SIZE / SECTOR_SIZE),
                             REQUEST_SIZE / SECTOR_SIZE, SECTOR_SIZE, data[count]);
        if (!vsc_storage_queue(&storage, &requests[count]))
            break;
        vsc_storage_submit(&storage);
        count++;
    }
    uint64_t deadline = clock_deadline(ANSWER_US);

    while (answered < count && !storage.failed && rdtsc() < deadline) {
        answered += vsc_storage_poll(&storage);
        demo_bus_take();
        cpu_pause();
    }
    return answered;
}

void hostile_torn_run(void)
{
    uint64_t answered = 0, lost = 0;
    uint64_t deadline = clock_deadline(option_number("torn", 1, DEFAULT_MS) * 1000);

    if (smp_count() < 2)
        die("torn: it takes two VPs");
    tearing_state = option_number("torn", 0, 1) * 2 + 1;
    smp_call_begin(1, tear_on, NULL);
    while (rdtsc() < deadline) {
        uint32_t now;

        if (!disk_open(&storage, 0))
            die("torn: the controller does not start again after %llu channels",
                (unsigned long long)lost);
        allow(true);
        do {
            now = send();
            answered += now;
        } while (now == REQUESTS && !storage.failed && rdtsc() < deadline);
        allow(false);
        lost += now < REQUESTS;
        vsc_storage_close(&storage);
    }
    __atomic_store_n(&end, true, __ATOMIC_SEQ_CST);
    if (!smp_call_wait(1))
        die("torn: VP 1 does not end");
    demo_bus_end();
    print("torn: %llu requests answered, %llu channels lost, %llu words torn\n",
          (unsigned long long)answered, (unsigned long long)lost, (unsigned long long)torn);
}
