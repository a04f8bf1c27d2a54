#include "worker/devices/uart16550.h"

/* Registers, PC16550D data sheet, table II; the first two with DLAB = 1 are the divisor. */
enum {
    RBR_THR = 0, /* receiver buffer, transmitter holding */
    IER = 1,
    IIR_FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    MSR = 6,
    SCR = 7,
};

#define PORTS 8

#define IER_RECEIVED 0x01
#define IER_TRANSMITTER_EMPTY 0x02
#define IER_LINE_STATUS 0x04
#define IER_MODEM_STATUS 0x08
#define IER_MASK 0x0f

#define IIR_NONE 0x01
#define IIR_MODEM_STATUS 0x00
#define IIR_TRANSMITTER_EMPTY 0x02
#define IIR_RECEIVED 0x04
#define IIR_TIMEOUT 0x0c
#define IIR_LINE_STATUS 0x06
#define IIR_FIFOS 0xc0

#define FCR_ENABLE 0x01
#define FCR_CLEAR_RECEIVER 0x02
#define FCR_KEPT 0xc9 /* enable, DMA mode, trigger level */
#define FCR_TRIGGER_SHIFT 6

#define LCR_BREAK 0x40
#define LCR_DLAB 0x80

#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08 /* on a PC: the interrupt's gate */
#define MCR_LOOP 0x10
#define MCR_MASK 0x1f

#define LSR_DATA_READY 0x01
#define LSR_OVERRUN 0x02
#define LSR_BREAK 0x10
#define LSR_ERRORS 0x1e
#define LSR_TRANSMITTER_EMPTY 0x60 /* holding register, and all of it */

#define MSR_DELTAS 0x0f
#define MSR_TERI 0x04 /* RI has gone: only its end counts */
#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80
#define MSR_CONNECTED (MSR_CTS | MSR_DSR | MSR_DCD) /* there is always somebody */

static bool fifos_enabled(const struct uart16550_state *state)
{
    return state->fifo_control & FCR_ENABLE;
}

static unsigned capacity(const struct uart16550_state *state)
{
    return fifos_enabled(state) ? UART_FIFO_SIZE : 1;
}

/* Bytes from which on the receiver interrupts. */
static unsigned trigger_level(const struct uart16550_state *state)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    return fifos_enabled(state) ? levels[state->fifo_control >> FCR_TRIGGER_SHIFT] : 1;
}

/* The most urgent interrupt, as IIR names it. */
static uint8_t pending(const struct uart16550_state *state)
{
    if (state->interrupt_enable & IER_LINE_STATUS && state->line_status & LSR_ERRORS)
        return IIR_LINE_STATUS;
    if (state->interrupt_enable & IER_RECEIVED && state->fifo_count > 0) /* the timeout is 0 */
        return state->fifo_count >= trigger_level(state) ? IIR_RECEIVED : IIR_TIMEOUT;
    if (state->interrupt_enable & IER_TRANSMITTER_EMPTY && state->transmitter_interrupt)
        return IIR_TRANSMITTER_EMPTY;
    if (state->interrupt_enable & IER_MODEM_STATUS && state->modem_status & MSR_DELTAS)
        return IIR_MODEM_STATUS;
    return IIR_NONE;
}

static void update_line(struct uart16550 *uart)
{
    const struct uart16550_state *state = &uart->state;
    bool gate = state->modem_control & MCR_OUT2 && !(state->modem_control & MCR_LOOP);
    device_line_set(&uart->irq, gate && pending(state) != IIR_NONE);
}

static void clear_fifo(struct uart16550_state *state)
{
    state->fifo_first = state->fifo_count = 0;
    state->line_status &= (uint8_t)~LSR_DATA_READY;
}

void uart16550_reset(struct uart16550 *uart)
{
    uart->state = (struct uart16550_state){.line_status = LSR_TRANSMITTER_EMPTY,
                                           .modem_status = MSR_CONNECTED};
    update_line(uart);
}

unsigned uart16550_room(const struct uart16550 *uart)
{
    return capacity(&uart->state) - uart->state.fifo_count;
}

void uart16550_receive(struct uart16550 *uart, uint8_t byte)
{
    struct uart16550_state *state = &uart->state;
    if (state->fifo_count == capacity(state)) {
        state->line_status |= LSR_OVERRUN;
        if (!fifos_enabled(state)) /* the new byte replaces the old one */
            state->fifo[state->fifo_first] = byte;
    } else {
        state->fifo[(state->fifo_first + state->fifo_count++) % UART_FIFO_SIZE] = byte;
    }
    state->line_status |= LSR_DATA_READY;
    update_line(uart);
}

static uint8_t read_buffer(struct uart16550_state *state)
{
    if (state->fifo_count == 0)
        return 0;
    uint8_t byte = state->fifo[state->fifo_first];
    state->fifo_first = (uint8_t)((state->fifo_first + 1) % UART_FIFO_SIZE);
    if (--state->fifo_count == 0)
        clear_fifo(state);
    return byte;
}

