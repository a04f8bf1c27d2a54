/* Unit test of the two interrupt controllers: priorities, ends of interrupts, all modes. */
#include "worker/devices/i8259.h"

#include "tests/devices/fake.h"
#include "tests/unit/unit.h"

#define MASTER 0x20
#define SLAVE 0xa0
#define NONE 0x27 /* the spurious vector */

static struct fake_machine machine;
static struct fake_line intr;
static struct i8259 pic;

/* Both initialized as a PC's: vectors 20h and 28h, with @icw4, nothing masked. */
static void initialize(uint8_t icw4)
{
    fake_outb(&machine, MASTER, 0x11);
    fake_outb(&machine, MASTER + 1, 0x20);
    fake_outb(&machine, MASTER + 1, 0x04);
    fake_outb(&machine, MASTER + 1, icw4);
    fake_outb(&machine, SLAVE, 0x11);
    fake_outb(&machine, SLAVE + 1, 0x28);
    fake_outb(&machine, SLAVE + 1, 0x02);
    fake_outb(&machine, SLAVE + 1, icw4);
}

static void start(uint8_t icw4)
{
    fake_create(&machine);
    intr = (struct fake_line){0};
    i8259_init(&pic, fake_line(&intr));
    for (int i = 0; i < 3; i++)
        fake_add_ports(&machine, &pic.ports[i].ports);
    initialize(icw4);
}

static void raise(uint32_t irq)
{
    i8259_set_irq(&pic, irq, true);
}

static void lower(uint32_t irq)
{
    i8259_set_irq(&pic, irq, false);
}

static void pulse(uint32_t irq)
{
    lower(irq);
    raise(irq);
}

/* What the processor does when INTR is up; NONE if it is not. */
static uint8_t take(void)
{
    return intr.asserted ? i8259_acknowledge(&pic) : NONE;
}

static uint8_t read_register(uint16_t port, uint8_t ocw3)
{
    fake_outb(&machine, port, ocw3);
    return fake_inb(&machine, port);
}

static uint8_t isr(uint16_t port)
{
    return read_register(port, 0x0b);
}

static uint8_t irr(uint16_t port)
{
    return read_register(port, 0x0a);
}

static void end(void)
{
    fake_destroy(&machine);
}

static void after_reset(void)
{
    fake_create(&machine);
    intr = (struct fake_line){0};
    i8259_init(&pic, fake_line(&intr));
    for (int i = 0; i < 3; i++)
        fake_add_ports(&machine, &pic.ports[i].ports);
    for (uint32_t irq = 0; irq < 16; irq++)
        raise(irq);
    CHECK(!intr.asserted);
    fake_outb(&machine, MASTER + 1, 0xfb); /* how Linux looks for it */
    CHECK_EQUAL(fake_inb(&machine, MASTER + 1), 0xfb);
    CHECK_EQUAL(fake_in(&machine, 0x4d0, 2), 0);
    fake_out(&machine, 0x4d0, 2, 0xffff);
    CHECK_EQUAL(fake_in(&machine, 0x4d0, 2), 0xdef8);
    initialize(0x01);
    CHECK_EQUAL(fake_in(&machine, 0x4d0, 2), 0xdef8); /* of no concern to ICW1 */
    CHECK_EQUAL(fake_inb(&machine, MASTER + 1), 0);
    i8259_reset(&pic);
    CHECK_EQUAL(fake_in(&machine, 0x4d0, 2), 0);
    CHECK_EQUAL(fake_inb(&machine, MASTER + 1), 0xff);
    end();
}

static void fully_nested(void)
{
    start(0x01);
    raise(5);
    raise(3);
    CHECK_EQUAL(irr(MASTER), 0x28);
    CHECK_EQUAL(take(), 0x23);
    CHECK_EQUAL(isr(MASTER), 0x08);
    CHECK_EQUAL(irr(MASTER), 0x20);
    CHECK_EQUAL(take(), NONE); /* 5 waits for 3 */
    pulse(3);
    CHECK_EQUAL(take(), NONE); /* as does 3 itself */
    raise(1);
    CHECK_EQUAL(take(), 0x21);
    CHECK_EQUAL(isr(MASTER), 0x0a);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(isr(MASTER), 0x08);
    CHECK_EQUAL(take(), NONE);
    fake_outb(&machine, MASTER, 0x63);
    CHECK_EQUAL(take(), 0x23);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(take(), 0x25);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(isr(MASTER), 0);
    fake_outb(&machine, MASTER, 0x20); /* nothing to end */
    CHECK_EQUAL(take(), NONE);
    end();
}

