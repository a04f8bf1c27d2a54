#include "worker/devices/mc146818.h"

#include "lib/calendar.h"
#include "worker/devices/byte_ports.h"
#include "worker/devices/clock.h"

#define FIRST_PORT 0x70
#define PORTS 8
#define BANK_SIZE 128

/* Registers. MC146818A data sheet; the century's place is the one that the FADT names. */
enum {
    RTC_SECONDS = 0x00,
    RTC_SECONDS_ALARM = 0x01,
    RTC_MINUTES = 0x02,
    RTC_MINUTES_ALARM = 0x03,
    RTC_HOURS = 0x04,
    RTC_HOURS_ALARM = 0x05,
    RTC_DAY_OF_WEEK = 0x06, /* 1 is Sunday */
    RTC_DAY_OF_MONTH = 0x07,
    RTC_MONTH = 0x08,
    RTC_YEAR = 0x09,
    RTC_REGISTER_A = 0x0a,
    RTC_REGISTER_B = 0x0b,
    RTC_REGISTER_C = 0x0c,
    RTC_REGISTER_D = 0x0d,
    RTC_RAM = 0x0e,
    RTC_CENTURY = 0x32,
};

#define A_UIP 0x80
#define A_DV 0x70
#define A_DV_32768_HZ 0x20 /* of the dividers, the one with which the clock runs */
#define A_DV_RESET 0x60    /* this one and the next hold the divider at 0 */
#define A_RS 0x0f

#define B_SET 0x80
#define B_PIE 0x40
#define B_AIE 0x20
#define B_UIE 0x10
#define B_SQWE 0x08
#define B_DM 0x04 /* binary instead of BCD */
#define B_24H 0x02

#define C_IRQF 0x80
#define C_PF 0x40 /* PF, AF, UF stand where their enable bits stand in B */
#define C_AF 0x20
#define C_UF 0x10

#define D_VRT 0x80

#define HOUR_PM 0x80
#define ALARM_ANY 0xc0 /* an alarm byte with both bits matches every time */

#define HALF_SECOND_NS (NS_PER_SECOND / 2)
#define UIP_NS ((244 + 1984) * 1000ull) /* UIP's lead and the update, before the new second */
#define DAY_SECONDS 86400ull
#define OSCILLATOR_HZ 32768

/* --- Time in the registers -------------------------------------------------------------------- */

static uint8_t encode(const struct mc146818_state *state, uint32_t value)
{
    if (state->cmos[RTC_REGISTER_B] & B_DM)
        return (uint8_t)value;
    return (uint8_t)(value / 10 << 4 | value % 10);
}

/* UINT32_MAX if @value is not BCD where it should be. */
static uint32_t decode(const struct mc146818_state *state, uint8_t value)
{
    if (state->cmos[RTC_REGISTER_B] & B_DM)
        return value;
    if ((value & 0xf) > 9 || value >> 4 > 9)
        return UINT32_MAX;
    return (value >> 4) * 10u + (value & 0xf);
}

static uint8_t encode_hour(const struct mc146818_state *state, uint32_t hour)
{
    if (state->cmos[RTC_REGISTER_B] & B_24H)
        return encode(state, hour);
    return encode(state, hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? HOUR_PM : 0);
}

static uint32_t decode_hour(const struct mc146818_state *state, uint8_t value)
{
    uint32_t hour;

    if (state->cmos[RTC_REGISTER_B] & B_24H)
        return decode(state, value);
    hour = decode(state, value & (uint8_t)~HOUR_PM);
    if (hour < 1 || hour > 12)
        return UINT32_MAX;
    return hour % 12 + (value & HOUR_PM ? 12 : 0);
}

