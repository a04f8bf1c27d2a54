#include "worker/firmware/fdc.h"
#include "worker/firmware/bda.h"
#include "worker/firmware/pic.h"
#include "worker/firmware/timing.h"

#define FDC_DOR 0x3f2
#define FDC_MSR 0x3f4
#define FDC_DATA 0x3f5
#define FDC_DIR 0x3f7
#define FDC_CCR 0x3f7

#define DOR_RUN 0x0c /* not reset, DMA and interrupt */
#define MSR_RQM 0x80
#define MSR_DIO 0x40
#define DIR_CHANGED 0x80
#define IRQ_CAME 0x80 /* BDA_FLOPPY_RECALIBRATED */

#define CMD_SPECIFY 0x03
#define CMD_RECALIBRATE 0x07
#define CMD_SENSE_INTERRUPT 0x08
#define CMD_SEEK 0x0f
#define CMD_READ_ID 0x4a
#define CMD_FORMAT 0x4d
#define CMD_WRITE 0xc5
#define CMD_READ 0xe6
#define SECTOR_512 2

#define ST0_FAILED 0xc0
#define ST1_NO_ADDRESS 0x01
#define ST1_WRITE_PROTECTED 0x02
#define ST1_NO_DATA 0x04
#define ST1_OVERRUN 0x10
#define ST1_CRC 0x20
#define STATUS_CRC 0x10 /* INT 13h */
#define STATUS_ADDRESS 0x02
#define STATUS_DMA 0x08

#define DMA_ADDRESS 0x04
#define DMA_COUNT 0x05
#define DMA_MASK 0x0a
#define DMA_MODE 0x0b
#define DMA_CLEAR 0x0c
#define DMA_PAGE 0x81
#define DMA_CHANNEL 2
#define DMA_MASKED 0x04
#define DMA_TO_MEMORY 0x44
#define DMA_FROM_MEMORY 0x48
#define DMA_VERIFY 0x40

#define BYTE_TIMEOUT_MS 100
#define COMMAND_TIMEOUT_MS 2000

static bool put(uint8_t byte)
{
    struct deadline deadline = deadline_ms(BYTE_TIMEOUT_MS);

    while ((inb(FDC_MSR) & (MSR_RQM | MSR_DIO)) != MSR_RQM) {
        if (deadline_passed(&deadline))
            return false;
    }
    outb(FDC_DATA, byte);
    return true;
}

static bool get(uint8_t *byte)
{
    struct deadline deadline = deadline_ms(BYTE_TIMEOUT_MS);

    while ((inb(FDC_MSR) & (MSR_RQM | MSR_DIO)) != (MSR_RQM | MSR_DIO)) {
        if (deadline_passed(&deadline))
            return false;
    }
    *byte = inb(FDC_DATA);
    return true;
}

static bool send(const uint8_t *bytes, unsigned count)
{
    bda_write8(BDA_FLOPPY_RECALIBRATED, (uint8_t)(bda_read8(BDA_FLOPPY_RECALIBRATED) & ~IRQ_CAME));
    for (unsigned i = 0; i < count; i++) {
        if (!put(bytes[i]))
            return false;
    }
    return true;
}

static bool wait_interrupt(void)
{
    struct deadline deadline = deadline_ms(COMMAND_TIMEOUT_MS);

    while (!(bda_read8(BDA_FLOPPY_RECALIBRATED) & IRQ_CAME)) {
        if (deadline_passed(&deadline))
            return false;
        idle();
    }
    return true;
}

/* ST0 and the cylinder after a reset, a seek or a recalibration. */
static bool sense_interrupt(uint8_t *st0, uint8_t *cylinder)
{
    return put(CMD_SENSE_INTERRUPT) && get(st0) && get(cylinder);
}

bool fdc_reset(void)
{
    static const uint8_t specify[] = {CMD_SPECIFY, 0xaf, 0x02};
    uint8_t st0, cylinder;

    if (inb(FDC_MSR) == 0xff)
        return false;
    bda_write8(BDA_FLOPPY_RECALIBRATED, 0);
    bda_write8(BDA_FLOPPY_MOTORS, 0);
    outb(FDC_DOR, 0);
    delay_us(10);
    outb(FDC_DOR, DOR_RUN);
    if (!wait_interrupt())
        return false;
    for (unsigned i = 0; i < 4; i++) {
        if (!sense_interrupt(&st0, &cylinder))
            return false;
    }
    return send(specify, sizeof(specify));
}

void fdc_motor_on(uint8_t drive)
{
    outb(FDC_DOR, (uint8_t)(0x10 << drive | DOR_RUN | drive));
    bda_write8(BDA_FLOPPY_MOTORS, (uint8_t)(1 << drive));
    bda_write8(BDA_FLOPPY_MOTOR_TICKS, 0xff);
}

