#include "parent/vid/port.h"

#include "lib/string.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/kernel/proc/process.h"
#include "parent/vid/partition.h"
#include "parent/vid/synic.h"

/* A port's id has its place in the table, and above a number that makes ids of deleted ports
 * unknown: a message may still be on its way. */
#define INDEX_BITS 9
#define PORT_ID_MASK 0xffffffu /* 24 bits */
#define CONNECTION_ID_MASK 0xffffffu
/* All ports are of one VP, whose event flags they share. */
#define TARGET_VP 0

_Static_assert(SYSTEM_MAX_PORTS == 1 << INDEX_BITS, "the id holds the index");
_Static_assert(SYSTEM_MAX_PORT_FLAGS < 64, "a port's flags lie in one word");
_Static_assert(SYSTEM_MAX_VM_PAYLOAD == HV_MESSAGE_PAYLOAD_SIZE, "any message fits");

struct port {
    struct partition *partition;  /* NULL: free */
    const struct port_sink *sink; /* NULL: the partition's queue */
    uint32_t id;
    uint32_t connection_id;
    enum system_port_type type;
    uint16_t base, flag_count; /* of the flags of TARGET_VP: within one word */
    uint32_t flags;            /* signalled and not received */
};

struct port_queue {
    struct wait_queue arrived;
    uint32_t port_count;   /* of ports without a sink */
    uint32_t first, count; /* messages, in a ring */
    uint32_t dropped;
    struct system_vm_event messages[SYSTEM_MAX_VM_MESSAGES];
};

static struct spinlock lock = SPINLOCK(LOCK_LEVEL_OBJECT); /* all ports and queues */
static struct port ports[SYSTEM_MAX_PORTS];
static struct port *flag_owner[HV_EVENT_FLAGS_COUNT]; /* NULL: free */
static uint32_t flag_words; /* of flags that have had an owner: they are given from 0 on */
static uint32_t last_serial;

struct port_queue *port_queue_create(void)
{
    struct port_queue *queue = heap_allocate(sizeof(*queue));
    if (queue)
        wait_queue_init(&queue->arrived);
    return queue;
}

void port_queue_destroy(struct port_queue *queue)
{
    heap_free(queue);
}

/* A port's flags in the word that holds them. */
static uint64_t mask_of(const struct port *port)
{
    return ((1ull << port->flag_count) - 1) << port->base % 64;
}

static void clear_flags(const struct port *port)
{
    uint64_t *word = &synic_flags(TARGET_VP)[port->base / 64];
    if (port->flag_count > 0)
        __atomic_and_fetch(word, ~mask_of(port), __ATOMIC_ACQ_REL);
}

/* --- Making and deleting --- */

/* Whether the @count flags from @base on are nobody's, and lie within one word. The lock is held.
 */
static bool flags_are_free(uint32_t base, uint32_t count)
{
    if (base % 64 + count > 64)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (flag_owner[base + i])
            return false;
    }
    return true;
}

/* Gives @port its flags. The lock is held. */
static bool reserve_flags(struct port *port, uint16_t count)
{
    uint32_t base = 0;
    while (base < HV_EVENT_FLAGS_COUNT && !flags_are_free(base, count))
        base++;
    if (base == HV_EVENT_FLAGS_COUNT)
        return false;
    port->base = (uint16_t)base;
    port->flag_count = count;
    for (uint32_t i = 0; i < count; i++)
        flag_owner[base + i] = port;
    if (flag_words <= base / 64)
        flag_words = base / 64 + 1;
    return true;
}

/* A free place in the table, or NULL. The lock is held. */
static struct port *find_free(void)
{
    for (uint32_t i = 0; i < SYSTEM_MAX_PORTS; i++) {
        if (!ports[i].partition)
            return &ports[i];
    }
    return NULL;
}

/* A place for @wanted, which is its partition's from now on; NULL: there is none. */
static struct port *reserve(const struct port *wanted)
{
    struct port_queue *queue = wanted->partition->ports;
    uint64_t flags = spin_lock(&lock);
    bool allowed = wanted->sink || queue->port_count < SYSTEM_MAX_VM_PORTS;
    struct port *port = allowed ? find_free() : NULL;
    if (port && reserve_flags(port, wanted->flag_count)) {
        uint16_t base = port->base;
        *port = *wanted;
        port->base = base;
        port->id = (++last_serial << INDEX_BITS | (uint32_t)(port - ports)) & PORT_ID_MASK;
        queue->port_count += !port->sink;
    } else {
        port = NULL;
    }
    spin_unlock(&lock, flags);
    return port;
}

