/* Intel gigabit Ethernet controllers: 82540EM (PCI/PCI-X Family of Gigabit Ethernet Controllers
 * Software Developer's Manual) and 82574 (82574 GbE Controller Family Data Sheet). One receive and
 * one transmit ring of legacy descriptors, which both have; speed and duplex are negotiated by the
 * hardware. */
#include <stddef.h>

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/drivers/e1000_registers.h"
#include "parent/include/driver.h"
#include "parent/include/list.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/net_device.h"
#include "parent/include/spinlock.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define INTEL 0x8086
#define DEVICE_82540EM 0x100e
#define DEVICE_82545EM 0x100f
#define DEVICE_82574L 0x10d3
#define REGISTERS_SIZE 0x20000u

#define INTERVAL_256NS 195 /* between interrupts: 50 us */

#define RECEIVE_COUNT 128u
#define TRANSMIT_COUNT 256u
#define BUFFER_SIZE 2048u
#define BUFFER_PAGES (RECEIVE_COUNT * BUFFER_SIZE / PAGE_SIZE)
#define RETURN_COUNT 16u /* receive buffers go back to the hardware in groups */

_Static_assert(TRANSMIT_COUNT * sizeof(struct transmit_descriptor) <= PAGE_SIZE, "one page");
_Static_assert(RECEIVE_COUNT * sizeof(struct receive_descriptor) <= PAGE_SIZE, "one page");

#define RESET_LIMIT_US 10000u
#define RESET_PAUSE_US 10000u
#define EEPROM_LIMIT_US 10000u
#define MASTER_LIMIT_US 100000u

struct e1000 {
    struct net_device net;
    volatile uint8_t *registers;
    bool is_82574, msix;

    struct spinlock lock; /* everything below, and transmission */
    bool running;
    bool promiscuous;
    bool in_handler; /* frames are being delivered */

    volatile struct receive_descriptor *receive_ring;
    uint64_t receive_address;
    uint8_t *buffers;
    uint64_t buffers_address;
    uint32_t receive_next; /* the descriptor that is filled next; the handler's */

    volatile struct transmit_descriptor *transmit_ring;
    uint64_t transmit_address;
    uint32_t transmit_head; /* the first descriptor that is not known to be done */
    uint32_t transmit_tail;
    struct net_frame *frames[TRANSMIT_COUNT]; /* at the last descriptor of each */
};

static uint32_t read_register(const struct e1000 *nic, uint32_t offset)
{
    return *(volatile uint32_t *)(nic->registers + offset);
}

static void write_register(const struct e1000 *nic, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(nic->registers + offset) = value;
}

static struct e1000 *nic_of(struct net_device *net)
{
    return CONTAINER_OF(net, struct e1000, net);
}

/* --- Link ------------------------------------------------------------------------------------- */

static void report_link(struct e1000 *nic)
{
    static const uint32_t mbps[] = {10, 100, 1000, 1000};
    uint32_t status = read_register(nic, STATUS);

    net_device_set_link(&nic->net, (status & STATUS_LU) != 0, mbps[STATUS_SPEED(status)]);
}

/* --- Transmission ----------------------------------------------------------------------------- */

static uint32_t transmit_room(const struct e1000 *nic)
{
    uint32_t used = (nic->transmit_tail - nic->transmit_head) % TRANSMIT_COUNT;

    return TRANSMIT_COUNT - 1 - used; /* one stays empty, or full would look like empty */
}

/* Takes the first frame out of the ring if the hardware, or anybody if @force, is done with it.
 * With the lock held. */
static struct net_frame *take_sent(struct e1000 *nic, bool force)
{
    uint32_t index = nic->transmit_head;
    struct net_frame *frame;

    while (index != nic->transmit_tail && nic->frames[index] == NULL)
        index = (index + 1) % TRANSMIT_COUNT;
    if (index == nic->transmit_tail)
        return NULL;
    if (!force && !(nic->transmit_ring[index].status & TRANSMIT_DD))
        return NULL;
    frame = nic->frames[index];
    nic->frames[index] = NULL;
    nic->transmit_head = (index + 1) % TRANSMIT_COUNT;
    return frame;
}

static void return_sent(struct e1000 *nic, bool force)
{
    for (;;) {
        uint64_t flags = spin_lock(&nic->lock);
        struct net_frame *frame = take_sent(nic, force);

        spin_unlock(&nic->lock, flags);
        if (frame == NULL)
            return;
        net_device_sent(&nic->net, frame, !force);
    }
}

