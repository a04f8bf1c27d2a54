/* AHCI controllers (Serial ATA AHCI 1.3.1): disks with native command queueing or without, and CD
 * drives by packet commands. The tag of a block command is its slot. */
#include <stddef.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/drivers/ata.h"
#include "parent/drivers/atapi.h"
#include "parent/include/block.h"
#include "parent/include/driver.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/spinlock.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define AHCI_INTERFACE 0x01 /* PCI programming interface */
#define AHCI_BAR 5
#define PORT_COUNT 32
#define SLOT_COUNT 32

struct port_registers {
    uint32_t clb, clbu, fb, fbu, is, ie, cmd, reserved0;
    uint32_t tfd, sig, ssts, sctl, serr, sact, ci, sntf;
    uint32_t fbs, devslp, reserved1[10], vendor[4];
};

struct hba_registers {
    uint32_t cap, ghc, is, pi, vs, ccc_ctl, ccc_ports, em_loc, em_ctl, cap2, bohc;
    uint32_t reserved[53];
    struct port_registers ports[PORT_COUNT];
};

_Static_assert(sizeof(struct port_registers) == 0x80, "AHCI 3.3");
_Static_assert(offsetof(struct hba_registers, ports) == 0x100, "AHCI 3");

#define CAP_NCS(cap) (((cap) >> 8 & 0x1f) + 1)
#define CAP_SNCQ (1u << 30)
#define CAP_S64A (1u << 31)
#define GHC_HR (1u << 0)
#define GHC_IE (1u << 1)
#define GHC_AE (1u << 31)
#define CAP2_BOH (1u << 0)
#define BOHC_BOS (1u << 0)
#define BOHC_OOS (1u << 1)

#define CMD_ST (1u << 0)
#define CMD_SUD (1u << 1)
#define CMD_POD (1u << 2)
#define CMD_FRE (1u << 4)
#define CMD_FR (1u << 14)
#define CMD_CR (1u << 15)
#define CMD_ATAPI (1u << 24)
#define CMD_ICC_MASK (0xfu << 28)
#define CMD_ICC_ACTIVE (1u << 28)

#define IS_DHRS (1u << 0)
#define IS_PSS (1u << 1)
#define IS_SDBS (1u << 3)
#define IS_IFS (1u << 27)
#define IS_HBDS (1u << 28)
#define IS_HBFS (1u << 29)
#define IS_TFES (1u << 30)
#define IS_ERRORS (IS_IFS | IS_HBDS | IS_HBFS | IS_TFES)
#define IE_USED (IS_DHRS | IS_PSS | IS_SDBS | IS_ERRORS)

#define SSTS_DET(ssts) ((ssts)&0xf)
#define DET_NONE 0
#define DET_READY 3
#define SCTL_DET_MASK 0xfu
#define SCTL_DET_RESET 0x1u
#define TFD_STATUS(tfd) ((uint8_t)(tfd))
#define TFD_ERROR(tfd) ((uint8_t)((tfd) >> 8))
#define SIG_DISK 0x00000101u
#define SIG_PACKET 0xeb140101u

#define LIMIT_US 500000u         /* for the controller */
#define LINK_LIMIT_US 1000000u   /* for the link to a drive that is there */
#define LINK_PAUSE_US 100000u    /* until it shows whether one is there */
#define DRIVE_LIMIT_US 31000000u /* for a drive that starts its motor */
#define COMMAND_LIMIT_US 10000000u
#define MEDIUM_LIMIT_US 10000000u
#define MEDIUM_PAUSE_US 100000u

#define FIS_REGISTER_H2D 0x27
#define FIS_IS_COMMAND 0x80
#define FIS_DWORDS 5
#define NCQ_TAG_SHIFT 3
#define NCQ_DEVICE_FUA 0x80

struct command_header {
    uint16_t flags, prd_count;
    uint32_t bytes; /* moved; not with queueing */
    uint32_t table, table_high;
    uint32_t reserved[4];
};

#define HEADER_ATAPI 0x0020u
#define HEADER_WRITE 0x0040u

struct command_prd {
    uint32_t address, address_high, reserved;
    uint32_t size; /* bytes - 1 */
};

#define PRD_COUNT 56
#define PRD_BOUNDARY (4u << 20)

