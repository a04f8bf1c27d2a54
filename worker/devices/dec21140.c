/* The card's registers, interrupts, timer and its access to memory. 21140A Hardware Reference
 * Manual, chapter 3. */
#include "worker/devices/dec21140.h"

#include "lib/string.h"
#include "worker/devices/dec21140_registers.h"

#define CONFIG_CACHE_LINE_SIZE 0x0c
#define CONFIG_LATENCY_TIMER 0x0d
#define CONFIG_MIN_GNT 0x3e
#define CONFIG_MAX_LAT 0x3f
#define CONFIG_CFDD 0x40 /* sleep and snooze mode, kept only */

#define STATUS_MASTER_ABORT 0x2000

#define CSR5_NORMAL 0x00004845u
#define CSR5_ABNORMAL 0x00002faau
#define CSR6_RESET 0x32000040u
#define CSR7_WRITABLE 0x0001efefu
#define CSR7_ONES 0xfffe0000u
#define CSR8_ONES 0xfffe0000u

#define CSR9_CS 0x00000001u
#define CSR9_SK 0x00000002u
#define CSR9_DI 0x00000004u
#define CSR9_DO 0x00000008u
#define CSR9_SR 0x00000800u /* the wires are those of the EEPROM */
#define CSR9_MDC 0x00010000u
#define CSR9_MDO 0x00020000u
#define CSR9_MII 0x00040000u /* the transceiver drives MDIO */
#define CSR9_MDI 0x00080000u
#define CSR9_WRITABLE 0x0007fff7u
#define CSR9_RESET 0x000483f7u
#define CSR9_ONES 0xfff00000u

#define CSR10_WRITABLE 0x0003ffffu
#define CSR11_CON 0x00010000u /* again and again */
#define CSR11_VALUE 0x0000ffffu
#define CSR11_ONES 0xfffe0000u
#define TIMER_UNIT_NS 81920u /* 2,048 clocks of MII at 100 Mb/s */
#define CSR12_GPC 0x00000100u
#define CSR12_ONES 0xfffffe00u
#define CSR15_RESET 0xfffffe00u

/* --- Interrupts ------------------------------------------------------------------------------- */

/* The summary bits are of the events that are enabled. */
static uint32_t summary(const struct dec21140 *nic)
{
    uint32_t enabled = nic->state.csr[CSR5] & nic->state.csr[CSR7];

    return (enabled & CSR5_NORMAL ? CSR5_NIS : 0) | (enabled & CSR5_ABNORMAL ? CSR5_AIS : 0);
}

void dec21140_update_interrupt(struct dec21140 *nic)
{
    device_line_set(&nic->interrupt, (summary(nic) & nic->state.csr[CSR7]) != 0);
}

void dec21140_event(struct dec21140 *nic, uint32_t events)
{
    nic->state.csr[CSR5] |= events;
}

uint32_t dec21140_process(const struct dec21140 *nic, uint32_t shift)
{
    return nic->state.csr[CSR5] >> shift & CSR5_STATE;
}

void dec21140_set_process(struct dec21140 *nic, uint32_t shift, uint32_t process)
{
    uint32_t *csr5 = &nic->state.csr[CSR5];

    *csr5 = (*csr5 & ~(CSR5_STATE << shift)) | process << shift;
}

/* --- Memory ----------------------------------------------------------------------------------- */

