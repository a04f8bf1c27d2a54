#include "vsp/keyboard/keyboard.h"

#include "include/vmbus/guid.h"
#include "include/vmbus/ic.h"
#include "lib/string.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"

#define KEYS_MAX 64u
#define BUFFER_SIZE 256u /* the guest's messages are shorter */

struct keyboard {
    struct spinlock lock;          /* what follows */
    struct vmbus_channel *channel; /* NULL: closed */
    bool accepted;                 /* the guest's version */
    uint32_t first, count;         /* keys that wait, in a ring */
    struct vmbus_keyboard_event keys[KEYS_MAX];

    /* The channel's thread's. */
    bool answer_waits;
    struct vmbus_keyboard_message answer;
    uint64_t buffer[BUFFER_SIZE / sizeof(uint64_t)];
};

static bool open(struct vmbus_channel *channel, const uint8_t user_data[VMBUS_USER_DATA_SIZE])
{
    struct keyboard *keyboard = vmbus_channel_context(channel);
    (void)user_data;
    uint64_t flags = spin_lock(&keyboard->lock);
    keyboard->channel = channel;
    keyboard->count = 0;
    spin_unlock(&keyboard->lock, flags);
    keyboard->answer_waits = false;
    return true;
}

static void close(struct vmbus_channel *channel)
{
    struct keyboard *keyboard = vmbus_channel_context(channel);
    uint64_t flags = spin_lock(&keyboard->lock);
    keyboard->accepted = false;
    keyboard->channel = NULL;
    spin_unlock(&keyboard->lock, flags);
}

/* Other messages, those about lights, need no answer. */
static void receive(struct keyboard *keyboard, const struct vmbus_packet *packet)
{
    struct vmbus_keyboard_message message;
    if (packet->type != VMBUS_PACKET_DATA_INBAND || packet->size < sizeof(message))
        return;
    memcpy(&message, keyboard->buffer, sizeof(message));
    if (message.type != VMBUS_KEYBOARD_PROTOCOL_REQUEST)
        return;
    bool accepted = message.value == VMBUS_KEYBOARD_VERSION;
    keyboard->answer = (struct vmbus_keyboard_message){
        .type = VMBUS_KEYBOARD_PROTOCOL_RESPONSE,
        .value = accepted ? VMBUS_KEYBOARD_ACCEPTED : 0,
    };
    keyboard->answer_waits = true;
    uint64_t flags = spin_lock(&keyboard->lock);
    keyboard->accepted = accepted;
    spin_unlock(&keyboard->lock, flags);
}

static bool send(struct vmbus_channel *channel, const void *message, size_t size)
{
    const struct vmbus_ring_piece piece = {message, size};
    return vmbus_channel_write(channel, VMBUS_PACKET_DATA_INBAND, 0, 0, 0, &piece, 1) ==
           VMBUS_RING_OK;
}

static bool first_key(struct keyboard *keyboard, struct vmbus_keyboard_event *key)
{
    uint64_t flags = spin_lock(&keyboard->lock);
    bool found = keyboard->count > 0;
    if (found)
        *key = keyboard->keys[keyboard->first];
    spin_unlock(&keyboard->lock, flags);
    return found;
}

static void remove_key(struct keyboard *keyboard)
{
    uint64_t flags = spin_lock(&keyboard->lock);
    keyboard->first = (keyboard->first + 1) % KEYS_MAX;
    keyboard->count--;
    spin_unlock(&keyboard->lock, flags);
}

static void run(struct vmbus_channel *channel)
{
    struct keyboard *keyboard = vmbus_channel_context(channel);
    struct vmbus_packet packet;
    struct vmbus_keyboard_event key;
    enum vmbus_ring_status status;
    while ((status = vmbus_channel_read(channel, &packet, keyboard->buffer,
                                        sizeof(keyboard->buffer))) == VMBUS_RING_OK)
        receive(keyboard, &packet);
    if (status == VMBUS_RING_TOO_LARGE)
        vmbus_channel_fail(channel, "the guest's message is longer than any that there is");
    if (status != VMBUS_RING_EMPTY)
        return;
    if (keyboard->answer_waits && send(channel, &keyboard->answer, sizeof(keyboard->answer)))
        keyboard->answer_waits = false;
    while (!keyboard->answer_waits && first_key(keyboard, &key) && send(channel, &key, sizeof(key)))
        remove_key(keyboard);
}

static const struct vmbus_provider provider = {.open = open, .close = close, .run = run};

struct keyboard *keyboard_create(void)
{
    struct keyboard *keyboard = heap_allocate(sizeof(*keyboard));
    if (keyboard)
        keyboard->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_DRIVER);
    return keyboard;
}

void keyboard_destroy(struct keyboard *keyboard)
{
    heap_free(keyboard);
}

void keyboard_offer(struct keyboard *keyboard, struct vmbus_offer *offer)
{
    *offer = (struct vmbus_offer){
        .class_id = VMBUS_CLASS_KEYBOARD,
        .instance_id = VMBUS_GUID(0x56454e45u, 0x4552, 0x4b42, 0, 0, 0, 0, 0, 0, 0, 1),
        .provider = &provider,
        .context = keyboard,
        .pipe = true,
    };
}

bool keyboard_key(struct keyboard *keyboard, uint16_t make_code, uint32_t key_flags)
{
    uint64_t flags = spin_lock(&keyboard->lock);
    bool taken = keyboard->accepted && keyboard->count < KEYS_MAX;
    if (taken) {
        keyboard->keys[(keyboard->first + keyboard->count++) % KEYS_MAX] =
            (struct vmbus_keyboard_event){
                .type = VMBUS_KEYBOARD_EVENT, .make_code = make_code, .flags = key_flags};
        vmbus_channel_schedule(keyboard->channel);
    }
    spin_unlock(&keyboard->lock, flags);
    return taken;
}
