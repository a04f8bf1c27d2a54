#include "worker/firmware/keyboard.h"
#include "worker/firmware/timing.h"

#define STATUS_INPUT 0x02 /* the controller has not read the last byte */
#define CMD_GET_MODE 0x20
#define CMD_SET_MODE 0x60
#define WRITE_TIMEOUT_MS 100
#define READ_TIMEOUT_MS 500

#define PORT_A 0x92
#define PORT_A_A20 0x02
#define PORT_A_RESET 0x01

static bool wait_writable(void)
{
    struct deadline deadline = deadline_ms(WRITE_TIMEOUT_MS);

    while (inb(KBC_STATUS) & STATUS_INPUT) {
        if (deadline_passed(&deadline))
            return false;
    }
    return true;
}

bool kbc_command(uint8_t command)
{
    if (!wait_writable())
        return false;
    outb(KBC_STATUS, command);
    return true;
}

bool kbc_data(uint8_t data)
{
    if (!wait_writable())
        return false;
    outb(KBC_DATA, data);
    return true;
}

bool kbc_read(bool aux, uint8_t *byte)
{
    struct deadline deadline = deadline_ms(READ_TIMEOUT_MS);

    for (;;) {
        uint8_t status = inb(KBC_STATUS);

        if (status & KBC_STATUS_OUTPUT) {
            *byte = inb(KBC_DATA);
            if (!(status & KBC_STATUS_AUX) == !aux)
                return true;
        } else if (deadline_passed(&deadline)) {
            return false;
        }
    }
}

void kbc_flush(void)
{
    for (unsigned i = 0; i < 64 && inb(KBC_STATUS) & KBC_STATUS_OUTPUT; i++)
        inb(KBC_DATA);
}

bool kbc_get_mode(uint8_t *mode)
{
    return kbc_command(CMD_GET_MODE) && kbc_read(false, mode);
}

bool kbc_set_mode(uint8_t mode)
{
    return kbc_command(CMD_SET_MODE) && kbc_data(mode);
}

bool a20_enabled(void)
{
    return inb(PORT_A) & PORT_A_A20;
}

void a20_enable(bool enable)
{
    uint8_t value = inb(PORT_A) & (uint8_t) ~(PORT_A_A20 | PORT_A_RESET);

    outb(PORT_A, value | (enable ? PORT_A_A20 : 0));
}

void a20_service(struct frame *frame)
{
    switch (frame->al) {
    case 0:
    case 1:
        a20_enable(frame->al);
        break;
    case 2:
        frame->al = a20_enabled();
        frame->cx = 0;
        break;
    case 3:
        frame->bx = 3; /* by the keyboard controller and by port 92h */
        break;
    default:
        frame->ah = 0x86;
        set_carry(frame, true);
        return;
    }
    frame->ah = 0;
    set_carry(frame, false);
}