static void edges_and_levels(void)
{
    start(0x01);
    raise(4);
    lower(4); /* gone before it was taken */
    CHECK(!intr.asserted);
    CHECK_EQUAL(i8259_acknowledge(&pic), 0x27);
    CHECK_EQUAL(isr(MASTER), 0); /* a spurious one is not in service */
    raise(4);
    CHECK_EQUAL(take(), 0x24);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(take(), NONE); /* one edge, one interrupt */
    raise(4);
    CHECK_EQUAL(take(), NONE);
    fake_outb(&machine, MASTER + 1, 0x10);
    pulse(4); /* an edge while masked is remembered */
    CHECK_EQUAL(take(), NONE);
    CHECK_EQUAL(irr(MASTER), 0x10);
    fake_outb(&machine, MASTER + 1, 0x00);
    CHECK_EQUAL(take(), 0x24);
    fake_outb(&machine, MASTER, 0x20);

    fake_out(&machine, 0x4d0, 2, 0x0820); /* 5 and 11 by level */
    raise(5);
    CHECK_EQUAL(take(), 0x25);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(take(), 0x25); /* still there */
    lower(5);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(take(), NONE);
    raise(11);
    CHECK_EQUAL(take(), 0x2b);
    CHECK_EQUAL(isr(MASTER), 0x04);
    CHECK_EQUAL(isr(SLAVE), 0x08);
    fake_outb(&machine, SLAVE, 0x20);
    CHECK_EQUAL(take(), NONE);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(take(), 0x2b);
    lower(11);
    fake_outb(&machine, SLAVE, 0x20);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(take(), NONE);
    end();
}

static void cascade(void)
{
    start(0x01);
    raise(12);
    raise(8);
    raise(2); /* nothing is wired there but the slave */
    CHECK_EQUAL(take(), 0x28);
    CHECK_EQUAL(take(), NONE);
    raise(3);
    CHECK_EQUAL(take(), NONE); /* below the cascade */
    raise(0);
    CHECK_EQUAL(take(), 0x20);
    fake_outb(&machine, MASTER, 0x20);
    fake_outb(&machine, SLAVE, 0x20);
    fake_outb(&machine, MASTER, 0x62);
    CHECK_EQUAL(take(), 0x2c);
    fake_outb(&machine, SLAVE, 0x20);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(take(), 0x23);
    fake_outb(&machine, MASTER, 0x20);
    /* Masked in the slave, then in the master. */
    fake_outb(&machine, SLAVE + 1, 0x10);
    pulse(12);
    CHECK_EQUAL(take(), NONE);
    fake_outb(&machine, MASTER + 1, 0x04);
    fake_outb(&machine, SLAVE + 1, 0x00);
    CHECK_EQUAL(take(), NONE);
    fake_outb(&machine, MASTER + 1, 0x00);
    CHECK_EQUAL(take(), 0x2c);
    /* Without the special mode, the slave's better one waits, in spite of its own priorities. */
    pulse(9);
    CHECK_EQUAL(take(), NONE);
    end();

    start(0x11); /* special fully nested */
    raise(12);
    CHECK_EQUAL(take(), 0x2c);
    raise(9);
    CHECK_EQUAL(take(), 0x29);
    raise(14);
    CHECK_EQUAL(take(), NONE);
    raise(3);
    CHECK_EQUAL(take(), NONE);
    end();
}

static void automatic_end(void)
{
    start(0x03);
    raise(3);
    raise(1);
    CHECK_EQUAL(take(), 0x21);
    CHECK_EQUAL(isr(MASTER), 0);
    CHECK_EQUAL(take(), 0x23);
    fake_outb(&machine, MASTER, 0x80); /* rotate */
    pulse(1);
    CHECK_EQUAL(take(), 0x21);
    pulse(1);
    pulse(3);
    CHECK_EQUAL(take(), 0x23); /* 1 is the lowest now */
    fake_outb(&machine, MASTER, 0x00);
    pulse(3);
    CHECK_EQUAL(take(), 0x21);
    CHECK_EQUAL(take(), 0x23); /* 4 first, 3 last, as 3 was taken */
    end();
}

