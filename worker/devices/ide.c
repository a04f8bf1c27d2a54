#include "worker/devices/ide.h"

#include "lib/string.h"

/* Ports of the command block. ATA/ATAPI-6, 6.2. */
enum { DATA, ERROR, COUNT, LBA_LOW, LBA_MID, LBA_HIGH, DEVICE, STATUS, COMMAND_PORTS };
enum { FEATURES = ERROR, COMMAND = STATUS };

/* Device control register. ATA/ATAPI-6, 7.8. */
#define CONTROL_NIEN 0x02
#define CONTROL_SRST 0x04
#define CONTROL_HOB 0x80

#define DEVICE_OBSOLETE 0xa0 /* read as ones */
#define DIAGNOSTIC_PASSED 0x01
#define UNDRIVEN 0x7f /* DD7 is pulled down, the others float */

static struct ide_drive *selected(const struct ide_channel *channel)
{
    return channel->drives[channel->state.selected];
}

static bool empty(const struct ide_channel *channel)
{
    return channel->drives[0] == NULL && channel->drives[1] == NULL;
}

/* --- Interrupts --------------------------------------------------------------------------------
 */

/* Sets the line. The bus master notes its rise before anybody can see it. */
static void update_irq(struct ide_channel *channel)
{
    const struct ide_drive *drive = selected(channel);
    bool irq =
        drive != NULL && drive->registers.interrupt && !(channel->state.control & CONTROL_NIEN);

    if (irq == channel->state.irq)
        return;
    channel->state.irq = irq;
    if (irq)
        ide_dma_interrupt(&channel->dma);
    device_line_set(&channel->irq, irq);
}

static void set_interrupt(struct ide_channel *channel, struct ide_drive *drive, bool pending)
{
    drive->registers.interrupt = pending;
    update_irq(channel);
}

void ide_interrupt(struct ide_channel *channel)
{
    set_interrupt(channel, channel->drives[channel->state.drive], true);
}

void ide_set_status(struct ide_channel *channel, uint8_t status)
{
    channel->drives[channel->state.drive]->registers.status = status;
}

void ide_complete(struct ide_drive *drive, bool quiet)
{
    drive->registers.status = IDE_STATUS_READY;
    if (!quiet)
        set_interrupt(drive->channel, drive, true);
}

void ide_abort(struct ide_drive *drive, uint8_t error)
{
    drive->registers.error = error;
    drive->registers.status = IDE_STATUS_READY | IDE_STATUS_ERR;
    set_interrupt(drive->channel, drive, true);
}

/* --- Resets ------------------------------------------------------------------------------------
 */

/* What a drive's registers say after a reset. ATA/ATAPI-6, 9.12. */
static void set_signature(struct ide_drive *drive)
{
    struct ide_registers *registers = &drive->registers;

    registers->count[0] = registers->lba_low[0] = 1;
    registers->lba_mid[0] = drive->ops->signature[0];
    registers->lba_high[0] = drive->ops->signature[1];
    registers->device &= IDE_DEVICE_DEV;
    registers->error = DIAGNOSTIC_PASSED;
    registers->status = drive->ops->after_reset;
}

/* Ends resets that nothing holds up any longer. */
static void continue_reset(struct ide_channel *channel)
{
    if (channel->in_flight || channel->state.control & CONTROL_SRST)
        return;
    for (uint32_t i = 0; i < IDE_DRIVES; i++) {
        if (channel->state.resetting & 1u << i)
            set_signature(channel->drives[i]);
    }
    channel->state.resetting = 0;
}

void ide_request_ended(struct ide_channel *channel)
{
    continue_reset(channel);
}

static void begin_reset(struct ide_channel *channel, uint32_t number)
{
    struct ide_drive *drive = channel->drives[number];

    if (channel->state.drive == number)
        channel->state.transfer.phase = IDE_IDLE;
    drive->registers.status = IDE_STATUS_BSY;
    set_interrupt(channel, drive, false);
    channel->state.resetting |= (uint8_t)(1u << number);
}

