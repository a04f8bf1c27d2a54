/* Unit test of a worker's port of a virtual switch: frames in both directions, a queue that is
 * full, links, and what a worker may not send. */
#include "parent/net/worker_port.h"

#include "tests/virtual_switch_machine.h"

static struct virtual_switch *net;
static struct worker_port *first, *second;

static struct worker_port *connect(uint8_t number)
{
    struct worker_port *port = worker_port_create("test");

    port->port.mac = station(number);
    CHECK(virtual_switch_connect(net, &port->port));
    port->net = virtual_switch_get("test");
    return port;
}

static void start(void)
{
    const char *error;

    CHECK(virtual_switch_create("test", SWITCH_PRIVATE, NULL, &error) != NULL);
    net = virtual_switch_get("test");
    first = connect(1);
    second = connect(2);
    worker_port_filter(second, SYSTEM_PORT_DIRECTED | SYSTEM_PORT_BROADCAST);
}

static void end(void)
{
    const char *error;

    object_put(&first->object);
    CHECK(!virtual_switch_delete("test", &error));
    object_put(&second->object);
    virtual_switch_put(net);
    CHECK(virtual_switch_delete("test", &error));
    CHECK_EQUAL(allocated, 0);
}

static uint8_t batch[SYSTEM_MAX_FRAMES_SIZE];
static uint32_t batch_size;

/* Appends a frame from station @from to station @to, all of whose other bytes are @size. */
static void add(uint8_t from, uint8_t to, uint32_t size)
{
    struct mac_address source = station(from), destination = station(to);
    uint8_t *data = batch + batch_size + sizeof(struct system_frame);

    memcpy(batch + batch_size, &size, sizeof(size));
    memset(data, (uint8_t)size, size);
    memcpy(data, destination.bytes, MAC_SIZE);
    memcpy(data + MAC_SIZE, source.bytes, MAC_SIZE);
    batch_size += system_frame_space(size);
}

static void send(void)
{
    CHECK(worker_port_count(batch, batch_size) > 0);
    worker_port_send(first, batch, batch_size);
    batch_size = 0;
}

/* The next frame at @port is of this size. */
static void expect(struct worker_port *port, uint32_t size)
{
    struct net_buffer *buffer = worker_port_receive(port, 2048);

    CHECK(buffer != NULL);
    if (buffer == NULL)
        return;
    CHECK_EQUAL(buffer->frame.size, size);
    CHECK_EQUAL(buffer->data[size - 1], (uint8_t)size);
    net_buffer_put(buffer);
}

static void frames(void)
{
    struct system_port_information information;

    start();
    worker_port_describe(first, &information);
    worker_port_describe(second, &information);
    add(1, 2, 61);
    add(1, 2, 1514);
    add(1, 3, 62); /* nobody's */
    add(5, 2, 63); /* not from its own address */
    add(1, 2, 64);
    send();
    CHECK(worker_port_is_ready(second) && !worker_port_is_ready(first));
    CHECK(worker_port_receive(second, 67) == NULL); /* no room */
    expect(second, 61);
    expect(second, 1514);
    expect(second, 64);
    CHECK(worker_port_receive(second, 2048) == NULL);
    CHECK_EQUAL(first->port.statistics.spoofed, 1);
    /* The first one has not asked for anything. */
    add(1, 2, 60);
    send();
    worker_port_filter(second, 0);
    CHECK(worker_port_receive(second, 2048) == NULL);
    add(1, 2, 60);
    send();
    CHECK(!worker_port_is_ready(second));
    end();
}

static void full(void)
{
    struct system_port_information information;

    start();
    for (unsigned i = 0; i < WORKER_PORT_FRAMES + 3; i++) {
        add(1, 2, 60 + i);
        send();
    }
    worker_port_describe(second, &information);
    CHECK_EQUAL(information.dropped, 3);
    CHECK(memcmp(information.mac, second->port.mac.bytes, MAC_SIZE) == 0);
    for (unsigned i = 0; i < WORKER_PORT_FRAMES; i++)
        expect(second, 60 + i);
    CHECK(worker_port_receive(second, 2048) == NULL);
    end();
}

static void links(void)
{
    struct system_port_information information;

    start();
    CHECK(worker_port_is_ready(first)); /* it does not know yet that the link is up */
    worker_port_describe(first, &information);
    CHECK(information.link_up == 1 && !worker_port_is_ready(first));
    virtual_switch_set_link(net, &first->port, false);
    CHECK(worker_port_is_ready(first));
    worker_port_describe(first, &information);
    CHECK(information.link_up == 0 && !worker_port_is_ready(first));
    end();
}

static void refused(void)
{
    uint32_t size;

    batch_size = 0;
    CHECK_EQUAL(worker_port_count(batch, 0), 0);
    add(1, 2, 14);
    CHECK_EQUAL(worker_port_count(batch, batch_size), 1);
    CHECK_EQUAL(worker_port_count(batch, 18), 1); /* nothing must be behind the last one */
    CHECK_EQUAL(worker_port_count(batch, 17), 0);
    CHECK_EQUAL(worker_port_count(batch, 3), 0);
    CHECK_EQUAL(worker_port_count(batch, batch_size + 2), 0);
    add(1, 2, 1518);
    CHECK_EQUAL(worker_port_count(batch, batch_size), 2);
    for (size = 0; size < 14; size++) {
        memcpy(batch, &size, sizeof(size));
        CHECK_EQUAL(worker_port_count(batch, batch_size), 0);
    }
    size = 1519;
    memcpy(batch, &size, sizeof(size));
    CHECK_EQUAL(worker_port_count(batch, sizeof(batch)), 0);
    size = 0xfffffffd;
    memcpy(batch, &size, sizeof(size));
    CHECK_EQUAL(worker_port_count(batch, sizeof(batch)), 0);
    for (int i = 0; i < 2; i++) {
        failing = i;
        CHECK(worker_port_create("test") == NULL);
    }
    failing = -1;
    CHECK_EQUAL(allocated, 0);
}

int main(void)
{
    virtual_switch_init();
    (void)run;
    frames();
    full();
    links();
    refused();
    return unit_result();
}
