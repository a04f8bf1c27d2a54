/* Our network stack on a TAP device, to be tried against Linux's: see tests/linux/network.py.
 * Usage: tap DEVICE. Echoes datagrams at UDP port 7, and obeys lines of standard input:
 *   static ADDRESS/PREFIX GATEWAY   dhcp   release   ping ADDRESS BYTES
 * What happens is told in one line each. Ends with standard input. */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "parent/net/net.h"
#include "parent/net/ping.h"

#define ECHO_PORT 7
#define PING_TIMEOUT_US (5 * NET_SECOND) /* longer than a station is asked for */

static int tap;
static struct net_device device;
static struct net_stack stack;
static struct udp_socket echo_socket;
static struct ping ping;
static uint8_t ping_payload[IPV4_PAYLOAD_MAX];
static _Alignas(4096) uint8_t memory[128 * NET_BUFFER_SIZE];

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NET_SECOND + (uint64_t)now.tv_nsec / 1000;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static bool start(struct net_device *started)
{
    (void)started;
    return true;
}

static void stop(struct net_device *stopped)
{
    (void)stopped;
}

static void transmit(struct net_device *sender, struct net_frame *frame)
{
    bool sent = write(tap, frame->segments[0].data, frame->size) == (ssize_t)frame->size;

    net_device_sent(sender, frame, sent);
}

static void receive(struct net_client *client, const struct net_frame *frame)
{
    (void)client;
    net_receive(&stack, frame);
}

static void link_changed(struct net_client *client)
{
    (void)client;
    net_link_changed(&stack);
}

static uint32_t random_number(void *context)
{
    (void)context;
    return (uint32_t)random();
}

static void print_event(void *context, enum net_event event)
{
    char address[IPV4_TEXT_SIZE], gateway[IPV4_TEXT_SIZE];

    (void)context;
    ipv4_format(stack.configuration.address, address);
    ipv4_format(stack.configuration.gateway, gateway);
    if (event == NET_EVENT_CONFIGURED)
        printf("configured %s/%u gateway %s\n", address,
               ipv4_prefix_length(stack.configuration.mask), gateway);
    else if (event == NET_EVENT_UNCONFIGURED)
        printf("unconfigured\n");
    else if (event == NET_EVENT_CONFLICT)
        printf("conflict\n");
}

static void echo(struct udp_socket *socket, const struct udp_datagram *datagram)
{
    udp_send(&stack, socket, datagram->source, datagram->source_port, datagram->data,
             datagram->size);
}

static void print_result(struct ping *done, enum ping_result result, uint64_t round_trip_us,
                         uint8_t ttl)
{
    (void)done;
    (void)round_trip_us;
    printf("ping: %s ttl %u\n", ping_result_text(result), ttl);
}

static void send_ping(const char *address, size_t size)
{
    enum net_status status = NET_INVALID;

    ping.identifier = (uint16_t)getpid();
    ping.sequence++;
    ping.payload = ping_payload;
    ping.size = size;
    ping.timeout_us = PING_TIMEOUT_US;
    ping.done = print_result;
    if (ipv4_parse(address, &ping.destination))
        status = ping_send(&stack, &ping);
    if (status != NET_OK)
        printf("ping: %s\n", net_status_text(status));
}

static void configure(const char *address, unsigned prefix, const char *gateway)
{
    struct net_configuration configuration = {.mask = ~(0xffffffffu >> prefix)};

    if (!ipv4_parse(address, &configuration.address) ||
        !ipv4_parse(gateway, &configuration.gateway) ||
        net_configure(&stack, &configuration) != NET_OK)
        printf("not a configuration\n");
}

static void obey(const char *line)
{
    char address[64], gateway[64];
    unsigned number;

    if (sscanf(line, "static %63[^/]/%u %63s", address, &number, gateway) == 3)
        configure(address, number % 32, gateway);
    else if (sscanf(line, "ping %63s %u", address, &number) == 2)
        send_ping(address, number);
    else if (strcmp(line, "dhcp\n") == 0)
        dhcp_start(&stack, "veneer-test");
    else if (strcmp(line, "release\n") == 0)
        dhcp_release(&stack);
    else
        printf("unknown: %s", line);
}

static void open_tap(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};

    tap = open("/dev/net/tun", O_RDWR);
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0)
        die("/dev/net/tun");
}

static void receive_frame(void)
{
    uint8_t bytes[2048];
    ssize_t size = read(tap, bytes, sizeof(bytes));
    const struct net_segment segment = {bytes, 0, (uint32_t)size};
    const struct net_frame frame = {&segment, 1, (uint32_t)size, NULL};

    if (size <= 0)
        die("read from the TAP device");
    net_device_deliver(&device, &frame);
}

static int milliseconds_until(uint64_t deadline_us)
{
    uint64_t now = now_us();

    if (deadline_us == NET_NEVER)
        return -1;
    return deadline_us > now ? (int)((deadline_us - now) / 1000 + 1) : 0;
}

static void run(void)
{
    for (;;) {
        uint64_t deadline = net_tick(&stack, now_us());
        struct pollfd files[] = {{tap, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        char line[256];

        if (poll(files, 2, milliseconds_until(deadline)) < 0)
            die("poll");
        net_tick(&stack, now_us());
        if (files[0].revents)
            receive_frame();
        if (files[1].revents) {
            if (fgets(line, sizeof(line), stdin) == NULL)
                return;
            obey(line);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct net_device_operations operations = {start, stop, transmit, NULL};
    static struct net_client client = {receive, link_changed};
    const struct net_hooks hooks = {random_number, print_event, NULL};

    if (argc != 2)
        return 2;
    setvbuf(stdin, NULL, _IONBF, 0); /* poll() must see what is left */
    setvbuf(stdout, NULL, _IOLBF, 0);
    srandom((unsigned)now_us());
    for (size_t i = 0; i < sizeof(ping_payload); i++)
        ping_payload[i] = (uint8_t)random();
    open_tap(argv[1]);
    device = (struct net_device){
        .operations = &operations,
        .model = "TAP",
        .mac = {{2, 0, 0, 0, 0, 2}},
        .mtu = NET_MTU,
    };
    net_device_register(&device);
    net_init(&stack, &device, &hooks, memory, 0, sizeof(memory), now_us());
    net_device_attach(&device, &client);
    net_device_set_link(&device, true, 0);
    echo_socket.receive = echo;
    udp_bind(&stack, &echo_socket, ECHO_PORT);
    run();
    return 0;
}
