/* Unit test of lib/calendar.c, against the C library. */
#include "lib/calendar.h"

#include <time.h>

#include "tests/unit/unit.h"

static void check_second(uint64_t seconds)
{
    struct calendar date;
    struct tm expected;
    time_t time = (time_t)seconds;

    gmtime_r(&time, &expected);
    calendar_from_seconds(seconds, &date);
    CHECK_EQUAL(date.year, expected.tm_year + 1900);
    CHECK_EQUAL(date.month, expected.tm_mon + 1);
    CHECK_EQUAL(date.day, expected.tm_mday);
    CHECK_EQUAL(date.hour, expected.tm_hour);
    CHECK_EQUAL(date.minute, expected.tm_min);
    CHECK_EQUAL(date.second, expected.tm_sec);
    CHECK_EQUAL(date.weekday, expected.tm_wday);
    CHECK(calendar_valid(&date));
    CHECK_EQUAL(calendar_to_seconds(&date), seconds);
}

int main(void)
{
    /* Every day's first and last second of 500 years, and a stride through all years. */
    for (uint64_t day = 0; day < 500 * 366; day++) {
        check_second(day * 86400);
        check_second(day * 86400 + 86399);
    }
    for (uint64_t seconds = 0; seconds <= 253402300799ull; seconds += 9999991)
        check_second(seconds);

    struct calendar date;
    calendar_from_seconds(UINT64_MAX, &date);
    CHECK_EQUAL(date.year, 9999);
    CHECK_EQUAL(date.second, 59);

    static const struct calendar bad[] = {
        {1969, 12, 31, 0, 0, 0, 0}, {10000, 1, 1, 0, 0, 0, 0}, {2023, 0, 1, 0, 0, 0, 0},
        {2023, 13, 1, 0, 0, 0, 0},  {2023, 2, 29, 0, 0, 0, 0}, {2100, 2, 29, 0, 0, 0, 0},
        {2023, 4, 31, 0, 0, 0, 0},  {2023, 1, 0, 0, 0, 0, 0},  {2023, 1, 1, 24, 0, 0, 0},
        {2023, 1, 1, 0, 60, 0, 0},  {2023, 1, 1, 0, 0, 60, 0},
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!calendar_valid(&bad[i]));
    return unit_result();
}
