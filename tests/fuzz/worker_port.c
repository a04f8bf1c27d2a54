/* Fuzzer of what a worker sends through its port: bytes that are frames, or not. */
#include "parent/net/worker_port.h"

#include "tests/fuzz/fuzz.h"
#include "tests/virtual_switch_machine.h"

static struct virtual_switch *net;
static struct worker_port *first, *second;

static struct worker_port *connect(uint8_t number)
{
    struct worker_port *port = worker_port_create("fuzzer");

    port->port.mac = station(number);
    FUZZ_CHECK(virtual_switch_connect(net, &port->port));
    port->net = net;
    worker_port_filter(port, SYSTEM_PORT_DIRECTED | SYSTEM_PORT_MULTICAST | SYSTEM_PORT_BROADCAST);
    return port;
}

static void start(void)
{
    const char *error;

    (void)run;
    virtual_switch_init();
    FUZZ_CHECK(virtual_switch_create("test", SWITCH_PRIVATE, NULL, &error) != NULL);
    net = virtual_switch_get("test");
    first = connect(1);
    second = connect(2);
}

/* Frames whose header is right, so that they arrive: the first byte of each says so. */
static void address(uint8_t *frames, uint32_t size)
{
    struct mac_address source = station(1), destination = station(2);
    struct system_frame header;

    for (uint32_t at = 0; at < size; at += system_frame_space(header.size)) {
        uint8_t *data = frames + at + sizeof(header);

        memcpy(&header, frames + at, sizeof(header));
        if (data[0] & 1)
            continue;
        memcpy(data, destination.bytes, MAC_SIZE);
        memcpy(data + MAC_SIZE, source.bytes, MAC_SIZE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t space = system_frame_space(SYSTEM_FRAME_MAX);
    struct net_buffer *buffer;
    uint8_t *frames = malloc(size); /* so that its end is watched */
    unsigned count;

    if (net == NULL)
        start();
    memcpy(frames, data, size);
    count = worker_port_count(frames, (uint32_t)size);
    FUZZ_CHECK(count <= size / system_frame_space(SYSTEM_FRAME_MIN) + 1);
    if (count > 0) {
        address(frames, (uint32_t)size);
        worker_port_send(first, frames, (uint32_t)size);
    }
    free(frames);
    while ((buffer = worker_port_receive(second, space)) != NULL) {
        FUZZ_CHECK(count-- > 0);
        FUZZ_CHECK(buffer->frame.size >= SYSTEM_FRAME_MIN && buffer->frame.size <= size);
        net_buffer_put(buffer);
    }
    return 0;
}
