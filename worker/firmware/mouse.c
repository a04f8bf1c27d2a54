/* The PS/2 mouse for INT 15h AH=C2h: packets go to a program's handler. */

#include "worker/firmware/bda.h"
#include "worker/firmware/ebda.h"
#include "worker/firmware/keyboard.h"
#include "worker/firmware/pic.h"

#define CMD_AUX_ON 0xa8
#define CMD_TO_AUX 0xd4
#define AUX_RESET 0xff
#define AUX_RATE 0xf3
#define AUX_RESOLUTION 0xe8
#define AUX_SCALING_1 0xe6
#define AUX_SCALING_2 0xe7
#define AUX_STATUS 0xe9
#define AUX_ID 0xf2
#define AUX_ENABLE 0xf4
#define AUX_DISABLE 0xf5
#define AUX_ACK 0xfa
#define IRQ_CASCADE 2
#define IRQ_AUX 12

#define FLAGS_INDEX 0x07 /* EBDA_MOUSE_FLAGS_1: bytes of the packet that have come */
#define FLAGS2_HANDLER 0x80
#define FLAGS2_SIZE 0x07 /* of a packet, less 1 */

enum result {
    MOUSE_OK = 0,
    MOUSE_BAD_FUNCTION = 1,
    MOUSE_BAD_INPUT = 2,
    MOUSE_INTERFACE = 3,
    MOUSE_NO_HANDLER = 5,
};

void mouse_interrupt(struct frame *frame);

/* Sends a byte and waits for its acknowledgement. */
static bool send(uint8_t byte)
{
    uint8_t answer;

    return kbc_command(CMD_TO_AUX) && kbc_data(byte) && kbc_read(true, &answer) &&
           answer == AUX_ACK;
}

static bool send_with(uint8_t command, uint8_t argument)
{
    return send(command) && send(argument);
}

bool mouse_init(void)
{
    uint8_t mode;

    if (!kbc_command(CMD_AUX_ON) || !kbc_get_mode(&mode))
        return false;
    pic_enable(IRQ_CASCADE);
    return !(mode & KBC_MODE_AUX_OFF);
}

/* Runs @function while the mouse's and the keyboard's interrupts are off. */
static enum result exclusively(struct frame *frame, enum result (*function)(struct frame *))
{
    uint8_t mode;
    enum result result;

    if (!kbc_get_mode(&mode))
        return MOUSE_INTERFACE;
    kbc_set_mode(mode & (uint8_t) ~(KBC_MODE_AUX_IRQ | KBC_MODE_AUX_OFF | KBC_MODE_KEYBOARD_IRQ));
    result = function(frame);
    kbc_set_mode((mode & (uint8_t)~KBC_MODE_AUX_OFF) | KBC_MODE_AUX_IRQ);
    return result;
}

static enum result enable(struct frame *frame)
{
    if (!(ebda_read8(EBDA_MOUSE_FLAGS_2) & FLAGS2_HANDLER))
        return MOUSE_NO_HANDLER;
    if (frame->bh > 1)
        return MOUSE_BAD_INPUT;
    pic_enable(IRQ_AUX);
    return send(frame->bh ? AUX_ENABLE : AUX_DISABLE) ? MOUSE_OK : MOUSE_INTERFACE;
}

static enum result reset(struct frame *frame)
{
    uint8_t test, id;

    if (!send(AUX_RESET) || !kbc_read(true, &test) || !kbc_read(true, &id))
        return MOUSE_INTERFACE;
    frame->bl = test;
    frame->bh = id;
    return MOUSE_OK;
}

static enum result set_rate(struct frame *frame)
{
    static const uint8_t rates[] = {10, 20, 40, 60, 80, 100, 200};

    if (frame->bh >= sizeof(rates))
        return MOUSE_BAD_INPUT;
    return send_with(AUX_RATE, rates[frame->bh]) ? MOUSE_OK : MOUSE_INTERFACE;
}

static enum result set_resolution(struct frame *frame)
{
    if (frame->bh > 3)
        return MOUSE_BAD_INPUT;
    return send_with(AUX_RESOLUTION, frame->bh) ? MOUSE_OK : MOUSE_INTERFACE;
}

