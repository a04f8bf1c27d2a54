#include "hypervisor/port.h"

#include "hypervisor/atomic.h"
#include "hypervisor/partition.h"
#include "lib/string.h"

#define ID_MAX 0xffffffu /* ids have 24 bits */
#define QUEUE_LENGTH (PAGE_SIZE / sizeof(struct hv_message))
#define LISTS 256u

/* What an entry's key has above the id. */
#define PORT (1ull << 32)
#define CONNECTION (2ull << 32)

/* HvSignalEvent is to be short. */
#define INLINE static inline __attribute__((always_inline))

struct entry {
    union block *next; /* of the owner with the same hash of the key */
    uint64_t key;
};

struct port {
    struct entry entry;
    struct partition *owner;
    struct connection *connections; /* to it */
    struct port *next_queued;
    struct hv_message *queue; /* message ports: QUEUE_LENGTH of them, a ring; event ports: NULL */
    uint64_t connection_partition_id;
    uint16_t base_flag, flag_count;
    uint8_t vp, sint;
    uint8_t first, queued; /* in the ring */
};

struct connection {
    struct entry entry;
    struct connection *next_of_port; /* to the same port */
    struct port *port;               /* NULL: it has been deleted */
};

/* Free ones are linked; so are the first blocks of all pages. */
union block {
    struct entry entry;
    struct port port;
    struct connection connection;
};

_Static_assert(sizeof(union block) == 64, "a cache line");
_Static_assert(MAX_LPS <= 256 && PARTITION_MAX_VPS <= 256, "VP indexes have 8 bits");

/* A partition's: in a page. */
struct port_table {
    union block *lists[LISTS];
    struct port *queued; /* ports whose ring is not empty; the first is served first */
    union block *free;
    union block *pages;
};

/* Protects all ports and connections. Only the way from a connection to its port's VP is also gone
 * without it, to find that an event flag is set already: what is taken out of the lists is not used
 * anew before wait_for_readers(). */
static struct spinlock lock = SPINLOCK(LOCK_LEVEL_PORTS);

/* Each LP gets to where it answers requests: past what it looked at without the lock. */
static void wait_for_readers(void)
{
    lp_request_all(LP_REQUEST_KICK);
}

/* --- Blocks and their lists --- */

static void *take_page(struct partition *partition)
{
    spa_t page = partition_take_page(partition);

    return page.value == 0 ? NULL : spa_to_va(page);
}

static void give_page(struct partition *partition, void *page)
{
    partition_give_page(partition, va_to_spa(page));
}

static void push(union block **list, union block *block)
{
    block->entry.next = *list;
    __atomic_store_n(list, block, __ATOMIC_RELEASE);
}

/* A zeroed block; NULL if there is no memory. Makes the partition's table if need be. */
static union block *take_block(struct partition *partition)
{
    if (partition->ports == NULL)
        partition->ports = take_page(partition);
    struct port_table *table = partition->ports;
    if (table == NULL)
        return NULL;
    if (table->free == NULL) {
        union block *page = take_page(partition);
        if (page == NULL)
            return NULL;
        push(&table->pages, page);
        for (unsigned i = 1; i < PAGE_SIZE / sizeof(*page); i++)
            push(&table->free, &page[i]);
    }
    union block *block = table->free;
    table->free = block->entry.next;
    return memset(block, 0, sizeof(*block));
}

INLINE union block **list_of(struct port_table *table, uint64_t key)
{
    return &table->lists[key % LISTS];
}

static void add(struct partition *owner, union block *block, uint64_t key)
{
    block->entry.key = key;
    push(list_of(owner->ports, key), block);
}

/* Also without the lock. */
INLINE union block *find_inline(const struct partition *owner, uint64_t key)
{
    struct port_table *table = __atomic_load_n(&owner->ports, __ATOMIC_ACQUIRE);
    union block *block;

    if (table == NULL)
        return NULL;
    block = __atomic_load_n(list_of(table, key), __ATOMIC_ACQUIRE);
    while (block != NULL && block->entry.key != key)
        block = __atomic_load_n(&block->entry.next, __ATOMIC_ACQUIRE);
    return block;
}

static union block *find(const struct partition *owner, uint64_t key)
{
    return find_inline(owner, key);
}

/* --- Making and deleting --- */