/* False if the registers hold no date: the guest may write what it likes. */
static bool get_seconds(const struct mc146818_state *state, uint64_t *seconds)
{
    const uint8_t *cmos = state->cmos;
    uint32_t second = decode(state, cmos[RTC_SECONDS]), minute = decode(state, cmos[RTC_MINUTES]);
    uint32_t hour = decode_hour(state, cmos[RTC_HOURS]);
    uint32_t day = decode(state, cmos[RTC_DAY_OF_MONTH]), month = decode(state, cmos[RTC_MONTH]);
    uint32_t year = decode(state, cmos[RTC_YEAR]), century = decode(state, cmos[RTC_CENTURY]);
    struct calendar date;

    if (second > 59 || minute > 59 || hour > 23 || day > 31 || month > 12 || year > 99)
        return false;
    if (century < 19 || century > 99)
        century = 20; /* a guest that does not know of the century has never set it */
    date = (struct calendar){.year = century * 100 + year,
                             .month = (uint8_t)month,
                             .day = (uint8_t)day,
                             .hour = (uint8_t)hour,
                             .minute = (uint8_t)minute,
                             .second = (uint8_t)second};
    if (!calendar_valid(&date))
        return false;
    *seconds = calendar_to_seconds(&date);
    return true;
}

static void set_seconds(struct mc146818_state *state, uint64_t seconds)
{
    struct calendar date;
    uint8_t *cmos = state->cmos;

    calendar_from_seconds(seconds, &date);
    cmos[RTC_SECONDS] = encode(state, date.second);
    cmos[RTC_MINUTES] = encode(state, date.minute);
    cmos[RTC_HOURS] = encode_hour(state, date.hour);
    cmos[RTC_DAY_OF_MONTH] = encode(state, date.day);
    cmos[RTC_MONTH] = encode(state, date.month);
    cmos[RTC_YEAR] = encode(state, date.year % 100);
    cmos[RTC_CENTURY] = encode(state, date.year / 100);
}

static bool alarm_matches(uint8_t alarm, uint8_t time)
{
    return (alarm & ALARM_ANY) == ALARM_ANY || alarm == time;
}

/* Whether the alarm goes off in one of the seconds behind @from up to @to. */
static bool alarm_within(const struct mc146818_state *state, uint64_t from, uint64_t to)
{
    const uint8_t *cmos = state->cmos;

    if (to - from > DAY_SECONDS)
        from = to - DAY_SECONDS;
    for (uint64_t second = from + 1; second <= to; second++) {
        uint32_t of_day = (uint32_t)(second % DAY_SECONDS);

        if (alarm_matches(cmos[RTC_SECONDS_ALARM], encode(state, of_day % 60)) &&
            alarm_matches(cmos[RTC_MINUTES_ALARM], encode(state, of_day / 60 % 60)) &&
            alarm_matches(cmos[RTC_HOURS_ALARM], encode_hour(state, of_day / 3600)))
            return true;
    }
    return false;
}

/* --- Time that passes ------------------------------------------------------------------------- */

static bool divider_runs(const struct mc146818_state *state)
{
    return (state->cmos[RTC_REGISTER_A] & A_DV) == A_DV_32768_HZ;
}

static bool updates(const struct mc146818_state *state)
{
    return divider_runs(state) && !(state->cmos[RTC_REGISTER_B] & B_SET);
}

/* The wall clock, moved so that our seconds begin where its full ones do. */
static uint64_t shifted_wall(const struct mc146818 *rtc)
{
    return rtc->host->wall_clock(rtc->host->machine) + NS_PER_SECOND - rtc->state.phase_ns;
}

/* Ticks of a period of the periodic interrupt; 0: it is off. */
static uint32_t period_ticks(const struct mc146818_state *state)
{
    uint32_t rate = state->cmos[RTC_REGISTER_A] & A_RS;

    if (rate == 0 || !divider_runs(state))
        return 0;
    return rate < 3 ? 1u << (rate + 6) : 1u << (rate - 1);
}

