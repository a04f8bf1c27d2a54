#include "worker/devices/i8254.h"

#include "worker/devices/clock.h"

#define PIT_HZ 1193182 /* 14.31818 MHz / 12 */

/* Ports and control word. Intel 8254 data sheet. */
enum { PORT_COUNTER0 = 0, PORT_CONTROL = 3 };

#define CONTROL_COUNTER(value) ((value) >> 6)    /* 3: read-back */
#define CONTROL_ACCESS(value) ((value) >> 4 & 3) /* 0: latch the count */
#define CONTROL_MODE(value) ((value) >> 1 & 7)
#define CONTROL_BCD 0x01
enum { ACCESS_LATCH, ACCESS_LOW, ACCESS_HIGH, ACCESS_BOTH };

#define READ_BACK 3
#define READ_BACK_NOT_COUNT 0x20
#define READ_BACK_NOT_STATUS 0x10

#define STATUS_OUT 0x80
#define STATUS_NULL_COUNT 0x40

/* Port 61h: 82371AB (PIIX4), NMI status and control. */
#define NMISC_TIMER2_GATE 0x01
#define NMISC_WRITABLE 0x0f
#define NMISC_REFRESH 0x10 /* changes at each refresh */
#define NMISC_TIMER2_OUT 0x20
#define REFRESH_NS 15085

/* Faster periods cannot be delivered one by one. */
#define MIN_PERIOD_NS 20000

static uint64_t now_ns(const struct i8254 *pit)
{
    return pit->host->now(pit->host->machine);
}

static uint64_t now_tick(const struct i8254 *pit)
{
    return clock_ticks(now_ns(pit), PIT_HZ);
}

/* --- Counting ----------------------------------------------------------------------------------
 */

static bool is_periodic(const struct i8254_counter *counter)
{
    return counter->mode == 2 || counter->mode == 3;
}

/* Whether a rising edge of the gate, not a new count, starts it. */
static bool is_triggered(const struct i8254_counter *counter)
{
    return counter->mode == 1 || counter->mode == 5;
}

static bool is_held(const struct i8254_counter *counter)
{
    return !counter->gate && !is_triggered(counter);
}

/* Ticks that the counter has counted since it was loaded. */
static uint64_t elapsed(const struct i8254_counter *counter, uint64_t tick)
{
    if (is_held(counter))
        return counter->held;
    return tick > counter->start ? tick - counter->start : 0;
}

/* The next tick loads the count; that it has been loaded can be seen at once. */
static void start(struct i8254_counter *counter, uint64_t tick)
{
    counter->running = true;
    counter->start = tick + 1;
    counter->held = 0;
    counter->load = counter->count;
    counter->reload = DEVICE_NEVER;
    counter->null_count = false;
}

/* Loads a count that waited for the end of a period, if that has passed. */
static void catch_up(struct i8254_counter *counter, uint64_t tick)
{
    if (tick < counter->reload || is_held(counter))
        return;
    counter->start = counter->reload;
    counter->load = counter->count;
    counter->reload = DEVICE_NEVER;
    counter->null_count = false;
}

static bool output(const struct i8254_counter *counter, uint64_t tick)
{
    uint64_t counted = elapsed(counter, tick);

    if (!counter->running)
        return counter->mode != 0;
    switch (counter->mode) {
    case 0:
    case 1:
        return counted >= counter->load;
    case 2:
        return is_held(counter) || counted % counter->load != counter->load - 1;
    case 3:
        return is_held(counter) || counted % counter->load < (counter->load + 1) / 2;
    default:
        return counted != counter->load;
    }
}

/* The next tick behind @tick at which the output rises. */
static uint64_t next_rise(const struct i8254_counter *counter, uint64_t tick)
{
    uint64_t rise;

    if (!counter->running || is_held(counter))
        return DEVICE_NEVER;
    if (is_periodic(counter))
        return counter->start + (elapsed(counter, tick) / counter->load + 1) * counter->load;
    rise = counter->start + counter->load + (counter->mode >= 4);
    return rise > tick ? rise : DEVICE_NEVER;
}