static enum hv_status check_port(const struct partition *owner,
                                 const struct hv_input_create_port *input)
{
    const struct hv_port_info *info = &input->port_info;
    uint32_t vps = partition_is_root(owner) ? owner->vp_count : PARTITION_MAX_VPS;

    if (input->port_id > ID_MAX)
        return HV_STATUS_INVALID_PORT_ID;
    if (input->port_vtl | input->min_connection_vtl | input->padding | info->padding)
        return HV_STATUS_INVALID_PARAMETER;
    if (info->target_vp != HV_ANY_VP && info->target_vp >= vps)
        return HV_STATUS_INVALID_VP_INDEX;
    if (info->target_sint >= HV_SYNIC_SINT_COUNT)
        return HV_STATUS_INVALID_PARAMETER;
    if (info->port_type == HV_PORT_TYPE_MESSAGE)
        return HV_STATUS_SUCCESS;
    if (info->port_type != HV_PORT_TYPE_EVENT || info->flag_count == 0 ||
        info->base_flag_number + info->flag_count > HV_EVENT_FLAGS_COUNT)
        return HV_STATUS_INVALID_PARAMETER;
    return HV_STATUS_SUCCESS;
}

static enum hv_status create(struct partition *owner, const struct hv_input_create_port *input)
{
    const struct hv_port_info *info = &input->port_info;
    struct hv_message *queue = NULL;
    union block *block;

    if (atomic_load(&owner->state) == PARTITION_FINALIZED)
        return HV_STATUS_INVALID_PARTITION_STATE;
    if (find(owner, PORT | input->port_id) != NULL)
        return HV_STATUS_INVALID_PORT_ID;
    if (info->port_type == HV_PORT_TYPE_MESSAGE) {
        queue = take_page(owner);
        if (queue == NULL)
            return HV_STATUS_INSUFFICIENT_MEMORY;
    }
    block = take_block(owner);
    if (block == NULL) {
        if (queue != NULL)
            give_page(owner, queue);
        return HV_STATUS_INSUFFICIENT_MEMORY;
    }
    block->port = (struct port){
        .owner = owner,
        .queue = queue,
        .connection_partition_id = input->connection_partition_id,
        .base_flag = info->base_flag_number,
        .flag_count = info->flag_count,
        .vp = info->target_vp == HV_ANY_VP ? 0 : (uint8_t)info->target_vp,
        .sint = (uint8_t)info->target_sint,
    };
    add(owner, block, PORT | input->port_id);
    return HV_STATUS_SUCCESS;
}

enum hv_status port_create(struct partition *port_owner, const struct hv_input_create_port *input)
{
    enum hv_status status = check_port(port_owner, input);

    if (status != HV_STATUS_SUCCESS)
        return status;
    spin_lock(&lock);
    status = create(port_owner, input);
    spin_unlock(&lock);
    return status;
}

static inline enum hv_port_type port_type(const struct port *port)
{
    return port->queue != NULL ? HV_PORT_TYPE_MESSAGE : HV_PORT_TYPE_EVENT;
}

static enum hv_status connect(struct partition *owner, const struct partition *port_owner,
                              const struct hv_input_connect_port *input)
{
    union block *port = find(port_owner, PORT | input->port_id), *block;

    if (atomic_load(&owner->state) == PARTITION_FINALIZED)
        return HV_STATUS_INVALID_PARTITION_STATE;
    if (port == NULL)
        return HV_STATUS_INVALID_PORT_ID;
    if (port->port.connection_partition_id != owner->id)
        return HV_STATUS_ACCESS_DENIED;
    if (port_type(&port->port) != input->connection_info.port_type)
        return HV_STATUS_INVALID_PARAMETER;
    if (find(owner, CONNECTION | input->connection_id) != NULL)
        return HV_STATUS_INVALID_CONNECTION_ID;
    block = take_block(owner);
    if (block == NULL)
        return HV_STATUS_INSUFFICIENT_MEMORY;
    block->connection.port = &port->port;
    block->connection.next_of_port = port->port.connections;
    port->port.connections = &block->connection;
    add(owner, block, CONNECTION | input->connection_id);
    return HV_STATUS_SUCCESS;
}

