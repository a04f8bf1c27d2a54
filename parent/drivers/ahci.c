/* AHCI controllers (Serial ATA AHCI 1.3.1): disks with native command queueing or without, and CD
 * drives by packet commands. The tag of a block command is its slot. */
#include "parent/drivers/ahci.h"

#include "lib/printf.h"
#include "lib/x86/cpu.h"
#include "parent/include/driver.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define AHCI_INTERFACE 0x01 /* PCI programming interface */
#define AHCI_BAR 5
#define NCQ_TAG_SHIFT 3
#define NCQ_DEVICE_FUA 0x80
#define PACKET_FEATURE_DMA 0x01

#define LINK_PAUSE_US 100000u        /* until links show whether a drive is there */
#define CONTROLLER_LIMIT_US 1000000u /* AHCI 10.4.3 */
#define FIRMWARE_LIMIT_US 2000000u   /* AHCI 10.6.3 */

struct controller {
    char name[8];
    volatile struct hba_registers *registers;
    uint32_t port_count; /* for which there are registers */
    struct ahci_port *ports[PORT_COUNT];
};

/* --- Requests --------------------------------------------------------------------------------- */

static void make_queued(const struct block_command *command, struct ata_taskfile *taskfile)
{
    bool write = command->operation == BLOCK_WRITE;

    *taskfile = (struct ata_taskfile){
        .command = write ? ATA_WRITE_FPDMA_QUEUED : ATA_READ_FPDMA_QUEUED,
        .device = ATA_DEVICE_LBA | (command->force_unit_access ? NCQ_DEVICE_FUA : 0),
        .features = (uint16_t)command->sector_count,
        .count = (uint16_t)(command->tag << NCQ_TAG_SHIFT),
        .lba = command->sector,
    };
}

/* Descriptors for the data of @command; returns their number. */
static uint16_t fill_prds(struct ahci_port *port, const struct block_command *command)
{
    struct block_cursor data = command->data;
    struct block_segment piece;
    uint16_t count = 0;

    while (count < PRD_COUNT && block_next_piece(&data, PRD_BOUNDARY, &piece)) {
        ahci_fill_prd(port, command->tag, count, piece.address, piece.length);
        count++;
    }
    return count;
}

static void issue(struct ahci_port *port, struct block_command *command, bool queueing)
{
    uint32_t slot = command->tag;
    struct ata_taskfile taskfile;
    uint8_t packet[ATAPI_PACKET_SIZE];
    uint16_t flags = command->operation == BLOCK_WRITE ? HEADER_WRITE : 0;

    if (port->packet) {
        taskfile = (struct ata_taskfile){.command = ATA_PACKET, .features = PACKET_FEATURE_DMA};
        atapi_make_read(packet, command->sector, command->sector_count);
        flags |= HEADER_ATAPI;
    } else if (queueing) {
        make_queued(command, &taskfile);
    } else {
        ata_make_taskfile(&port->identity, command, &taskfile);
    }
    ahci_fill_command(port, slot, &taskfile, packet, flags, fill_prds(port, command));
    port->commands[slot] = command;
    port->active |= 1u << slot;
    port->queueing = queueing;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the structures before the doorbell */
    if (queueing)
        port->registers->sact = 1u << slot;
    port->registers->ci = 1u << slot;
}

static enum block_status ahci_start(struct block_device *device, struct block_command *command)
{
    struct ahci_port *port = device->driver_data;
    bool queueing = port->identity.ncq && command->operation != BLOCK_FLUSH;
    uint64_t flags = spin_lock(&port->lock);
    enum block_status status = BLOCK_PENDING;

    /* Queued and other commands may not be mixed. */
    if (port->active != 0 && !(queueing && port->queueing))
        status = BLOCK_BUSY;
    else
        issue(port, command, queueing);
    spin_unlock(&port->lock, flags);
    return status;
}

/* Whether a packet command that ended well has moved all it should have. */
static bool moved_all(const struct ahci_port *port, const struct block_command *command)
{
    return !port->packet || port->memory->headers[command->tag].bytes >= command->data.left;
}

