#include "worker/devices/piix4_pm.h"

#include "lib/string.h"
#include "worker/devices/clock.h"

/* Configuration. 82371AB (PIIX4), 7.1. */
#define CONFIG_PMBA 0x40
#define PMBA_BASE 0xffc0u
#define PMBA_IO 0x01
#define CONFIG_DEVACTB 0x58
#define DEVACTB_APMC_EN 0x02000000u
#define CONFIG_PMREGMISC 0x80
#define PMREGMISC_PMIOSE 0x01

/* Registers at PMBA. 82371AB, 7.3. */
enum {
    PMSTS = 0x00,
    PMEN = 0x02,
    PMCNTRL = 0x04,
    PMTMR = 0x08,
    GPSTS = 0x0c,
    GPEN = 0x0e,
    PCNTRL = 0x10,
    GLBSTS = 0x18,
    DEVSTS = 0x1c,
    GLBEN = 0x20,
    GLBCTL = 0x28,
    DEVCTL = 0x2c,
    GPOREG = 0x34,
};

#define PM_TMROF 0x0001
#define PM_GBL 0x0020
#define PM_PWRBTN 0x0100
#define PM_RTC 0x0400
#define PM_ENABLES (PM_TMROF | PM_GBL | PM_PWRBTN | PM_RTC)
#define PMSTS_CLEARABLE 0x8d31

#define PMCNTRL_SCI_EN 0x0001
#define PMCNTRL_BM_RLD 0x0002
#define PMCNTRL_SUS_TYP 0x1c00
#define PMCNTRL_SUS_EN 0x2000 /* a trigger: always reads as 0 */

#define PM_TIMER_HZ 3579545
#define PM_TIMER_MASK 0x00ffffffu
#define PM_TIMER_HALF_PERIOD_BITS 23 /* the bit whose changes are the overflow */

/* Ports of the APM; the commands that SeaBIOS and Hyper-V's firmware name in their FADT. */
#define APM_FIRST_PORT 0xb2
enum { APM_ACPI_ENABLE = 0xf1, APM_ACPI_DISABLE = 0xf0 };
enum { APM_ACPI_ENABLE_HV = 0xe1, APM_ACPI_DISABLE_HV = 0x1e };

/* Registers that the guest sets (@writable) or clears by writing 1 (@clearable). */
static const struct {
    uint8_t offset;
    uint32_t writable, clearable;
} masks[] = {
    {PMSTS, (uint32_t)PM_ENABLES << 16, PMSTS_CLEARABLE}, /* and PMEN */
    {PMCNTRL, PMCNTRL_SCI_EN | PMCNTRL_BM_RLD | PMCNTRL_SUS_TYP, 0},
    {GPSTS, 0x0f010000, 0x0f01}, /* and GPEN */
    {PCNTRL, 0x00023e1e, 0},
    {GLBSTS, 0, 0x0d25},
    {DEVSTS, 0, 0xffffffff},
    {GLBEN, 0x8d13, 0},
    {GLBCTL, 0x0701ffe5, 0},
    {DEVCTL, 0xffffffff, 0},
    {GPOREG, 0xffffffff, 0},
};

static uint64_t now_tick(const struct piix4_pm *pm)
{
    return clock_ticks(pm->host->now(pm->host->machine), PM_TIMER_HZ);
}

static uint16_t get(const struct piix4_pm *pm, uint32_t offset)
{
    return pci_get16(pm->state.registers, offset);
}

/* --- Events ------------------------------------------------------------------------------------
 */

static void update_sci(struct piix4_pm *pm)
{
    bool event =
        (get(pm, PMSTS) & get(pm, PMEN) & PM_ENABLES) != 0 || (get(pm, GPSTS) & get(pm, GPEN)) != 0;

    device_line_set(&pm->sci, event && get(pm, PMCNTRL) & PMCNTRL_SCI_EN);
}

/* Brings the overflow status to the present; arms the timer if the guest waits for it. */
static void update(struct piix4_pm *pm)
{
    uint64_t half = now_tick(pm) >> PM_TIMER_HALF_PERIOD_BITS, deadline = DEVICE_NEVER;

    if (half != pm->state.half_period)
        pci_set16(pm->state.registers, PMSTS, get(pm, PMSTS) | PM_TMROF);
    pm->state.half_period = half;
    if (get(pm, PMEN) & PM_TMROF && get(pm, PMCNTRL) & PMCNTRL_SCI_EN &&
        !(get(pm, PMSTS) & PM_TMROF))
        deadline = clock_ns((half + 1) << PM_TIMER_HALF_PERIOD_BITS, PM_TIMER_HZ);
    pm->host->arm(pm->host->machine, &pm->timer, deadline);
    update_sci(pm);
}

static void expired(void *device)
{
    update(device);
}

void piix4_pm_power_button(struct piix4_pm *pm)
{
    pci_set16(pm->state.registers, PMSTS, get(pm, PMSTS) | PM_PWRBTN);
    update_sci(pm);
}

/* --- Ports -------------------------------------------------------------------------------------
 */

static uint32_t read_register(const struct piix4_pm *pm, uint32_t offset)
{
    if (offset == PMTMR)
        return (uint32_t)now_tick(pm) & PM_TIMER_MASK;
    return pci_get32(pm->state.registers, offset);
}

