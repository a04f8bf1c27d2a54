/* INT 14h: the serial ports. */

#include "worker/firmware/bda.h"
#include "worker/firmware/timing.h"

#define PORTS 4
#define UART_DATA 0
#define UART_IER 1
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_MSR 6
#define UART_SCRATCH 7
#define LCR_DIVISOR 0x80
#define MCR_DTR_RTS 0x03
#define LSR_DATA 0x01
#define LSR_EMPTY 0x20
#define TIMED_OUT 0x80
#define TIMEOUT_MS 1000

void serial_service(struct frame *frame);
unsigned serial_init(void);

/* Finds the ports; returns their number. */
unsigned serial_init(void)
{
    static const uint16_t ports[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    uint16_t found = 0;

    for (unsigned i = 0; i < PORTS; i++) {
        outb((uint16_t)(ports[i] + UART_SCRATCH), 0x5a);
        if (inb((uint16_t)(ports[i] + UART_SCRATCH)) != 0x5a)
            continue;
        bda_write16((uint16_t)(BDA_COM_PORTS + found * 2), ports[i]);
        bda_write8((uint16_t)(BDA_SERIAL_TIMEOUTS + found), 1);
        found++;
    }
    return found;
}

static void set_status(struct frame *frame, uint16_t port)
{
    frame->ah = inb((uint16_t)(port + UART_LSR));
    frame->al = inb((uint16_t)(port + UART_MSR));
}

/* AL: speed (3 bits), parity (2), stop bits, length (2) */
static void initialize(struct frame *frame, uint16_t port)
{
    static const uint16_t divisors[] = {1047, 768, 384, 192, 96, 48, 24, 12};
    uint16_t divisor = divisors[frame->al >> 5];

    outb((uint16_t)(port + UART_LCR), LCR_DIVISOR);
    outb((uint16_t)(port + UART_DATA), (uint8_t)divisor);
    outb((uint16_t)(port + UART_IER), (uint8_t)(divisor >> 8));
    outb((uint16_t)(port + UART_LCR), frame->al & 0x1f);
    outb((uint16_t)(port + UART_IER), 0);
    set_status(frame, port);
}

/* Waits until the line status has @bit. */
static bool wait_for(uint16_t port, uint8_t bit)
{
    struct deadline deadline = deadline_ms(TIMEOUT_MS);

    while (!(inb((uint16_t)(port + UART_LSR)) & bit)) {
        if (deadline_passed(&deadline))
            return false;
        enable_interrupts();
        __asm__ volatile("nop");
        disable_interrupts();
    }
    return true;
}

static void send(struct frame *frame, uint16_t port)
{
    outb((uint16_t)(port + UART_MCR), MCR_DTR_RTS);
    if (!wait_for(port, LSR_EMPTY)) {
        frame->ah = inb((uint16_t)(port + UART_LSR)) | TIMED_OUT;
        return;
    }
    outb(port, frame->al);
    frame->ah = inb((uint16_t)(port + UART_LSR)) & (uint8_t)~TIMED_OUT;
}

static void receive(struct frame *frame, uint16_t port)
{
    outb((uint16_t)(port + UART_MCR), MCR_DTR_RTS);
    if (!wait_for(port, LSR_DATA)) {
        frame->ah = TIMED_OUT;
        return;
    }
    frame->ah = inb((uint16_t)(port + UART_LSR)) & 0x1e;
    frame->al = inb(port);
}

void serial_service(struct frame *frame)
{
    uint16_t port = frame->dx < PORTS ? bda_read16((uint16_t)(BDA_COM_PORTS + frame->dx * 2)) : 0;

    if (!port) {
        frame->ah = TIMED_OUT;
        return;
    }
    if (frame->ah == 0)
        initialize(frame, port);
    else if (frame->ah == 1)
        send(frame, port);
    else if (frame->ah == 2)
        receive(frame, port);
    else if (frame->ah == 3)
        set_status(frame, port);
}
