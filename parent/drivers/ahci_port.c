#include "parent/drivers/ahci.h"

#include "lib/printf.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define LIMIT_US 500000u         /* for the controller */
#define LINK_LIMIT_US 1000000u   /* for the link to a drive that is there */
#define DRIVE_LIMIT_US 31000000u /* for a drive that starts its motor */
#define COMMAND_LIMIT_US 10000000u
#define MEDIUM_LIMIT_US 10000000u

#define FIS_REGISTER_H2D 0x27
#define FIS_IS_COMMAND 0x80
#define FIS_DWORDS 5

#define MEMORY_PAGES ((sizeof(struct port_memory) + PAGE_SIZE - 1) / PAGE_SIZE)

bool ahci_wait_register(volatile uint32_t *at, uint32_t mask, uint32_t value, uint64_t limit_us)
{
    uint64_t deadline = time_now() + limit_us;

    while ((*at & mask) != value) {
        if (time_now() > deadline)
            return false;
        thread_sleep(1000);
    }
    return true;
}

static bool stop_commands(struct ahci_port *port)
{
    port->registers->cmd &= ~CMD_ST;
    return ahci_wait_register(&port->registers->cmd, CMD_CR, 0, LIMIT_US);
}

static void clear_errors(struct ahci_port *port)
{
    port->registers->serr = UINT32_MAX;
    port->registers->is = UINT32_MAX;
}

/* The drive must be ready. */
static void start_commands(struct ahci_port *port)
{
    clear_errors(port);
    port->registers->cmd |= CMD_ST;
}

static bool wait_drive(struct ahci_port *port)
{
    return ahci_wait_register(&port->registers->tfd, ATA_STATUS_BSY | ATA_STATUS_DRQ, 0,
                              DRIVE_LIMIT_US);
}

/* Resets the link, and with it the drive (AHCI 10.4.2). Commands are stopped. */
static bool reset_link(struct ahci_port *port)
{
    uint32_t control = port->registers->sctl & ~SCTL_DET_MASK;

    port->registers->sctl = control | SCTL_DET_RESET;
    thread_sleep(2000);
    port->registers->sctl = control;
    if (!ahci_wait_register(&port->registers->ssts, 0xf, DET_READY, LINK_LIMIT_US))
        return false;
    clear_errors(port); /* or the drive's first FIS is not taken */
    return wait_drive(port);
}

static void fill_header(struct ahci_port *port, uint32_t slot, uint16_t flags, uint16_t prd_count)
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

static void fill_fis(struct ahci_port *port, uint32_t slot, const struct ata_taskfile *taskfile)
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

static void fill_packet(struct ahci_port *port, uint32_t slot,
                        const uint8_t packet[ATAPI_PACKET_SIZE])
{
    volatile uint8_t *at = port->memory->tables[slot].packet;

    for (unsigned i = 0; i < 16; i++)
        at[i] = i < ATAPI_PACKET_SIZE ? packet[i] : 0;
}

void ahci_fill_prd(struct ahci_port *port, uint32_t slot, unsigned index, uint64_t address,
                   uint32_t size)
{
    volatile struct command_prd *prd = &port->memory->tables[slot].prds[index];

    prd->address = (uint32_t)address;
    prd->address_high = (uint32_t)(address >> 32);
    prd->reserved = 0;
    prd->size = size - 1;
}

void ahci_fill_command(struct ahci_port *port, uint32_t slot, const struct ata_taskfile *taskfile,
                       const uint8_t packet[ATAPI_PACKET_SIZE], uint16_t flags, uint16_t prd_count)
{
    fill_fis(port, slot, taskfile);
    if (flags & HEADER_ATAPI)
        fill_packet(port, slot, packet);
    fill_header(port, slot, flags, prd_count);
}

/* --- Polled commands: at the start and in recovery, with the port's interrupts off -------------
 */