static void update_time(struct mc146818 *rtc)
{
    struct mc146818_state *state = &rtc->state;
    uint64_t wall_second = shifted_wall(rtc) / NS_PER_SECOND, old, new;
    int64_t passed = (int64_t)(wall_second - state->second);

    state->second = wall_second;
    if (passed == 0 || !updates(state))
        return;
    if (get_seconds(state, &old)) {
        /* The wall clock can be set back, here to before 1970. */
        new = passed < 0 && old < (uint64_t)-passed ? 0 : old + (uint64_t)passed;
        set_seconds(state, new);
        /* The guest may count days of the week from where it likes. */
        if (state->cmos[RTC_DAY_OF_WEEK] >= 1 && state->cmos[RTC_DAY_OF_WEEK] <= 7) {
            uint64_t day = state->cmos[RTC_DAY_OF_WEEK] - 1u + 7 - old / DAY_SECONDS % 7;

            state->cmos[RTC_DAY_OF_WEEK] = (uint8_t)((day + new / DAY_SECONDS) % 7 + 1);
        }
        if (passed > 0 && alarm_within(state, old, new))
            state->cmos[RTC_REGISTER_C] |= C_AF;
    }
    if (passed > 0)
        state->cmos[RTC_REGISTER_C] |= C_UF;
}

static void update_periodic(struct mc146818 *rtc)
{
    struct mc146818_state *state = &rtc->state;
    uint64_t ns = rtc->host->now(rtc->host->machine) - state->periodic_ns, period;
    uint32_t ticks = period_ticks(state);

    if (ticks == 0)
        return;
    period = clock_ticks(ns, OSCILLATOR_HZ) / ticks;
    if (period != state->period)
        state->cmos[RTC_REGISTER_C] |= C_PF;
    state->period = period;
}

static void update_irq(struct mc146818 *rtc)
{
    uint8_t *cmos = rtc->state.cmos;
    bool pending = (cmos[RTC_REGISTER_C] & cmos[RTC_REGISTER_B] & (C_PF | C_AF | C_UF)) != 0;

    cmos[RTC_REGISTER_C] &= (uint8_t)~C_IRQF;
    if (pending)
        cmos[RTC_REGISTER_C] |= C_IRQF;
    device_line_set(&rtc->irq, pending);
}

/* Arms the timer for the next interrupt. While one is pending there is none to wait for: only the
 * guest's read of register C, or of what it enables, makes room for another. */
static void arm_timer(struct mc146818 *rtc)
{
    const struct mc146818_state *state = &rtc->state;
    uint64_t now = rtc->host->now(rtc->host->machine), deadline = DEVICE_NEVER;
    uint8_t wanted = state->cmos[RTC_REGISTER_B];
    uint32_t ticks = period_ticks(state);

    if (!(state->cmos[RTC_REGISTER_C] & C_IRQF)) {
        if (wanted & B_PIE && ticks != 0)
            deadline = state->periodic_ns + clock_ns((state->period + 1) * ticks, OSCILLATOR_HZ);
        if (wanted & (B_UIE | B_AIE) && updates(state)) {
            uint64_t second = now + NS_PER_SECOND - shifted_wall(rtc) % NS_PER_SECOND;

            if (second < deadline)
                deadline = second;
        }
    }
    rtc->host->arm(rtc->host->machine, &rtc->timer, deadline);
}

/* Brings the registers to the present time. */
static void catch_up(struct mc146818 *rtc)
{
    update_time(rtc);
    update_periodic(rtc);
    update_irq(rtc);
}

static void expired(void *device)
{
    struct mc146818 *rtc = device;

    catch_up(rtc);
    arm_timer(rtc);
}

/* --- Registers ---------------------------------------------------------------------------------
 */

static uint8_t read_byte(struct mc146818 *rtc, uint8_t index)
{
    struct mc146818_state *state = &rtc->state;
    uint8_t value;

    catch_up(rtc);
    value = state->cmos[index];
    if (index == RTC_REGISTER_A && updates(state) &&
        shifted_wall(rtc) % NS_PER_SECOND >= NS_PER_SECOND - UIP_NS)
        value |= A_UIP;
    if (index == RTC_REGISTER_C) {
        state->cmos[RTC_REGISTER_C] = 0;
        update_irq(rtc);
        arm_timer(rtc);
    }
    return value;
}

