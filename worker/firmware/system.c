/* INT 11h, 15h and 17h. */

#include "worker/firmware/bda.h"
#include "worker/firmware/keyboard.h"
#include "worker/firmware/memory.h"
#include "worker/firmware/time.h"

#define UNSUPPORTED 0x86
#define GDT_SOURCE 0x10 /* in the table of a block move */
#define GDT_TARGET 0x18

void equipment_service(struct frame *frame);
void system_service(struct frame *frame);
void printer_service(struct frame *frame);

extern uint8_t configuration_table[];

/* INT 11h */
void equipment_service(struct frame *frame)
{
    frame->ax = bda_read16(BDA_EQUIPMENT);
}

/* INT 17h: there are no printers. */
void printer_service(struct frame *frame)
{
    frame->ah = 0x01; /* time-out */
}

static void fail(struct frame *frame)
{
    frame->ah = UNSUPPORTED;
    set_carry(frame, true);
}

static uint32_t descriptor_base(const struct frame *frame, uint16_t offset)
{
    uint16_t at = (uint16_t)(frame->si + offset);

    return (far_read32(frame->es, (uint16_t)(at + 2)) & 0xffffff) |
           (uint32_t)far_read8(frame->es, (uint16_t)(at + 7)) << 24;
}

/* AH=87h: CX words from one place to another, anywhere below 4 GiB. */
static void move_block(struct frame *frame)
{
    bool gate = a20_enabled(), good;

    if (frame->cx > 0x8000) {
        frame->ah = 0x02;
        set_carry(frame, true);
        return;
    }
    if (!gate)
        a20_enable(true);
    good = flat_copy(descriptor_base(frame, GDT_TARGET), descriptor_base(frame, GDT_SOURCE),
                     (uint32_t)frame->cx * 2);
    if (!gate)
        a20_enable(false);
    frame->ah = good ? 0 : 0x03;
    set_carry(frame, !good);
}

static void get_configuration(struct frame *frame)
{
    frame->es = FIRMWARE_CODE;
    frame->bx = (uint16_t)(uintptr_t)configuration_table;
    frame->ah = 0;
    set_carry(frame, false);
}

static void get_ebda(struct frame *frame)
{
    frame->es = bda_read16(BDA_EBDA_SEGMENT);
    set_carry(frame, false);
}

static void memory_service(struct frame *frame)
{
    if (frame->al == 0x20)
        memory_map_service(frame);
    else if (frame->al == 0x01)
        memory_e801_service(frame);
    else
        fail(frame);
}

/* INT 15h */
void system_service(struct frame *frame)
{
    switch (frame->ah) {
    case 0x24:
        a20_service(frame);
        return;
    case 0x4f: /* a key is pressed: nobody has taken it, CF stays set */
        return;
    case 0x52: /* a removable medium is to be ejected: nobody minds */
    case 0x80: /* a device is opened, */
    case 0x81: /* closed, */
    case 0x82: /* a program has ended, */
        frame->ah = 0;
        set_carry(frame, false);
        return;
    case 0x83:
        time_event_wait(frame);
        return;
    case 0x86:
        time_wait(frame);
        return;
    case 0x87:
        move_block(frame);
        return;
    case 0x88:
        memory_88_service(frame);
        return;
    case 0x90: /* a device is busy, */
    case 0x91: /* is ready: who multitasks has taken this */
        frame->ah = 0;
        set_carry(frame, false);
        return;
    case 0xc0:
        get_configuration(frame);
        return;
    case 0xc1:
        get_ebda(frame);
        return;
    case 0xc2:
        mouse_service(frame);
        return;
    case 0xe8:
        memory_service(frame);
        return;
    default:
        fail(frame);
    }
}