void fdc_motors_off(void)
{
    outb(FDC_DOR, DOR_RUN);
    bda_write8(BDA_FLOPPY_MOTORS, 0);
}

void fdc_set_rate(enum fdc_data_rate rate)
{
    outb(FDC_CCR, (uint8_t)rate);
}

bool fdc_disk_changed(uint8_t drive)
{
    fdc_motor_on(drive);
    return inb(FDC_DIR) & DIR_CHANGED;
}

static enum disk_status move(const uint8_t *command, unsigned size, uint8_t expected)
{
    uint8_t st0, cylinder;

    if (!send(command, size) || !wait_interrupt() || !sense_interrupt(&st0, &cylinder))
        return DISK_TIMEOUT;
    return st0 & ST0_FAILED || cylinder != expected ? DISK_SEEK : DISK_OK;
}

enum disk_status fdc_recalibrate(uint8_t drive)
{
    uint8_t command[] = {CMD_RECALIBRATE, drive};

    return move(command, sizeof(command), 0);
}

enum disk_status fdc_seek(uint8_t drive, uint8_t cylinder)
{
    uint8_t command[] = {CMD_SEEK, drive, cylinder};

    return move(command, sizeof(command), cylinder);
}

/* A command that ends with results; INT 13h keeps them. */
static enum disk_status execute(const uint8_t *command, unsigned size)
{
    uint8_t results[FDC_RESULTS];

    if (!send(command, size) || !wait_interrupt())
        return DISK_TIMEOUT;
    for (unsigned i = 0; i < FDC_RESULTS; i++) {
        if (!get(&results[i]))
            return DISK_CONTROLLER;
        bda_write8((uint16_t)(BDA_FLOPPY_RESULTS + i), results[i]);
    }
    if (!(results[0] & ST0_FAILED))
        return DISK_OK;
    if (results[1] & ST1_WRITE_PROTECTED)
        return DISK_WRITE_PROTECTED;
    if (results[1] & ST1_CRC)
        return STATUS_CRC;
    if (results[1] & ST1_OVERRUN)
        return STATUS_DMA;
    if (results[1] & ST1_NO_DATA)
        return DISK_NOT_FOUND;
    return results[1] & ST1_NO_ADDRESS ? STATUS_ADDRESS : DISK_CONTROLLER;
}

enum disk_status fdc_read_id(uint8_t drive)
{
    uint8_t command[] = {CMD_READ_ID, drive};

    return execute(command, sizeof(command));
}

static void set_dma(const struct fdc_transfer *transfer, uint8_t mode)
{
    uint16_t last = (uint16_t)(transfer->size - 1);

    outb(DMA_MASK, DMA_MASKED | DMA_CHANNEL);
    outb(DMA_CLEAR, 0);
    outb(DMA_MODE, mode | DMA_CHANNEL);
    outb(DMA_ADDRESS, (uint8_t)transfer->address);
    outb(DMA_ADDRESS, (uint8_t)(transfer->address >> 8));
    outb(DMA_PAGE, (uint8_t)(transfer->address >> 16));
    outb(DMA_COUNT, (uint8_t)last);
    outb(DMA_COUNT, (uint8_t)(last >> 8));
    outb(DMA_MASK, DMA_CHANNEL);
}

enum disk_status fdc_transfer(const struct fdc_transfer *transfer)
{
    bool write = transfer->operation == UNIT_WRITE;
    uint8_t command[] = {
        write ? CMD_WRITE : CMD_READ,
        (uint8_t)(transfer->head << 2 | transfer->drive),
        transfer->cylinder,
        transfer->head,
        transfer->sector,
        SECTOR_512,
        transfer->sectors,
        transfer->gap,
        0xff,
    };

    set_dma(transfer, write                                ? DMA_FROM_MEMORY
                      : transfer->operation == UNIT_VERIFY ? DMA_VERIFY
                                                           : DMA_TO_MEMORY);
    return execute(command, sizeof(command));
}

enum disk_status fdc_format(const struct fdc_transfer *transfer, uint8_t filler)
{
    uint8_t command[] = {
        CMD_FORMAT,    (uint8_t)(transfer->head << 2 | transfer->drive),
        SECTOR_512,    transfer->sectors,
        transfer->gap, filler,
    };

    set_dma(transfer, DMA_FROM_MEMORY);
    return execute(command, sizeof(command));
}

void floppy_interrupt(struct frame *frame);

/* IRQ 6 */
void floppy_interrupt(struct frame *frame)
{
    (void)frame;
    bda_write8(BDA_FLOPPY_RECALIBRATED, (uint8_t)(bda_read8(BDA_FLOPPY_RECALIBRATED) | IRQ_CAME));
    pic_end_master();
}
