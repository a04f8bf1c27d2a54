#include "parent/net/bridge_port.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/list.h"
#include "parent/include/memory.h"
#include "parent/net/buffer.h"

#define POOL_PAGES (BRIDGE_BUFFERS * NET_BUFFER_SIZE / PAGE_SIZE)

struct bridge_port {
    struct net_client client; /* of the card */
    struct switch_port port;
    struct virtual_switch *net;
    struct net_device *card;
    struct net_pool pool; /* the switch's lock, but for what the card gives back */
    uint64_t memory;      /* physical address of the pool */
};

/* The switch's lock is held. The card keeps frames for longer than we may: it gets copies. */
static bool send_to_card(struct switch_port *port, const struct net_frame *frame)
{
    struct bridge_port *bridge = CONTAINER_OF(port, struct bridge_port, port);
    struct net_buffer *buffer = net_buffer_take(&bridge->pool);
    uint32_t size = frame->size;

    if (buffer == NULL)
        return false;
    if (!net_buffer_fill(buffer, frame)) {
        net_buffer_put(buffer);
        return false;
    }
    if (size < NET_FRAME_MIN) {
        /* Zeros: the buffer still holds an older packet, perhaps another child's. */
        memset(buffer->data + size, 0, NET_FRAME_MIN - size);
        size = NET_FRAME_MIN;
    }
    net_buffer_transmit(buffer, bridge->card, size);
    return true;
}

/* By the card's interrupt. */
static void receive_from_card(struct net_client *client, const struct net_frame *frame)
{
    struct bridge_port *bridge = CONTAINER_OF(client, struct bridge_port, client);

    virtual_switch_send(bridge->net, &bridge->port, frame);
}

/* Again if the link changes meanwhile: of two that run side by side, the last must not leave what
 * the first has seen. */
static void card_link_changed(struct net_client *client)
{
    struct bridge_port *bridge = CONTAINER_OF(client, struct bridge_port, client);
    bool up;

    do {
        up = __atomic_load_n(&bridge->card->link_up, __ATOMIC_ACQUIRE);
        virtual_switch_set_media(bridge->net, up);
    } while (__atomic_load_n(&bridge->card->link_up, __ATOMIC_ACQUIRE) != up);
}

static void set_promiscuous(struct net_device *card, bool promiscuous)
{
    if (card->operations->set_promiscuous != NULL)
        card->operations->set_promiscuous(card, promiscuous);
}

static struct bridge_port *allocate(struct virtual_switch *net, struct net_device *card)
{
    struct bridge_port *bridge = heap_allocate(sizeof(*bridge));
    uint64_t memory = pages_allocate(POOL_PAGES, 1);

    if (bridge == NULL || memory == 0) {
        if (memory != 0)
            pages_free(memory, POOL_PAGES);
        heap_free(bridge);
        return NULL;
    }
    bridge->client = (struct net_client){receive_from_card, card_link_changed};
    bridge->port = (struct switch_port){
        .learns = true,
        .mtu = card->mtu < NET_MTU ? card->mtu : NET_MTU,
        .receive = send_to_card,
    };
    string_copy(bridge->port.owner, card->name, sizeof(bridge->port.owner));
    bridge->net = net;
    bridge->card = card;
    bridge->memory = memory;
    net_pool_init(&bridge->pool, physical_to_virtual(memory), memory, POOL_PAGES * PAGE_SIZE);
    return bridge;
}

static void deallocate(struct bridge_port *bridge)
{
    pages_free(bridge->memory, POOL_PAGES);
    heap_free(bridge);
}

struct bridge_port *bridge_port_create(struct virtual_switch *net, struct net_device *card,
                                       const char **error)
{
    struct bridge_port *bridge = allocate(net, card);

    if (bridge == NULL) {
        *error = "no memory";
        return NULL;
    }
    if (!virtual_switch_connect(net, &bridge->port)) {
        *error = "the switch has no free port";
        deallocate(bridge);
        return NULL;
    }
    set_promiscuous(card, true);
    if (!net_device_attach(card, &bridge->client)) {
        *error = "the card is in use or does not start";
        set_promiscuous(card, false);
        virtual_switch_disconnect(net, &bridge->port);
        deallocate(bridge);
        return NULL;
    }
    return bridge;
}

void bridge_port_destroy(struct bridge_port *bridge)
{
    net_device_detach(bridge->card); /* all buffers are back, and no more are taken */
    set_promiscuous(bridge->card, false);
    virtual_switch_disconnect(bridge->net, &bridge->port);
    deallocate(bridge);
}

struct net_device *bridge_port_card(const struct bridge_port *bridge)
{
    return bridge->card;
}
