/* The clock that runs while the machine is off: MC146818 and what has followed it. */
#ifndef VENEER_PARENT_RTC_H
#define VENEER_PARENT_RTC_H

#include <stdbool.h>
#include <stdint.h>

/* Reads date and time as seconds since 1970-01-01 00:00 UTC, which the clock is taken to show.
 * False: there is none, or it shows nonsense. Boot, or thread that nobody else calls it in. */
bool rtc_read(uint64_t *seconds);

#endif
