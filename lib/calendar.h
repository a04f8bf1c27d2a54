/* Dates of the Gregorian calendar and seconds since 1970-01-01 00:00 UTC, without leap seconds. */
#ifndef VENEER_LIB_CALENDAR_H
#define VENEER_LIB_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

struct calendar {
    uint32_t year;   /* 1970 to 9999 */
    uint8_t month;   /* 1 to 12 */
    uint8_t day;     /* 1 to 31 */
    uint8_t hour;    /* 0 to 23 */
    uint8_t minute;  /* 0 to 59 */
    uint8_t second;  /* 0 to 59 */
    uint8_t weekday; /* 0 = Sunday; by calendar_from_seconds() only */
};

/* Whether all fields, but for the weekday, are a date that there is. */
bool calendar_valid(const struct calendar *date);

/* Seconds at the start of the second that the valid @date names. */
uint64_t calendar_to_seconds(const struct calendar *date);

/* Seconds beyond the year 9999 give its last second. */
void calendar_from_seconds(uint64_t seconds, struct calendar *date);

#endif
