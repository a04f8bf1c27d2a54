/* IDE controllers with bus mastering, such as Intel's PIIX (Programming Interface for Bus Master
 * IDE Controller 1.0; Intel 82371AB data sheet, 2.7 and 3.2): disks, and CD drives by packet
 * commands (ATA/ATAPI-7). Transfers are DMA, ended by interrupts; the few commands of the start and
 * of error recovery are polled. The two drives of a channel take turns. Modes and timings are the
 * firmware's. */
#include "parent/drivers/ide.h"

#include <stddef.h>

#include "lib/printf.h"
#include "lib/x86/cpu.h"
#include "parent/include/driver.h"
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define CHANNEL_COUNT 2

/* PCI programming interface: a channel is in native mode (its ports are BARs), both can master. */
#define INTERFACE_NATIVE(channel) (1u << (2 * (channel)))
#define INTERFACE_BUS_MASTER 0x80u
#define BUS_MASTER_BAR 4
#define BUS_MASTER_CHANNEL_SIZE 8

/* Bus master registers. */
#define BM_COMMAND 0
#define BM_STATUS 2
#define BM_PRD_TABLE 4
#define BM_COMMAND_START 0x01
#define BM_COMMAND_READ 0x08 /* from the drive */
#define BM_STATUS_ACTIVE 0x01
#define BM_STATUS_ERROR 0x02
#define BM_STATUS_INTERRUPT 0x04

#define PRD_LAST 0x8000u
#define PRD_BOUNDARY 65536u
#define PRD_COUNT (PAGE_SIZE / sizeof(struct prd))

#define IDLE_LIMIT_US 1000u      /* for a drive that has nothing to do */
#define RESET_LIMIT_US 31000000u /* ATA/ATAPI-7 vol. 2, 9.2 */

static void quieten(const struct ide_channel *channel)
{
    outb(channel->control + IDE_DEVICE_CONTROL, CONTROL_NIEN);
    outb(channel->bus_master + BM_COMMAND, 0);
}

