/* The real-time clock and CMOS RAM: Motorola's MC146818A as in the PIIX4, with its second bank of
 * 128 bytes at ports 72h and 73h.
 *
 * The registers hold the time; the wall clock says by how many seconds they go on. So a guest that
 * sets another time keeps its distance to the wall clock. All functions: machine's lock held. */
#ifndef VENEER_WORKER_DEVICES_MC146818_H
#define VENEER_WORKER_DEVICES_MC146818_H

#include "worker/devices/byte_ports.h"

#define MC146818_CMOS_SIZE 256

struct mc146818_state {
    uint8_t cmos[MC146818_CMOS_SIZE]; /* the time and registers A to D are the first 14 */
    uint8_t index[2];                 /* the selected byte of each bank */
    uint64_t phase_ns;    /* of the wall clock: when, after its full second, ours begins */
    uint64_t second;      /* the wall clock's, counted from @phase_ns, that the registers are at */
    uint64_t periodic_ns; /* now() at which the periodic divider was 0 */
    uint64_t period;      /* how many of its periods have been seen since */
};

struct mc146818 {
    const struct device_host *host;
    struct device_line irq;
    struct device_timer timer;
    struct byte_ports ports;
    struct mc146818_state state;
};

/* Makes @rtc show the wall clock, in BCD and 24 hours, with CMOS RAM of zeroes. @irq: IRQ 8. */
void mc146818_init(struct mc146818 *rtc, const struct device_host *host, struct device_line irq);

/* The machine's reset: no interrupts; time and CMOS RAM stay. */
void mc146818_reset(struct mc146818 *rtc);

/* A byte of the CMOS RAM, for the machine. @index is not below 0Eh: those are the clock's. */
uint8_t mc146818_cmos_read(const struct mc146818 *rtc, uint8_t index);
void mc146818_cmos_write(struct mc146818 *rtc, uint8_t index, uint8_t value);

#endif
