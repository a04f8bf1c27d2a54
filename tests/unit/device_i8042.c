/* Unit test of the keyboard controller with its keyboard and mouse. */
#include "worker/devices/i8042.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"

static struct fake_machine machine;
static struct fake_line keyboard_irq, mouse_irq, a20;
static struct i8042 controller;

static void start(void)
{
    fake_create(&machine);
    keyboard_irq = mouse_irq = a20 = (struct fake_line){0};
    i8042_init(&controller, &machine.host, fake_line(&keyboard_irq), fake_line(&mouse_irq),
               fake_line(&a20));
    for (int i = 0; i < 3; i++)
        fake_add_ports(&machine, &controller.ports[i].ports);
}

static void end(void)
{
    fake_destroy(&machine);
}

static void command(uint8_t value)
{
    fake_outb(&machine, 0x64, value);
}

static void data(uint8_t value)
{
    fake_outb(&machine, 0x60, value);
}

static void mouse(uint8_t value)
{
    command(0xd4);
    data(value);
}

/* The next bytes must be the @count of @expected, all of the mouse or none, and no more. */
static void check_bytes(int line, bool of_mouse, const uint8_t *expected, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint8_t status = fake_inb(&machine, 0x64) & 0x21, byte = fake_inb(&machine, 0x60);

        if (status != (of_mouse ? 0x21 : 0x01) || byte != expected[i]) {
            fprintf(stderr, "line %d: byte %u is %02x, status %02x\n", line, i, byte, status);
            unit_failures++;
        }
    }
    if (fake_inb(&machine, 0x64) & 1) {
        fprintf(stderr, "line %d: %02x is too much\n", line, fake_inb(&machine, 0x60));
        unit_failures++;
    }
}
#define KEYBOARD(...)                                                                              \
    check_bytes(__LINE__, false, (const uint8_t[]){__VA_ARGS__},                                   \
                sizeof((const uint8_t[]){__VA_ARGS__}))
#define MOUSE(...)                                                                                 \
    check_bytes(__LINE__, true, (const uint8_t[]){__VA_ARGS__},                                    \
                sizeof((const uint8_t[]){__VA_ARGS__}))

static void controller_commands(void)
{
    start();
    CHECK_EQUAL(fake_inb(&machine, 0x64), 0x14);
    command(0xaa);
    CHECK_EQUAL(fake_inb(&machine, 0x64), 0x1d);
    KEYBOARD(0x55);
    CHECK_EQUAL(keyboard_irq.rises, 0); /* the self test has switched it off */
    command(0x20);
    KEYBOARD(0x34);
    command(0x60);
    data(0x47);
    CHECK_EQUAL(fake_inb(&machine, 0x64), 0x14);
    command(0x20);
    CHECK(keyboard_irq.asserted);
    KEYBOARD(0x47);
    CHECK(!keyboard_irq.asserted);
    command(0x7f);
    data(0xa5);
    command(0x3f);
    KEYBOARD(0xa5);
    command(0xab);
    KEYBOARD(0x00);
    command(0xa9);
    KEYBOARD(0x00);
    command(0xa4);
    KEYBOARD(0xf1);
    command(0xc0);
    KEYBOARD(0x80);
    command(0xa7);
    command(0x20);
    KEYBOARD(0x67);
    command(0xa8);
    command(0xad);
    command(0x20);
    KEYBOARD(0x57);
    command(0xd3); /* the loop by which Linux looks for a mouse, and its interrupt */
    data(0xa5);
    CHECK(mouse_irq.asserted && !keyboard_irq.asserted);
    MOUSE(0xa5);
    CHECK(!mouse_irq.asserted);
    command(0xd2);
    data(0x1e);
    CHECK(keyboard_irq.asserted);
    KEYBOARD(0x1e);
    command(0x99); /* unknown */
    CHECK_EQUAL(fake_inb(&machine, 0x64) & 1, 0);
    end();
}

