/* Test program: two ports of a virtual switch, handles 1 and 2, in both directions and with bad
 * arguments; then it sends one frame to all as the sign that its starter may pull the cable of port
 * 1, and plug it in again. With the word "wait" it waits for ever on port 2. Status 0: all as it
 * should be; else the line that was not. */
#include <stdbool.h>

#include "lib/string.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("port: line %d: not true: %s\n", __LINE__, #condition);                         \
            return __LINE__;                                                                       \
        }                                                                                          \
    } while (0)

#define FIRST 1u
#define SECOND 2u
#define BURST 200u
#define FILTER (SYSTEM_PORT_DIRECTED | SYSTEM_PORT_BROADCAST)
#define SIZE SYSTEM_MAX_FRAMES_SIZE
#define STACK_SIZE 0x4000

static struct system_port_information first, second;
static uint8_t batch[SIZE], received[SIZE];
static uint32_t batch_size;

static uint64_t patience(void)
{
    return system_time() + 20000000;
}

static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void add(const uint8_t *source, const uint8_t *destination, uint32_t size)
{
    struct system_frame *frame = (struct system_frame *)(batch + batch_size);

    frame->size = size;
    memset(frame->data, (int)(size & 0xff), size);
    memcpy(frame->data, destination, 6);
    memcpy(frame->data + 6, source, 6);
    batch_size += system_frame_space(size);
}

static int64_t send(void)
{
    int64_t result = system_port_send(FIRST, batch, batch_size);

    batch_size = 0;
    return result;
}

/* Whether the frame at @at is of this size, which is also its last byte. */
static bool is_frame(uint32_t at, uint32_t size)
{
    const struct system_frame *frame = (const struct system_frame *)(received + at);

    return frame->size == size && frame->data[size - 1] == (uint8_t)size &&
           memcmp(frame->data + 6, first.mac, 6) == 0;
}

static int exchange(void)
{
    uint32_t space = system_frame_space(61) + system_frame_space(1514);

    MUST(system_port_information(FIRST, &first) == 0);
    MUST(system_port_information(SECOND, &second) == 0);
    MUST(first.link_up == 1 && second.link_up == 1 && memcmp(first.mac, second.mac, 6) != 0);
    add(first.mac, second.mac, 60); /* not asked for yet */
    MUST(send() == 0);
    MUST(system_port_filter(SECOND, FILTER) == 0);
    MUST(system_port_receive(SECOND, received, SIZE, system_time()) == -SYSTEM_ERROR_TIMEOUT);
    add(first.mac, second.mac, 61);
    add(second.mac, second.mac, 62); /* not from its own address */
    add(first.mac, everybody, 1514);
    MUST(send() == 0);
    MUST(system_port_receive(SECOND, received, SIZE, patience()) == space);
    MUST(is_frame(0, 61) && is_frame(system_frame_space(61), 1514));
    return 0;
}

/* What does not fit is dropped and counted. */
static int overflow(void)
{
    uint32_t count = 0;
    int64_t size;

    for (uint32_t i = 0; i < BURST; i++) {
        add(first.mac, second.mac, 100);
        MUST(send() == 0);
    }
    while ((size = system_port_receive(SECOND, received, SIZE, system_time())) > 0)
        count += (uint32_t)size / system_frame_space(100);
    MUST(size == -SYSTEM_ERROR_TIMEOUT);
    MUST(system_port_information(SECOND, &second) == 0);
    MUST(count > 0 && count < BURST && count + second.dropped == BURST);
    return 0;
}

static int refusals(void)
{
    uint32_t pipe[2];
    uint32_t *size = (uint32_t *)batch;
    void *nowhere = (void *)0x10;

    MUST(system_pipe_create(pipe) == 0);
    MUST(system_handle_duplicate(FIRST, SYSTEM_RIGHT_READ) == -SYSTEM_ERROR_RIGHTS);
    add(first.mac, second.mac, 60);
    batch_size = 0;
    MUST(system_port_send(pipe[0], batch, 64) == -SYSTEM_ERROR_HANDLE);
    MUST(system_port_send(99, batch, 64) == -SYSTEM_ERROR_HANDLE);
    MUST(system_port_send(FIRST, nowhere, 64) == -SYSTEM_ERROR_ADDRESS);
    MUST(system_port_send(FIRST, batch, 0) == -SYSTEM_ERROR_ARGUMENT);
    MUST(system_port_send(FIRST, batch, 63) == -SYSTEM_ERROR_ARGUMENT);
    MUST(system_port_send(FIRST, batch, SIZE + 1) == -SYSTEM_ERROR_ARGUMENT);
    MUST(system_port_send(FIRST, (void *)0x7ffffffff000, 64) == -SYSTEM_ERROR_ADDRESS);
    *size = 0xfffffffc;
    MUST(system_port_send(FIRST, batch, 64) == -SYSTEM_ERROR_ARGUMENT);
    MUST(system_port_receive(SECOND, received, SIZE, system_time()) == -SYSTEM_ERROR_TIMEOUT);
    MUST(system_port_receive(SECOND, received, 1000, 0) == -SYSTEM_ERROR_SIZE);
    MUST(system_port_filter(SECOND, 8) == -SYSTEM_ERROR_ARGUMENT);
    MUST(system_port_information(SECOND, nowhere) == -SYSTEM_ERROR_ADDRESS);
    add(first.mac, second.mac, 60);
    MUST(send() == 0);
    MUST(system_port_receive(SECOND, nowhere, SIZE, patience()) == -SYSTEM_ERROR_ADDRESS);
    MUST(system_port_receive(SECOND, received, SIZE, system_time()) == -SYSTEM_ERROR_TIMEOUT);
    return 0;
}

/* A thread's: a frame for those who wait. */
static void send_late(void *argument)
{
    (void)argument;
    system_sleep(system_time() + 20000);
    send();
    system_thread_exit();
}

static int waiting(void)
{
    static _Alignas(16) uint8_t stack[STACK_SIZE];

    add(first.mac, second.mac, 77);
    MUST(system_thread_start(send_late, stack + STACK_SIZE, NULL) >= 0);
    MUST(system_port_receive(SECOND, received, SIZE, patience()) == system_frame_space(77));
    MUST(is_frame(0, 77));
    return 0;
}

static int cable(void)
{
    add(first.mac, everybody, 60);
    MUST(send() == 0);
    MUST(system_port_receive(FIRST, received, SIZE, patience()) == 0);
    MUST(system_port_information(FIRST, &first) == 0 && first.link_up == 0);
    MUST(system_port_receive(FIRST, received, SIZE, patience()) == 0);
    MUST(system_port_information(FIRST, &first) == 0 && first.link_up == 1);
    return 0;
}

int main(int argc, char **argv)
{
    int (*const parts[])(void) = {exchange, overflow, refusals, waiting, cable};

    MUST(program_handle_count() == 2);
    if (argc > 1 && strcmp(argv[1], "wait") == 0) {
        MUST(system_port_information(SECOND, &second) == 0);
        MUST(system_port_filter(SECOND, FILTER) == 0); /* drops the sign, which it got, too */
        system_port_receive(SECOND, received, SIZE, SYSTEM_FOREVER);
        return __LINE__;
    }
    for (uint32_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int line = parts[i]();

        if (line != 0)
            return line;
    }
    return 0;
}
