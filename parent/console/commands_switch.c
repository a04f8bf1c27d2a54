/* Commands on virtual switches. */
#include "lib/cmdline.h"
#include "lib/string.h"
#include "parent/console/command.h"
#include "parent/console/net_counters.h"
#include "parent/console/terminal.h"
#include "parent/net/address.h"
#include "parent/net/virtual_switch.h"

#define USAGE                                                                                      \
    "list | create NAME private|internal|external [NIC] | delete NAME | stats NAME | link NAME "   \
    "PORT up|down"

static bool run_list(unsigned count, char **arguments)
{
    struct virtual_switch_information s;
    unsigned index = 0;

    (void)count;
    (void)arguments;
    for (; virtual_switch_describe(index, &s); index++) {
        terminal_print("%-15s %s, %u %s", s.name, virtual_switch_kind_text(s.kind), s.ports,
                       s.ports == 1 ? "port" : "ports");
        if (s.kind == SWITCH_EXTERNAL)
            terminal_print(", card %s, link %s", s.card, s.media_up ? "up" : "down");
        terminal_print(s.references > 0 ? ", in use by %u\n" : "\n", s.references);
    }
    if (index == 0)
        terminal_print("no virtual switches; switch create makes one\n");
    return true;
}

static bool parse_kind(const char *text, enum virtual_switch_kind *kind)
{
    for (*kind = SWITCH_PRIVATE; *kind <= SWITCH_EXTERNAL; (*kind)++)
        if (strcmp(text, virtual_switch_kind_text(*kind)) == 0)
            return true;
    return false;
}

/* NAME KIND [NIC] */
static bool run_create(unsigned count, char **arguments)
{
    struct net_device *card = NULL;
    enum virtual_switch_kind kind;
    const char *error;

    if (!parse_kind(arguments[1], &kind))
        return command_failed("switch", "There are private, internal and external ones",
                              "%s is no kind of switch", arguments[1]);
    if (kind == SWITCH_EXTERNAL && count < 3)
        return command_failed("switch", "nics lists them",
                              "an external switch wants the name of a network card");
    if (count == 3) {
        card = net_device_find(arguments[2]);
        if (card == NULL)
            return command_failed("switch", "nics lists the cards",
                                  "%s: there is no such network card", arguments[2]);
    }
    if (virtual_switch_create(arguments[0], kind, card, &error) == NULL)
        return command_failed("switch", NULL, "%s: not created: %s", arguments[0], error);
    if (kind != SWITCH_PRIVATE)
        terminal_print("the parent is %s on it; ip shows its address\n", arguments[0]);
    return true;
}

static bool run_delete(unsigned count, char **arguments)
{
    const char *error;

    (void)count;
    return virtual_switch_delete(arguments[0], &error) ||
           command_failed("switch", NULL, "%s: not deleted: %s", arguments[0], error);
}

/* The switch called @name, to be put back; if there is none, says so. */
static struct virtual_switch *get(const char *name)
{
    struct virtual_switch *net = virtual_switch_get(name);

    if (net == NULL)
        command_failed("switch", "switch list shows all", "%s: there is no such switch", name);
    return net;
}

static void print_port(unsigned place, const struct virtual_switch_port_information *port)
{
    char mac[MAC_TEXT_SIZE];

    mac_format(&port->mac, mac);
    terminal_print("%-5u %s, %s, link %s%s\n", place,
                   port->owner[0] != '\0' ? port->owner : "a child",
                   port->learns ? "all other stations" : mac, port->link_up ? "up" : "down",
                   port->unplugged ? " (unplugged)" : "");
    net_counters_print("from it", &port->statistics.received);
    net_counters_print("to it  ", &port->statistics.sent);
    if (port->statistics.spoofed > 0)
        terminal_print("      %llu packets from addresses that are not its own\n",
                       (unsigned long long)port->statistics.spoofed);
}

static bool run_stats(unsigned count, char **arguments)
{
    struct virtual_switch_port_information port;
    struct virtual_switch *net = get(arguments[0]);
    unsigned found = 0;

    (void)count;
    if (net == NULL)
        return false;
    for (unsigned place = 0; place < SWITCH_PORTS_MAX && !terminal_interrupted(); place++) {
        if (!virtual_switch_describe_port(net, place, &port))
            continue;
        print_port(place, &port);
        found++;
    }
    virtual_switch_put(net);
    if (found == 0)
        terminal_print("nothing is connected to it\n");
    return true;
}

/* NAME PORT up|down */
static bool run_link(unsigned count, char **arguments)
{
    bool up = strcmp(arguments[2], "up") == 0;
    struct virtual_switch *net;
    uint64_t place;
    bool found;

    (void)count;
    if (!up && strcmp(arguments[2], "down") != 0)
        return command_failed("switch", NULL, "%s is neither up nor down", arguments[2]);
    net = get(arguments[0]);
    if (net == NULL)
        return false;
    found = parse_number(arguments[1], &place) && place < SWITCH_PORTS_MAX &&
            virtual_switch_plug(net, (unsigned)place, up);
    virtual_switch_put(net);
    return found || command_failed("switch", "switch stats shows their numbers",
                                   "%s: there is no port %s", arguments[0], arguments[1]);
}

/* What `switch` can do; counts are of the words behind the verb. */
static const struct verb {
    const char *name;
    unsigned minimum, maximum;
    bool (*run)(unsigned count, char **arguments);
} verbs[] = {
    {"list", 0, 0, run_list},   {"create", 2, 3, run_create}, {"delete", 1, 1, run_delete},
    {"stats", 1, 1, run_stats}, {"link", 3, 3, run_link},
};

static bool run_switch(unsigned count, char **arguments)
{
    for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        const struct verb *verb = &verbs[i];

        if (strcmp(arguments[1], verb->name) != 0)
            continue;
        if (count - 2 >= verb->minimum && count - 2 <= verb->maximum)
            return verb->run(count - 2, arguments + 2);
    }
    return command_failed("switch", "Use: switch " USAGE, "%s: wrong words", arguments[1]);
}

const struct command switch_commands[] = {
    {"switch", USAGE, "lists, makes and deletes virtual switches", "switch create lan internal", 1,
     4, WORDS_NONE, run_switch},
    {0},
};