/* Both drives; the first one is selected afterwards. */
static void begin_reset_all(struct ide_channel *channel)
{
    for (uint32_t i = 0; i < IDE_DRIVES; i++) {
        if (channel->drives[i] == NULL)
            continue;
        begin_reset(channel, i);
        channel->drives[i]->registers.device = 0;
    }
    channel->state.selected = 0;
    update_irq(channel);
}

/* Both drives execute it, whichever is selected; the first one, if any, answers. */
static void diagnose(struct ide_channel *channel)
{
    begin_reset_all(channel);
    continue_reset(channel);
    if (channel->drives[0] != NULL)
        set_interrupt(channel, channel->drives[0], true);
}

void ide_reset(struct ide_channel *channel)
{
    channel->state.control = 0;
    for (uint32_t i = 0; i < IDE_DRIVES; i++) {
        struct ide_drive *drive = channel->drives[i];

        if (drive == NULL)
            continue;
        memset(&drive->registers, 0, sizeof(drive->registers));
        drive->ops->power_on(drive);
    }
    ide_dma_reset(&channel->dma);
    begin_reset_all(channel);
    continue_reset(channel);
}

/* --- Registers ---------------------------------------------------------------------------------
 */

static uint8_t read_status(const struct ide_channel *channel)
{
    const struct ide_drive *drive = selected(channel);

    if (empty(channel))
        return UNDRIVEN;
    return drive == NULL ? 0 : drive->registers.status;
}

static uint8_t read_register(struct ide_channel *channel, uint32_t offset)
{
    struct ide_drive *drive = selected(channel);
    uint32_t previous = channel->state.control & CONTROL_HOB ? 1 : 0;

    if (offset == STATUS) {
        if (drive != NULL && drive->registers.interrupt)
            set_interrupt(channel, drive, false);
        return read_status(channel);
    }
    if (empty(channel))
        return UNDRIVEN;
    if (drive == NULL) /* as if it were not ready, and nothing sticks: so nobody takes it for one */
        return 0;
    switch (offset) {
    case ERROR:
        return drive->registers.error;
    case COUNT:
        return drive->registers.count[previous];
    case LBA_LOW:
        return drive->registers.lba_low[previous];
    case LBA_MID:
        return drive->registers.lba_mid[previous];
    case LBA_HIGH:
        return drive->registers.lba_high[previous];
    default:
        return drive->registers.device | DEVICE_OBSOLETE;
    }
}