static void write_register_a(struct mc146818 *rtc, uint8_t value)
{
    struct mc146818_state *state = &rtc->state;
    bool ran = divider_runs(state);
    uint32_t ticks;

    state->cmos[RTC_REGISTER_A] = value & (uint8_t)~A_UIP;
    if (!ran && divider_runs(state)) {
        /* The first update comes half a second after the divider has been let go. */
        uint64_t wall = rtc->host->wall_clock(rtc->host->machine);

        state->phase_ns = (wall + HALF_SECOND_NS) % NS_PER_SECOND;
        state->second = shifted_wall(rtc) / NS_PER_SECOND;
        state->periodic_ns = rtc->host->now(rtc->host->machine);
    }
    /* A new rate is no interrupt. */
    ticks = period_ticks(state);
    if (ticks != 0)
        state->period =
            clock_ticks(rtc->host->now(rtc->host->machine) - state->periodic_ns, OSCILLATOR_HZ) /
            ticks;
}

static void write_byte(struct mc146818 *rtc, uint8_t index, uint8_t value)
{
    struct mc146818_state *state = &rtc->state;

    catch_up(rtc);
    switch (index) {
    case RTC_REGISTER_A:
        write_register_a(rtc, value);
        break;
    case RTC_REGISTER_B:
        if (value & B_SET)
            value &= (uint8_t)~B_UIE;
        state->cmos[RTC_REGISTER_B] = value;
        break;
    case RTC_REGISTER_C:
    case RTC_REGISTER_D:
        return;
    default:
        state->cmos[index] = value;
        if (index >= RTC_RAM)
            return;
    }
    update_irq(rtc);
    arm_timer(rtc);
}

/* Ports 70h to 73h; 74h to 77h are the same again. Even: index, odd: data; then the second bank. */
static uint8_t read_port(void *device, uint16_t offset)
{
    struct mc146818 *rtc = device;
    uint32_t bank = offset >> 1 & 1;
    uint8_t index = rtc->state.index[bank];

    return offset & 1 ? read_byte(rtc, (uint8_t)(bank * BANK_SIZE + index)) : index;
}

static void write_port(void *device, uint16_t offset, uint8_t value)
{
    struct mc146818 *rtc = device;
    uint32_t bank = offset >> 1 & 1;
    uint8_t *index = &rtc->state.index[bank];

    if (offset & 1)
        write_byte(rtc, (uint8_t)(bank * BANK_SIZE + *index), value);
    else
        *index = value % BANK_SIZE; /* bit 7 of port 70h masks NMIs, of which there are none */
}

void mc146818_init(struct mc146818 *rtc, const struct device_host *host, struct device_line irq)
{
    struct calendar date;
    uint64_t seconds;

    *rtc = (struct mc146818){
        .host = host,
        .irq = irq,
        .timer = {.expired = expired, .device = rtc, .deadline = DEVICE_NEVER},
    };
    byte_ports_init(&rtc->ports, FIRST_PORT, PORTS, read_port, write_port, rtc);
    rtc->state.cmos[RTC_REGISTER_A] = A_DV_32768_HZ | 6; /* 1024 Hz, as firmware leaves it */
    rtc->state.cmos[RTC_REGISTER_B] = B_24H;
    rtc->state.cmos[RTC_REGISTER_D] = D_VRT;
    rtc->state.second = shifted_wall(rtc) / NS_PER_SECOND;
    rtc->state.periodic_ns = host->now(host->machine);
    seconds = host->wall_clock(host->machine) / NS_PER_SECOND;
    set_seconds(&rtc->state, seconds);
    calendar_from_seconds(seconds, &date);
    rtc->state.cmos[RTC_DAY_OF_WEEK] = date.weekday + 1;
}

void mc146818_reset(struct mc146818 *rtc)
{
    catch_up(rtc);
    rtc->state.cmos[RTC_REGISTER_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    rtc->state.cmos[RTC_REGISTER_C] = 0;
    update_irq(rtc);
    arm_timer(rtc);
}

uint8_t mc146818_cmos_read(const struct mc146818 *rtc, uint8_t index)
{
    return rtc->state.cmos[index];
}

void mc146818_cmos_write(struct mc146818 *rtc, uint8_t index, uint8_t value)
{
    if (index >= RTC_RAM)
        rtc->state.cmos[index] = value;
}