struct command_table {
    uint8_t fis[64];
    uint8_t packet[16];
    uint8_t reserved[48];
    struct command_prd prds[PRD_COUNT];
};

/* What a port's DMA uses. */
struct port_memory {
    struct command_header headers[SLOT_COUNT];
    uint8_t received_fis[256];
    uint8_t reserved[256];
    uint8_t buffer[512]; /* answers to polled commands */
    struct command_table tables[SLOT_COUNT] __attribute__((aligned(1024)));
};

_Static_assert(sizeof(struct command_header) == 32, "AHCI 4.2.2");
_Static_assert(sizeof(struct command_table) == 1024, "AHCI 4.2.3: a multiple of 128");
_Static_assert(offsetof(struct port_memory, received_fis) % 256 == 0, "AHCI 3.3.3");

#define MEMORY_PAGES ((sizeof(struct port_memory) + PAGE_SIZE - 1) / PAGE_SIZE)

struct port {
    struct block_device block;
    struct ata_identity identity;
    bool packet;
    uint32_t number;
    char name[12];
    volatile struct port_registers *registers;
    volatile struct port_memory *memory;
    uint64_t memory_address;
    struct spinlock lock; /* issuing, and: */
    uint32_t active;      /* slots whose commands have not ended */
    bool queueing;        /* they are queued commands */
    bool completing;      /* the handler is */
    struct block_command *commands[SLOT_COUNT];
};

struct controller {
    char name[8];
    volatile struct hba_registers *registers;
    uint32_t port_count; /* for which there are registers */
    struct port *ports[PORT_COUNT];
};

/* --- Ports ------------------------------------------------------------------------------------ */

/* Waits until *@at has the bits @value under @mask. Thread. */
static bool wait_register(volatile uint32_t *at, uint32_t mask, uint32_t value, uint64_t limit_us)
{
    uint64_t deadline = time_now() + limit_us;

    while ((*at & mask) != value) {
        if (time_now() > deadline)
            return false;
        thread_sleep(1000);
    }
    return true;
}

static bool stop_commands(struct port *port)
{
    port->registers->cmd &= ~CMD_ST;
    return wait_register(&port->registers->cmd, CMD_CR, 0, LIMIT_US);
}

static void clear_errors(struct port *port)
{
    port->registers->serr = UINT32_MAX;
    port->registers->is = UINT32_MAX;
}

/* The drive must be ready. */
static void start_commands(struct port *port)
{
    clear_errors(port);
    port->registers->cmd |= CMD_ST;
}

static bool wait_drive(struct port *port)
{
    return wait_register(&port->registers->tfd, ATA_STATUS_BSY | ATA_STATUS_DRQ, 0, DRIVE_LIMIT_US);
}

/* Resets the link, and with it the drive (AHCI 10.4.2). Commands are stopped. */
static bool reset_link(struct port *port)
{
    uint32_t control = port->registers->sctl & ~SCTL_DET_MASK;

    port->registers->sctl = control | SCTL_DET_RESET;
    thread_sleep(2000);
    port->registers->sctl = control;
    if (!wait_register(&port->registers->ssts, 0xf, DET_READY, LINK_LIMIT_US))
        return false;
    clear_errors(port); /* or the drive's first FIS is not taken */
    return wait_drive(port);
}

static void fill_header(struct port *port, uint32_t slot, uint16_t flags, uint16_t prd_count)
{
    volatile struct command_header *header = &port->memory->headers[slot];
    uint64_t table = port->memory_address + offsetof(struct port_memory, tables) +
                     slot * sizeof(struct command_table);

    header->flags = flags | FIS_DWORDS;
    header->prd_count = prd_count;
    header->bytes = 0;
    header->table = (uint32_t)table;
    header->table_high = (uint32_t)(table >> 32);
}

static void fill_fis(struct port *port, uint32_t slot, const struct ata_taskfile *taskfile)
{
    volatile uint8_t *fis = port->memory->tables[slot].fis;

    fis[0] = FIS_REGISTER_H2D;
    fis[1] = FIS_IS_COMMAND;
    fis[2] = taskfile->command;
    fis[3] = (uint8_t)taskfile->features;
    for (unsigned i = 0; i < 3; i++) {
        fis[4 + i] = (uint8_t)(taskfile->lba >> (8 * i));
        fis[8 + i] = (uint8_t)(taskfile->lba >> (24 + 8 * i));
    }
    fis[7] = taskfile->device;
    fis[11] = (uint8_t)(taskfile->features >> 8);
    fis[12] = (uint8_t)taskfile->count;
    fis[13] = (uint8_t)(taskfile->count >> 8);
    for (unsigned i = 14; i < FIS_DWORDS * 4; i++)
        fis[i] = 0;
}