static enum result get_id(struct frame *frame)
{
    uint8_t id;

    if (!send(AUX_ID) || !kbc_read(true, &id))
        return MOUSE_INTERFACE;
    frame->bh = id;
    return MOUSE_OK;
}

static enum result initialize(struct frame *frame)
{
    if (frame->bh < 1 || frame->bh > 8)
        return MOUSE_BAD_INPUT;
    ebda_write8(EBDA_MOUSE_FLAGS_1, 0);
    ebda_write8(EBDA_MOUSE_FLAGS_2,
                (uint8_t)((ebda_read8(EBDA_MOUSE_FLAGS_2) & FLAGS2_HANDLER) | (frame->bh - 1)));
    return reset(frame);
}

static enum result extended(struct frame *frame)
{
    if (frame->bh == 0) {
        if (!send(AUX_STATUS) || !kbc_read(true, &frame->bl) || !kbc_read(true, &frame->cl) ||
            !kbc_read(true, &frame->dl))
            return MOUSE_INTERFACE;
        return MOUSE_OK;
    }
    if (frame->bh > 2)
        return MOUSE_BAD_INPUT;
    return send(frame->bh == 1 ? AUX_SCALING_1 : AUX_SCALING_2) ? MOUSE_OK : MOUSE_INTERFACE;
}

static void set_handler(const struct frame *frame)
{
    uint8_t flags = ebda_read8(EBDA_MOUSE_FLAGS_2) & (uint8_t)~FLAGS2_HANDLER;

    ebda_write32(EBDA_MOUSE_HANDLER, (uint32_t)frame->es << 16 | frame->bx);
    if (frame->es || frame->bx)
        flags |= FLAGS2_HANDLER;
    ebda_write8(EBDA_MOUSE_FLAGS_2, flags);
}

void mouse_service(struct frame *frame)
{
    static enum result (*const functions[])(struct frame *) = {
        enable, reset, set_rate, set_resolution, get_id, initialize, extended,
    };
    enum result result = MOUSE_OK;

    if (frame->al < sizeof(functions) / sizeof(functions[0]))
        result = exclusively(frame, functions[frame->al]);
    else if (frame->al == 7)
        set_handler(frame);
    else
        result = MOUSE_BAD_FUNCTION;
    frame->ah = (uint8_t)result;
    set_carry(frame, result != MOUSE_OK);
}

/* The handler finds four words on its stack, the first byte of the packet deepest, and returns with
 * RETF. */
void mouse_call_handler(uint32_t handler, const uint8_t *packet);

/* IRQ 12 */
void mouse_interrupt(struct frame *frame)
{
    uint8_t flags, index, packet[4] = {0};

    (void)frame;
    if ((inb(KBC_STATUS) & (KBC_STATUS_OUTPUT | KBC_STATUS_AUX)) !=
        (KBC_STATUS_OUTPUT | KBC_STATUS_AUX)) {
        pic_end_slave();
        return;
    }
    flags = ebda_read8(EBDA_MOUSE_FLAGS_2);
    index = ebda_read8(EBDA_MOUSE_FLAGS_1) & FLAGS_INDEX;
    ebda_write8((uint16_t)(EBDA_MOUSE_PACKET + index), inb(KBC_DATA));
    if (!(flags & FLAGS2_HANDLER)) {
        pic_end_slave();
        return;
    }
    if (index < (flags & FLAGS2_SIZE)) {
        ebda_write8(EBDA_MOUSE_FLAGS_1, (uint8_t)(index + 1));
        pic_end_slave();
        return;
    }
    ebda_write8(EBDA_MOUSE_FLAGS_1, 0);
    for (unsigned i = 0; i < sizeof(packet) && i <= index; i++)
        packet[i] = ebda_read8((uint16_t)(EBDA_MOUSE_PACKET + i));
    pic_end_slave();
    mouse_call_handler(ebda_read32(EBDA_MOUSE_HANDLER), packet);
}