bool dec21140_is_master(const struct dec21140 *nic)
{
    return pci_get16(nic->function.config, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

void *dec21140_memory(struct dec21140 *nic, uint32_t address, uint32_t size)
{
    struct dec21140_state *state = &nic->state;
    void *memory = nic->host->memory(nic->host->machine, address, size);

    if (memory != NULL)
        return memory;
    state->bus_error = true;
    pci_set16(nic->function.config, PCI_STATUS,
              pci_get16(nic->function.config, PCI_STATUS) | STATUS_MASTER_ABORT);
    state->csr[CSR5] &= ~(CSR5_STATE << CSR5_EB_SHIFT);
    dec21140_event(nic, CSR5_FBE | EB_MASTER_ABORT << CSR5_EB_SHIFT);
    dec21140_set_process(nic, CSR5_RS_SHIFT, PROCESS_STOPPED);
    dec21140_set_process(nic, CSR5_TS_SHIFT, PROCESS_STOPPED);
    return NULL;
}

static uint32_t ordered(const struct dec21140 *nic, uint32_t value)
{
    return nic->state.csr[CSR0] & CSR0_DBO ? __builtin_bswap32(value) : value;
}

bool dec21140_read_descriptor(struct dec21140 *nic, uint32_t address,
                              struct dec21140_descriptor *descriptor)
{
    const uint32_t *words = dec21140_memory(nic, address, DESCRIPTOR_SIZE);

    if (words == NULL)
        return false;
    /* The driver gives it away by the first word, last of all. */
    descriptor->address = address;
    descriptor->status = ordered(nic, __atomic_load_n(&words[0], __ATOMIC_ACQUIRE));
    descriptor->control = ordered(nic, __atomic_load_n(&words[1], __ATOMIC_RELAXED));
    descriptor->buffer1 = ordered(nic, __atomic_load_n(&words[2], __ATOMIC_RELAXED));
    descriptor->buffer2 = ordered(nic, __atomic_load_n(&words[3], __ATOMIC_RELAXED));
    return true;
}

void dec21140_close_descriptor(struct dec21140 *nic, const struct dec21140_descriptor *descriptor,
                               uint32_t status)
{
    uint32_t *words = dec21140_memory(nic, descriptor->address, DESCRIPTOR_SIZE);

    if (words != NULL)
        __atomic_store_n(&words[0], ordered(nic, status), __ATOMIC_RELEASE);
}

uint32_t dec21140_next_descriptor(const struct dec21140 *nic,
                                  const struct dec21140_descriptor *descriptor, uint32_t list)
{
    if (descriptor->control & DES1_END_OF_RING)
        return list;
    if (descriptor->control & DES1_CHAINED)
        return descriptor->buffer2 & ~3u;
    return descriptor->address + DESCRIPTOR_SIZE + 4 * CSR0_DSL(nic->state.csr[CSR0]);
}

/* --- General-purpose timer -------------------------------------------------------------------- */

static void arm_timer(struct dec21140 *nic, uint64_t end)
{
    nic->state.timer_end = end;
    nic->host->arm(nic->host->machine, &nic->timer, end);
}

static uint64_t timer_period(const struct dec21140 *nic)
{
    return (uint64_t)(nic->state.csr[CSR11] & CSR11_VALUE) * TIMER_UNIT_NS;
}

static void write_timer(struct dec21140 *nic, uint32_t value)
{
    uint64_t period;

    nic->state.csr[CSR11] = value & (CSR11_CON | CSR11_VALUE);
    period = timer_period(nic);
    arm_timer(nic, period != 0 ? nic->host->now(nic->host->machine) + period : DEVICE_NEVER);
}

static uint32_t read_timer(const struct dec21140 *nic)
{
    uint64_t now = nic->host->now(nic->host->machine), end = nic->state.timer_end;
    uint32_t left = 0;

    if (end != DEVICE_NEVER && end > now)
        left = (uint32_t)((end - now + TIMER_UNIT_NS - 1) / TIMER_UNIT_NS);
    return CSR11_ONES | (nic->state.csr[CSR11] & CSR11_CON) | (left & CSR11_VALUE);
}

static void timer_expired(void *device)
{
    struct dec21140 *nic = device;
    uint64_t now = nic->host->now(nic->host->machine), end = nic->state.timer_end;
    uint64_t period = timer_period(nic);

    dec21140_event(nic, CSR5_GTE);
    if (!(nic->state.csr[CSR11] & CSR11_CON))
        end = DEVICE_NEVER;
    else if (end + period > now)
        end += period;
    else /* the machine was late: what has passed is not made up for */
        end = now + period;
    arm_timer(nic, end);
    dec21140_update_interrupt(nic);
}

static void poll_expired(void *device)
{
    dec21140_transmit(device);
}

/* --- Registers -------------------------------------------------------------------------------- */

static void soft_reset(struct dec21140 *nic)
{
    struct dec21140_state *state = &nic->state;
    struct mii_phy_state phy = state->phy;

    memset(state, 0, sizeof(*state));
    state->phy = phy;
    state->csr[CSR6] = CSR6_RESET;
    state->csr[CSR9] = CSR9_RESET;
    state->csr[CSR15] = CSR15_RESET;
    eeprom_93c46_reset(&state->eeprom);
    dec21140_filter_reset(&state->filter, nic->link->mac);
    arm_timer(nic, DEVICE_NEVER);
    nic->host->arm(nic->host->machine, &nic->poll, DEVICE_NEVER);
    dec21140_update_interrupt(nic);
}

static void write_bus_mode(struct dec21140 *nic, uint32_t value)
{
    if (value & CSR0_SWR)
        soft_reset(nic);
    nic->state.csr[CSR0] = value & ~(CSR0_ONES | CSR0_SWR);
}

static void write_operation_mode(struct dec21140 *nic, uint32_t value)
{
    struct dec21140_state *state = &nic->state;
    uint32_t changed = state->csr[CSR6] ^ value;

    state->csr[CSR6] = value & ~CSR6_FILTER;
    if (changed & CSR6_ST && !state->bus_error) {
        bool start = value & CSR6_ST;

        dec21140_set_process(nic, CSR5_TS_SHIFT, start ? TRANSMIT_SUSPENDED : PROCESS_STOPPED);
        dec21140_event(nic, start ? 0 : CSR5_TPS);
    }
    if (changed & CSR6_SR && !state->bus_error) {
        bool start = value & CSR6_SR;

        dec21140_set_process(nic, CSR5_RS_SHIFT, start ? RECEIVE_WAITING : PROCESS_STOPPED);
        dec21140_event(nic, start ? 0 : CSR5_RPS);
    }
    dec21140_transmit(nic);
}

/* The lists move only while their process stands. */
static void write_list(struct dec21140 *nic, uint32_t number, uint32_t value)
{
    struct dec21140_state *state = &nic->state;
    bool receive = number == CSR3;

    if (state->csr[CSR6] & (receive ? CSR6_SR : CSR6_ST) && !state->bus_error)
        return;
    state->csr[number] = value & ~3u;
    *(receive ? &state->receive_at : &state->transmit_at) = value & ~3u;
}

static void write_serial(struct dec21140 *nic, uint32_t value)
{
    struct dec21140_state *state = &nic->state;

    state->csr[CSR9] = value & CSR9_WRITABLE;
    if (value & CSR9_SR)
        eeprom_93c46_set_pins(&state->eeprom, nic->srom, value & CSR9_CS, value & CSR9_SK,
                              value & CSR9_DI);
    mii_phy_set_pins(&state->phy, value & CSR9_MDC, !(value & CSR9_MII), value & CSR9_MDO);
}

static void write_port(struct dec21140 *nic, uint32_t value)
{
    if (value & CSR12_GPC)
        nic->state.port_direction = (uint8_t)value;
    else
        nic->state.port_data = (uint8_t)value;
}

static void write_register(struct dec21140 *nic, uint32_t number, uint32_t value)
{
    uint32_t *csr = nic->state.csr;

    switch (number) {
    case CSR0:
        write_bus_mode(nic, value);
        return;
    case CSR1:
        dec21140_transmit(nic);
        return;
    case CSR2:
        dec21140_receive_poll(nic);
        break;
    case CSR3:
    case CSR4:
        write_list(nic, number, value);
        return;
    case CSR5:
        csr[CSR5] &= ~(value & CSR5_EVENTS);
        break;
    case CSR6:
        write_operation_mode(nic, value);
        break;
    case CSR7:
        csr[CSR7] = value & CSR7_WRITABLE;
        break;
    case CSR9:
        write_serial(nic, value);
        return;
    case CSR10:
        csr[CSR10] = value & CSR10_WRITABLE;
        return;
    case CSR11:
        write_timer(nic, value);
        return;
    case CSR12:
        write_port(nic, value);
        return;
    case CSR15:
        csr[CSR15] = value;
        return;
    default:
        return;
    }
    dec21140_update_interrupt(nic);
}

static uint32_t read_serial(const struct dec21140 *nic)
{
    const struct dec21140_state *state = &nic->state;
    uint32_t value = CSR9_ONES | state->csr[CSR9];

    value &= ~CSR9_MDI;
    return value | (state->phy.output ? CSR9_MDI : 0) | (state->eeprom.output ? CSR9_DO : 0);
}

static uint32_t read_missed(struct dec21140 *nic)
{
    uint32_t value = CSR8_ONES | nic->state.csr[CSR8];

    nic->state.csr[CSR8] = 0;
    return value;
}

static uint32_t read_register(struct dec21140 *nic, uint32_t number)
{
    const struct dec21140_state *state = &nic->state;

    switch (number) {
    case CSR0:
        return CSR0_ONES | state->csr[CSR0];
    case CSR5:
        return CSR5_ONES | summary(nic) | state->csr[CSR5];
    case CSR6:
        return state->csr[CSR6] | state->filter.mode;
    case CSR7:
        return CSR7_ONES | state->csr[CSR7];
    case CSR8:
        return read_missed(nic);
    case CSR9:
        return read_serial(nic);
    case CSR11:
        return read_timer(nic);
    case CSR12: /* nothing is wired to the inputs */
        return CSR12_ONES | (state->port_data & state->port_direction);
    case CSR3:
    case CSR4:
    case CSR10:
    case CSR15:
        return state->csr[number];
    default:
        return UINT32_MAX;
    }
}

/* Registers have 4 bytes and are read and written as such; between them there is nothing. */
static uint32_t read_at(struct dec21140 *nic, uint32_t offset)
{
    uint32_t value = offset & 4 ? 0 : read_register(nic, offset / 8);

    return value >> 8 * (offset & 3);
}

static void write_at(struct dec21140 *nic, uint32_t offset, uint32_t size, uint64_t value)
{
    if (size >= 4 && offset % 8 == 0)
        write_register(nic, offset / 8, (uint32_t)value);
}

static uint32_t read_ports(void *device, uint16_t offset, uint32_t size)
{
    (void)size;
    return read_at(device, offset);
}

static void write_ports(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    write_at(device, offset, size, value);
}

static uint64_t read_mmio(void *device, uint64_t offset, uint32_t size)
{
    (void)size;
    return read_at(device, (uint32_t)offset);
}

static void write_mmio(void *device, uint64_t offset, uint32_t size, uint64_t value)
{
    write_at(device, (uint32_t)offset, size, value);
}

/* --- The card --------------------------------------------------------------------------------- */

static void receive(void *device, const void *frame, uint32_t size)
{
    struct dec21140 *nic = device;

    if (!nic->link->up || CSR6_OM(nic->state.csr[CSR6]) != 0)
        return;
    dec21140_receive(nic, frame, size, false);
    dec21140_update_interrupt(nic);
}

static void link_changed(void *device)
{
    struct dec21140 *nic = device;

    mii_phy_set_link(&nic->state.phy, nic->link->up);
}

/* It may reach memory now. */
static void config_written(void *device, uint32_t offset, uint32_t size)
{
    if (offset < PCI_COMMAND + 2 && offset + size > PCI_COMMAND)
        dec21140_transmit(device);
}

void dec21140_reset(struct dec21140 *nic)
{
    mii_phy_reset(&nic->state.phy, nic->link->up);
    soft_reset(nic);
}

static void init_function(struct dec21140 *nic)
{
    struct pci_function *function = &nic->function;

    pci_function_init(function, 0x1011, 0x0009, 0x020000, 0x20);
    pci_set16(function->reset, PCI_SUBSYSTEM_VENDOR_ID, 0x0a00);
    pci_set16(function->reset, PCI_SUBSYSTEM_ID, 0x2114);
    pci_set32(function->writable, CONFIG_CFDD, UINT32_MAX);
    function->writable[CONFIG_CACHE_LINE_SIZE] = 0xff;
    function->writable[CONFIG_LATENCY_TIMER] = 0xff;
    function->reset[PCI_INTERRUPT_PIN] = 1;
    function->reset[CONFIG_MIN_GNT] = 0x14;
    function->reset[CONFIG_MAX_LAT] = 0x28;
    pci_add_port_bar(function, 0, &nic->ports);
    pci_add_mmio_bar(function, 1, &nic->mmio);
    function->written = config_written;
    function->device = nic;
}

void dec21140_init(struct dec21140 *nic, const struct device_host *host,
                   struct device_line interrupt, struct nic_link *link)
{
    memset(nic, 0, sizeof(*nic));
    nic->host = host;
    nic->interrupt = interrupt;
    nic->link = link;
    nic->timer = (struct device_timer){timer_expired, nic, DEVICE_NEVER, NULL};
    nic->poll = (struct device_timer){poll_expired, nic, DEVICE_NEVER, NULL};
    nic->ports = (struct device_ports){0, DEC21140_SIZE, read_ports, write_ports, nic};
    nic->mmio = (struct device_mmio){0, DEC21140_SIZE, read_mmio, write_mmio, nic};
    init_function(nic);
    dec21140_srom_make(nic->srom, link->mac);
    crc32_tables_init(&nic->crc);
    link->receive = receive;
    link->changed = link_changed;
    link->device = nic;
    dec21140_reset(nic);
}