static void a20_and_reset(void)
{
    start();
    CHECK(a20.asserted);
    command(0xdd);
    CHECK(!a20.asserted);
    fake_outb(&machine, 0x92, 0x02);
    CHECK(a20.asserted);
    CHECK_EQUAL(fake_inb(&machine, 0x92), 0x02);
    fake_outb(&machine, 0x92, 0x00);
    CHECK(!a20.asserted);
    command(0xdf);
    CHECK(a20.asserted);
    command(0xd1);
    data(0x01);
    CHECK(!a20.asserted);
    command(0xd0);
    KEYBOARD(0xc1);
    command(0xd1);
    data(0x03);
    CHECK(a20.asserted);
    CHECK_EQUAL(machine.resets, 0);
    command(0xff);
    CHECK_EQUAL(machine.resets, 0);
    command(0xfe);
    CHECK_EQUAL(machine.resets, 1);
    command(0xd1);
    data(0x02);
    CHECK_EQUAL(machine.resets, 2);
    fake_outb(&machine, 0x92, 0x01);
    CHECK_EQUAL(machine.resets, 3);
    fake_outb(&machine, 0x92, 0x01); /* no edge */
    CHECK_EQUAL(machine.resets, 3);
    command(0xdd);
    i8042_reset(&controller);
    CHECK(a20.asserted);
    end();
}

static void keyboard_commands(void)
{
    start();
    data(0xff);
    KEYBOARD(0xfa, 0xaa);
    data(0xf2);
    KEYBOARD(0xfa, 0xab, 0x41);
    data(0xee);
    KEYBOARD(0xee);
    data(0xfe); /* once more */
    KEYBOARD(0xee);
    data(0xed);
    KEYBOARD(0xfa);
    data(0x05);
    KEYBOARD(0xfa);
    CHECK_EQUAL(controller.state.keyboard.leds, 5);
    data(0xed); /* a command instead of its parameter */
    data(0xf4);
    KEYBOARD(0xfa, 0xfa);
    CHECK_EQUAL(controller.state.keyboard.leds, 5);
    data(0xf0);
    data(0x00);
    KEYBOARD(0xfa, 0xfa, 0x41);
    data(0xf0);
    data(0x03);
    KEYBOARD(0xfa, 0xfe);
    data(0xf0);
    data(0x01);
    data(0xf0);
    data(0x00);
    KEYBOARD(0xfa, 0xfa, 0xfa, 0xfa, 0x43);
    data(0x77);
    KEYBOARD(0xfe);
    end();
}

static void keys(void)
{
    start();
    CHECK(i8042_key(&controller, 0, 0x1e, false)); /* A */
    CHECK(keyboard_irq.asserted);
    CHECK(i8042_key(&controller, 0, 0x1e, true));
    CHECK(i8042_key(&controller, 0xe0, 0x48, false)); /* up */
    CHECK(i8042_key(&controller, 0xe0, 0x48, true));
    KEYBOARD(0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8);
    CHECK_EQUAL(keyboard_irq.rises, 6); /* an edge for each */
    command(0x60);
    data(0x05); /* no translation */
    i8042_key(&controller, 0xe0, 0x48, false);
    i8042_key(&controller, 0xe0, 0x48, true);
    i8042_key(&controller, 0, 0x41, false); /* F7 */
    KEYBOARD(0xe0, 0x75, 0xe0, 0xf0, 0x75, 0x83);
    command(0x60);
    data(0x45);
    for (uint8_t code = 1; code < 0x80; code++) { /* there and back */
        CHECK(i8042_key(&controller, 0, code, false));
        CHECK(i8042_key(&controller, 0, code, true));
        KEYBOARD(code, code | 0x80);
    }
    CHECK(!i8042_key(&controller, 0, 0x00, false));
    CHECK(!i8042_key(&controller, 0, 0x80, false));
    command(0xad);
    CHECK(i8042_key(&controller, 0, 0x10, false));
    CHECK_EQUAL(fake_inb(&machine, 0x64) & 1, 0); /* waits in the keyboard */
    command(0xae);
    KEYBOARD(0x10);
    while (i8042_key(&controller, 0xe0, 0x11, false))
        ;
    i8042_key(&controller, 0xe0, 0x11, true);
    data(0xee); /* a reply passes the codes, and no code is cut in halves */
    CHECK_EQUAL(fake_inb(&machine, 0x60), 0xe0);
    CHECK_EQUAL(fake_inb(&machine, 0x60), 0xee);
    for (int i = 0; i < 15; i++) {
        CHECK_EQUAL(fake_inb(&machine, 0x60), 0x11);
        CHECK_EQUAL(fake_inb(&machine, 0x60), 0xe0);
    }
    KEYBOARD(0x11);
    data(0xf5);
    KEYBOARD(0xfa);
    CHECK(!i8042_key(&controller, 0, 0x1e, false));
    end();
}

