/* Commands on the network. */
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/net_counters.h"
#include "parent/console/terminal.h"
#include "parent/include/thread.h"
#include "parent/services/network.h"

#define PING_TIMEOUT_US 2000000
#define PING_INTERVAL_US 200000
#define PING_SIZE 56
#define PING_COUNT 4

static bool run_nics(unsigned count, char **arguments)
{
    struct net_device *device;
    char mac[MAC_TEXT_SIZE];

    (void)count;
    (void)arguments;
    for (unsigned i = 0; (device = net_device_at(i)) != NULL; i++) {
        mac_format(&device->mac, mac);
        terminal_print("%-5s %s, %s, link %s", device->name, device->model, mac,
                       device->link_up ? "up" : "down");
        terminal_print(device->link_up ? ", %u Mbit/s\n" : "\n", device->link_mbps);
        net_counters_print("received", &device->received);
        net_counters_print("sent    ", &device->sent);
    }
    if (net_device_at(0) == NULL)
        terminal_print("no network cards that a driver knows; pci lists all devices\n");
    return true;
}

static void print_address(const char *what, ipv4_t address)
{
    char text[IPV4_TEXT_SIZE];

    ipv4_format(address, text);
    terminal_print("%s %s", what, address == 0 ? "none" : text);
}

static void print_network(struct network *network)
{
    uint64_t flags;
    const struct net_stack *stack = network_take(network, &flags);
    struct net_configuration configuration = stack->configuration;
    enum net_origin origin = stack->origin;
    enum dhcp_state state = stack->dhcp.state;
    const char *name = stack->device->name;

    network_release(network, flags);
    terminal_print("%-5s", name);
    print_address(" address", configuration.address);
    if (configuration.address != 0)
        terminal_print("/%u", ipv4_prefix_length(configuration.mask));
    print_address(", gateway", configuration.gateway);
    print_address(", name server", configuration.dns[0]);
    if (origin == NET_STATIC)
        terminal_print(", set by hand\n");
    else
        terminal_print(", DHCP: %s\n", dhcp_state_text(state));
}

static bool show_networks(void)
{
    struct network *network;

    for (unsigned i = 0; (network = network_get(i)) != NULL; i++)
        print_network(network);
    if (network_get(0) == NULL)
        terminal_print("no network; nics shows the cards\n");
    return true;
}

/* 255.255.255.0 for 24. */
static bool parse_mask(const char *text, ipv4_t *mask)
{
    uint64_t bits;

    if (!parse_number(text, &bits) || bits < 1 || bits > 32)
        return false;
    *mask = (ipv4_t)(UINT64_C(0xffffffff) << (32 - bits));
    return true;
}

/* ADDRESS/BITS [GATEWAY] */
static bool parse_configuration(unsigned count, char **words, struct net_configuration *c)
{
    char *slash = words[0];

    while (*slash != '/' && *slash != '\0')
        slash++;
    if (*slash != '/')
        return false;
    *slash = '\0';
    return ipv4_parse(words[0], &c->address) && parse_mask(slash + 1, &c->mask) &&
           (count < 2 || ipv4_parse(words[1], &c->gateway));
}

static bool run_ip(unsigned count, char **arguments)
{
    struct net_configuration configuration = {0};
    struct network *network;
    uint64_t flags;

    if (count == 1)
        return show_networks();
    network = network_find(arguments[1]);
    if (network == NULL)
        return command_failed("ip", "nics lists the cards", "%s: there is no such network card",
                              arguments[1]);
    if (count == 2) {
        print_network(network);
        return true;
    }
    bool dhcp = strcmp(arguments[2], "dhcp") == 0;
    if (!dhcp && !parse_configuration(count - 2, arguments + 2, &configuration))
        return command_failed("ip", "Write it like 192.168.1.5/24", "%s is not an address",
                              arguments[2]);
    struct net_stack *stack = network_take(network, &flags);
    enum net_status status =
        dhcp ? dhcp_start(stack, "veneer") : net_configure(stack, &configuration);
    network_release(network, flags);
    return status == NET_OK || command_failed("ip", NULL, "%s", net_status_text(status));
}

/* The network that a packet to @destination would leave by: the one it belongs to, or the first
 * with a gateway. */
static struct network *route(ipv4_t destination)
{
    struct network *network, *best = network_get(0);

    for (unsigned i = 0; (network = network_get(i)) != NULL; i++) {
        uint64_t flags;
        struct net_configuration c = network_take(network, &flags)->configuration;
        network_release(network, flags);
        if (c.address != 0 && ((c.address ^ destination) & c.mask) == 0)
            return network;
        if (c.gateway != 0)
            best = network;
    }
    return best;
}

/* One request; true if it was answered. */
static bool ping_once(struct network *network, ipv4_t destination, const char *text,
                      uint16_t sequence, bool *possible)
{
    enum ping_result result;
    uint64_t time;
    enum net_status status =
        network_ping(network, destination, sequence, PING_SIZE, PING_TIMEOUT_US, &result, &time);

    *possible = status == NET_OK;
    if (status != NET_OK)
        return command_failed("ping", "ip shows the addresses", "%s", net_status_text(status));
    if (result == PING_REPLY)
        terminal_print("reply from %s: number %u, %llu.%03llu ms\n", text, sequence,
                       (unsigned long long)time / 1000, (unsigned long long)time % 1000);
    else
        terminal_print("number %u to %s: %s\n", sequence, text, ping_result_text(result));
    return result == PING_REPLY;
}

static bool run_ping(unsigned count, char **arguments)
{
    ipv4_t destination;
    uint64_t wanted = PING_COUNT;
    unsigned sent = 0, answered = 0;
    bool possible = true;

    if (!ipv4_parse(arguments[1], &destination))
        return command_failed("ping", "Give four numbers like 192.168.1.1", "%s is not an address",
                              arguments[1]);
    if (count > 2 && (!parse_number(arguments[2], &wanted) || wanted == 0 || wanted > 10000))
        return command_failed("ping", NULL, "%s is not a number of packets", arguments[2]);
    struct network *network = route(destination);
    if (network == NULL)
        return command_failed("ping", "nics shows the cards", "there is no network");
    while (sent < wanted && possible && !terminal_interrupted()) {
        if (sent > 0)
            thread_sleep(PING_INTERVAL_US);
        if (ping_once(network, destination, arguments[1], (uint16_t)++sent, &possible))
            answered++;
    }
    terminal_print("%u sent, %u answered\n", sent, answered);
    return answered > 0;
}

const struct command network_commands[] = {
    {"nics", "", "lists network cards and what they counted", "nics", 0, 0, WORDS_NONE, run_nics},
    {"ip", "[NIC [dhcp | ADDRESS/BITS [GATEWAY]]]", "shows or sets addresses",
     "ip net0 192.168.1.5/24 192.168.1.1", 0, 4, WORDS_NIC, run_ip},
    {"ping", "ADDRESS [COUNT]", "asks another machine for a sign of life", "ping 10.0.2.2", 1, 2,
     WORDS_NONE, run_ping},
    {0},
};
