/* Waiting. The clock is the PM timer of the PIIX4, which runs always and which nothing can change
 * but its base; the 8254 belongs to programs. */
#ifndef VENEER_FIRMWARE_TIMING_H
#define VENEER_FIRMWARE_TIMING_H

#include "worker/firmware/firmware.h"

struct deadline {
    uint32_t last; /* what the timer was when it was last read */
    uint32_t left; /* its ticks that remain */
};

/* Says where the PM timer is. */
void timing_init(uint16_t pm_base);

/* At most 1,000,000 ms, and as many microseconds. */
struct deadline deadline_ms(uint32_t ms);
struct deadline deadline_us(uint32_t us);

/* Whether the time is over. To be asked every 4 seconds at least, else it takes longer. */
bool deadline_passed(struct deadline *deadline);

/* Waits without interrupts, for a short time. */
void delay_us(uint32_t us);

/* Waits for an interrupt, with interrupts enabled meanwhile, if one will surely come; else it only
 * lets pass those that are pending. */
void idle(void);

#endif
