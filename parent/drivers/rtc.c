#include "parent/drivers/rtc.h"

#include "lib/calendar.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/power.h"

/* Ports, registers and bits: MC146818 data sheet. Bit 7 of the index port masks NMIs on PCs. */
#define RTC_INDEX 0x70
#define RTC_DATA 0x71
#define RTC_SECONDS 0x00
#define RTC_MINUTES 0x02
#define RTC_HOURS 0x04
#define RTC_DAY 0x07
#define RTC_MONTH 0x08
#define RTC_YEAR 0x09
#define RTC_REGISTER_A 0x0a
#define RTC_REGISTER_B 0x0b
#define RTC_A_UIP 0x80 /* update in progress */
#define RTC_B_24H 0x02
#define RTC_B_BINARY 0x04
#define RTC_HOURS_PM 0x80

#define READ_ATTEMPTS 1000000

/* One after the other, as the clock gives them. */
struct readings {
    uint8_t second, minute, hour, day, month, year, century;
};

static uint8_t read_register(uint8_t index)
{
    outb(RTC_INDEX, index);
    return inb(RTC_DATA);
}

/* The register that holds the century, 0: none. */
static uint8_t century_register(void)
{
    const struct acpi_header *fadt = acpi_table("FACP");
    struct acpi_fixed_hardware hardware;
    if (!fadt)
        return 0;
    acpi_read_fadt(fadt, &hardware);
    return hardware.century_register;
}

static struct readings read_all(uint8_t century)
{
    return (struct readings){
        .second = read_register(RTC_SECONDS),
        .minute = read_register(RTC_MINUTES),
        .hour = read_register(RTC_HOURS),
        .day = read_register(RTC_DAY),
        .month = read_register(RTC_MONTH),
        .year = read_register(RTC_YEAR),
        .century = century ? read_register(century) : 0,
    };
}

/* A time that the clock did not change while it was being read. */
static bool read_stable(uint8_t century, struct readings *readings)
{
    for (int i = 0; i < READ_ATTEMPTS; i++) {
        if (read_register(RTC_REGISTER_A) & RTC_A_UIP)
            continue;
        struct readings again = read_all(century);
        *readings = read_all(century);
        if (memcmp(readings, &again, sizeof(again)) == 0)
            return true;
    }
    return false;
}

static uint8_t from_bcd(uint8_t value)
{
    return (uint8_t)(value / 16 * 10 + value % 16);
}

static void convert(const struct readings *r, uint8_t format, struct calendar *date)
{
    bool bcd = !(format & RTC_B_BINARY);
    uint8_t hour = r->hour & (uint8_t)~RTC_HOURS_PM;
    uint8_t century = bcd ? from_bcd(r->century) : r->century;
    uint8_t year = bcd ? from_bcd(r->year) : r->year;
    hour = bcd ? from_bcd(hour) : hour;
    if (!(format & RTC_B_24H))
        hour = (uint8_t)(hour % 12 + (r->hour & RTC_HOURS_PM ? 12 : 0));
    *date = (struct calendar){
        .year = (century >= 19 && century <= 99 ? century : 20) * 100u + year,
        .month = bcd ? from_bcd(r->month) : r->month,
        .day = bcd ? from_bcd(r->day) : r->day,
        .hour = hour,
        .minute = bcd ? from_bcd(r->minute) : r->minute,
        .second = bcd ? from_bcd(r->second) : r->second,
    };
}

bool rtc_read(uint64_t *seconds)
{
    struct readings readings;
    struct calendar date;
    if (!read_stable(century_register(), &readings))
        return false;
    convert(&readings, read_register(RTC_REGISTER_B), &date);
    if (!calendar_valid(&date))
        return false;
    *seconds = calendar_to_seconds(&date);
    return true;
}