static void release(struct port *port)
{
    uint64_t flags = spin_lock(&lock);
    port->partition->ports->port_count -= !port->sink;
    port->partition = NULL;
    clear_flags(port);
    for (uint32_t i = 0; i < port->flag_count; i++)
        flag_owner[port->base + i] = NULL;
    spin_unlock(&lock, flags);
}

static enum hv_status create_at_root(const struct port *port)
{
    struct hv_input_create_port input = {
        .port_partition_id = HV_PARTITION_ID_SELF,
        .port_id = port->id,
        .connection_partition_id = port->partition->deposits.partition_id,
        .port_info = {.port_type = port->type,
                      .target_sint = HV_SYNIC_SINT_FIRST_FREE,
                      .target_vp = TARGET_VP},
    };
    if (port->type == SYSTEM_PORT_EVENT) {
        input.port_info.base_flag_number = port->base;
        input.port_info.flag_count = port->flag_count;
    }
    return vid_call_plain(HVCALL_CREATE_PORT, &input, sizeof(input), NULL, 0, &root_deposits);
}

static enum hv_status connect(const struct port *port)
{
    struct hv_input_connect_port input = {
        .connection_partition_id = port->partition->deposits.partition_id,
        .connection_id = port->connection_id,
        .port_partition_id = HV_PARTITION_ID_SELF,
        .port_id = port->id,
        .connection_info = {.port_type = port->type},
    };
    return vid_call_plain(HVCALL_CONNECT_PORT, &input, sizeof(input), NULL, 0,
                          &port->partition->deposits);
}

static void delete_at_root(const struct port *port)
{
    struct hv_input_delete_port input = {.port_partition_id = HV_PARTITION_ID_SELF,
                                         .port_id = port->id};
    vid_call_plain(HVCALL_DELETE_PORT, &input, sizeof(input), NULL, 0, NULL);
}

static void disconnect(const struct port *port)
{
    struct hv_input_disconnect_port input = {
        .connection_partition_id = port->partition->deposits.partition_id,
        .connection_id = port->connection_id,
    };
    vid_call_plain(HVCALL_DISCONNECT_PORT, &input, sizeof(input), NULL, 0, NULL);
}

/* Makes the port that @wanted describes. */
static enum system_error create(const struct port *wanted, struct port **result)
{
    if (wanted->connection_id > CONNECTION_ID_MASK)
        return SYSTEM_ERROR_ARGUMENT;
    struct port *port = reserve(wanted);
    if (!port)
        return SYSTEM_ERROR_LIMIT;
    enum hv_status status = create_at_root(port);
    if (status == HV_STATUS_SUCCESS) {
        status = connect(port);
        if (status != HV_STATUS_SUCCESS)
            delete_at_root(port);
    }
    if (status != HV_STATUS_SUCCESS)
        release(port);
    else
        *result = port;
    return partition_error(status);
}

enum system_error port_create(struct partition *partition, enum system_port_type type,
                              uint32_t connection_id, uint16_t flag_count)
{
    struct port *port;
    const struct port wanted = {.partition = partition,
                                .connection_id = connection_id,
                                .type = type,
                                .flag_count = flag_count};
    return create(&wanted, &port);
}

enum system_error port_create_sink(struct partition *partition, const struct port_sink *sink,
                                   uint32_t connection_id, struct port **port)
{
    const struct port wanted = {
        .partition = partition,
        .sink = sink,
        .connection_id = connection_id,
        .type = sink->message ? SYSTEM_PORT_MESSAGE : SYSTEM_PORT_EVENT,
        .flag_count = sink->message ? 0 : 1,
    };
    return create(&wanted, port);
}

void port_delete(struct port *port)
{
    disconnect(port);
    delete_at_root(port);
    release(port);
}

void port_delete_all(struct partition *partition)
{
    for (uint32_t i = 0; i < SYSTEM_MAX_PORTS; i++) {
        if (__atomic_load_n(&ports[i].partition, __ATOMIC_RELAXED) == partition)
            port_delete(&ports[i]);
    }
}

/* --- Arriving --- */

/* The lock is held. */
static void announce(struct partition *partition)
{
    wake_all(&partition->ports->arrived);
    partition_wake_all(partition);
}