static void fill_packet(struct port *port, uint32_t slot, const uint8_t packet[ATAPI_PACKET_SIZE])
{
    volatile uint8_t *at = port->memory->tables[slot].packet;

    for (unsigned i = 0; i < 16; i++)
        at[i] = i < ATAPI_PACKET_SIZE ? packet[i] : 0;
}

static void fill_prd(struct port *port, uint32_t slot, unsigned index, uint64_t address,
                     uint32_t size)
{
    volatile struct command_prd *prd = &port->memory->tables[slot].prds[index];

    prd->address = (uint32_t)address;
    prd->address_high = (uint32_t)(address >> 32);
    prd->reserved = 0;
    prd->size = size - 1;
}

/* Descriptors for the data of @command; returns their number. */
static uint16_t fill_prds(struct port *port, const struct block_command *command)
{
    struct block_cursor data = command->data;
    struct block_segment piece;
    uint16_t count = 0;

    while (count < PRD_COUNT && block_next_piece(&data, PRD_BOUNDARY, &piece)) {
        fill_prd(port, command->tag, count, piece.address, piece.length);
        count++;
    }
    return count;
}

/* --- Polled commands: at the start and in recovery, with the port's interrupts off -------------
 */

/* Does the command in slot 0, whose answer of @size bytes goes to the port's buffer. */
static bool do_polled(struct port *port, const struct ata_taskfile *taskfile, uint16_t flags,
                      uint32_t size)
{
    fill_fis(port, 0, taskfile);
    if (size > 0)
        fill_prd(port, 0, 0, port->memory_address + offsetof(struct port_memory, buffer), size);
    fill_header(port, 0, flags, size > 0);
    port->registers->is = UINT32_MAX;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    port->registers->ci = 1;

    uint64_t deadline = time_now() + COMMAND_LIMIT_US;

    while ((port->registers->ci & 1) && !(port->registers->is & IS_ERRORS)) {
        if (time_now() > deadline)
            return false;
        thread_sleep(100);
    }
    return !(port->registers->is & IS_ERRORS) &&
           !(TFD_STATUS(port->registers->tfd) & (ATA_STATUS_ERR | ATA_STATUS_DF)) &&
           port->memory->headers[0].bytes >= size;
}

static bool polled_packet(struct port *port, const uint8_t packet[ATAPI_PACKET_SIZE], uint32_t size)
{
    const struct ata_taskfile taskfile = {.command = ATA_PACKET, .lba = (uint64_t)size << 8};

    fill_packet(port, 0, packet);
    return do_polled(port, &taskfile, HEADER_ATAPI, size);
}

static void copy_buffer(const struct port *port, void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)data)[i] = port->memory->buffer[i];
}

/* Asks why the last packet command failed. */
static enum block_status request_sense(struct port *port, struct atapi_sense *sense)
{
    uint8_t packet[ATAPI_PACKET_SIZE], data[ATAPI_SENSE_SIZE];

    *sense = (struct atapi_sense){0};
    if (!stop_commands(port))
        return BLOCK_ERROR_DEVICE;
    start_commands(port);
    atapi_make_request_sense(packet);
    if (!polled_packet(port, packet, ATAPI_SENSE_SIZE))
        return BLOCK_ERROR_DEVICE;
    copy_buffer(port, data, sizeof(data));
    atapi_parse_sense(data, sense);
    return atapi_result(sense);
}

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

