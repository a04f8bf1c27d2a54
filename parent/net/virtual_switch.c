#include "parent/net/virtual_switch.h"

#include "lib/string.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"
#include "parent/net/bridge_port.h"
#include "parent/net/host_port.h"
#include "parent/services/network.h"

struct virtual_switch {
    char name[VIRTUAL_SWITCH_NAME_SIZE];
    enum virtual_switch_kind kind;
    unsigned references; /* by virtual_switch_get(); the list's lock */
    struct spinlock lock;
    struct net_switch ports;
    struct host_port *host;     /* the parent's port; NULL: private */
    struct bridge_port *bridge; /* the card's port; NULL: not external */
};

static struct mutex list_lock;
static struct virtual_switch *switches[VIRTUAL_SWITCHES_MAX]; /* NULL: free */

void virtual_switch_init(void)
{
    mutex_init(&list_lock);
}

/* --- Ports ---------------------------------------------------------------------------------- */

bool virtual_switch_connect(struct virtual_switch *net, struct switch_port *port)
{
    uint64_t flags = spin_lock(&net->lock);
    bool connected = switch_connect(&net->ports, port);

    spin_unlock(&net->lock, flags);
    return connected;
}

void virtual_switch_disconnect(struct virtual_switch *net, struct switch_port *port)
{
    uint64_t flags = spin_lock(&net->lock);

    switch_disconnect(&net->ports, port);
    spin_unlock(&net->lock, flags);
}

unsigned virtual_switch_send(struct virtual_switch *net, struct switch_port *port,
                             const struct net_frame *frame)
{
    uint64_t flags = spin_lock(&net->lock);
    unsigned taken = switch_send(&net->ports, port, frame, time_now());

    spin_unlock(&net->lock, flags);
    return taken;
}

void virtual_switch_set_filter(struct virtual_switch *net, struct switch_port *port,
                               uint32_t accept)
{
    uint64_t flags = spin_lock(&net->lock);

    port->accept = accept;
    spin_unlock(&net->lock, flags);
}

void virtual_switch_set_link(struct virtual_switch *net, struct switch_port *port, bool up)
{
    uint64_t flags = spin_lock(&net->lock);

    switch_set_link(&net->ports, port, up);
    spin_unlock(&net->lock, flags);
}

void virtual_switch_set_media(struct virtual_switch *net, bool up)
{
    uint64_t flags = spin_lock(&net->lock);

    switch_set_media(&net->ports, up);
    spin_unlock(&net->lock, flags);
}

void virtual_switch_statistics(struct virtual_switch *net, const struct switch_port *port,
                               struct switch_port_statistics *statistics)
{
    uint64_t flags = spin_lock(&net->lock);

    *statistics = port->statistics;
    spin_unlock(&net->lock, flags);
}

bool virtual_switch_describe_port(struct virtual_switch *net, unsigned place,
                                  struct virtual_switch_port_information *information)
{
    uint64_t flags = spin_lock(&net->lock);
    const struct switch_port *port = place < SWITCH_PORTS_MAX ? net->ports.ports[place] : NULL;

    if (port != NULL) {
        string_copy(information->owner, port->owner, sizeof(information->owner));
        information->mac = port->mac;
        information->learns = port->learns;
        information->link_up = port->link_up;
        information->unplugged = port->unplugged;
        information->statistics = port->statistics;
    }
    spin_unlock(&net->lock, flags);
    return port != NULL;
}

bool virtual_switch_plug(struct virtual_switch *net, unsigned place, bool in)
{
    uint64_t flags = spin_lock(&net->lock);
    struct switch_port *port = place < SWITCH_PORTS_MAX ? net->ports.ports[place] : NULL;

    if (port != NULL)
        switch_set_link(&net->ports, port, in);
    spin_unlock(&net->lock, flags);
    return port != NULL;
}

/* --- The list ------------------------------------------------------------------------------- */

/* The place of the switch called @name in the list, or VIRTUAL_SWITCHES_MAX. */
static unsigned find(const char *name)
{
    unsigned place = 0;

    while (place < VIRTUAL_SWITCHES_MAX &&
           (switches[place] == NULL || strcmp(switches[place]->name, name) != 0))
        place++;
    return place;
}

static unsigned find_free(void)
{
    unsigned place = 0;

    while (place < VIRTUAL_SWITCHES_MAX && switches[place] != NULL)
        place++;
    return place;
}

struct virtual_switch *virtual_switch_get(const char *name)
{
    struct virtual_switch *net = NULL;

    mutex_lock(&list_lock);
    unsigned place = find(name);
    if (place < VIRTUAL_SWITCHES_MAX) {
        net = switches[place];
        net->references++;
    }
    mutex_unlock(&list_lock);
    return net;
}

void virtual_switch_put(struct virtual_switch *net)
{
    mutex_lock(&list_lock);
    net->references--;
    mutex_unlock(&list_lock);
}

const char *virtual_switch_kind_text(enum virtual_switch_kind kind)
{
    static const char *const texts[] = {
        [SWITCH_PRIVATE] = "private",
        [SWITCH_INTERNAL] = "internal",
        [SWITCH_EXTERNAL] = "external",
    };

    return texts[kind];
}

static void describe(struct virtual_switch *net, struct virtual_switch_information *information)
{
    uint64_t flags;

    *information = (struct virtual_switch_information){
        .kind = net->kind,
        .references = net->references,
    };
    string_copy(information->name, net->name, sizeof(information->name));
    if (net->bridge != NULL)
        string_copy(information->card, bridge_port_card(net->bridge)->name,
                    sizeof(information->card));
    flags = spin_lock(&net->lock);
    for (unsigned i = 0; i < SWITCH_PORTS_MAX; i++)
        information->ports += net->ports.ports[i] != NULL;
    information->media_up = !net->ports.media_down;
    spin_unlock(&net->lock, flags);
}