/* Does the command in slot 0, whose answer of @size bytes goes to the port's buffer. */
static bool do_polled(struct ahci_port *port, const struct ata_taskfile *taskfile,
                      const uint8_t *packet, uint32_t size)
{
    if (size > 0)
        ahci_fill_prd(port, 0, 0, port->memory_address + offsetof(struct port_memory, buffer),
                      size);
    ahci_fill_command(port, 0, taskfile, packet, packet != NULL ? HEADER_ATAPI : 0, size > 0);
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

static bool polled_packet(struct ahci_port *port, const uint8_t packet[ATAPI_PACKET_SIZE],
                          uint32_t size)
{
    const struct ata_taskfile taskfile = {.command = ATA_PACKET, .lba = (uint64_t)size << 8};

    return do_polled(port, &taskfile, packet, size);
}

static void copy_buffer(const struct ahci_port *port, void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)data)[i] = port->memory->buffer[i];
}

enum block_status ahci_port_request_sense(struct ahci_port *port, struct atapi_sense *sense)
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

/* --- Start -------------------------------------------------------------------------------------
 */

static bool identify(struct ahci_port *port)
{
    struct ata_taskfile taskfile = {.command = ATA_IDENTIFY_DEVICE};
    uint16_t words[ATA_IDENTIFY_WORDS];

    port->packet = port->registers->sig == SIG_PACKET;
    if (port->packet)
        taskfile.command = ATA_IDENTIFY_PACKET_DEVICE;
    else if (port->registers->sig != SIG_DISK)
        return false;
    if (!do_polled(port, &taskfile, NULL, sizeof(words)))
        return false;
    copy_buffer(port, words, sizeof(words));
    return ata_parse_identity(words, port->packet, &port->identity);
}

void ahci_port_read_medium(struct ahci_port *port)
{
    uint64_t deadline = time_now() + MEDIUM_LIMIT_US;
    uint8_t packet[ATAPI_PACKET_SIZE], data[ATAPI_CAPACITY_SIZE];
    struct atapi_sense sense;

    port->block.sector_count = 0;
    atapi_make_test_ready(packet);
    while (!polled_packet(port, packet, 0)) {
        if (ahci_port_request_sense(port, &sense) != BLOCK_BUSY || time_now() > deadline)
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

/* Memory for the port's DMA; false: none, or none that the controller reaches. */
static bool allocate_memory(struct ahci_port *port, bool wide)
{
    uint64_t address = pages_allocate(MEMORY_PAGES, 1);

    if (address == 0)
        return false;
    if (!wide && address + sizeof(struct port_memory) - 1 > UINT32_MAX) {
        pages_free(address, MEMORY_PAGES);
        return false;
    }
    port->memory_address = address;
    port->memory = physical_to_virtual(address);
    memset(physical_to_virtual(address), 0, sizeof(struct port_memory));
    return true;
}

struct ahci_port *ahci_port_create(const char *controller, uint32_t number,
                                   volatile struct port_registers *registers, bool wide)
{
    struct ahci_port *port = heap_allocate(sizeof(*port));

    if (port == NULL)
        return NULL;
    snprintf(port->name, sizeof(port->name), "%s.%u", controller, number);
    port->registers = registers;
    port->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_DRIVER);
    if (!allocate_memory(port, wide)) {
        log_print(LOG_ERROR, "%s: no memory that the controller reaches", port->name);
        heap_free(port);
        return NULL;
    }
    return port;
}

void ahci_port_free(struct ahci_port *port)
{
    stop_commands(port);
    port->registers->cmd &= ~CMD_FRE;
    /* A port that goes on writing keeps its memory. */
    if (ahci_wait_register(&port->registers->cmd, CMD_FR, 0, LIMIT_US))
        pages_free(port->memory_address, MEMORY_PAGES);
    heap_free(port);
}

bool ahci_port_wake(struct ahci_port *port)
{
    volatile struct port_registers *registers = port->registers;
    uint64_t fis = port->memory_address + offsetof(struct port_memory, received_fis);

    registers->ie = 0;
    if (!stop_commands(port))
        return false;
    registers->cmd &= ~CMD_FRE;
    if (!ahci_wait_register(&registers->cmd, CMD_FR, 0, LIMIT_US))
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

bool ahci_port_find_drive(struct ahci_port *port)
{
    if (SSTS_DET(port->registers->ssts) == DET_NONE ||
        !ahci_wait_register(&port->registers->ssts, 0xf, DET_READY, LINK_LIMIT_US))
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
    port->registers->is = UINT32_MAX;
    return true;
}

bool ahci_port_reset(struct ahci_port *port)
{
    stop_commands(port);
    if (!reset_link(port))
        return false;
    start_commands(port);
    return true;
}
