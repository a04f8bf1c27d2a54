#include "worker/devices/ps2.h"

/* Commands and replies. IBM PS/2 Technical Reference, Mouse; the ids with a wheel: Microsoft. */
enum {
    MOUSE_SCALING_1_1 = 0xe6,
    MOUSE_SCALING_2_1 = 0xe7,
    MOUSE_SET_RESOLUTION = 0xe8,
    MOUSE_STATUS = 0xe9,
    MOUSE_STREAM = 0xea,
    MOUSE_READ_DATA = 0xeb,
    MOUSE_RESET_WRAP = 0xec,
    MOUSE_WRAP = 0xee,
    MOUSE_REMOTE = 0xf0,
    MOUSE_READ_ID = 0xf2,
    MOUSE_SET_RATE = 0xf3,
    MOUSE_ENABLE = 0xf4,
    MOUSE_DISABLE = 0xf5,
    MOUSE_SET_DEFAULT = 0xf6,
    MOUSE_RESEND = 0xfe,
    MOUSE_RESET = 0xff,
};

#define REPLY_ACK 0xfa
#define REPLY_RESEND 0xfe
#define REPLY_SELF_TEST_PASSED 0xaa

#define ID_WHEEL 3
#define ID_FIVE_BUTTONS 4

#define PACKET_ALWAYS_1 0x08
#define PACKET_X_NEGATIVE 0x10
#define PACKET_Y_NEGATIVE 0x20

#define STATUS_REMOTE 0x40
#define STATUS_ENABLED 0x20
#define STATUS_SCALING 0x10

/* What is not yet reported is cut here; the guest does not listen. */
#define MOVE_LIMIT 4096

static void set_default(struct ps2_mouse *mouse)
{
    mouse->reporting = mouse->remote = mouse->scaling = false;
    mouse->resolution = 2;
    mouse->rate = 100;
}

void ps2_mouse_reset(struct ps2_mouse *mouse)
{
    *mouse = (struct ps2_mouse){0};
    set_default(mouse);
}

static int32_t clamp(int64_t value, int32_t limit)
{
    return (int32_t)(value < -limit ? -limit : value > limit ? limit : value);
}

/* A packet with what has moved, as far as it fits. */
static void put_packet(struct ps2_mouse *mouse, struct ps2_queue *queue)
{
    int32_t dx = clamp(mouse->dx, 255), dy = clamp(mouse->dy, 255);
    int32_t dz = clamp(mouse->dz, 7);

    mouse->dx -= dx;
    mouse->dy -= dy;
    mouse->dz -= dz;
    mouse->reported = mouse->buttons;
    dy = -dy; /* the protocol's goes up */
    ps2_queue_put(queue,
                  (uint8_t)(PACKET_ALWAYS_1 | (mouse->buttons & 7) |
                            (dx < 0 ? PACKET_X_NEGATIVE : 0) | (dy < 0 ? PACKET_Y_NEGATIVE : 0)));
    ps2_queue_put(queue, (uint8_t)dx);
    ps2_queue_put(queue, (uint8_t)dy);
    if (mouse->id == ID_WHEEL)
        ps2_queue_put(queue, (uint8_t)dz);
    else if (mouse->id == ID_FIVE_BUTTONS)
        ps2_queue_put(queue, (uint8_t)((dz & 0xf) | (mouse->buttons >> 3 & 3) << 4));
}

static void set_rate(struct ps2_mouse *mouse, uint8_t rate)
{
    if (mouse->rates[0] == 200 && mouse->rates[1] == 100 && rate == 80)
        mouse->id = ID_WHEEL;
    if (mouse->rates[0] == 200 && mouse->rates[1] == 200 && rate == 80)
        mouse->id = ID_FIVE_BUTTONS;
    mouse->rates[0] = mouse->rates[1];
    mouse->rates[1] = mouse->rate = rate;
}

static void put_status(struct ps2_mouse *mouse)
{
    uint8_t left = mouse->buttons & 1, right = mouse->buttons >> 1 & 1;
    uint8_t middle = mouse->buttons >> 2 & 1;

    ps2_queue_put(
        &mouse->replies,
        (uint8_t)((mouse->remote ? STATUS_REMOTE : 0) | (mouse->reporting ? STATUS_ENABLED : 0) |
                  (mouse->scaling ? STATUS_SCALING : 0) | left << 2 | middle << 1 | right));
    ps2_queue_put(&mouse->replies, mouse->resolution);
    ps2_queue_put(&mouse->replies, mouse->rate);
}