enum hv_status port_connect(struct partition *connection_owner, struct partition *port_owner,
                            const struct hv_input_connect_port *input)
{
    const struct hv_connection_info *info = &input->connection_info;
    enum hv_status status;

    if (input->connection_id > ID_MAX)
        return HV_STATUS_INVALID_CONNECTION_ID;
    if (input->connection_vtl != 0 || info->data[0] | info->data[1] | info->data[2])
        return HV_STATUS_INVALID_PARAMETER;
    spin_lock(&lock);
    status = connect(connection_owner, port_owner, input);
    spin_unlock(&lock);
    return status;
}

static void unlink_port(struct port *port)
{
    struct port **link = &port->owner->ports->queued;

    for (struct connection *c = port->connections; c != NULL; c = c->next_of_port)
        __atomic_store_n(&c->port, NULL, __ATOMIC_RELAXED);
    while (*link != NULL && *link != port)
        link = &(*link)->next_queued;
    if (*link == port)
        *link = port->next_queued;
    if (port->queue != NULL)
        give_page(port->owner, port->queue);
}

static void unlink_connection(struct connection *connection)
{
    struct connection **link;

    if (connection->port == NULL)
        return;
    for (link = &connection->port->connections; *link != connection;)
        link = &(*link)->next_of_port;
    *link = connection->next_of_port;
}

/* Takes the block out of all lists; it is still to be freed. */
static void take_out(struct port_table *table, union block *block)
{
    union block **link = list_of(table, block->entry.key);

    if (block->entry.key & CONNECTION)
        unlink_connection(&block->connection);
    else
        unlink_port(&block->port);
    while (*link != block)
        link = &(*link)->entry.next;
    __atomic_store_n(link, block->entry.next, __ATOMIC_RELEASE);
}

static bool delete (struct partition *owner, uint64_t key)
{
    spin_lock(&lock);
    union block *block = find(owner, key);
    if (block != NULL) {
        take_out(owner->ports, block);
        wait_for_readers();
        push(&owner->ports->free, block);
    }
    spin_unlock(&lock);
    return block != NULL;
}

enum hv_status port_delete(struct partition *port_owner, uint32_t port_id)
{
    return port_id <= ID_MAX && delete (port_owner, PORT | port_id) ? HV_STATUS_SUCCESS
                                                                    : HV_STATUS_INVALID_PORT_ID;
}

enum hv_status port_disconnect(struct partition *connection_owner, uint32_t connection_id)
{
    return connection_id <= ID_MAX && delete (connection_owner, CONNECTION | connection_id)
               ? HV_STATUS_SUCCESS
               : HV_STATUS_INVALID_CONNECTION_ID;
}

void port_release_partition(struct partition *partition)
{
    spin_lock(&lock);
    struct port_table *table = partition->ports;
    if (table != NULL) {
        for (unsigned i = 0; i < LISTS; i++)
            while (table->lists[i] != NULL)
                take_out(table, table->lists[i]);
        partition->ports = NULL;
        wait_for_readers();
        for (union block *page = table->pages, *next; page != NULL; page = next) {
            next = page->entry.next;
            give_page(partition, page);
        }
        give_page(partition, table);
    }
    spin_unlock(&lock);
}

/* --- Events --- */

/* The port behind a connection, also without the lock. NULL: HV_STATUS_INVALID_CONNECTION_ID. */
INLINE struct port *connected_port(const struct vp *sender, uint32_t connection_id,
                                   enum hv_port_type type)
{
    const union block *block = find_inline(sender->partition, CONNECTION | connection_id);
    struct port *port =
        block == NULL ? NULL : __atomic_load_n(&block->connection.port, __ATOMIC_RELAXED);

    return port == NULL || port_type(port) != type ? NULL : port;
}

struct event {
    struct vp *vp;
    uint16_t sint, flag;
    uint32_t status; /* enum hv_status */
};

/* Also without the lock. */
INLINE struct event find_event(const struct vp *sender, uint32_t connection_id, uint16_t flag)
{
    const struct port *port = connected_port(sender, connection_id, HV_PORT_TYPE_EVENT);

    if (port == NULL)
        return (struct event){.status = HV_STATUS_INVALID_CONNECTION_ID};
    if (flag >= port->flag_count)
        return (struct event){.status = HV_STATUS_INVALID_PARAMETER};
    struct vp *vp = partition_vp(port->owner, port->vp);
    return (struct event){
        .vp = vp,
        .sint = port->sint,
        .flag = port->base_flag + flag,
        .status = vp == NULL ? HV_STATUS_INVALID_VP_INDEX : HV_STATUS_SUCCESS,
    };
}