bool virtual_switch_describe(unsigned index, struct virtual_switch_information *information)
{
    bool found = false;

    mutex_lock(&list_lock);
    for (unsigned place = 0; place < VIRTUAL_SWITCHES_MAX && !found; place++) {
        if (switches[place] == NULL || index-- > 0)
            continue;
        describe(switches[place], information);
        found = true;
    }
    mutex_unlock(&list_lock);
    return found;
}

/* --- Making and deleting -------------------------------------------------------------------- */

/* Letters, digits and dashes: what can be typed without quotes, and stand in a file's name. */
static bool name_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length >= VIRTUAL_SWITCH_NAME_SIZE)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-')
            return false;
    }
    return true;
}

/* Why a switch cannot be made so; NULL: it can. */
static const char *refusal(const char *name, enum virtual_switch_kind kind,
                           const struct net_device *device)
{
    if (!name_valid(name))
        return "a name has 1 to 15 letters, digits and dashes";
    if (find(name) < VIRTUAL_SWITCHES_MAX)
        return "there is a switch of this name already";
    if (net_device_find(name) != NULL)
        return "a network card has this name";
    if (find_free() == VIRTUAL_SWITCHES_MAX)
        return "there are as many switches as can be";
    if ((kind == SWITCH_EXTERNAL) != (device != NULL))
        return "an external switch has a network card, and no other";
    if (device == NULL)
        return NULL;
    if (find(device->name) < VIRTUAL_SWITCHES_MAX)
        return "that card is the parent's port of a switch; a physical card is wanted";
    if (device->client != NULL && !network_owns(device))
        return "the card is in use, by another switch perhaps";
    return NULL;
}

/* An address of the locally administered ones (IEEE 802c) for the parent's port of the switch at
 * @place; it stays on this machine. */
static struct mac_address host_address(unsigned place)
{
    return (struct mac_address){{0x02, 'V', 'N', 'S', 0, (uint8_t)place}};
}

/* Gives the parent a port and a stack on it. */
static bool join_parent(struct virtual_switch *net, unsigned place, const char **error)
{
    struct mac_address mac = host_address(place);

    net->host = host_port_create(net, net->name, &mac, NULL, error);
    if (net->host == NULL)
        return false;
    if (network_add(host_port_device(net->host)))
        return true;
    *error = "no memory";
    host_port_destroy(net->host);
    return false;
}

/* Moves the stack from @from to @to; makes one if there was none. */
static bool move_stack(struct net_device *from, struct net_device *to)
{
    return network_move(from, to) || network_add(to);
}

/* Puts the switch between @card and the parent's stack. */
static bool join_card(struct virtual_switch *net, struct net_device *card, const char **error)
{
    struct net_device *device;

    virtual_switch_set_media(net, false); /* until the card says otherwise */
    net->host = host_port_create(net, net->name, &card->mac, card, error);
    if (net->host == NULL)
        return false;
    device = host_port_device(net->host);
    if (!move_stack(card, device)) {
        *error = "no memory";
        host_port_destroy(net->host);
        return false;
    }
    net->bridge = bridge_port_create(net, card, error);
    if (net->bridge != NULL)
        return true;
    network_move(device, card);
    host_port_destroy(net->host);
    return false;
}

static bool join(struct virtual_switch *net, unsigned place, struct net_device *device,
                 const char **error)
{
    switch (net->kind) {
    case SWITCH_INTERNAL:
        return join_parent(net, place, error);
    case SWITCH_EXTERNAL:
        return join_card(net, device, error);
    case SWITCH_PRIVATE:
        break;
    }
    return true;
}

/* The list's lock is held. */
static struct virtual_switch *create(const char *name, enum virtual_switch_kind kind,
                                     struct net_device *device, const char **error)
{
    unsigned place = find_free();
    struct virtual_switch *net;

    *error = refusal(name, kind, device);
    if (*error != NULL)
        return NULL;
    net = heap_allocate(sizeof(*net));
    if (net == NULL) {
        *error = "no memory";
        return NULL;
    }
    string_copy(net->name, name, sizeof(net->name));
    net->kind = kind;
    net->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_SWITCH);
    switch_init(&net->ports);
    if (!join(net, place, device, error)) {
        heap_free(net);
        return NULL;
    }
    switches[place] = net;
    return net;
}

struct virtual_switch *virtual_switch_create(const char *name, enum virtual_switch_kind kind,
                                             struct net_device *device, const char **error)
{
    struct virtual_switch *net;

    mutex_lock(&list_lock);
    net = create(name, kind, device, error);
    mutex_unlock(&list_lock);
    return net;
}

/* Gives the card back to the parent's stack, or ends the stack of an internal switch. */
static void leave(struct virtual_switch *net)
{
    struct net_device *device;

    if (net->host == NULL)
        return;
    device = host_port_device(net->host);
    if (net->bridge != NULL) {
        struct net_device *card = bridge_port_card(net->bridge);

        bridge_port_destroy(net->bridge);
        network_move(device, card);
    } else {
        network_remove(device);
    }
    host_port_destroy(net->host);
}

bool virtual_switch_delete(const char *name, const char **error)
{
    bool deleted = false;

    mutex_lock(&list_lock);
    unsigned place = find(name);
    if (place == VIRTUAL_SWITCHES_MAX) {
        *error = "there is no switch of this name";
    } else if (switches[place]->references > 0) {
        *error = "it is in use; end the children that are connected to it first";
    } else {
        leave(switches[place]);
        heap_free(switches[place]);
        switches[place] = NULL;
        deleted = true;
    }
    mutex_unlock(&list_lock);
    return deleted;
}