/* Interrupts that polled commands left behind are forgotten. */
static void allow_interrupts(const struct ide_channel *channel)
{
    inb(channel->command + IDE_STATUS);
    outb(channel->bus_master + BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
    outb(channel->control + IDE_DEVICE_CONTROL, 0);
}

/* --- Requests --------------------------------------------------------------------------------- */

static void fill_prds(struct ide_channel *channel, const struct block_command *command)
{
    struct block_cursor data = command->data;
    struct block_segment piece;
    unsigned count = 0;

    while (count < PRD_COUNT && block_next_piece(&data, PRD_BOUNDARY, &piece))
        channel->prds[count++] = (struct prd){
            .address = (uint32_t)piece.address,
            .size = (uint16_t)piece.length,
        };
    channel->prds[count - 1].flags = PRD_LAST;
}

static void prepare_bus_master(const struct ide_channel *channel, bool read)
{
    outl(channel->bus_master + BM_PRD_TABLE, channel->prds_address);
    outb(channel->bus_master + BM_COMMAND, read ? BM_COMMAND_READ : 0);
    outb(channel->bus_master + BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
}

static void write_taskfile(const struct ide_channel *channel, const struct ata_taskfile *taskfile)
{
    if (taskfile->wide) {
        outb(channel->command + IDE_FEATURES, (uint8_t)(taskfile->features >> 8));
        outb(channel->command + IDE_COUNT, (uint8_t)(taskfile->count >> 8));
        outb(channel->command + IDE_LBA_LOW, (uint8_t)(taskfile->lba >> 24));
        outb(channel->command + IDE_LBA_MID, (uint8_t)(taskfile->lba >> 32));
        outb(channel->command + IDE_LBA_HIGH, (uint8_t)(taskfile->lba >> 40));
    }
    outb(channel->command + IDE_FEATURES, (uint8_t)taskfile->features);
    outb(channel->command + IDE_COUNT, (uint8_t)taskfile->count);
    outb(channel->command + IDE_LBA_LOW, (uint8_t)taskfile->lba);
    outb(channel->command + IDE_LBA_MID, (uint8_t)(taskfile->lba >> 8));
    outb(channel->command + IDE_LBA_HIGH, (uint8_t)(taskfile->lba >> 16));
    outb(channel->command + IDE_COMMAND, taskfile->command);
}

static enum block_status start_on_drive(struct ide_drive *drive, struct block_command *command)
{
    struct ide_channel *channel = drive->channel;
    bool read = command->operation == BLOCK_READ;
    struct ata_taskfile taskfile;

    ata_make_taskfile(&drive->identity, command, &taskfile);
    if (!ide_select_drive(drive, drive->packet ? ATA_DEVICE_OBSOLETE : taskfile.device,
                          IDLE_LIMIT_US))
        return BLOCK_ERROR_DEVICE;
    prepare_bus_master(channel, read);
    if (command->operation != BLOCK_FLUSH)
        fill_prds(channel, command);
    if (drive->packet) {
        uint8_t packet[ATAPI_PACKET_SIZE];

        atapi_make_read(packet, command->sector, command->sector_count);
        if (!ide_send_packet(drive, packet, FEATURE_DMA, 0, PACKET_LIMIT_US))
            return BLOCK_ERROR_DEVICE;
    } else {
        write_taskfile(channel, &taskfile);
    }
    if (command->operation != BLOCK_FLUSH)
        outb(channel->bus_master + BM_COMMAND,
             (uint8_t)(BM_COMMAND_START | (read ? BM_COMMAND_READ : 0)));
    channel->current = command;
    return BLOCK_PENDING;
}

static enum block_status ide_start(struct block_device *device, struct block_command *command)
{
    struct ide_drive *drive = device->driver_data;
    struct ide_channel *channel = drive->channel;
    uint64_t flags = spin_lock(&channel->lock);
    enum block_status status =
        channel->current != NULL ? BLOCK_BUSY : start_on_drive(drive, command);

    spin_unlock(&channel->lock, flags);
    return status;
}

/* How the current command has ended. With the lock held. */
static enum block_status current_result(const struct ide_channel *channel, uint8_t status,
                                        uint8_t bus_master)
{
    enum block_status result = ata_result(status, inb(channel->command + IDE_ERROR));

    if (result != BLOCK_OK || channel->current->operation == BLOCK_FLUSH)
        return result;
    /* Still active: the drive has moved less than it was told to. */
    return bus_master & (BM_STATUS_ERROR | BM_STATUS_ACTIVE) ? BLOCK_ERROR_DEVICE : BLOCK_OK;
}

static bool ide_interrupt(void *context)
{
    struct ide_channel *channel = context;
    uint64_t flags = spin_lock(&channel->lock);
    struct block_command *command = channel->current;
    uint8_t bus_master = inb(channel->bus_master + BM_STATUS);
    enum block_status result = BLOCK_PENDING;
    bool ours = (bus_master & BM_STATUS_INTERRUPT) != 0;

    if (ours) {
        uint8_t status = inb(channel->command + IDE_STATUS);

        outb(channel->bus_master + BM_STATUS, BM_STATUS_INTERRUPT | BM_STATUS_ERROR);
        if (command != NULL && !channel->sense_wanted && !(status & ATA_STATUS_BSY)) {
            outb(channel->bus_master + BM_COMMAND, 0);
            result = current_result(channel, status, bus_master);
            channel->sense_wanted = result == BLOCK_ERROR_MEDIUM &&
                                    ((struct ide_drive *)command->device->driver_data)->packet;
            if (!channel->sense_wanted)
                channel->current = NULL;
        }
    }

    bool sense_wanted = result != BLOCK_PENDING && channel->sense_wanted;

    channel->completing = result != BLOCK_PENDING;
    spin_unlock(&channel->lock, flags);
    if (sense_wanted)
        block_request_reset(command->device);
    else if (result != BLOCK_PENDING)
        block_complete(command, result);
    __atomic_store_n(&channel->completing, false, __ATOMIC_RELEASE);
    return ours;
}

/* --- Recovery --------------------------------------------------------------------------------- */

static bool reset_channel(struct ide_channel *channel)
{
    bool working = true;

    outb(channel->control + IDE_DEVICE_CONTROL, CONTROL_SRST | CONTROL_NIEN);
    time_delay(5);
    outb(channel->control + IDE_DEVICE_CONTROL, CONTROL_NIEN);
    thread_sleep(2000);
    for (unsigned i = 0; i < DRIVE_COUNT; i++) {
        struct ide_drive *drive = &channel->drives[i];

        if (drive->block.driver == NULL)
            continue;
        outb(channel->command + IDE_DEVICE, ATA_DEVICE_OBSOLETE | drive->select);
        ide_settle(channel);
        if (drive->packet) /* which need not listen to the other one while it is busy */
            outb(channel->command + IDE_COMMAND, ATA_DEVICE_RESET);
        working = ide_wait_status(channel, ATA_STATUS_BSY | ATA_STATUS_DRQ, 0, RESET_LIMIT_US) &&
                  ide_set_transfer_mode(drive) && working;
    }
    return working;
}

static bool ide_reset(struct block_device *device)
{
    struct ide_drive *drive = device->driver_data;
    struct ide_channel *channel = drive->channel;
    uint64_t flags = spin_lock(&channel->lock);
    struct block_command *command = channel->current;
    bool sense_wanted = channel->sense_wanted;
    bool working = true;
    struct atapi_sense sense = {0};
    enum block_status result = BLOCK_ERROR_DEVICE;

    /* The command is ours now: a late interrupt must not end it, too. */
    channel->current = NULL;
    channel->sense_wanted = false;
    quieten(channel);
    spin_unlock(&channel->lock, flags);
    while (__atomic_load_n(&channel->completing, __ATOMIC_ACQUIRE))
        cpu_pause();
    if (command != NULL && sense_wanted) {
        result = ide_request_sense(command->device->driver_data, &sense);
        log_print(LOG_WARNING, "%s: sense key %x, code %02x/%02x at sector %lu",
                  command->device->name, sense.key, sense.code, sense.qualifier, command->sector);
    }
    if (sense.key == 0)
        working = reset_channel(channel);
    else if (result == BLOCK_BUSY)
        thread_sleep(MEDIUM_PAUSE_US);
    allow_interrupts(channel);
    if (command != NULL && sense_wanted)
        block_complete(command, result == BLOCK_BUSY ? BLOCK_ERROR_DEVICE : result);
    return working;
}

static const struct block_driver ide_driver = {ide_start, ide_reset};

/* --- Start ------------------------------------------------------------------------------------ */

static void describe(struct ide_drive *drive)
{
    struct block_device *block = &drive->block;

    ata_describe(&drive->identity, drive->packet, block);
    block->max_segments = PRD_COUNT;
    block->segment_boundary = PRD_BOUNDARY;
    block->address_limit = UINT32_MAX;
    block->queue_depth = 1;
    block->driver = &ide_driver;
    block->driver_data = drive;
    if (drive->packet)
        ide_read_medium(drive);
    block->max_sectors =
        drive->packet ? ATA_COMMAND_BYTES / block->sector_size : ata_max_sectors(&drive->identity);
}

static bool find_drive(struct ide_drive *drive)
{
    struct ide_channel *channel = drive->channel;

    if (!ide_identify(drive))
        return false;
    if (!drive->identity.dma || drive->identity.transfer_mode == 0) {
        log_print(LOG_WARNING, "%s: %s is not used: it has no DMA", channel->name,
                  drive->identity.model);
        return false;
    }
    if (!drive->identity.mode_selected && !ide_set_transfer_mode(drive)) {
        log_print(LOG_WARNING, "%s: %s is not used: it refuses DMA", channel->name,
                  drive->identity.model);
        return false;
    }
    describe(drive);
    return true;
}

/* Memory for the table of descriptors, which the controller reaches below 4 GiB only. */
static bool allocate_prds(struct ide_channel *channel)
{
    uint64_t address = pages_allocate(1, 1);

    if (address == 0)
        return false;
    if (address > UINT32_MAX) {
        pages_free(address, 1);
        return false;
    }
    channel->prds_address = (uint32_t)address;
    channel->prds = physical_to_virtual(address);
    return true;
}

static bool connect(const struct pci_function *function, struct ide_channel *channel,
                    unsigned number)
{
    static const uint8_t legacy_irqs[CHANNEL_COUNT] = {14, 15};

    if (function->programming_interface & INTERFACE_NATIVE(number))
        return pci_connect_interrupt(function, ide_interrupt, channel);
    return interrupt_connect_isa(legacy_irqs[number], ide_interrupt, channel);
}

/* Sets up one channel. False: there is nothing on it, or it cannot be used. */
static bool start_channel(const struct pci_function *function, struct ide_channel *channel,
                          unsigned number)
{
    struct block_queue *queue = NULL;
    bool found[DRIVE_COUNT];
    bool any = false;

    channel->lock = (struct spinlock)SPINLOCK(LOCK_LEVEL_DRIVER);
    quieten(channel);
    for (unsigned i = 0; i < DRIVE_COUNT; i++) {
        channel->drives[i].channel = channel;
        channel->drives[i].select = i == 0 ? 0 : DEVICE_1;
        found[i] = find_drive(&channel->drives[i]);
        any |= found[i];
    }
    if (!any)
        return false;
    if (!allocate_prds(channel) || !connect(function, channel, number)) {
        log_print(LOG_ERROR, "%s: no interrupt, or no memory below 4 GiB", channel->name);
        return false;
    }
    allow_interrupts(channel);
    for (unsigned i = 0; i < DRIVE_COUNT; i++) {
        struct block_device *block = &channel->drives[i].block;

        block->queue = queue;
        if (found[i] && block_register(block))
            queue = block->queue;
    }
    return true;
}

/* The ports of a channel: of an AT, or the BARs. False: not there. */
static bool find_ports(const struct pci_function *function, struct ide_channel *channel,
                       unsigned number)
{
    static const uint16_t legacy_ports[CHANNEL_COUNT][2] = {{0x1f0, 0x3f6}, {0x170, 0x376}};
    const struct pci_bar *bars = &function->bars[2 * number];

    if (function->programming_interface & INTERFACE_NATIVE(number)) {
        if (!bars[0].io || bars[0].size < 8 || !bars[1].io || bars[1].size < 4)
            return false;
        channel->command = (uint16_t)bars[0].address;
        channel->control = (uint16_t)bars[1].address + 2;
    } else {
        channel->command = legacy_ports[number][0];
        channel->control = legacy_ports[number][1];
    }
    channel->bus_master =
        (uint16_t)(function->bars[BUS_MASTER_BAR].address + number * BUS_MASTER_CHANNEL_SIZE);
    return true;
}

static bool probe(struct pci_function *function)
{
    static unsigned channel_number;
    const struct pci_bar *bus_master = &function->bars[BUS_MASTER_BAR];
    bool used = false;

    if (!(function->programming_interface & INTERFACE_BUS_MASTER) || !bus_master->io ||
        bus_master->size < CHANNEL_COUNT * BUS_MASTER_CHANNEL_SIZE) {
        log_print(LOG_WARNING, "ide: controller without bus mastering is not used");
        return false;
    }
    pci_enable(function);
    for (unsigned i = 0; i < CHANNEL_COUNT; i++) {
        struct ide_channel *channel = heap_allocate(sizeof(*channel));

        if (channel == NULL)
            return used;
        snprintf(channel->name, sizeof(channel->name), "ide%u", channel_number++);
        if (find_ports(function, channel, i) && start_channel(function, channel, i))
            used = true;
        else
            heap_free(channel);
    }
    return used;
}

static const struct pci_match matches[] = {{PCI_ANY, PCI_ANY, 0x0101}};
static const struct pci_driver ide = {"ide", matches, 1, probe};
PCI_DRIVER(ide);