static enum hv_status signal(const struct vp *sender, uint32_t connection_id, uint16_t flag)
{
    spin_lock(&lock);
    struct event event = find_event(sender, connection_id, flag);
    if (event.status == HV_STATUS_SUCCESS)
        event.status = synic_signal_event(event.vp, event.sint, event.flag, NULL);
    spin_unlock(&lock);
    return event.status;
}

enum hv_status port_signal_event(struct vp *sender, uint32_t connection_id, uint16_t flag)
{
    struct event event = find_event(sender, connection_id, flag);

    /* No lock and no wait so far: what we found is still there. */
    if (event.status != HV_STATUS_SUCCESS || synic_event_is_set(event.vp, event.sint, event.flag))
        return event.status;
    return signal(sender, connection_id, flag);
}

/* --- Messages --- */

/* Moves messages from the ring to the VP. Whether there was one. */
static bool drain(struct port *port, struct vp *vp)
{
    bool any = false;

    while (port->queued != 0 &&
           synic_deliver_message(vp, port->sint, &port->queue[port->first]) == HV_STATUS_SUCCESS) {
        port->first = (port->first + 1) % QUEUE_LENGTH;
        port->queued--;
        any = true;
    }
    return any;
}

/* Ports that were served go behind the others, so that none keeps a slot to itself. */
static void deliver_queued(struct port_table *table, struct vp *vp)
{
    struct port *port, *served = NULL, **served_end = &served, **link = &table->queued;

    while ((port = *link) != NULL) {
        if (port->vp != vp->index || !drain(port, vp)) {
            link = &port->next_queued;
            continue;
        }
        *link = port->next_queued;
        port->next_queued = NULL;
        if (port->queued != 0) {
            *served_end = port;
            served_end = &port->next_queued;
        }
    }
    *link = served;
}

static enum hv_status enqueue(struct port *port, const struct hv_message *message)
{
    if (port->queued == QUEUE_LENGTH)
        return HV_STATUS_INSUFFICIENT_BUFFERS;
    if (port->queued == 0) {
        struct port **link = &port->owner->ports->queued;
        while (*link != NULL)
            link = &(*link)->next_queued;
        *link = port;
        port->next_queued = NULL;
    }
    port->queue[(port->first + port->queued++) % QUEUE_LENGTH] = *message;
    return HV_STATUS_SUCCESS;
}

static enum hv_status post(const struct vp *sender, uint32_t connection_id,
                           struct hv_message *message)
{
    struct port *port = connected_port(sender, connection_id, HV_PORT_TYPE_MESSAGE);

    if (port == NULL)
        return HV_STATUS_INVALID_CONNECTION_ID;
    struct vp *vp = partition_vp(port->owner, port->vp);
    if (vp == NULL)
        return HV_STATUS_INVALID_VP_INDEX;
    message->sender = (uint32_t)port->entry.key; /* the id */
    deliver_queued(port->owner->ports, vp);      /* those that wait come first */
    if (port->queued == 0) {
        enum hv_status status = synic_deliver_message(vp, port->sint, message);
        if (status != HV_STATUS_INSUFFICIENT_BUFFERS)
            return status;
    }
    return enqueue(port, message);
}

enum hv_status port_post_message(struct vp *sender, uint32_t connection_id, uint32_t message_type,
                                 const void *payload, uint32_t size)
{
    struct hv_message message = {.message_type = message_type, .payload_size = (uint8_t)size};
    enum hv_status status;

    if (message_type == HV_MESSAGE_TYPE_NONE || message_type & HV_MESSAGE_TYPE_HYPERVISOR_MASK ||
        size > HV_MESSAGE_PAYLOAD_SIZE)
        return HV_STATUS_INVALID_PARAMETER;
    memcpy(message.payload, payload, size);
    spin_lock(&lock);
    status = post(sender, connection_id, &message);
    spin_unlock(&lock);
    return status;
}

void port_deliver_queued(struct vp *vp)
{
    const struct partition *partition = vp->partition;

    if (__atomic_load_n(&partition->ports, __ATOMIC_RELAXED) == NULL)
        return;
    spin_lock(&lock);
    if (partition->ports != NULL)
        deliver_queued(partition->ports, vp);
    spin_unlock(&lock);
}
