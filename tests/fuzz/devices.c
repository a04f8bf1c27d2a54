/* Fuzzer of the devices of a virtual machine: accesses to their ports, lines, keys and time that
 * passes, in any order. The sanitizers watch; nothing may hang or arm a timer for ever. */
#include "tests/devices/fake.h"
#include "tests/fuzz/fuzz.h"
#include "worker/i8042.h"
#include "worker/i8254.h"
#include "worker/i8259.h"
#include "worker/mc146818.h"

static struct fake_machine machine;
static struct i8259 pic;
static struct i8254 pit;
static struct mc146818 rtc;
static struct i8042 kbc;
static struct fake_line intr, a20;

static struct device_line irq(uint32_t input)
{
    return (struct device_line){i8259_set_irq, &pic, input};
}

static void create(void)
{
    fake_create(&machine);
    intr = a20 = (struct fake_line){0};
    i8259_init(&pic, fake_line(&intr));
    i8254_init(&pit, &machine.host, irq(0));
    mc146818_init(&rtc, &machine.host, irq(8));
    i8042_init(&kbc, &machine.host, irq(1), irq(12), fake_line(&a20));
    for (int i = 0; i < 3; i++) {
        fake_add_ports(&machine, &pic.ports[i].ports);
        fake_add_ports(&machine, &kbc.ports[i].ports);
    }
    fake_add_ports(&machine, &pit.ports[0].ports);
    fake_add_ports(&machine, &pit.ports[1].ports);
    fake_add_ports(&machine, &rtc.ports.ports);
}

/* A port of one of the devices. */
static uint16_t port(struct fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);
    const struct device_ports *ports = machine.ports[choice % 9];

    return (uint16_t)(ports->first + (choice >> 4) % ports->count);
}

static void step(struct fuzz_input *in)
{
    static const uint32_t sizes[] = {1, 1, 2, 4};
    uint8_t choice = fuzz_byte(in);
    uint32_t size = sizes[choice >> 6];
    uint16_t at;

    switch (choice & 7) {
    case 0:
    case 1:
        fake_in(&machine, port(in), size);
        break;
    case 2:
    case 3:
    case 4:
        at = port(in);
        fake_out(&machine, at, size, (uint32_t)fuzz_number(in, size));
        break;
    case 5: /* up to 67 ms, or up to 3 days, when even a fast timer rang only now */
        if (choice & 8)
            machine.now_ns += fuzz_number(in, 6);
        fake_pass(&machine, fuzz_number(in, 3) * (choice & 0x10 ? 4 : 1));
        break;
    case 6:
        i8042_key(&kbc, choice & 8 ? 0xe0 : 0, fuzz_byte(in), choice & 0x10);
        i8042_mouse(&kbc, (int32_t)fuzz_number(in, 4), (int32_t)fuzz_number(in, 2), choice,
                    choice >> 3);
        break;
    default:
        if (choice & 8)
            machine.wall_start_ns = fuzz_number(in, 7);
        else
            i8259_acknowledge(&pic);
        break;
    }
    FUZZ_CHECK(intr.asserted == pic.state.intr);
    FUZZ_CHECK(pit.timer.deadline > 0 && rtc.timer.deadline > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};

    create();
    for (uint32_t i = 0; in.size > 0 && i < 500; i++)
        step(&in);
    i8259_reset(&pic);
    i8254_reset(&pit);
    mc146818_reset(&rtc);
    i8042_reset(&kbc);
    FUZZ_CHECK(a20.asserted && !intr.asserted && pit.timer.deadline == DEVICE_NEVER);
    fake_destroy(&machine);
    return 0;
}
