#include "worker/serial_console.h"

#include "parent/user/system.h"
#include "worker/machine.h"

#define BUFFER_SIZE 256u
#define RETRY_US 1000u

static struct uart16550 *port;
static uint32_t pipe;

/* By the machine's lock. */
static uint8_t output[BUFFER_SIZE];
static uint32_t output_size; /* atomic to read without it */

void serial_console_flush(void)
{
    if (output_size > 0)
        system_pipe_send(pipe, output, output_size, NULL, 0, SYSTEM_FOREVER);
    __atomic_store_n(&output_size, 0, __ATOMIC_RELAXED);
}

bool serial_console_pending(void)
{
    return __atomic_load_n(&output_size, __ATOMIC_RELAXED) > 0;
}

static void transmit(void *context, uint8_t byte)
{
    (void)context;
    output[output_size] = byte;
    __atomic_store_n(&output_size, output_size + 1, __ATOMIC_RELAXED);
    if (byte == '\n' || output_size == BUFFER_SIZE)
        serial_console_flush();
}

/* Gives the port as many bytes as it has room for; how many. */
static uint32_t feed(const uint8_t *bytes, uint32_t size)
{
    uint32_t done = 0;
    lock_take(&machine.lock);
    while (done < size && uart16550_room(port) > 0)
        uart16550_receive(port, bytes[done++]);
    lock_release(&machine.lock);
    return done;
}

static void receive(void *argument)
{
    static uint8_t input[SYSTEM_MAX_MESSAGE];
    struct system_message message;
    (void)argument;
    for (;;) {
        message = (struct system_message){.buffer = (uintptr_t)input, .size = sizeof(input)};
        if (system_pipe_receive(pipe, &message, SYSTEM_FOREVER) < 0)
            system_thread_exit(); /* nobody is there any more */
        for (uint32_t done = 0; done < message.size;) {
            done += feed(input + done, message.size - done);
            if (done < message.size)
                system_sleep(system_time() + RETRY_US);
        }
    }
}

void serial_console_start(struct uart16550 *uart, uint32_t handle)
{
    port = uart;
    pipe = handle;
    uart->transmit = transmit;
    machine_start_thread(receive, NULL);
}
