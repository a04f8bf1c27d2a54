/* Unit test of the network behind a card: a kernel and a card that are the test's. */
#include "worker/nic_host.h"

#include <setjmp.h>
#include <stdlib.h>

#include "tests/unit/unit.h"
#include "worker/machine.h"

#define PORT 5u

struct machine machine;

static struct system_port_information port = {.mac = {2, 0x15, 0x5d, 0, 0, 1}, .link_up = 1};
static uint32_t filter;
static void (*thread)(void *argument);
static void *thread_argument;
static jmp_buf ended;

/* --- The kernel --- */

static uint8_t sent[NIC_HOST_FRAME_SPACE];
static uint32_t sent_size;

/* What calls to receive give, one after the other: frames of these sizes; none: another link. */
static const uint32_t batches[][4] = {{60, 1514, 61}, {0}, {0}, {14}};
static uint32_t next_batch;

int64_t system_port_information(uint32_t handle, struct system_port_information *information)
{
    CHECK_EQUAL(handle, PORT);
    *information = port;
    return 0;
}

int64_t system_port_send(uint32_t handle, const void *frames, uint32_t size)
{
    CHECK_EQUAL(handle, PORT);
    memcpy(sent, frames, size);
    sent_size = size;
    return 0;
}

int64_t system_port_filter(uint32_t handle, uint32_t wanted)
{
    CHECK_EQUAL(handle, PORT);
    filter = wanted;
    return 0;
}

int64_t system_port_receive(uint32_t handle, void *buffer, uint32_t size, uint64_t deadline)
{
    uint32_t done = 0;

    CHECK(handle == PORT && deadline == SYSTEM_FOREVER && !machine.lock.taken);
    if (next_batch == sizeof(batches) / sizeof(batches[0]))
        return -SYSTEM_ERROR_INTERRUPTED;
    for (const uint32_t *frame = batches[next_batch++]; *frame != 0; frame++) {
        CHECK(done + system_frame_space(*frame) <= size);
        memcpy((uint8_t *)buffer + done, frame, sizeof(*frame));
        memset((uint8_t *)buffer + done + sizeof(*frame), (int)*frame, *frame);
        done += system_frame_space(*frame);
    }
    if (done == 0)
        port.link_up = !port.link_up;
    return done;
}

void system_thread_exit(void)
{
    longjmp(ended, 1);
}

/* --- The worker --- */

uint64_t machine_must(int64_t result, const char *what)
{
    (void)what;
    CHECK(result >= 0);
    return (uint64_t)result;
}

void machine_start_thread(void (*entry)(void *argument), void *argument)
{
    thread = entry;
    thread_argument = argument;
}

void lock_wait(struct lock *lock)
{
    CHECK(!lock->taken);
    abort();
}

/* --- The card --- */

static uint32_t received[8], received_count, changes;

static void receive(void *device, const void *frame, uint32_t size)
{
    CHECK(device == received && machine.lock.taken);
    CHECK_EQUAL(((const uint8_t *)frame)[size - 1], (uint8_t)size);
    received[received_count++] = size;
}

static void changed(void *device)
{
    CHECK(device == received && machine.lock.taken);
    changes++;
}

int main(void)
{
    static struct nic_host host;
    struct system_frame header;

    nic_host_init(&host, PORT);
    CHECK(host.link.up && memcmp(host.link.mac, port.mac, 6) == 0);
    CHECK_EQUAL(filter, 0); /* nothing may come yet */
    host.link.receive = receive;
    host.link.changed = changed;
    host.link.device = received;
    nic_host_start(&host);
    CHECK_EQUAL(filter, SYSTEM_PORT_DIRECTED | SYSTEM_PORT_MULTICAST | SYSTEM_PORT_BROADCAST);
    host.link.send(&host.link, "0123456789abcdef", 15);
    memcpy(&header, sent, sizeof(header));
    CHECK_EQUAL(header.size, 15);
    CHECK_EQUAL(sent_size, 4 + 15);
    CHECK(memcmp(sent + 4, "0123456789abcde", 15) == 0);
    if (setjmp(ended) == 0)
        thread(thread_argument);
    CHECK_EQUAL(received_count, 4);
    CHECK(received[0] == 60 && received[1] == 1514 && received[2] == 61 && received[3] == 14);
    CHECK_EQUAL(changes, 2);
    CHECK(host.link.up && !machine.lock.taken);
    return unit_result();
}