/* What a read of the counter gives. */
static uint16_t value(const struct i8254_counter *counter, uint64_t tick)
{
    uint32_t modulus = counter->bcd ? 10000 : 65536, left;
    uint64_t counted = elapsed(counter, tick);

    if (!counter->running) {
        left = counter->count % modulus;
    } else if (counter->mode == 3) {
        /* It counts by two, from an even number, through each half of the period. */
        uint32_t high = (counter->load + 1) / 2, position = (uint32_t)(counted % counter->load);

        left = (counter->load & ~1u) - 2 * (position < high ? position : position - high);
    } else if (counter->mode == 2) {
        left = counter->load - (uint32_t)(counted % counter->load);
    } else {
        left = (uint32_t)(counter->load + modulus - counted % modulus);
    }
    left %= modulus;
    if (counter->bcd)
        left = left / 1000 << 12 | left / 100 % 10 << 8 | left / 10 % 10 << 4 | left % 10;
    return (uint16_t)left;
}

static void set_gate(struct i8254_counter *counter, bool gate, uint64_t tick)
{
    bool rises = gate && !counter->gate;

    if (gate == counter->gate)
        return;
    if (!gate)
        counter->held = elapsed(counter, tick);
    counter->gate = gate;
    if (!rises)
        return;
    if (is_triggered(counter) ? counter->count != 0 : counter->running && is_periodic(counter))
        start(counter, tick);
    else if (counter->running)
        counter->start = tick - counter->held;
}

/* --- Counter 0's interrupt ---------------------------------------------------------------------
 */

static void arm(struct i8254 *pit)
{
    const struct i8254_counter *counter = &pit->state.counters[0];
    uint64_t rise = next_rise(counter, now_tick(pit)), deadline = DEVICE_NEVER;

    if (rise != DEVICE_NEVER) {
        deadline = clock_ns(rise, PIT_HZ);
        if (is_periodic(counter) && deadline < now_ns(pit) + MIN_PERIOD_NS)
            deadline = now_ns(pit) + MIN_PERIOD_NS;
    }
    pit->host->arm(pit->host->machine, &pit->timer, deadline);
}

static void expired(void *device)
{
    struct i8254 *pit = device;

    catch_up(&pit->state.counters[0], now_tick(pit));
    device_line_set(&pit->irq, false);
    device_line_set(&pit->irq, true);
    arm(pit);
}

/* --- Ports -------------------------------------------------------------------------------------
 */

static void latch_count(struct i8254_counter *counter, uint64_t tick)
{
    if (counter->count_latched)
        return;
    counter->count_latched = true;
    counter->latch = value(counter, tick);
}

static void latch_status(struct i8254_counter *counter, uint64_t tick)
{
    if (counter->status_latched)
        return;
    counter->status_latched = true;
    counter->status = (uint8_t)(counter->access << 4 | counter->mode << 1 | counter->bcd);
    if (output(counter, tick))
        counter->status |= STATUS_OUT;
    if (counter->null_count)
        counter->status |= STATUS_NULL_COUNT;
}

static void write_read_back(struct i8254 *pit, uint8_t control)
{
    uint64_t tick = now_tick(pit);

    for (uint32_t i = 0; i < 3; i++) {
        struct i8254_counter *counter = &pit->state.counters[i];

        if (!(control & 2u << i))
            continue;
        catch_up(counter, tick);
        if (!(control & READ_BACK_NOT_COUNT))
            latch_count(counter, tick);
        if (!(control & READ_BACK_NOT_STATUS))
            latch_status(counter, tick);
    }
}

static void write_control(struct i8254 *pit, uint8_t control)
{
    uint32_t index = CONTROL_COUNTER(control);
    struct i8254_counter *counter;
    bool gate;

    if (index == READ_BACK) {
        write_read_back(pit, control);
        return;
    }
    counter = &pit->state.counters[index];
    if (CONTROL_ACCESS(control) == ACCESS_LATCH) {
        catch_up(counter, now_tick(pit));
        latch_count(counter, now_tick(pit));
        return;
    }
    gate = counter->gate;
    *counter = (struct i8254_counter){
        .mode = CONTROL_MODE(control) > 5 ? CONTROL_MODE(control) - 4 : CONTROL_MODE(control),
        .access = CONTROL_ACCESS(control),
        .bcd = control & CONTROL_BCD,
        .gate = gate,
        .null_count = true,
        .reload = DEVICE_NEVER,
    };
    if (index == 0) {
        device_line_set(&pit->irq, output(counter, now_tick(pit)));
        arm(pit);
    }
}

static uint32_t count_of(const struct i8254_counter *counter, uint16_t number)
{
    uint32_t count = number;

    if (counter->bcd)
        count = (number >> 12) * 1000u + (number >> 8 & 15) * 100u + (number >> 4 & 15) * 10u +
                (number & 15);
    if (count == 0)
        count = counter->bcd ? 10000 : 65536;
    /* A period of one tick would have no edges: the data sheet forbids it. */
    return count == 1 && is_periodic(counter) ? 2 : count;
}

