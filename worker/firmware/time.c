/* INT 08h, 1Ah, 70h, and waiting for INT 15h. */

#include "worker/firmware/time.h"
#include "worker/firmware/bda.h"
#include "worker/firmware/cmos.h"
#include "worker/firmware/floppy.h"
#include "worker/firmware/pic.h"
#include "worker/firmware/timing.h"

#define TICKS_PER_DAY 0x1800b0
#define IRQ_RTC 8
#define PERIOD_US 976 /* of the clock's 1024 Hz */
#define WAIT_IN_PROGRESS 0x01
#define WAIT_OVER 0x80

void timer_interrupt(struct frame *frame);
void rtc_interrupt(struct frame *frame);
void time_service(struct frame *frame);

/* IRQ 0 */
void timer_interrupt(struct frame *frame)
{
    struct frame call = *frame;
    uint32_t ticks = bda_read32(BDA_TICKS) + 1;

    if (ticks >= TICKS_PER_DAY) {
        ticks = 0;
        bda_write8(BDA_MIDNIGHT, 1);
    }
    bda_write32(BDA_TICKS, ticks);
    floppy_tick();
    call_interrupt(0x1c, &call);
    pic_end_master();
}

/* The wait of AH=83h: ends it, or lets a period pass. */
static void count_wait(void)
{
    uint32_t left = bda_read32(BDA_WAIT_MICROSECONDS);
    uint32_t flag = bda_read32(BDA_WAIT_FLAG_POINTER);

    if (left > PERIOD_US) {
        bda_write32(BDA_WAIT_MICROSECONDS, left - PERIOD_US);
        return;
    }
    bda_write8(BDA_WAIT_ACTIVE, 0);
    cmos_write(CMOS_B, (uint8_t)(cmos_read(CMOS_B) & ~CMOS_B_PERIODIC));
    far_write8((uint16_t)(flag >> 16), (uint16_t)flag,
               far_read8((uint16_t)(flag >> 16), (uint16_t)flag) | WAIT_OVER);
}

/* IRQ 8 */
void rtc_interrupt(struct frame *frame)
{
    struct frame call = *frame;
    uint8_t causes = cmos_read(CMOS_C) & cmos_read(CMOS_B);

    if (causes & CMOS_B_PERIODIC && bda_read8(BDA_WAIT_ACTIVE) & WAIT_IN_PROGRESS)
        count_wait();
    if (causes & CMOS_B_ALARM)
        call_interrupt(0x4a, &call);
    pic_end_slave();
}

void time_event_wait(struct frame *frame)
{
    if (frame->al == 1) { /* cancel */
        bda_write8(BDA_WAIT_ACTIVE, 0);
        cmos_write(CMOS_B, (uint8_t)(cmos_read(CMOS_B) & ~CMOS_B_PERIODIC));
        set_carry(frame, false);
        return;
    }
    if (frame->al || bda_read8(BDA_WAIT_ACTIVE) & WAIT_IN_PROGRESS) {
        set_carry(frame, true);
        return;
    }
    bda_write32(BDA_WAIT_FLAG_POINTER, (uint32_t)frame->es << 16 | frame->bx);
    bda_write32(BDA_WAIT_MICROSECONDS, (uint32_t)frame->cx << 16 | frame->dx);
    bda_write8(BDA_WAIT_ACTIVE, WAIT_IN_PROGRESS);
    pic_enable(IRQ_RTC);
    cmos_write(CMOS_B, cmos_read(CMOS_B) | CMOS_B_PERIODIC);
    set_carry(frame, false);
}

void time_wait(struct frame *frame)
{
    uint32_t us = (uint32_t)frame->cx << 16 | frame->dx;

    while (us) {
        uint32_t some = us > 1000000 ? 1000000 : us;
        struct deadline deadline = deadline_us(some);

        while (!deadline_passed(&deadline)) {
            /* A tick may take 55 ms: too long for the end of the wait. */
            if (deadline.left > 60 * 3580)
                idle();
        }
        us -= some;
    }
    set_carry(frame, false);
}

/* --- The clock -----------------------------------------------------------------------------------
 */

static uint8_t from_bcd(uint8_t value)
{
    return (uint8_t)((value >> 4) * 10 + (value & 15));
}

static void wait_for_update(void)
{
    struct deadline deadline = deadline_ms(10);

    while (cmos_read(CMOS_A) & CMOS_A_UPDATING && !deadline_passed(&deadline))
        ;
}