/* With the lock held; there is room. */
static void put_frame(struct e1000 *nic, struct net_frame *frame)
{
    for (uint32_t i = 0; i < frame->segment_count; i++) {
        bool last = i + 1 == frame->segment_count;
        uint32_t index = nic->transmit_tail;

        nic->transmit_ring[index] = (struct transmit_descriptor){
            .address = frame->segments[i].address,
            .length = (uint16_t)frame->segments[i].size,
            .command = (uint8_t)(TRANSMIT_IFCS | (last ? TRANSMIT_EOP | TRANSMIT_RS : 0)),
        };
        nic->frames[index] = last ? frame : NULL;
        nic->transmit_tail = (index + 1) % TRANSMIT_COUNT;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the descriptors before the doorbell */
    write_register(nic, TDT, nic->transmit_tail);
}

static void e1000_transmit(struct net_device *net, struct net_frame *frame)
{
    struct e1000 *nic = nic_of(net);
    uint64_t flags = spin_lock(&nic->lock);
    bool accepted = nic->running && transmit_room(nic) >= frame->segment_count;

    if (accepted)
        put_frame(nic, frame);
    spin_unlock(&nic->lock, flags);
    if (!accepted)
        net_device_sent(net, frame, false);
}

/* --- Reception -------------------------------------------------------------------------------- */

/* Delivers the frame of a filled descriptor. */
static void deliver(struct e1000 *nic, uint32_t index)
{
    volatile struct receive_descriptor *descriptor = &nic->receive_ring[index];
    uint64_t offset = (uint64_t)index * BUFFER_SIZE;
    struct net_segment segment = {
        .data = nic->buffers + offset,
        .address = nic->buffers_address + offset,
        .size = descriptor->length,
    };
    struct net_frame frame = {
        .segments = &segment,
        .segment_count = 1,
        .size = segment.size,
    };

    /* A frame that takes more than one buffer is longer than we allow. */
    if ((descriptor->errors & RECEIVE_ERRORS) || !(descriptor->status & RECEIVE_EOP) ||
        segment.size < NET_HEADER_SIZE || segment.size > BUFFER_SIZE)
        net_device_lost(&nic->net, 1, 0);
    else
        net_device_deliver(&nic->net, &frame);
}

/* Puts a descriptor back into the hardware's hands at the next write of RDT. */
static void renew(struct e1000 *nic, uint32_t index)
{
    nic->receive_ring[index] = (struct receive_descriptor){
        .address = nic->buffers_address + (uint64_t)index * BUFFER_SIZE};
}

/* At most one round of the ring: what comes later interrupts again. */
static void receive(struct e1000 *nic)
{
    uint32_t count = 0;
    uint32_t index = nic->receive_next;

    while (count < RECEIVE_COUNT && (nic->receive_ring[index].status & RECEIVE_DD)) {
        deliver(nic, index);
        renew(nic, index);
        count++;
        if (count % RETURN_COUNT == 0)
            write_register(nic, RDT, index);
        index = (index + 1) % RECEIVE_COUNT;
    }
    if (count % RETURN_COUNT != 0)
        write_register(nic, RDT, (index + RECEIVE_COUNT - 1) % RECEIVE_COUNT);
    nic->receive_next = index;
}

static bool e1000_interrupt(void *context)
{
    struct e1000 *nic = context;
    uint32_t causes = read_register(nic, ICR);

    if (causes == 0)
        return false;

    uint64_t flags = spin_lock(&nic->lock);
    bool running = nic->running;

    /* With MSI-X, reading does not clear the causes. */
    write_register(nic, ICR, causes);
    nic->in_handler = running;
    spin_unlock(&nic->lock, flags);
    if (!running)
        return true;
    receive(nic);
    return_sent(nic, false);
    if (causes & INTERRUPT_LSC)
        report_link(nic);
    if (causes & INTERRUPT_RXO)
        net_device_lost(&nic->net, 0, read_register(nic, MPC));
    __atomic_store_n(&nic->in_handler, false, __ATOMIC_RELEASE);
    return true;
}

/* --- Address ---------------------------------------------------------------------------------- */

static bool read_eeprom(const struct e1000 *nic, uint32_t address, uint16_t *word)
{
    uint32_t shift = nic->is_82574 ? EERD_ADDRESS_SHIFT_82574 : EERD_ADDRESS_SHIFT_82540;
    uint32_t done = nic->is_82574 ? EERD_DONE_82574 : EERD_DONE_82540;
    uint64_t deadline = time_now() + EEPROM_LIMIT_US;
    uint32_t value;

    write_register(nic, EERD, address << shift | EERD_START);
    while (!((value = read_register(nic, EERD)) & done)) {
        if (time_now() > deadline)
            return false;
        time_delay(10);
    }
    *word = (uint16_t)(value >> EERD_DATA_SHIFT);
    return true;
}

/* The first three words of the EEPROM are the address; the hardware puts it into its receive
 * address register at a reset, but the emulation in Bochs does not. */
static void read_mac(struct e1000 *nic)
{
    uint64_t mac = read_register(nic, RAL0) | (uint64_t)read_register(nic, RAH0) << 32;
    uint16_t words[MAC_SIZE / 2] = {0};
    bool good = true;

    for (unsigned i = 0; i < MAC_SIZE / 2; i++)
        good = good && read_eeprom(nic, i, &words[i]);
    if (good)
        mac = words[0] | (uint64_t)words[1] << 16 | (uint64_t)words[2] << 32;
    for (unsigned i = 0; i < MAC_SIZE; i++)
        nic->net.mac.bytes[i] = (uint8_t)(mac >> (8 * i));
}

static void write_mac(const struct e1000 *nic)
{
    const uint8_t *bytes = nic->net.mac.bytes;

    write_register(nic, RAL0,
                   bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                       (uint32_t)bytes[3] << 24);
    write_register(nic, RAH0, bytes[4] | (uint32_t)bytes[5] << 8 | RAH_AV);
}

/* --- Start and stop --------------------------------------------------------------------------- */

static bool reset_hardware(struct e1000 *nic)
{
    uint64_t deadline = time_now() + MASTER_LIMIT_US;

    write_register(nic, IMC, UINT32_MAX);
    write_register(nic, RCTL, 0);
    write_register(nic, TCTL, TCTL_PSP);
    if (nic->is_82574) {
        write_register(nic, CTRL, read_register(nic, CTRL) | CTRL_GIO_MASTER_DISABLE);
        while ((read_register(nic, STATUS) & STATUS_GIO_MASTER_ENABLE) && time_now() < deadline)
            thread_sleep(1000);
    }
    write_register(nic, CTRL, read_register(nic, CTRL) | CTRL_RST);
    thread_sleep(RESET_PAUSE_US); /* the manual forbids to read earlier */
    deadline = time_now() + RESET_LIMIT_US;
    while (read_register(nic, CTRL) & CTRL_RST) {
        if (time_now() > deadline)
            return false;
        thread_sleep(1000);
    }
    write_register(nic, IMC, UINT32_MAX);
    read_register(nic, ICR);
    return true;
}

static void start_receiver(struct e1000 *nic)
{
    for (uint32_t i = 0; i < RECEIVE_COUNT; i++)
        renew(nic, i);
    nic->receive_next = 0;
    for (uint32_t i = 0; i < MTA_COUNT; i++)
        write_register(nic, MTA + 4 * i, 0);
    write_register(nic, RDBAL, (uint32_t)nic->receive_address);
    write_register(nic, RDBAH, (uint32_t)(nic->receive_address >> 32));
    write_register(nic, RDLEN, RECEIVE_COUNT * sizeof(struct receive_descriptor));
    write_register(nic, RDH, 0);
    write_register(nic, RDT, RECEIVE_COUNT - 1);
    write_register(nic, RCTL,
                   RCTL_EN | RCTL_BAM | RCTL_BSIZE_2048 | RCTL_SECRC |
                       (nic->promiscuous ? RCTL_UPE | RCTL_MPE : 0));
}

static void start_transmitter(struct e1000 *nic)
{
    nic->transmit_head = nic->transmit_tail = 0;
    write_register(nic, TDBAL, (uint32_t)nic->transmit_address);
    write_register(nic, TDBAH, (uint32_t)(nic->transmit_address >> 32));
    write_register(nic, TDLEN, TRANSMIT_COUNT * sizeof(struct transmit_descriptor));
    write_register(nic, TDH, 0);
    write_register(nic, TDT, 0);
    write_register(nic, TIPG, nic->is_82574 ? TIPG_82574 : TIPG_82540);
    write_register(nic, TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD);
}

static void start_interrupts(struct e1000 *nic)
{
    uint32_t causes = INTERRUPTS;

    write_register(nic, ITR, INTERVAL_256NS);
    if (nic->msix) {
        write_register(nic, IVAR, IVAR_ALL_TO_VECTOR_0);
        write_register(nic, EITR0, INTERVAL_256NS);
        causes |= INTERRUPTS_MSIX;
    }
    write_register(nic, IMS, causes);
}

static bool e1000_start(struct net_device *net)
{
    struct e1000 *nic = nic_of(net);
    uint32_t control;
    uint64_t flags;

    if (!reset_hardware(nic)) {
        log_print(LOG_ERROR, "%s: the controller cannot be reset", net->name);
        return false;
    }
    control = read_register(nic, CTRL);
    control &= ~(CTRL_LRST | CTRL_ILOS | CTRL_FRCSPD | CTRL_FRCDPLX | CTRL_PHY_RST);
    write_register(nic, CTRL, control | CTRL_SLU | CTRL_ASDE);
    write_mac(nic);
    start_receiver(nic);
    start_transmitter(nic);
    flags = spin_lock(&nic->lock);
    nic->running = true;
    spin_unlock(&nic->lock, flags);
    start_interrupts(nic);
    report_link(nic);
    return true;
}

static void e1000_stop(struct net_device *net)
{
    struct e1000 *nic = nic_of(net);
    uint64_t flags = spin_lock(&nic->lock);

    nic->running = false;
    write_register(nic, IMC, UINT32_MAX);
    write_register(nic, RCTL, 0);
    spin_unlock(&nic->lock, flags);
    while (__atomic_load_n(&nic->in_handler, __ATOMIC_ACQUIRE))
        cpu_pause();
    reset_hardware(nic); /* or it would read frames that we give back */
    return_sent(nic, true);
}

static void e1000_set_promiscuous(struct net_device *net, bool promiscuous)
{
    struct e1000 *nic = nic_of(net);
    uint64_t flags = spin_lock(&nic->lock);

    nic->promiscuous = promiscuous;
    if (nic->running) {
        uint32_t control = read_register(nic, RCTL) & ~(RCTL_UPE | RCTL_MPE);

        write_register(nic, RCTL, control | (promiscuous ? RCTL_UPE | RCTL_MPE : 0));
    }
    spin_unlock(&nic->lock, flags);
}

static const struct net_device_operations operations = {
    .start = e1000_start,
    .stop = e1000_stop,
    .transmit = e1000_transmit,
    .set_promiscuous = e1000_set_promiscuous,
};

static bool allocate_rings(struct e1000 *nic)
{
    nic->receive_address = pages_allocate(1, 1);
    nic->transmit_address = pages_allocate(1, 1);
    nic->buffers_address = pages_allocate(BUFFER_PAGES, 1);
    if (nic->receive_address == 0 || nic->transmit_address == 0 || nic->buffers_address == 0)
        return false;
    nic->receive_ring = physical_to_virtual(nic->receive_address);
    nic->transmit_ring = physical_to_virtual(nic->transmit_address);
    nic->buffers = physical_to_virtual(nic->buffers_address);
    return true;
}

static void free_nic(struct e1000 *nic)
{
    if (nic->receive_address != 0)
        pages_free(nic->receive_address, 1);
    if (nic->transmit_address != 0)
        pages_free(nic->transmit_address, 1);
    if (nic->buffers_address != 0)
        pages_free(nic->buffers_address, BUFFER_PAGES);
    heap_free(nic);
}

static bool start_nic(struct e1000 *nic, struct pci_function *function)
{
    if (!allocate_rings(nic)) {
        log_print(LOG_ERROR, "e1000: no memory");
        return false;
    }
    pci_enable(function);
    if (!reset_hardware(nic)) {
        log_print(LOG_ERROR, "e1000: the controller cannot be reset");
        return false;
    }
    read_mac(nic);
    return pci_connect_interrupt(function, e1000_interrupt, nic);
}

static const char *model_of(uint16_t device_id)
{
    switch (device_id) {
    case DEVICE_82574L:
        return "Intel 82574L";
    case DEVICE_82545EM:
        return "Intel 82545EM";
    default:
        return "Intel 82540EM";
    }
}

static bool probe(struct pci_function *function)
{
    struct e1000 *nic;
    const struct pci_bar *bar = &function->bars[0];
    volatile void *registers = pci_map_bar(function, 0);

    if (registers == NULL || bar->size < REGISTERS_SIZE)
        return false;
    nic = heap_allocate(sizeof(*nic));
    if (nic == NULL)
        return false;
    nic->registers = registers;
    nic->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_DRIVER);
    nic->is_82574 = function->device_id == DEVICE_82574L;
    nic->msix = pci_msix_count(function) > 0;
    nic->net.operations = &operations;
    nic->net.model = model_of(function->device_id);
    nic->net.mtu = NET_MTU;
    if (!start_nic(nic, function)) {
        free_nic(nic);
        return false;
    }
    /* From here on its memory stays, since the interrupt is connected. */
    if (!net_device_register(&nic->net)) {
        log_print(LOG_ERROR, "e1000: one network card too many, or without a MAC address");
        return false;
    }
    log_print(LOG_INFO, "%s: %s, %02x:%02x:%02x:%02x:%02x:%02x", nic->net.name, nic->net.model,
              nic->net.mac.bytes[0], nic->net.mac.bytes[1], nic->net.mac.bytes[2],
              nic->net.mac.bytes[3], nic->net.mac.bytes[4], nic->net.mac.bytes[5]);
    return true;
}

static const struct pci_match matches[] = {
    {INTEL, DEVICE_82540EM, PCI_ANY},
    {INTEL, DEVICE_82545EM, PCI_ANY},
    {INTEL, DEVICE_82574L, PCI_ANY},
};
static const struct pci_driver e1000 = {"e1000", matches, 3, probe};
PCI_DRIVER(e1000);
