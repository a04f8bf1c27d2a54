/* The driver itself is compiled in here, with a model of a UART in place of lib/x86/cpu.h. */
#define VENEER_LIB_X86_CPU_H

#include <stdbool.h>

#include "tests/unit/unit.h"

#define BASE 0x2f8

static struct {
    uint8_t registers[8], divisor[2];
    char sent[64];
    unsigned sent_count;
    unsigned polls_left; /* until the transmitter is ready */
    unsigned busy_polls; /* that each byte takes */
    unsigned polls;
    bool scratch_missing;
} uart;

static uint8_t inb(uint16_t port)
{
    unsigned index = port - BASE;

    CHECK(index < 8);
    if (index == 7)
        return uart.scratch_missing ? 0xff : uart.registers[7];
    if (index != 5)
        return uart.registers[index];
    uart.polls++;
    if (uart.polls_left > 0) {
        uart.polls_left--;
        return uart.registers[5] & 1;
    }
    return (uart.registers[5] & 1) | 0x60;
}

static void outb(uint16_t port, uint8_t value)
{
    unsigned index = port - BASE;
    bool divisor_access = uart.registers[3] & 0x80;

    CHECK(index < 8);
    if (divisor_access && index < 2) {
        uart.divisor[index] = value;
    } else if (index == 0) {
        CHECK_EQUAL(uart.polls_left, 0);
        uart.sent[uart.sent_count++] = (char)value;
        uart.polls_left = uart.busy_polls;
    } else {
        uart.registers[index] = value;
    }
}

static void cpu_pause(void)
{
}

#include "lib/serial.c"

static struct serial serial;

static void start(void)
{
    memset(&uart, 0, sizeof(uart));
    CHECK(serial_init(&serial, BASE));
}

static void test_setup(void)
{
    start();
    CHECK_EQUAL(uart.divisor[0], 1);
    CHECK_EQUAL(uart.divisor[1], 0);
    CHECK_EQUAL(uart.registers[1], 0);
    CHECK_EQUAL(uart.registers[3], 3);
    CHECK_EQUAL(serial.port, BASE);
}

static void test_absent(void)
{
    memset(&uart, 0, sizeof(uart));
    uart.scratch_missing = true;
    CHECK(!serial_init(&serial, BASE));
    CHECK_EQUAL(serial.port, 0);
    CHECK(!serial_init(&serial, 0));
    serial_put(&serial, 'x');
    serial_drain(&serial);
    CHECK_EQUAL(serial_get(&serial), -1);
    CHECK_EQUAL(uart.sent_count, 0);
}

static void test_send_and_receive(void)
{
    start();
    uart.busy_polls = 5;
    serial_put(&serial, 'a');
    serial_put(&serial, '\n');
    serial_drain(&serial);
    CHECK_TEXT(uart.sent, "a\r\n");
    CHECK_EQUAL(uart.polls_left, 0);

    CHECK_EQUAL(serial_get(&serial), -1);
    uart.registers[0] = 0xe5;
    uart.registers[5] = 1;
    CHECK_EQUAL(serial_get(&serial), 0xe5);
}

/* A transmitter that hangs costs a long wait once, and is used again when it is back. */
static void test_stalled(void)
{
    start();
    uart.polls_left = UINT32_MAX;
    serial_put(&serial, 'a');
    CHECK_EQUAL(uart.sent_count, 0);
    CHECK(uart.polls > 100000);

    uart.polls = 0;
    serial_put(&serial, 'b');
    serial_drain(&serial);
    CHECK_EQUAL(uart.sent_count, 0);
    CHECK_EQUAL(uart.polls, 2);

    uart.polls_left = 0;
    uart.busy_polls = 3;
    serial_put(&serial, 'c');
    serial_put(&serial, 'd');
    CHECK_TEXT(uart.sent, "cd");
}

int main(void)
{
    test_setup();
    test_absent();
    test_send_and_receive();
    test_stalled();
    return unit_result();
}
