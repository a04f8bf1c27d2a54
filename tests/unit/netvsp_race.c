/* Frames and changes of the link come in other threads while the guest opens its channel, sends,
 * takes, revokes and closes. The sanitizer sees what is used too late. */
#define _GNU_SOURCE /* a lock whose writer is not kept waiting */
#include <pthread.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#include "tests/netvsp_guest.h"

#define ROUNDS 100u
#define FRAMES 50u   /* of a round */
#define BURST 8u     /* frames of a sender in a row */
#define PAUSE_US 10u /* after which others have had the processor, however busy the machine is */
#define SENDERS 2u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* The adapter is there. */
static pthread_rwlock_t life = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static bool stop, present;
static uint64_t taken;

static void take_lock(void)
{
    pthread_mutex_lock(&lock);
}

static void give_lock(void)
{
    pthread_mutex_unlock(&lock);
}

/* What a switch does: as long as the port is connected. */
static void *send_frames(void *argument)
{
    static uint8_t data[1514];
    struct net_segment segment = {data, 0, sizeof(data)};
    const struct net_frame frame = {.segments = &segment, .segment_count = 1, .size = 1514};
    uint32_t count = 0;

    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        pthread_rwlock_rdlock(&life);
        for (uint32_t i = 0; present && i < BURST; i++) {
            if (netvsp_receive(adapter, &frame))
                __atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
        }
        if (present)
            netvsp_set_link(adapter, count++ % 2 == 0);
        pthread_rwlock_unlock(&life);
        usleep(PAUSE_US);
    }
    return NULL;
}

/* Takes what has come, and gives it back. */
static void drain(void)
{
    static _Alignas(8) uint8_t bytes[4096];
    struct vmbus_packet got;

    guest_schedule(NULL, PROVIDER_RELID);
    guest_turn(provider_host, 4);
    while (read_packet(&got, bytes, sizeof(bytes))) {
        if (got.type == VMBUS_PACKET_TRANSFER_PAGES)
            complete_batch(got.transaction_id);
    }
}

static void set_present(bool now_present)
{
    pthread_rwlock_wrlock(&life);
    present = now_present;
    pthread_rwlock_unlock(&life);
}

static void give_buffer(uint32_t type, uint32_t gpadl, uint16_t id)
{
    const struct nvsp_message message = {.type = type, .buffer = {.gpadl = gpadl, .id = id}};

    send_nvsp(&message);
    drain();
}

/* A life of the guest; the adapter outlives the channel. */
static void round_of_guest(uint32_t number)
{
    const struct nvsp_message init = {.type = NVSP_MESSAGE_INIT,
                                      .init = {NVSP_VERSION_6_1, NVSP_VERSION_6_1}};
    const struct nvsp_message revoke = {.type = NVSP_MESSAGE_REVOKE_RECEIVE_BUFFER,
                                        .revoke.id = RECEIVE_ID};
    const struct rndis_initialize request = {.header = {RNDIS_MESSAGE_INITIALIZE, sizeof(request)},
                                             .major = 1};

    guest_open();
    set_present(true);
    send_nvsp(&init);
    give_buffer(NVSP_MESSAGE_SEND_RECEIVE_BUFFER, RECEIVE_GPADL, RECEIVE_ID);
    give_buffer(NVSP_MESSAGE_SEND_SEND_BUFFER, SEND_GPADL, 0);
    send_section(NVSP_CHANNEL_CONTROL, 0, &request, sizeof(request));
    uint64_t wanted = __atomic_load_n(&taken, __ATOMIC_RELAXED) + FRAMES;

    while (__atomic_load_n(&taken, __ATOMIC_RELAXED) < wanted) {
        drain();
        usleep(PAUSE_US);
    }
    if (number % 3 == 0)
        send_nvsp(&revoke);
    CHECK(running[PROVIDER_RELID] != NULL);
    provider_close();
    usleep(PAUSE_US);
    set_present(false);
    netvsp_destroy(adapter);
}

int main(void)
{
    pthread_t senders[SENDERS];

    on_lock = take_lock;
    on_unlock = give_lock;
    for (uint32_t i = 0; i < SENDERS; i++)
        pthread_create(&senders[i], NULL, send_frames, NULL);
    for (uint32_t i = 0; i < ROUNDS; i++)
        round_of_guest(i);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < SENDERS; i++)
        pthread_join(senders[i], NULL);
    CHECK(taken >= ROUNDS * FRAMES);
    return unit_result();
}
