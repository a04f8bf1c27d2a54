#include "lib/serial.h"

#include "lib/x86/cpu.h"

/* Registers, as offsets from the base port (PC16550D data sheet, table II). */
#define UART_DATA 0
#define UART_DIVISOR_LOW 0  /* while LCR_DIVISOR_ACCESS is set */
#define UART_DIVISOR_HIGH 1 /* likewise */
#define UART_INTERRUPT_ENABLE 1
#define UART_FIFO_CONTROL 2
#define UART_LINE_CONTROL 3
#define UART_MODEM_CONTROL 4
#define UART_LINE_STATUS 5
#define UART_SCRATCH 7

#define FCR_ENABLE 0x01
#define FCR_CLEAR_RECEIVER 0x02
#define LCR_8_BITS 0x03
#define LCR_DIVISOR_ACCESS 0x80
#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define LSR_DATA_READY 0x01
#define LSR_TRANSMITTER_HOLDING_EMPTY 0x20
#define LSR_TRANSMITTER_EMPTY 0x40

/* 115,200 baud is the clock of 1.8432 MHz / 16 / 1. */
#define DIVISOR_115200 1

/* A byte takes 87 us at this speed and a poll of an ISA port about 1 us: far more than enough. */
#define POLLS_MAX 1000000u

static bool wait_for(struct serial *serial, uint8_t status)
{
    for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
        if (inb(serial->port + UART_LINE_STATUS) & status) {
            serial->stalled = false;
            return true;
        }
        if (serial->stalled)
            return false;
        cpu_pause();
    }
    serial->stalled = true;
    return false;
}

static bool scratch_holds(uint16_t port, uint8_t value)
{
    outb(port + UART_SCRATCH, value);
    return inb(port + UART_SCRATCH) == value;
}

bool serial_init(struct serial *serial, uint16_t port)
{
    *serial = (struct serial){0};
    if (port == 0 || !scratch_holds(port, 0x5a) || !scratch_holds(port, 0xa5))
        return false;
    serial->port = port;

    /* Whoever used the port before us may have bytes on their way. */
    serial_drain(serial);
    outb(port + UART_INTERRUPT_ENABLE, 0);
    outb(port + UART_LINE_CONTROL, LCR_DIVISOR_ACCESS);
    outb(port + UART_DIVISOR_LOW, DIVISOR_115200);
    outb(port + UART_DIVISOR_HIGH, 0);
    outb(port + UART_LINE_CONTROL, LCR_8_BITS);
    outb(port + UART_FIFO_CONTROL, FCR_ENABLE | FCR_CLEAR_RECEIVER);
    outb(port + UART_MODEM_CONTROL, MCR_DTR | MCR_RTS);
    return true;
}

static void put_byte(struct serial *serial, uint8_t byte)
{
    if (wait_for(serial, LSR_TRANSMITTER_HOLDING_EMPTY))
        outb(serial->port + UART_DATA, byte);
}

void serial_put(struct serial *serial, char c)
{
    if (serial->port == 0)
        return;
    if (c == '\n')
        put_byte(serial, '\r');
    put_byte(serial, (uint8_t)c);
}

void serial_drain(struct serial *serial)
{
    if (serial->port != 0)
        wait_for(serial, LSR_TRANSMITTER_EMPTY);
}

int serial_get(struct serial *serial)
{
    if (serial->port == 0 || !(inb(serial->port + UART_LINE_STATUS) & LSR_DATA_READY))
        return -1;
    return inb(serial->port + UART_DATA);
}