/* The lock is held. */
static void enqueue(struct port_queue *queue, const struct port *port,
                    const struct hv_message *message)
{
    if (queue->count == SYSTEM_MAX_VM_MESSAGES) {
        queue->dropped++;
        return;
    }
    uint32_t place = (queue->first + queue->count++) % SYSTEM_MAX_VM_MESSAGES;
    struct system_vm_event *event = &queue->messages[place];
    *event = (struct system_vm_event){
        .type = SYSTEM_PORT_MESSAGE,
        .connection_id = port->connection_id,
        .message_type = message->message_type,
        .size = message->payload_size,
        .dropped = queue->dropped,
    };
    queue->dropped = 0;
    if (event->size > SYSTEM_MAX_VM_PAYLOAD)
        event->size = SYSTEM_MAX_VM_PAYLOAD;
    memcpy(event->payload, message->payload, event->size);
}

void port_message(const struct hv_message *message)
{
    struct port *port = &ports[message->sender % SYSTEM_MAX_PORTS];
    uint64_t flags = spin_lock(&lock);
    if (port->partition && port->type == SYSTEM_PORT_MESSAGE && port->id == message->sender) {
        if (port->sink) {
            port->sink->message(port->sink->context, port->connection_id, message);
        } else {
            enqueue(port->partition->ports, port, message);
            announce(port->partition);
        }
    }
    spin_unlock(&lock, flags);
}

/* Looks at the flags of @port, of which some in @word are set. The lock is held. */
static void take_flags(struct port *port, uint64_t *word)
{
    uint64_t mask = mask_of(port);
    if (port->sink) {
        /* Before the sink looks: what is signalled from now on is a new event. */
        __atomic_and_fetch(word, ~mask, __ATOMIC_ACQ_REL);
        port->sink->event(port->sink->context);
        return;
    }
    uint64_t set = __atomic_load_n(word, __ATOMIC_ACQUIRE) & mask;
    uint32_t flags = (uint32_t)(set / (mask & -mask));
    if (flags & ~port->flags)
        announce(port->partition);
    port->flags |= flags;
}

/* Looks at the flags that are set in word @i. Those that are nobody's are cleared. The lock is
 * held. */
static void take_word(uint32_t i, uint64_t *word)
{
    uint64_t left = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    while (left) {
        uint32_t bit = (uint32_t)__builtin_ctzll(left);
        struct port *port = flag_owner[i * 64 + bit];
        if (port) {
            take_flags(port, word);
            left &= ~mask_of(port);
        } else {
            __atomic_and_fetch(word, ~(1ull << bit), __ATOMIC_ACQ_REL);
            left &= left - 1;
        }
    }
}

void port_flags(uint64_t *words)
{
    uint64_t flags = spin_lock(&lock);
    for (uint32_t i = 0; i < flag_words; i++) {
        if (__atomic_load_n(&words[i], __ATOMIC_RELAXED) != 0)
            take_word(i, &words[i]);
    }
    spin_unlock(&lock, flags);
}

/* --- Receiving --- */

/* A port with flags of @partition, or NULL. The lock is held. */
static struct port *find_signalled(const struct partition *partition)
{
    for (uint32_t i = 0; partition->ports->port_count > 0 && i < SYSTEM_MAX_PORTS; i++) {
        if (ports[i].partition == partition && ports[i].flags)
            return &ports[i];
    }
    return NULL;
}

bool port_has_something(struct partition *partition)
{
    uint64_t flags = spin_lock(&lock);
    bool something = partition->ports->count > 0 || find_signalled(partition);
    spin_unlock(&lock, flags);
    return something;
}

static bool try_receive(struct partition *partition, struct system_vm_event *event)
{
    struct port_queue *queue = partition->ports;
    uint64_t flags = spin_lock(&lock);
    struct port *port = find_signalled(partition);
    bool found = port || queue->count > 0;
    if (port) {
        *event = (struct system_vm_event){
            .type = SYSTEM_PORT_EVENT, .connection_id = port->connection_id, .flags = port->flags};
        port->flags = 0;
        /* What is signalled from now on is a new event. */
        clear_flags(port);
    } else if (found) {
        *event = queue->messages[queue->first];
        queue->first = (queue->first + 1) % SYSTEM_MAX_VM_MESSAGES;
        queue->count--;
    }
    spin_unlock(&lock, flags);
    return found;
}

enum system_error port_receive(struct partition *partition, struct system_vm_event *event,
                               uint64_t deadline)
{
    bool received = false;
    if (!WAIT_UNTIL(&partition->ports->arrived,
                    process_is_dying() || (received = try_receive(partition, event)), deadline))
        return SYSTEM_ERROR_TIMEOUT;
    return received ? SYSTEM_OK : SYSTEM_ERROR_INTERRUPTED;
}
