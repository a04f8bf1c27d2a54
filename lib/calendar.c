#include "lib/calendar.h"

#define FIRST_YEAR 1970
#define LAST_YEAR 9999
#define LAST_SECOND 253402300799ull /* of the last year */
#define DAY_SECONDS 86400ull
#define WEEKDAY_OF_FIRST_DAY 4

static bool is_leap_year(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

/* Days from the year 1 to the first of January of @year. */
static uint64_t days_before_year(uint32_t year)
{
    uint64_t years = year - 1;
    return years * 365 + years / 4 - years / 100 + years / 400;
}

bool calendar_valid(const struct calendar *date)
{
    return date->year >= FIRST_YEAR && date->year <= LAST_YEAR && date->month >= 1 &&
           date->month <= 12 && date->day >= 1 &&
           date->day <= days_in_month(date->year, date->month) && date->hour < 24 &&
           date->minute < 60 && date->second < 60;
}

uint64_t calendar_to_seconds(const struct calendar *date)
{
    uint64_t days = days_before_year(date->year) - days_before_year(FIRST_YEAR) + date->day - 1;
    for (uint32_t month = 1; month < date->month; month++)
        days += days_in_month(date->year, month);
    return days * DAY_SECONDS + date->hour * 3600u + date->minute * 60u + date->second;
}

void calendar_from_seconds(uint64_t seconds, struct calendar *date)
{
    if (seconds > LAST_SECOND)
        seconds = LAST_SECOND;
    uint64_t days = seconds / DAY_SECONDS;
    uint32_t rest = (uint32_t)(seconds % DAY_SECONDS);
    uint64_t days_since_year_1 = days + days_before_year(FIRST_YEAR);
    /* 400 years have 146097 days: a guess that is right or one off. */
    uint32_t year = (uint32_t)(days_since_year_1 * 400 / 146097) + 1;
    while (days_before_year(year) > days_since_year_1)
        year--;
    while (days_before_year(year + 1) <= days_since_year_1)
        year++;
    uint32_t day = (uint32_t)(days_since_year_1 - days_before_year(year));
    uint32_t month = 1;
    while (day >= days_in_month(year, month))
        day -= days_in_month(year, month++);
    *date = (struct calendar){
        .year = year,
        .month = (uint8_t)month,
        .day = (uint8_t)(day + 1),
        .hour = (uint8_t)(rest / 3600),
        .minute = (uint8_t)(rest / 60 % 60),
        .second = (uint8_t)(rest % 60),
        .weekday = (uint8_t)((days + WEEKDAY_OF_FIRST_DAY) % 7),
    };
}
