/* Measures the clocks of the machine. */
#include "hypervisor/panic.h"
#include "hypervisor/reftime.h"
#include "hypervisor/x86/apic.h"
#include "lib/x86/cpu.h"

#define PM_TIMER_FREQUENCY 3579545u /* Hz; ACPI 4.8.2.1 */
#define PIT_FREQUENCY 1193182u
#define CALIBRATION_PER_SECOND 50u /* measure for 1/50 s */
#define POLL_LIMIT 5000000u /* of a clock that stands still; QEMU with -icount needs 3 million */

/* Intel 8254, channel 2, gated by port 61h, whose bit 5 is the channel's output. */
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PIT_CHANNEL2_MODE0 0xb0 /* low and high byte, interrupt on terminal count */
#define PORT_B 0x61
#define PORT_B_GATE2 0x01
#define PORT_B_SPEAKER 0x02
#define PORT_B_OUT2 0x20

/* TSC ticks per second by the PM timer; 0 if it does not count. */
static uint64_t measure_by_pm_timer(const struct acpi_fixed_hardware *hardware)
{
    const struct acpi_register *timer = &hardware->pm_timer;
    uint32_t mask = hardware->pm_timer_32bit ? UINT32_MAX : 0xffffff;
    uint32_t wanted = PM_TIMER_FREQUENCY / CALIBRATION_PER_SECOND;
    uint32_t elapsed = 0, polls = 0;

    if (timer->address == 0 || timer->space != ACPI_SPACE_IO || timer->address > 0xfffc)
        return 0;
    uint16_t port = (uint16_t)timer->address;
    uint32_t first = inl(port);
    while (((inl(port) ^ first) & mask) == 0) /* from one tick to another */
        if (++polls == POLL_LIMIT)
            return 0;
    first = inl(port);
    uint64_t start = rdtsc();
    while (elapsed < wanted) {
        elapsed = (inl(port) - first) & mask;
        if (++polls == POLL_LIMIT)
            return 0;
    }
    return (rdtsc() - start) * PM_TIMER_FREQUENCY / elapsed;
}

static uint64_t measure_by_pit(void)
{
    uint32_t count = PIT_FREQUENCY / CALIBRATION_PER_SECOND, polls = 0;
    uint8_t port_b = inb(PORT_B);

    outb(PORT_B, (uint8_t)((port_b & ~PORT_B_SPEAKER) | PORT_B_GATE2));
    outb(PIT_COMMAND, PIT_CHANNEL2_MODE0);
    outb(PIT_CHANNEL2, (uint8_t)count);
    outb(PIT_CHANNEL2, (uint8_t)(count >> 8));
    uint64_t start = rdtsc();
    while ((inb(PORT_B) & PORT_B_OUT2) == 0 && polls < POLL_LIMIT)
        polls++;
    uint64_t ticks = rdtsc() - start;
    outb(PORT_B, port_b);
    /* An output that is high at once is not that of a counter. */
    return polls == POLL_LIMIT || polls < 2 ? 0 : ticks * CALIBRATION_PER_SECOND;
}

void reftime_calibrate(const struct acpi_fixed_hardware *hardware)
{
    uint64_t tsc_frequency = measure_by_pm_timer(hardware);

    if (tsc_frequency == 0)
        tsc_frequency = measure_by_pit();
    if (tsc_frequency <= 10000000) /* reftime_scale() must fit */
        boot_stop(
            "neither the ACPI PM timer nor the PIT counts, so the processor's clock cannot be "
            "measured. Enable them in the firmware setup.");
    reftime_set_tsc_frequency(tsc_frequency);
}

void reftime_measure_apic(void)
{
    uint64_t tsc_frequency = reftime_tsc_frequency();

    reftime_set_apic_frequency(
        apic_measure_timer(tsc_frequency / CALIBRATION_PER_SECOND, tsc_frequency));
}