static uint8_t read_identification(struct uart16550_state *state)
{
    uint8_t value = pending(state);
    if (value == IIR_TRANSMITTER_EMPTY)
        state->transmitter_interrupt = false;
    return value | (fifos_enabled(state) ? IIR_FIFOS : 0);
}

static uint8_t read_line_status(struct uart16550_state *state)
{
    uint8_t value = state->line_status;
    state->line_status &= (uint8_t)~LSR_ERRORS;
    return value;
}

/* The inputs; in loop mode they are the outputs. */
static uint8_t modem_inputs(const struct uart16550_state *state)
{
    uint8_t outputs = state->modem_control;
    if (!(outputs & MCR_LOOP))
        return MSR_CONNECTED;
    return (uint8_t)((outputs & MCR_RTS ? MSR_CTS : 0) | (outputs & MCR_DTR ? MSR_DSR : 0) |
                     (outputs & MCR_OUT1 ? MSR_RI : 0) | (outputs & MCR_OUT2 ? MSR_DCD : 0));
}

static void update_modem_status(struct uart16550_state *state)
{
    uint8_t old = state->modem_status & (uint8_t)~MSR_DELTAS, new = modem_inputs(state);
    uint8_t changed = (uint8_t)((old ^ new) >> 4);
    if (new &MSR_RI)
        changed &= (uint8_t)~MSR_TERI;
    state->modem_status = new | (state->modem_status & MSR_DELTAS) | changed;
}

static uint8_t read_modem_status(struct uart16550_state *state)
{
    uint8_t value = state->modem_status;
    state->modem_status &= (uint8_t)~MSR_DELTAS;
    return value;
}

static uint8_t read_register(void *device, uint16_t offset)
{
    struct uart16550 *uart = device;
    struct uart16550_state *state = &uart->state;
    bool divisor = state->line_control & LCR_DLAB;
    uint8_t value = 0;
    switch (offset) {
    case RBR_THR:
        value = divisor ? state->divisor_low : read_buffer(state);
        break;
    case IER:
        value = divisor ? state->divisor_high : state->interrupt_enable;
        break;
    case IIR_FCR:
        value = read_identification(state);
        break;
    case LCR:
        value = state->line_control;
        break;
    case MCR:
        value = state->modem_control;
        break;
    case LSR:
        value = read_line_status(state);
        break;
    case MSR:
        value = read_modem_status(state);
        break;
    case SCR:
        value = state->scratch;
        break;
    }
    update_line(uart);
    return value;
}

static void transmit(struct uart16550 *uart, uint8_t byte)
{
    uart->state.transmitter_interrupt = true; /* it is empty again */
    if (uart->state.modem_control & MCR_LOOP)
        uart16550_receive(uart, byte);
    else if (uart->transmit)
        uart->transmit(uart->context, byte);
}

static void write_interrupt_enable(struct uart16550_state *state, uint8_t value)
{
    if (value & ~state->interrupt_enable & IER_TRANSMITTER_EMPTY)
        state->transmitter_interrupt = true;
    state->interrupt_enable = value & IER_MASK;
}

static void write_fifo_control(struct uart16550_state *state, uint8_t value)
{
    if ((value ^ state->fifo_control) & FCR_ENABLE || value & FCR_CLEAR_RECEIVER)
        clear_fifo(state);
    state->fifo_control = value & FCR_ENABLE ? value & FCR_KEPT : 0;
}

static void write_line_control(struct uart16550 *uart, uint8_t value)
{
    struct uart16550_state *state = &uart->state;
    bool begins = value & ~state->line_control & LCR_BREAK;
    state->line_control = value;
    if (begins && state->modem_control & MCR_LOOP) {
        uart16550_receive(uart, 0);
        state->line_status |= LSR_BREAK;
    }
}

static void write_register(void *device, uint16_t offset, uint8_t byte)
{
    struct uart16550 *uart = device;
    struct uart16550_state *state = &uart->state;
    bool divisor = state->line_control & LCR_DLAB;
    switch (offset) {
    case RBR_THR:
        if (divisor)
            state->divisor_low = byte;
        else
            transmit(uart, byte);
        break;
    case IER:
        if (divisor)
            state->divisor_high = byte;
        else
            write_interrupt_enable(state, byte);
        break;
    case IIR_FCR:
        write_fifo_control(state, byte);
        break;
    case LCR:
        write_line_control(uart, byte);
        break;
    case MCR:
        state->modem_control = byte & MCR_MASK;
        update_modem_status(state);
        break;
    case SCR:
        state->scratch = byte;
        break;
    default: /* LSR and MSR: for the factory's tests only */
        break;
    }
    update_line(uart);
}

void uart16550_init(struct uart16550 *uart, uint16_t port, struct device_line irq)
{
    *uart = (struct uart16550){.irq = irq};
    byte_ports_init(&uart->ports, port, PORTS, read_register, write_register, uart);
    uart16550_reset(uart);
}
