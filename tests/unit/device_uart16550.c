/* Unit test of the serial port: bytes both ways, FIFO, interrupts by priority, loop mode. */
#include "worker/devices/uart16550.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"

#define PORT 0x3f8
enum { RBR = PORT, THR = PORT, IER, IIR, FCR = IIR, LCR, MCR, LSR, MSR, SCR };

#define MCR_OUT2 0x08
#define MCR_LOOP 0x10

static struct fake_machine machine;
static struct fake_line irq;
static struct uart16550 uart;
static uint8_t sent[64];
static unsigned sent_count;

static void transmit(void *context, uint8_t byte)
{
    CHECK(context == &uart);
    sent[sent_count++ % sizeof(sent)] = byte;
}

static uint8_t in(uint16_t port)
{
    return fake_inb(&machine, port);
}

static void out(uint16_t port, uint8_t value)
{
    fake_outb(&machine, port, value);
}

static void start(void)
{
    fake_create(&machine);
    irq = (struct fake_line){0};
    uart16550_init(&uart, PORT, fake_line(&irq));
    uart.transmit = transmit;
    uart.context = &uart;
    sent_count = 0;
    fake_add_ports(&machine, &uart.ports.ports);
}

static void test_registers(void)
{
    start();
    CHECK_EQUAL(in(IIR), 0x01);
    CHECK_EQUAL(in(LSR), 0x60);
    CHECK_EQUAL(in(MSR), 0xb0);
    out(SCR, 0x5a);
    CHECK_EQUAL(in(SCR), 0x5a);
    out(LCR, 0x83);
    out(PORT, 0x0c);
    out(IER, 0x01);
    CHECK(in(PORT) == 0x0c && in(IER) == 0x01 && sent_count == 0);
    out(LCR, 0x03);
    CHECK(in(IER) == 0 && in(LCR) == 0x03);
    out(IER, 0xff);
    CHECK_EQUAL(in(IER), 0x0f);
    out(LSR, 0);
    out(MSR, 0xff);
    CHECK(in(LSR) == 0x60 && in(MSR) == 0xb0);
    fake_destroy(&machine);
}

static void test_sending(void)
{
    start();
    out(THR, 'a');
    CHECK(sent_count == 1 && sent[0] == 'a' && !irq.asserted);
    out(MCR, MCR_OUT2);
    out(IER, 2); /* the register is empty: at once */
    CHECK(irq.asserted);
    CHECK(in(IIR) == 0x02 && !irq.asserted);
    CHECK_EQUAL(in(IIR), 0x01);
    out(THR, 'b');
    CHECK(irq.asserted && sent_count == 2);
    out(IER, 0);
    CHECK(!irq.asserted);
    fake_destroy(&machine);
}

static void receive(const char *text)
{
    for (; *text; text++)
        uart16550_receive(&uart, (uint8_t)*text);
}

static void test_receiving(void)
{
    start();
    out(MCR, MCR_OUT2);
    out(IER, 0x05);
    CHECK_EQUAL(uart16550_room(&uart), 1);
    receive("x");
    CHECK(irq.asserted && in(IIR) == 0x04 && in(LSR) == 0x61);
    receive("y"); /* it takes x's place */
    CHECK_EQUAL(in(IIR), 0x06);
    CHECK(in(LSR) == 0x63 && in(LSR) == 0x61);
    CHECK(in(RBR) == 'y' && !irq.asserted && in(LSR) == 0x60);
    CHECK_EQUAL(in(RBR), 0);
    fake_destroy(&machine);
}

static void test_fifo(void)
{
    start();
    out(MCR, MCR_OUT2);
    out(IER, 0x05);
    out(FCR, 0x41); /* FIFO, trigger level 4 */
    CHECK(in(IIR) == 0xc1 && uart16550_room(&uart) == 16);
    receive("abc");
    CHECK_EQUAL(in(IIR), 0xcc); /* fewer than 4, for long */
    receive("d");
    CHECK_EQUAL(in(IIR), 0xc4);
    CHECK(in(RBR) == 'a' && in(RBR) == 'b');
    receive("efghijklmnopqr");
    CHECK(uart16550_room(&uart) == 0 && !(in(LSR)&0x02));
    receive("!");
    CHECK_EQUAL(in(IIR), 0xc6);
    CHECK_EQUAL(in(LSR), 0x63);
    for (char c = 'c'; c <= 'r'; c++)
        CHECK_EQUAL(in(RBR), (uint8_t)c);
    CHECK(in(LSR) == 0x60 && in(IIR) == 0xc1);
    receive("z");
    out(FCR, 0x43); /* clears it */
    CHECK(in(LSR) == 0x60 && !irq.asserted);
    fake_destroy(&machine);
}

static void test_loop(void)
{
    start();
    out(MCR, MCR_LOOP | 0x0f);
    CHECK_EQUAL(in(MSR), 0xf0); /* all inputs are on; RI has not ended */
    out(THR, 'q');
    CHECK(sent_count == 0 && in(RBR) == 'q');
    out(IER, 0x08);
    out(MCR, MCR_LOOP | 0x0b); /* OUT1, which is RI, ends */
    CHECK(in(IIR) == 0x00 && !irq.asserted);
    CHECK_EQUAL(in(MSR), 0xb4);
    CHECK_EQUAL(in(MSR), 0xb0);
    out(LCR, 0x43);
    CHECK_EQUAL(in(LSR), 0x71); /* a break came back */
    fake_destroy(&machine);
}

int main(void)
{
    test_registers();
    test_sending();
    test_receiving();
    test_fifo();
    test_loop();
    return unit_result();
}