static void port_interrupt(struct ahci_port *port)
{
    uint64_t flags = spin_lock(&port->lock);
    uint32_t status = port->registers->is;
    uint32_t active = port->active;
    uint32_t ended = 0;

    port->registers->is = status;

    /* A queued command's error need not come with TFES; that of another ends it in any case. */
    bool failed = active != 0 && ((status & IS_ERRORS) || (TFD_STATUS(port->registers->tfd) &
                                                           (ATA_STATUS_ERR | ATA_STATUS_DF)));

    if (!failed || port->queueing)
        ended = active & ~(port->registers->sact | port->registers->ci);
    port->active = active & ~ended;
    port->completing = true;
    failed = failed && port->active != 0;
    spin_unlock(&port->lock, flags);

    for (; ended != 0; ended &= ended - 1) {
        struct block_command *command = port->commands[__builtin_ctz(ended)];

        block_complete(command, moved_all(port, command) ? BLOCK_OK : BLOCK_ERROR_DEVICE);
    }
    if (failed)
        block_request_reset(&port->block);
    __atomic_store_n(&port->completing, false, __ATOMIC_RELEASE);
}

static bool ahci_interrupt(void *context)
{
    struct controller *controller = context;
    uint32_t pending = controller->registers->is;

    for (uint32_t i = 0; i < controller->port_count; i++) {
        if (!(pending & (1u << i)))
            continue;
        if (controller->ports[i] != NULL)
            port_interrupt(controller->ports[i]);
        else
            controller->registers->ports[i].is = UINT32_MAX;
    }
    /* After the ports' own: a port that has something new sets its bit again. */
    controller->registers->is = pending;
    return pending != 0;
}

/* The only command that was active has failed: finds out why. Packet drives tell before they are
 * reset. */
static enum block_status find_reason(struct ahci_port *port, uint32_t tfd,
                                     struct atapi_sense *sense)
{
    enum block_status result;

    if (!port->packet)
        return ata_result(TFD_STATUS(tfd), TFD_ERROR(tfd));
    result = ahci_port_request_sense(port, sense);
    log_print(LOG_WARNING, "%s: sense key %x, code %02x/%02x", port->block.name, sense->key,
              sense->code, sense->qualifier);
    if (result != BLOCK_BUSY)
        return result;
    thread_sleep(MEDIUM_PAUSE_US);
    return BLOCK_ERROR_DEVICE;
}

static bool ahci_reset(struct block_device *device)
{
    struct ahci_port *port = device->driver_data;
    uint64_t flags = spin_lock(&port->lock);
    uint32_t active = port->active;
    uint32_t tfd = port->registers->tfd;
    bool alone = active != 0 && (active & (active - 1)) == 0;
    bool failed = (TFD_STATUS(tfd) & (ATA_STATUS_ERR | ATA_STATUS_DF)) != 0;
    struct block_command *command = alone ? port->commands[__builtin_ctz(active)] : NULL;
    enum block_status result = BLOCK_ERROR_DEVICE;
    struct atapi_sense sense = {0};
    bool working = true;

    /* From here on no interrupt ends a command. */
    port->active = 0;
    port->registers->ie = 0;
    spin_unlock(&port->lock, flags);
    while (__atomic_load_n(&port->completing, __ATOMIC_ACQUIRE))
        cpu_pause();

    if (command != NULL && failed)
        result = find_reason(port, tfd, &sense);
    if (sense.key == 0) {
        /* A queue that has stopped on an error needs a reset, too (ACS-2, 13.6.3). */
        working = ahci_port_reset(port);
    }
    port->registers->is = UINT32_MAX;
    port->registers->ie = IE_USED;
    if (command != NULL && failed)
        block_complete(command, result);
    return working;
}

static const struct block_driver ahci_driver = {ahci_start, ahci_reset};

/* --- Start ------------------------------------------------------------------------------------ */