static void issue(struct port *port, struct block_command *command, bool queueing)
{
    uint32_t slot = command->tag;
    struct ata_taskfile taskfile;
    uint16_t flags = command->operation == BLOCK_WRITE ? HEADER_WRITE : 0;

    if (port->packet) {
        uint8_t packet[ATAPI_PACKET_SIZE];

        taskfile = (struct ata_taskfile){.command = ATA_PACKET, .features = 1 /* DMA */};
        atapi_make_read(packet, command->sector, command->sector_count);
        fill_packet(port, slot, packet);
        flags |= HEADER_ATAPI;
    } else if (queueing) {
        make_queued(command, &taskfile);
    } else {
        ata_make_taskfile(&port->identity, command, &taskfile);
    }
    fill_fis(port, slot, &taskfile);
    fill_header(port, slot, flags, fill_prds(port, command));
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
    struct port *port = device->driver_data;
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
static bool moved_all(const struct port *port, const struct block_command *command)
{
    return !port->packet || port->memory->headers[command->tag].bytes >= command->data.left;
}

static void port_interrupt(struct port *port)
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
static enum block_status find_reason(struct port *port, uint32_t tfd, struct atapi_sense *sense)
{
    enum block_status result;

    if (!port->packet)
        return ata_result(TFD_STATUS(tfd), TFD_ERROR(tfd));
    result = request_sense(port, sense);
    log_print(LOG_WARNING, "%s: sense key %x, code %02x/%02x", port->block.name, sense->key,
              sense->code, sense->qualifier);
    if (result != BLOCK_BUSY)
        return result;
    thread_sleep(MEDIUM_PAUSE_US);
    return BLOCK_ERROR_DEVICE;
}

static bool ahci_reset(struct block_device *device)
{
    struct port *port = device->driver_data;
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
        stop_commands(port);
        working = reset_link(port);
        if (working)
            start_commands(port);
    }
    port->registers->is = UINT32_MAX;
    port->registers->ie = IE_USED;
    if (command != NULL && failed)
        block_complete(command, result);
    return working;
}

static const struct block_driver ahci_driver = {ahci_start, ahci_reset};

/* --- Start ------------------------------------------------------------------------------------ */

static bool identify(struct port *port)
{
    struct ata_taskfile taskfile = {.command = ATA_IDENTIFY_DEVICE};
    uint16_t words[ATA_IDENTIFY_WORDS];

    port->packet = port->registers->sig == SIG_PACKET;
    if (port->packet)
        taskfile.command = ATA_IDENTIFY_PACKET_DEVICE;
    else if (port->registers->sig != SIG_DISK)
        return false;
    if (!do_polled(port, &taskfile, 0, sizeof(words)))
        return false;
    copy_buffer(port, words, sizeof(words));
    return ata_parse_identity(words, port->packet, &port->identity);
}

/* Finds out whether there is a medium, and how large it is. */
static void read_medium(struct port *port)
{
    uint64_t deadline = time_now() + MEDIUM_LIMIT_US;
    uint8_t packet[ATAPI_PACKET_SIZE], data[ATAPI_CAPACITY_SIZE];
    struct atapi_sense sense;

    port->block.sector_count = 0;
    atapi_make_test_ready(packet);
    while (!polled_packet(port, packet, 0)) {
        if (request_sense(port, &sense) != BLOCK_BUSY || time_now() > deadline)
            return;
        thread_sleep(MEDIUM_PAUSE_US);
    }
    atapi_make_read_capacity(packet);
    if (!polled_packet(port, packet, sizeof(data)))
        return;
    copy_buffer(port, data, sizeof(data));
    if (!atapi_parse_capacity(data, &port->block.sector_count, &port->block.sector_size))
        port->block.sector_count = 0;
}

static void describe(struct port *port, uint32_t cap)
{
    struct block_device *block = &port->block;
    uint32_t depth = CAP_NCS(cap);

    if (!(cap & CAP_SNCQ))
        port->identity.ncq = false;
    string_copy(block->name, port->packet ? "cd" : "disk", sizeof(block->name));
    string_copy(block->model, port->identity.model, sizeof(block->model));
    block->sector_size = port->identity.sector_size;
    block->sector_count = port->identity.sector_count;
    block->read_only = block->removable = port->packet;
    block->write_cache = port->identity.write_cache;
    block->has_fua = port->identity.fua;
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
        read_medium(port);
    block->max_sectors =
        port->packet ? ATA_COMMAND_BYTES / block->sector_size : ata_max_sectors(&port->identity);
}

/* Memory for the port's DMA; false: none, or none that the controller reaches. */
static bool allocate_memory(struct port *port, uint32_t cap)
{
    uint64_t address = pages_allocate(MEMORY_PAGES, 1);

    if (address == 0)
        return false;
    if (!(cap & CAP_S64A) && address + sizeof(struct port_memory) - 1 > UINT32_MAX) {
        pages_free(address, MEMORY_PAGES);
        return false;
    }
    port->memory_address = address;
    port->memory = physical_to_virtual(address);
    memset(physical_to_virtual(address), 0, sizeof(struct port_memory));
    return true;
}

