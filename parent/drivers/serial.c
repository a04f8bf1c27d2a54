#include "parent/drivers/serial.h"

#include "lib/x86/cpu.h"
#include "parent/include/input.h"
#include "parent/include/interrupt.h"
#include "parent/include/spinlock.h"
#include "parent/include/time.h"

#define COM1 0x3f8
#define COM2 0x2f8
#define COM1_IRQ 4
#define COM2_IRQ 3

#define UART_DATA 0
#define UART_INTERRUPT_ENABLE 1
#define UART_INTERRUPT_IDENTIFICATION 2
#define UART_MODEM_CONTROL 4
#define UART_LINE_STATUS 5
#define UART_MODEM_STATUS 6

#define IER_RECEIVED 0x01
#define IER_TRANSMITTER_EMPTY 0x02
#define IIR_NONE 0x01
#define IIR_MASK 0x0f
#define IIR_MODEM_STATUS 0x00
#define MCR_OUT2 0x08 /* connects the interrupt, on a PC */
#define LSR_DATA_READY 0x01
#define LSR_HOLDING_EMPTY 0x20
#define LSR_EMPTY 0x40

#define FIFO_SIZE 16
#define RING_SIZE 16384u
#define CAUSES_MAX 64 /* in one interrupt; then it has to interrupt again */
/* A byte takes 87 us at 115,200 baud. */
#define BYTE_LIMIT_US 10000u

static uint16_t port;
static struct spinlock lock = SPINLOCK(LOCK_LEVEL_BUS); /* registers, and all below */
static char ring[RING_SIZE];                            /* to be sent */
static uint32_t first, count;
static bool transmitting; /* the transmitter will interrupt */
static bool stalled;      /* it has not in time: nobody waits for it */

/* Moves bytes into the transmitter's FIFO, which is empty. With the lock held. */
static void fill_fifo(void)
{
    for (int i = 0; i < FIFO_SIZE && count > 0; i++) {
        outb(port + UART_DATA, (uint8_t)ring[first]);
        first = (first + 1) % RING_SIZE;
        count--;
    }
}

/* Waits until the transmitter has room. With the lock held, or alone. */
static bool wait_transmitter(uint8_t status)
{
    uint64_t deadline = time_now() + (stalled ? 0 : BYTE_LIMIT_US * FIFO_SIZE);

    for (;;) {
        stalled = !(inb(port + UART_LINE_STATUS) & status);
        if (!stalled)
            return true;
        if (time_now() >= deadline)
            return false;
        cpu_pause();
    }
}

/* With the lock held. A byte for which a stalled port leaves no room is lost. */
static void put_byte(char c)
{
    if (count == RING_SIZE && wait_transmitter(LSR_HOLDING_EMPTY))
        fill_fifo();
    if (count < RING_SIZE)
        ring[(first + count++) % RING_SIZE] = c;
}

void serial_send(char c)
{
    uint64_t flags = spin_lock(&lock);

    if (c == '\n')
        put_byte('\r');
    put_byte(c);
    if (!transmitting) {
        transmitting = true;
        outb(port + UART_INTERRUPT_ENABLE, IER_RECEIVED | IER_TRANSMITTER_EMPTY);
    }
    spin_unlock(&lock, flags);
}

void serial_flush(bool alone)
{
    uint64_t flags = alone ? 0 : spin_lock(&lock);

    while (count > 0 && wait_transmitter(LSR_HOLDING_EMPTY))
        fill_fifo();
    wait_transmitter(LSR_EMPTY);
    if (!alone)
        spin_unlock(&lock, flags);
}

/* The transmitter's FIFO is empty. */
static void transmit(void)
{
    uint64_t flags = spin_lock(&lock);

    fill_fifo();
    if (transmitting && count == 0) {
        transmitting = false;
        outb(port + UART_INTERRUPT_ENABLE, IER_RECEIVED);
    }
    spin_unlock(&lock, flags);
}

static void receive(void)
{
    char bytes[FIFO_SIZE];
    size_t received = 0;

    while (received < FIFO_SIZE && (inb(port + UART_LINE_STATUS) & LSR_DATA_READY))
        bytes[received++] = (char)inb(port + UART_DATA);
    if (received > 0)
        input_put(bytes, received);
}

static bool serial_interrupt(void *context)
{
    bool ours = false;

    (void)context;
    for (int i = 0; i < CAUSES_MAX; i++) {
        uint8_t cause = inb(port + UART_INTERRUPT_IDENTIFICATION) & IIR_MASK;

        if (cause & IIR_NONE)
            break;
        ours = true;
        if (cause == IIR_MODEM_STATUS)
            inb(port + UART_MODEM_STATUS);
        /* What there is to do is read from the line status, which also ends its interrupt: Bochs
         * forgets that the transmitter is empty when the register above tells another cause. */
        uint8_t status = inb(port + UART_LINE_STATUS);
        if (status & LSR_DATA_READY)
            receive();
        if (status & LSR_HOLDING_EMPTY)
            transmit();
    }
    return ours;
}

bool serial_start(uint16_t uart_port)
{
    uint8_t irq = uart_port == COM1 ? COM1_IRQ : COM2_IRQ;

    if (uart_port != COM1 && uart_port != COM2)
        return false;
    port = uart_port;
    if (!interrupt_connect_isa(irq, serial_interrupt, NULL))
        return false;
    outb(port + UART_MODEM_CONTROL, inb(port + UART_MODEM_CONTROL) | MCR_OUT2);
    outb(port + UART_INTERRUPT_ENABLE, IER_RECEIVED);
    return true;
}
