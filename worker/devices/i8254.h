/* The 8254 timer of a PC and its port 61h: counter 0 is IRQ 0, counter 2 the speaker. All
 * functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_I8254_H
#define VENEER_WORKER_DEVICES_I8254_H

#include "worker/devices/byte_ports.h"

/* Ticks are those of the timer's clock since now() was 0. */
struct i8254_counter {
    uint8_t mode;   /* 0 to 5 */
    uint8_t access; /* 1: low byte, 2: high byte, 3: both, low first */
    bool bcd;
    bool write_high, read_high; /* both bytes are wanted, and the high one is next */
    uint8_t low;                /* the low byte that was written */
    bool status_latched, count_latched;
    uint8_t status; /* latched */
    uint16_t latch; /* latched count */
    bool gate;
    bool running;    /* counts, or is held by its gate, from @load down */
    bool null_count; /* @count has not been loaded yet */
    uint32_t count;  /* programmed: 1 to 65536, in BCD to 10000 */
    uint32_t load;   /* what the present period began with */
    uint64_t start;  /* the tick at which it began */
    uint64_t held;   /* ticks that had passed since when the gate fell */
    uint64_t reload; /* modes 2 and 3: the tick at which @count will be loaded */
};

struct i8254_state {
    struct i8254_counter counters[3];
    uint8_t port_b; /* bits 3:0 of port 61h */
};

struct i8254 {
    const struct device_host *host;
    struct device_line irq;
    struct device_timer timer;
    struct byte_ports ports[2]; /* the counters; 61h */
    struct i8254_state state;
};

/* Makes @pit with counters that do not run. @irq: IRQ 0. A pulse of it that would end within the
 * same period goes on until the next one begins, which no edge-triggered input can tell. */
void i8254_init(struct i8254 *pit, const struct device_host *host, struct device_line irq);
void i8254_reset(struct i8254 *pit);

#endif