static uint32_t read_ports(void *device, uint16_t offset, uint32_t size)
{
    struct piix4_pm *pm = device;
    uint32_t first = offset & ~3u, shift = 8 * (offset & 3u);
    uint64_t value;

    (void)size;
    update(pm);
    value = read_register(pm, first);
    value |= (uint64_t)(first + 4 < PIIX4_PM_SIZE ? read_register(pm, first + 4) : UINT32_MAX)
             << 32;
    return (uint32_t)(value >> shift);
}

static void write_byte(struct piix4_pm *pm, uint32_t offset, uint8_t value)
{
    uint8_t *byte = &pm->state.registers[offset];

    for (uint32_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        uint32_t shift = 8 * (offset & 3);
        uint8_t writable = (uint8_t)(masks[i].writable >> shift);

        if (masks[i].offset != (offset & ~3u))
            continue;
        *byte = (uint8_t)((*byte & ~writable) | (value & writable));
        *byte &= (uint8_t) ~(value & (masks[i].clearable >> shift));
    }
    /* Of the sleep states there is soft-off, type 0. */
    if (offset == PMCNTRL + 1 && value & PMCNTRL_SUS_EN >> 8 && !(value & PMCNTRL_SUS_TYP >> 8))
        pm->host->power_off(pm->host->machine);
}

static void write_ports(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    struct piix4_pm *pm = device;

    update(pm);
    for (uint32_t i = 0; i < size && offset + i < PIIX4_PM_SIZE; i++)
        write_byte(pm, offset + i, (uint8_t)(value >> 8 * i));
    update(pm);
}

static uint8_t read_apm(void *device, uint16_t offset)
{
    const struct piix4_pm *pm = device;

    return pm->state.apm[offset];
}

static void write_apm(void *device, uint16_t offset, uint8_t value)
{
    struct piix4_pm *pm = device;
    bool enable = value == APM_ACPI_ENABLE || value == APM_ACPI_ENABLE_HV;

    pm->state.apm[offset] = value;
    if (offset != 0 || (!enable && value != APM_ACPI_DISABLE && value != APM_ACPI_DISABLE_HV))
        return;
    pm->state.registers[PMCNTRL] &= (uint8_t)~PMCNTRL_SCI_EN;
    if (enable)
        pm->state.registers[PMCNTRL] |= PMCNTRL_SCI_EN;
    update(pm);
}

/* --- The PCI function --------------------------------------------------------------------------
 */

static void config_written(void *device, uint32_t offset, uint32_t size)
{
    struct piix4_pm *pm = device;
    const struct pci_ranges *ranges = pm->function.ranges;
    uint16_t base = pci_get16(pm->function.config, CONFIG_PMBA) & PMBA_BASE;
    bool wanted = pm->function.config[CONFIG_PMREGMISC] & PMREGMISC_PMIOSE && base != 0;

    (void)offset;
    (void)size;
    if (pm->mapped && wanted && pm->ports.first == base)
        return;
    if (pm->mapped)
        ranges->unmap_ports(ranges->machine, &pm->ports);
    pm->mapped = wanted;
    if (!wanted)
        return;
    pm->ports.first = base;
    ranges->map_ports(ranges->machine, &pm->ports);
}

void piix4_pm_reset(struct piix4_pm *pm)
{
    memset(&pm->state, 0, sizeof(pm->state));
    pci_set32(pm->state.registers, GPOREG, 0x7fffbfff);
    pm->state.half_period = now_tick(pm) >> PM_TIMER_HALF_PERIOD_BITS;
    update(pm);
}

void piix4_pm_init(struct piix4_pm *pm, const struct device_host *host, struct device_line sci,
                   uint16_t base)
{
    struct pci_function *function = &pm->function;

    *pm = (struct piix4_pm){
        .host = host,
        .sci = sci,
        .timer = {.expired = expired, .device = pm, .deadline = DEVICE_NEVER},
        .ports = {0, PIIX4_PM_SIZE, read_ports, write_ports, pm},
    };
    byte_ports_init(&pm->apm_ports, APM_FIRST_PORT, 2, read_apm, write_apm, pm);
    /* Below revision 3 Linux takes the PM timer for one that must be read three times. */
    pci_function_init(function, 0x8086, 0x7113, 0x068000, 3);
    pci_set16(function->writable, PCI_COMMAND, PCI_COMMAND_IO);
    function->reset[PCI_INTERRUPT_PIN] = 1;
    pci_set16(function->writable, CONFIG_PMBA, PMBA_BASE);
    pci_set16(function->reset, CONFIG_PMBA, (base & PMBA_BASE) | PMBA_IO);
    /* There is no system management mode. Where this is set, BIOSes take it for prepared; else they
     * would wait for what they put there. */
    pci_set32(function->reset, CONFIG_DEVACTB, DEVACTB_APMC_EN);
    function->writable[CONFIG_PMREGMISC] = PMREGMISC_PMIOSE;
    function->reset[CONFIG_PMREGMISC] = base != 0 ? PMREGMISC_PMIOSE : 0;
    function->written = config_written;
    function->device = pm;
    piix4_pm_reset(pm);
}