/* Tells the port its memory and has it look for a drive (AHCI 10.1.2). */
static bool wake_port(struct port *port)
{
    volatile struct port_registers *registers = port->registers;
    uint64_t fis = port->memory_address + offsetof(struct port_memory, received_fis);

    registers->ie = 0;
    if (!stop_commands(port))
        return false;
    registers->cmd &= ~CMD_FRE;
    if (!wait_register(&registers->cmd, CMD_FR, 0, LIMIT_US))
        return false;
    registers->clb = (uint32_t)port->memory_address;
    registers->clbu = (uint32_t)(port->memory_address >> 32);
    registers->fb = (uint32_t)fis;
    registers->fbu = (uint32_t)(fis >> 32);
    clear_errors(port);
    registers->cmd = (registers->cmd & ~(CMD_ICC_MASK | CMD_ATAPI)) | CMD_FRE | CMD_SUD | CMD_POD |
                     CMD_ICC_ACTIVE;
    return true;
}

/* Puts the drive of an awake port into service. False: there is none, or none that we can use. */
static bool start_port(struct port *port, uint32_t cap)
{
    if (SSTS_DET(port->registers->ssts) == DET_NONE ||
        !wait_register(&port->registers->ssts, 0xf, DET_READY, LINK_LIMIT_US))
        return false;
    clear_errors(port);
    if (!wait_drive(port)) {
        log_print(LOG_WARNING, "%s: the drive does not get ready", port->name);
        return false;
    }
    start_commands(port);
    if (!identify(port)) {
        log_print(LOG_WARNING, "%s: the drive does not say what it is", port->name);
        stop_commands(port);
        return false;
    }
    describe(port, cap);
    port->registers->is = UINT32_MAX;
    return true;
}

static struct port *create_port(struct controller *controller, uint32_t number)
{
    struct port *port = heap_allocate(sizeof(*port));

    if (port == NULL)
        return NULL;
    port->number = number;
    snprintf(port->name, sizeof(port->name), "%s.%u", controller->name, number);
    port->registers = &controller->registers->ports[number];
    port->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_DRIVER);
    if (!allocate_memory(port, controller->registers->cap)) {
        log_print(LOG_ERROR, "%s: no memory that the controller reaches", port->name);
        heap_free(port);
        return NULL;
    }
    return port;
}

static void free_port(struct port *port)
{
    stop_commands(port);
    port->registers->cmd &= ~CMD_FRE;
    /* A port that goes on writing keeps its memory. */
    if (wait_register(&port->registers->cmd, CMD_FR, 0, LIMIT_US))
        pages_free(port->memory_address, MEMORY_PAGES);
    heap_free(port);
}

/* Takes the controller over from the firmware and resets it (AHCI 10.4.3, 10.6.3). */
static bool reset_controller(volatile struct hba_registers *registers)
{
    registers->ghc |= GHC_AE;
    if (registers->cap2 & CAP2_BOH) {
        registers->bohc |= BOHC_OOS;
        wait_register(&registers->bohc, BOHC_BOS, 0, 2 * LINK_LIMIT_US);
    }
    registers->ghc |= GHC_HR;
    if (!wait_register(&registers->ghc, GHC_HR, 0, LINK_LIMIT_US))
        return false;
    registers->ghc = GHC_AE;
    return true;
}

static void start_ports(struct controller *controller)
{
    uint32_t cap = controller->registers->cap;
    uint32_t implemented = controller->registers->pi;

    for (uint32_t i = 0; i < controller->port_count; i++) {
        if (!(implemented & (1u << i)))
            continue;

        struct port *port = create_port(controller, i);

        if (port != NULL && wake_port(port))
            controller->ports[i] = port;
        else if (port != NULL)
            free_port(port);
    }
    thread_sleep(LINK_PAUSE_US);
    for (uint32_t i = 0; i < PORT_COUNT; i++) {
        struct port *port = controller->ports[i];

        if (port != NULL && !start_port(port, cap)) {
            controller->ports[i] = NULL;
            free_port(port);
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
        struct port *port = controller->ports[i];

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