/* Commands that are answered by more than an acknowledgement, which was sent. */
static void reply(struct ps2_mouse *mouse, uint8_t command)
{
    switch (command) {
    case MOUSE_STATUS:
        put_status(mouse);
        break;
    case MOUSE_READ_DATA:
        put_packet(mouse, &mouse->replies);
        break;
    case MOUSE_READ_ID:
        ps2_queue_put(&mouse->replies, mouse->id);
        break;
    case MOUSE_RESET:
        ps2_queue_put(&mouse->replies, REPLY_SELF_TEST_PASSED);
        ps2_queue_put(&mouse->replies, mouse->id);
        break;
    default:
        break;
    }
}

static bool execute(struct ps2_mouse *mouse, uint8_t command)
{
    switch (command) {
    case MOUSE_SCALING_1_1:
    case MOUSE_SCALING_2_1:
        mouse->scaling = command == MOUSE_SCALING_2_1;
        return true;
    case MOUSE_STREAM:
    case MOUSE_REMOTE:
        mouse->remote = command == MOUSE_REMOTE;
        return true;
    case MOUSE_WRAP:
    case MOUSE_RESET_WRAP:
        mouse->wrap = command == MOUSE_WRAP;
        return true;
    case MOUSE_ENABLE:
    case MOUSE_DISABLE:
        mouse->reporting = command == MOUSE_ENABLE;
        mouse->dx = mouse->dy = mouse->dz = 0;
        mouse->packet.count = 0;
        return true;
    case MOUSE_SET_DEFAULT:
        set_default(mouse);
        return true;
    case MOUSE_RESET:
        ps2_mouse_reset(mouse);
        return true;
    case MOUSE_SET_RESOLUTION:
    case MOUSE_SET_RATE:
        mouse->command = command;
        return true;
    case MOUSE_STATUS:
    case MOUSE_READ_DATA:
    case MOUSE_READ_ID:
        return true;
    default:
        return false;
    }
}

void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t byte)
{
    uint8_t command = mouse->command;

    mouse->command = 0;
    if (mouse->wrap && byte != MOUSE_RESET && byte != MOUSE_RESET_WRAP) {
        ps2_queue_put(&mouse->replies, byte);
        return;
    }
    if (command == MOUSE_SET_RATE || command == MOUSE_SET_RESOLUTION) {
        ps2_queue_put(&mouse->replies, REPLY_ACK);
        if (command == MOUSE_SET_RATE)
            set_rate(mouse, byte);
        else
            mouse->resolution = byte & 3;
        return;
    }
    if (byte == MOUSE_RESEND) {
        ps2_queue_put(&mouse->replies, mouse->last);
        return;
    }
    if (!execute(mouse, byte)) {
        ps2_queue_put(&mouse->replies, REPLY_RESEND);
        return;
    }
    ps2_queue_put(&mouse->replies, REPLY_ACK);
    reply(mouse, byte);
}

bool ps2_mouse_take(struct ps2_mouse *mouse, uint8_t *byte)
{
    bool moved = mouse->dx != 0 || mouse->dy != 0 || (mouse->dz != 0 && mouse->id != 0) ||
                 mouse->buttons != mouse->reported;

    if (mouse->packet.count == 0 && mouse->replies.count == 0 && moved && mouse->reporting &&
        !mouse->remote && !mouse->wrap)
        put_packet(mouse, &mouse->packet);
    if (!ps2_queue_take(&mouse->replies, byte) && !ps2_queue_take(&mouse->packet, byte))
        return false;
    mouse->last = *byte;
    return true;
}

void ps2_mouse_move(struct ps2_mouse *mouse, int32_t dx, int32_t dy, int32_t dz, uint8_t buttons)
{
    mouse->dx = clamp((int64_t)mouse->dx + dx, MOVE_LIMIT);
    mouse->dy = clamp((int64_t)mouse->dy + dy, MOVE_LIMIT);
    mouse->dz = clamp((int64_t)mouse->dz + dz, MOVE_LIMIT);
    mouse->buttons = buttons & 0x1f;
}