void time_init(void)
{
    uint32_t seconds;

    cmos_write(CMOS_A, CMOS_A_NORMAL);
    cmos_write(CMOS_B, CMOS_B_24H);
    cmos_read(CMOS_C);
    cmos_read(CMOS_D);
    wait_for_update();
    seconds = from_bcd(cmos_read(CMOS_HOURS)) * 3600u + from_bcd(cmos_read(CMOS_MINUTES)) * 60u +
              from_bcd(cmos_read(CMOS_SECONDS));
    /* 1,193,182 Hz / 65,536 are 18.2065 ticks a second. */
    bda_write32(BDA_TICKS, seconds * 18 + seconds * 2065 / 10000);
    bda_write8(BDA_MIDNIGHT, 0);
}

static void get_ticks(struct frame *frame)
{
    uint32_t ticks = bda_read32(BDA_TICKS);

    frame->cx = (uint16_t)(ticks >> 16);
    frame->dx = (uint16_t)ticks;
    frame->al = bda_read8(BDA_MIDNIGHT);
    bda_write8(BDA_MIDNIGHT, 0);
    set_carry(frame, false);
}

static void set_ticks(struct frame *frame)
{
    bda_write32(BDA_TICKS, (uint32_t)frame->cx << 16 | frame->dx);
    bda_write8(BDA_MIDNIGHT, 0);
    set_carry(frame, false);
}

static void get_time(struct frame *frame)
{
    wait_for_update();
    frame->dh = cmos_read(CMOS_SECONDS);
    frame->cl = cmos_read(CMOS_MINUTES);
    frame->ch = cmos_read(CMOS_HOURS);
    frame->dl = cmos_read(CMOS_B) & CMOS_B_DAYLIGHT;
    frame->ah = 0;
    frame->al = frame->ch;
    set_carry(frame, false);
}

/* Runs @b's bits of register B beside those that enable interrupts, with the clock stopped. */
static void stop_clock(void)
{
    cmos_write(CMOS_B, cmos_read(CMOS_B) | CMOS_B_SET);
}

static void start_clock(uint8_t daylight)
{
    uint8_t b = cmos_read(CMOS_B) & (CMOS_B_PERIODIC | CMOS_B_ALARM);

    cmos_write(CMOS_B, b | CMOS_B_24H | (daylight & CMOS_B_DAYLIGHT));
}

static void set_time(struct frame *frame)
{
    stop_clock();
    cmos_write(CMOS_SECONDS, frame->dh);
    cmos_write(CMOS_MINUTES, frame->cl);
    cmos_write(CMOS_HOURS, frame->ch);
    start_clock(frame->dl);
    set_carry(frame, false);
}

static void get_date(struct frame *frame)
{
    wait_for_update();
    frame->dl = cmos_read(CMOS_DAY);
    frame->dh = cmos_read(CMOS_MONTH);
    frame->cl = cmos_read(CMOS_YEAR);
    frame->ch = cmos_read(CMOS_CENTURY);
    frame->ah = 0;
    frame->al = frame->ch;
    set_carry(frame, false);
}

static void set_date(struct frame *frame)
{
    uint8_t daylight = cmos_read(CMOS_B);

    stop_clock();
    cmos_write(CMOS_DAY, frame->dl);
    cmos_write(CMOS_MONTH, frame->dh);
    cmos_write(CMOS_YEAR, frame->cl);
    cmos_write(CMOS_CENTURY, frame->ch);
    start_clock(daylight);
    set_carry(frame, false);
}

static void set_alarm(struct frame *frame)
{
    if (cmos_read(CMOS_B) & CMOS_B_ALARM) { /* it is taken */
        frame->ax = 0;
        set_carry(frame, true);
        return;
    }
    cmos_write(CMOS_SECONDS_ALARM, frame->dh);
    cmos_write(CMOS_MINUTES_ALARM, frame->cl);
    cmos_write(CMOS_HOURS_ALARM, frame->ch);
    pic_enable(IRQ_RTC);
    cmos_write(CMOS_B, cmos_read(CMOS_B) | CMOS_B_ALARM);
    set_carry(frame, false);
}

/* INT 1Ah */
void time_service(struct frame *frame)
{
    static void (*const functions[])(struct frame *) = {
        get_ticks, set_ticks, get_time, set_time, get_date, set_date, set_alarm,
    };

    if (frame->ah < sizeof(functions) / sizeof(functions[0])) {
        functions[frame->ah](frame);
    } else if (frame->ah == 0x07) {
        cmos_write(CMOS_B, (uint8_t)(cmos_read(CMOS_B) & ~CMOS_B_ALARM));
        set_carry(frame, false);
    } else if (frame->ah == 0xb1) {
        pci_bios_service(frame);
    } else {
        set_carry(frame, true);
    }
}