static uint32_t read_command_ports(void *device, uint16_t offset, uint32_t size)
{
    struct ide_channel *channel = device;
    uint8_t bytes[4] = {0xff, 0xff, 0xff, 0xff};

    if (offset == DATA) {
        ide_read_data(channel, size, bytes, size);
    } else {
        for (uint32_t i = 0; i < size && offset + i < COMMAND_PORTS; i++)
            bytes[i] = read_register(channel, offset + i);
    }
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static void push(uint8_t values[2], uint8_t value)
{
    values[1] = values[0];
    values[0] = value;
}

/* Both drives see what is written to the command block. */
static void write_both(struct ide_channel *channel, uint32_t offset, uint8_t value)
{
    for (uint32_t i = 0; i < IDE_DRIVES; i++) {
        struct ide_registers *registers;

        if (channel->drives[i] == NULL)
            continue;
        registers = &channel->drives[i]->registers;
        if (offset == FEATURES)
            push(registers->feature, value);
        else if (offset == COUNT)
            push(registers->count, value);
        else if (offset == LBA_LOW)
            push(registers->lba_low, value);
        else if (offset == LBA_MID)
            push(registers->lba_mid, value);
        else if (offset == LBA_HIGH)
            push(registers->lba_high, value);
        else
            registers->device = value & ~DEVICE_OBSOLETE;
    }
}

static void write_command(struct ide_channel *channel, uint8_t code)
{
    struct ide_drive *drive = selected(channel);

    if (code == IDE_DEVICE_RESET && drive != NULL && drive->ops->packet &&
        !channel->state.resetting) {
        begin_reset(channel, channel->state.selected);
        continue_reset(channel);
        return;
    }
    if (drive != NULL && drive->registers.status & (IDE_STATUS_BSY | IDE_STATUS_DRQ))
        return;
    if (code == IDE_EXECUTE_DEVICE_DIAGNOSTIC) {
        diagnose(channel);
        return;
    }
    if (drive == NULL)
        return;
    set_interrupt(channel, drive, false);
    drive->registers.error = 0;
    drive->registers.status = IDE_STATUS_READY;
    drive->ops->command(drive, code);
}

static void write_register(struct ide_channel *channel, uint32_t offset, uint8_t value)
{
    const struct ide_drive *drive = selected(channel);

    channel->state.control &= (uint8_t)~CONTROL_HOB;
    if (offset == COMMAND) {
        write_command(channel, value);
        return;
    }
    if (drive != NULL && drive->registers.status & (IDE_STATUS_BSY | IDE_STATUS_DRQ))
        return;
    write_both(channel, offset, value);
    if (offset == DEVICE) {
        channel->state.selected = value & IDE_DEVICE_DEV ? 1 : 0;
        update_irq(channel);
    }
}

static void write_command_ports(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    struct ide_channel *channel = device;
    uint8_t bytes[4];

    for (uint32_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    if (offset == DATA) {
        ide_write_data(channel, size, bytes, size);
        return;
    }
    for (uint32_t i = 0; i < size && offset + i < COMMAND_PORTS; i++)
        write_register(channel, offset + i, bytes[i]);
}

static void read_block(void *device, uint16_t offset, uint32_t size, uint32_t count, void *data)
{
    uint8_t *bytes = data;

    if (offset == DATA) {
        ide_read_data(device, size, data, size * count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = read_command_ports(device, offset, size);

        memcpy(bytes + i * size, &value, size);
    }
}

static void write_block(void *device, uint16_t offset, uint32_t size, uint32_t count,
                        const void *data)
{
    const uint8_t *bytes = data;

    if (offset == DATA) {
        ide_write_data(device, size, data, size * count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = 0;

        memcpy(&value, bytes + i * size, size);
        write_command_ports(device, offset, size, value);
    }
}

/* The alternate status, which leaves the interrupt alone. */
static uint32_t read_control_port(void *device, uint16_t offset, uint32_t size)
{
    (void)offset;
    (void)size;
    return UINT32_MAX << 8 | read_status(device);
}

static void write_control_port(void *device, uint16_t offset, uint32_t size, uint32_t value)
{
    struct ide_channel *channel = device;
    bool was_reset = channel->state.control & CONTROL_SRST;

    (void)offset;
    (void)size;
    channel->state.control = value & (CONTROL_NIEN | CONTROL_SRST | CONTROL_HOB);
    if (!was_reset && value & CONTROL_SRST)
        begin_reset_all(channel);
    continue_reset(channel);
    update_irq(channel);
}

/* --- Making one --------------------------------------------------------------------------------
 */

void ide_attach(struct ide_channel *channel, uint32_t number, struct ide_drive *drive)
{
    channel->drives[number] = drive;
    drive->channel = channel;
    ide_reset(channel);
}

void ide_init(struct ide_channel *channel, const struct device_host *host, struct device_line irq,
              uint16_t command, uint16_t control)
{
    memset(channel, 0, sizeof(*channel)); /* not by a value: that would be large on the stack */
    channel->host = host;
    channel->irq = irq;
    channel->command_ports = (struct device_ports){.first = command,
                                                   .count = COMMAND_PORTS,
                                                   .read = read_command_ports,
                                                   .write = write_command_ports,
                                                   .device = channel,
                                                   .read_block = read_block,
                                                   .write_block = write_block};
    channel->control_port = (struct device_ports){.first = control,
                                                  .count = 1,
                                                  .read = read_control_port,
                                                  .write = write_control_port,
                                                  .device = channel};
    ide_dma_init(&channel->dma, host, ide_dma_started, channel);
}