static void describe(struct ahci_port *port, uint32_t cap)
{
    struct block_device *block = &port->block;
    uint32_t depth = CAP_NCS(cap);

    if (!(cap & CAP_SNCQ))
        port->identity.ncq = false;
    ata_describe(&port->identity, port->packet, block);
    block->max_segments = PRD_COUNT;
    block->segment_boundary = PRD_BOUNDARY;
    block->address_limit = cap & CAP_S64A ? UINT64_MAX : UINT32_MAX;
    block->queue_depth = 1;
    if (port->identity.ncq)
        block->queue_depth =
            depth < port->identity.queue_depth ? depth : port->identity.queue_depth;
    block->driver = &ahci_driver;
    block->driver_data = port;
    if (port->packet)
        ahci_port_read_medium(port);
    block->max_sectors =
        port->packet ? ATA_COMMAND_BYTES / block->sector_size : ata_max_sectors(&port->identity);
}

/* Takes the controller over from the firmware and resets it (AHCI 10.4.3, 10.6.3). */
static bool reset_controller(volatile struct hba_registers *registers)
{
    registers->ghc |= GHC_AE;
    if (registers->cap2 & CAP2_BOH) {
        registers->bohc |= BOHC_OOS;
        ahci_wait_register(&registers->bohc, BOHC_BOS, 0, FIRMWARE_LIMIT_US);
    }
    registers->ghc |= GHC_HR;
    if (!ahci_wait_register(&registers->ghc, GHC_HR, 0, CONTROLLER_LIMIT_US))
        return false;
    registers->ghc = GHC_AE;
    return true;
}

static void start_ports(struct controller *controller)
{
    volatile struct hba_registers *registers = controller->registers;
    bool wide = (registers->cap & CAP_S64A) != 0;

    for (uint32_t i = 0; i < controller->port_count; i++) {
        struct ahci_port *port = NULL;

        if (registers->pi & (1u << i))
            port = ahci_port_create(controller->name, i, &registers->ports[i], wide);
        if (port != NULL && ahci_port_wake(port))
            controller->ports[i] = port;
        else if (port != NULL)
            ahci_port_free(port);
    }
    thread_sleep(LINK_PAUSE_US);
    for (uint32_t i = 0; i < controller->port_count; i++) {
        struct ahci_port *port = controller->ports[i];

        if (port != NULL && !ahci_port_find_drive(port)) {
            controller->ports[i] = NULL;
            ahci_port_free(port);
        } else if (port != NULL) {
            describe(port, registers->cap);
        }
    }
}

static uint32_t count_ports(uint64_t registers_size)
{
    uint64_t first = offsetof(struct hba_registers, ports);
    uint64_t count =
        registers_size < first ? 0 : (registers_size - first) / sizeof(struct port_registers);

    return count < PORT_COUNT ? (uint32_t)count : PORT_COUNT;
}

static bool probe(struct pci_function *function)
{
    static unsigned controller_number;
    volatile struct hba_registers *registers = pci_map_bar(function, AHCI_BAR);
    struct controller *controller;

    if (function->programming_interface != AHCI_INTERFACE || registers == NULL ||
        count_ports(function->bars[AHCI_BAR].size) == 0)
        return false;
    controller = heap_allocate(sizeof(*controller));
    if (controller == NULL)
        return false;
    controller->port_count = count_ports(function->bars[AHCI_BAR].size);
    snprintf(controller->name, sizeof(controller->name), "ahci%u", controller_number++);
    controller->registers = registers;
    pci_enable(function);
    if (!reset_controller(registers)) {
        log_print(LOG_ERROR, "%s: the controller cannot be reset", controller->name);
        heap_free(controller);
        return false;
    }
    start_ports(controller);
    registers->is = UINT32_MAX;
    if (!pci_connect_interrupt(function, ahci_interrupt, controller))
        return false;
    registers->ghc |= GHC_IE;
    for (uint32_t i = 0; i < PORT_COUNT; i++) {
        struct ahci_port *port = controller->ports[i];

        if (port == NULL)
            continue;
        port->registers->ie = IE_USED;
        block_register(&port->block);
    }
    return true;
}

static const struct pci_match matches[] = {{PCI_ANY, PCI_ANY, 0x0106}};
static const struct pci_driver ahci = {"ahci", matches, 1, probe};
PCI_DRIVER(ahci);
