/* A serial port: National Semiconductor PC16550D. Bytes go out as soon as they are written,
 * whatever the line's speed is; so the transmitter is always empty.
 *
 * Context: the machine's lock is held. */
#ifndef VENEER_WORKER_DEVICES_UART16550_H
#define VENEER_WORKER_DEVICES_UART16550_H

#include "worker/devices/byte_ports.h"

#define UART_FIFO_SIZE 16u

/* All that a guest can see or set. */
struct uart16550_state {
    uint8_t interrupt_enable, fifo_control, line_control, modem_control;
    uint8_t line_status, modem_status, scratch;
    uint8_t divisor_low, divisor_high;
    bool transmitter_interrupt; /* "holding register empty" has not been read yet */
    uint8_t fifo[UART_FIFO_SIZE];
    uint8_t fifo_first, fifo_count;
};

struct uart16550 {
    struct device_line irq;
    struct byte_ports ports;
    /* Takes a byte that the guest has sent; NULL: nobody listens. */
    void (*transmit)(void *context, uint8_t byte);
    void *context;
    struct uart16550_state state;
};

/* Makes @uart, whose registers are at @port, as after a reset. `transmit` may be set later. */
void uart16550_init(struct uart16550 *uart, uint16_t port, struct device_line irq);

/* As by the hardware's reset pin. */
void uart16550_reset(struct uart16550 *uart);

/* How many bytes uart16550_receive() takes now without losing one. */
unsigned uart16550_room(const struct uart16550 *uart);

/* @byte comes in; it is lost, with an overrun, if there is no room. */
void uart16550_receive(struct uart16550 *uart, uint8_t byte);

#endif