static void new_count(struct i8254_counter *counter, uint16_t number, uint64_t tick)
{
    counter->count = count_of(counter, number);
    counter->null_count = true;
    if (is_triggered(counter))
        return;
    if (!counter->running || !is_periodic(counter))
        start(counter, tick);
    else if (counter->reload == DEVICE_NEVER)
        counter->reload = next_rise(counter, tick);
}

static void write_counter(struct i8254 *pit, uint32_t index, uint8_t byte)
{
    struct i8254_counter *counter = &pit->state.counters[index];
    uint64_t tick = now_tick(pit);

    catch_up(counter, tick);
    if (counter->access == ACCESS_BOTH && !counter->write_high) {
        counter->low = byte;
        counter->write_high = true;
        /* In mode 0 the first byte stops it, and the output falls at once. */
        if (counter->mode == 0)
            counter->running = false;
    } else {
        uint32_t low = counter->access == ACCESS_BOTH  ? counter->low
                       : counter->access == ACCESS_LOW ? byte
                                                       : 0;
        uint32_t high = counter->access == ACCESS_LOW ? 0 : byte;

        counter->write_high = false;
        new_count(counter, (uint16_t)(high << 8 | low), tick);
    }
    if (index == 0) {
        if (counter->mode == 0)
            device_line_set(&pit->irq, false);
        arm(pit);
    }
}

static uint8_t read_counter(struct i8254 *pit, uint32_t index)
{
    struct i8254_counter *counter = &pit->state.counters[index];
    uint64_t tick = now_tick(pit);
    uint16_t number;
    bool high;

    if (counter->status_latched) {
        counter->status_latched = false;
        return counter->status;
    }
    catch_up(counter, tick);
    number = counter->count_latched ? counter->latch : value(counter, tick);
    high = counter->access == ACCESS_HIGH || (counter->access == ACCESS_BOTH && counter->read_high);
    if (counter->access == ACCESS_BOTH)
        counter->read_high = !high;
    if (counter->access != ACCESS_BOTH || high)
        counter->count_latched = false;
    return (uint8_t)(high ? number >> 8 : number);
}

static uint8_t read_port(void *device, uint16_t offset)
{
    return offset == PORT_CONTROL ? 0xff : read_counter(device, offset);
}

static void write_port(void *device, uint16_t offset, uint8_t byte)
{
    if (offset == PORT_CONTROL)
        write_control(device, byte);
    else
        write_counter(device, offset, byte);
}

static uint8_t read_port_b(void *device, uint16_t offset)
{
    struct i8254 *pit = device;
    struct i8254_counter *counter = &pit->state.counters[2];
    uint64_t tick = now_tick(pit);
    uint8_t bits = pit->state.port_b;

    (void)offset;
    catch_up(counter, tick);
    if (output(counter, tick))
        bits |= NMISC_TIMER2_OUT;
    if (now_ns(pit) / REFRESH_NS & 1)
        bits |= NMISC_REFRESH;
    return bits;
}

static void write_port_b(void *device, uint16_t offset, uint8_t byte)
{
    struct i8254 *pit = device;

    (void)offset;
    pit->state.port_b = byte & NMISC_WRITABLE;
    catch_up(&pit->state.counters[2], now_tick(pit));
    set_gate(&pit->state.counters[2], byte & NMISC_TIMER2_GATE, now_tick(pit));
}

void i8254_reset(struct i8254 *pit)
{
    for (uint32_t i = 0; i < 3; i++) {
        pit->state.counters[i] = (struct i8254_counter){
            .mode = 0,
            .access = ACCESS_BOTH,
            .gate = i != 2,
            .null_count = true,
            .reload = DEVICE_NEVER,
        };
    }
    pit->state.port_b = 0;
    device_line_set(&pit->irq, false);
    arm(pit);
}

void i8254_init(struct i8254 *pit, const struct device_host *host, struct device_line irq)
{
    *pit = (struct i8254){
        .host = host,
        .irq = irq,
        .timer = {.expired = expired, .device = pit, .deadline = DEVICE_NEVER},
    };
    byte_ports_init(&pit->ports[0], 0x40, 4, read_port, write_port, pit);
    byte_ports_init(&pit->ports[1], 0x61, 1, read_port_b, write_port_b, pit);
    i8254_reset(pit);
}
