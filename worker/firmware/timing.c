#include "worker/firmware/timing.h"
#include "worker/firmware/pic.h"

#define PM_TIMER 8 /* from the PIIX4's PM base */
#define PM_TIMER_MASK 0xffffff

static uint16_t timer_port;

static uint32_t timer_read(void)
{
    return inl(timer_port) & PM_TIMER_MASK;
}

void timing_init(uint16_t pm_base)
{
    timer_port = (uint16_t)(pm_base + PM_TIMER);
}

/* The timer runs at 3,579,545 Hz: 3.58 ticks are a microsecond and a little more. */
struct deadline deadline_us(uint32_t us)
{
    return (struct deadline){timer_read(), us * 3 + (us >> 1) + (us >> 4) + (us >> 6) + 1};
}

struct deadline deadline_ms(uint32_t ms)
{
    return (struct deadline){timer_read(), ms * 3580};
}

bool deadline_passed(struct deadline *deadline)
{
    uint32_t now = timer_read();
    uint32_t passed = (now - deadline->last) & PM_TIMER_MASK;

    deadline->last = now;
    if (passed >= deadline->left) {
        deadline->left = 0;
        return true;
    }
    deadline->left -= passed;
    return false;
}

void delay_us(uint32_t us)
{
    struct deadline deadline = deadline_us(us);

    while (!deadline_passed(&deadline))
        ;
}

void idle(void)
{
    /* The timer's interrupt ends every halt, unless somebody has masked it. */
    if (inb(PIC_MASTER_DATA) & 1)
        __asm__ volatile("sti\n\tnop\n\tcli" : : : "memory");
    else
        __asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}