static void rotation(void)
{
    start(0x01);
    fake_outb(&machine, MASTER, 0xc4); /* 5 is first, 4 last */
    for (uint32_t irq = 0; irq < 8; irq++)
        raise(irq);
    CHECK_EQUAL(take(), 0x25);
    fake_outb(&machine, MASTER, 0xa0); /* end and rotate: 6 first */
    CHECK_EQUAL(take(), 0x26);
    fake_outb(&machine, MASTER, 0xe6); /* end and rotate, named */
    CHECK_EQUAL(take(), 0x27);
    fake_outb(&machine, MASTER, 0xe3); /* ends 3, which is not in service; 4 first, 7 in service */
    CHECK_EQUAL(isr(MASTER), 0x80);
    CHECK_EQUAL(take(), 0x24);
    fake_outb(&machine, MASTER, 0x40); /* nothing */
    CHECK_EQUAL(isr(MASTER), 0x90);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(isr(MASTER), 0x80); /* 4 came before 7 */
    end();
}

static void special_mask(void)
{
    start(0x01);
    raise(1);
    CHECK_EQUAL(take(), 0x21);
    raise(5);
    CHECK_EQUAL(take(), NONE);
    fake_outb(&machine, MASTER + 1, 0x02); /* mask what is in service: not enough */
    CHECK_EQUAL(take(), NONE);
    fake_outb(&machine, MASTER, 0x68);
    CHECK_EQUAL(take(), 0x25);
    fake_outb(&machine, MASTER, 0x20); /* passes over the masked one */
    CHECK_EQUAL(isr(MASTER), 0x02);
    fake_outb(&machine, MASTER, 0x20);
    CHECK_EQUAL(isr(MASTER), 0x02);
    fake_outb(&machine, MASTER, 0x48);
    raise(6);
    CHECK_EQUAL(take(), NONE);
    fake_outb(&machine, MASTER, 0x28); /* SMM without ESMM changes nothing */
    CHECK_EQUAL(take(), NONE);
    fake_outb(&machine, MASTER, 0x61);
    CHECK_EQUAL(take(), 0x26);
    end();
}

static void poll(void)
{
    start(0x01);
    CHECK_EQUAL(read_register(MASTER, 0x0c), 0);
    raise(14);
    raise(6);
    CHECK_EQUAL(read_register(MASTER, 0x0c), 0x82);
    CHECK_EQUAL(read_register(SLAVE, 0x0c), 0x86);
    CHECK_EQUAL(isr(MASTER), 0x04);
    CHECK_EQUAL(isr(SLAVE), 0x40);
    CHECK(!intr.asserted);
    fake_outb(&machine, SLAVE, 0x20);
    fake_outb(&machine, MASTER, 0x20);
    CHECK(intr.asserted);
    fake_outb(&machine, MASTER, 0x0c);
    CHECK_EQUAL(fake_inb(&machine, MASTER + 1), 0x86); /* the data port answers, too */
    CHECK_EQUAL(fake_inb(&machine, MASTER + 1), 0x00); /* once */
    CHECK_EQUAL(fake_inb(&machine, MASTER), 0x40);     /* and what was read before stays */
    end();
}

/* ICW1 forgets edges, masks and what is in service, and short sequences end where they should. */
static void initialization(void)
{
    start(0x03);
    fake_outb(&machine, MASTER, 0xc3);
    fake_outb(&machine, MASTER + 1, 0xff);
    raise(1);
    fake_outb(&machine, MASTER, 0x12); /* single, no ICW4: no automatic end any more */
    fake_outb(&machine, MASTER + 1, 0x47);
    CHECK(!intr.asserted);
    CHECK_EQUAL(fake_inb(&machine, MASTER + 1), 0x00);
    fake_outb(&machine, MASTER + 1, 0x80); /* an OCW1 already */
    CHECK_EQUAL(fake_inb(&machine, MASTER + 1), 0x80);
    raise(5);
    raise(3);
    CHECK_EQUAL(take(), 0x43);
    CHECK_EQUAL(isr(MASTER), 0x08);
    fake_outb(&machine, MASTER, 0x10); /* cascade, no ICW4 */
    CHECK_EQUAL(fake_inb(&machine, MASTER), 0x00);
    fake_outb(&machine, MASTER + 1, 0x50);
    fake_outb(&machine, MASTER + 1, 0x04);
    fake_outb(&machine, MASTER + 1, 0xfe);
    CHECK_EQUAL(fake_inb(&machine, MASTER + 1), 0xfe);
    CHECK_EQUAL(isr(MASTER), 0);
    raise(0);
    CHECK_EQUAL(take(), 0x50);
    end();
}

int main(void)
{
    after_reset();
    fully_nested();
    edges_and_levels();
    cascade();
    automatic_end();
    rotation();
    special_mask();
    poll();
    initialization();
    return unit_result();
}