static void mouse_commands(void)
{
    start();
    command(0x60);
    data(0x47);
    mouse(0xff);
    CHECK(mouse_irq.asserted);
    MOUSE(0xfa, 0xaa, 0x00);
    mouse(0xf2);
    MOUSE(0xfa, 0x00);
    mouse(0xe9);
    MOUSE(0xfa, 0x00, 0x02, 0x64);
    mouse(0xe8);
    mouse(0x03);
    mouse(0xf3);
    mouse(0x28);
    mouse(0xe7);
    mouse(0xf4);
    mouse(0xf0);
    mouse(0xe9);
    MOUSE(0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0xfa, 0x70, 0x03, 0x28);
    mouse(0xee); /* wrap: an echo */
    mouse(0xf4);
    mouse(0xec);
    MOUSE(0xfa, 0xf4, 0xfa);
    mouse(0x12);
    MOUSE(0xfe);
    end();
}

static void set_rates(uint8_t first, uint8_t second, uint8_t third)
{
    const uint8_t rates[] = {first, second, third};

    for (int i = 0; i < 3; i++) {
        mouse(0xf3);
        mouse(rates[i]);
    }
    mouse(0xf2);
    for (int i = 0; i < 7; i++)
        CHECK_EQUAL(fake_inb(&machine, 0x60), 0xfa);
}

static void movement(void)
{
    start();
    i8042_mouse(&controller, 10, 10, 0, 1);
    CHECK_EQUAL(fake_inb(&machine, 0x64) & 1, 0);
    mouse(0xf4);
    MOUSE(0xfa, 0x09, 0x00, 0x00); /* only the button: it did not listen before */
    i8042_mouse(&controller, 5, 3, 0, 0);
    MOUSE(0x28, 0x05, 0xfd);
    i8042_mouse(&controller, -300, -1, 0, 2);
    MOUSE(0x1a, 0x01, 0x01, 0x1a, 0xd3, 0x00);
    i8042_mouse(&controller, 0, 0, 3, 2); /* no wheel */
    CHECK_EQUAL(fake_inb(&machine, 0x64) & 1, 0);
    set_rates(200, 100, 80);
    MOUSE(0x03, 0x0a, 0x00, 0x00, 0x03); /* the wheel's turn was kept */
    i8042_mouse(&controller, 0, 0, -1, 0);
    MOUSE(0x08, 0x00, 0x00, 0xff);
    set_rates(200, 200, 80);
    MOUSE(0x04);
    i8042_mouse(&controller, 0, 0, -1, 0x18);
    MOUSE(0x08, 0x00, 0x00, 0x3f);
    i8042_mouse(&controller, INT32_MAX, INT32_MIN, 0, 0);
    i8042_mouse(&controller, INT32_MAX, INT32_MIN, 0, 0);
    for (int i = 0; i < 18 * 4; i++)
        fake_inb(&machine, 0x60);
    CHECK_EQUAL(fake_inb(&machine, 0x64) & 1, 0);
    mouse(0xf0); /* remote: only when asked */
    MOUSE(0xfa);
    i8042_mouse(&controller, 1, 0, 0, 0);
    CHECK_EQUAL(fake_inb(&machine, 0x64) & 1, 0);
    mouse(0xeb);
    MOUSE(0xfa, 0x08, 0x01, 0x00, 0x00);
    end();
}

int main(void)
{
    controller_commands();
    a20_and_reset();
    keyboard_commands();
    keys();
    mouse_commands();
    movement();
    return unit_result();
}
