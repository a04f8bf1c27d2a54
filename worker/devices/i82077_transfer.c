#include "worker/devices/i82077_transfer.h"

#include "lib/string.h"

/* Results and command bytes. Intel 82077AA data sheet, chapters 5 and 6. */
#define COMMAND_MT 0x80 /* of the first byte: goes on with side 1 */
#define COMMAND_MFM 0x40
#define VERIFY_EC 0x80 /* of the second byte: the last is a count of sectors */
#define SPECIFY_NON_DMA 0x01

#define ST1_MA 0x01 /* no address mark */
#define ST1_NW 0x02 /* write protected */
#define ST1_ND 0x04 /* no such sector */
#define ST1_OR 0x10 /* overrun: the data were not moved in time */
#define ST1_DE 0x20 /* bad checksum */
#define ST1_EN 0x80 /* behind the last sector */
#define ST2_BC 0x02 /* cylinder FFh: a bad track */
#define ST2_WC 0x10 /* another cylinder */
#define ST2_DD 0x20 /* the bad checksum is that of the data */
#define ST2_CM 0x40 /* a sector of the other kind, deleted or not */

#define DOR_DMAGATE 0x08

#define SIZE_CODE 2 /* N of 512 bytes */
#define ID_SIZE 4
#define DMA_CHANNEL 2
#define ROTATION_NS 200000000ull

#define RATE_500 0x01
#define RATE_300 0x02
#define RATE_250 0x04
#define RATE_1000 0x08

/* In ascending order of size. */
static const struct i82077_format formats[] = {
    {320, 40, 1, 8, RATE_250 | RATE_300, 1}, /* 160K */
    {360, 40, 1, 9, RATE_250 | RATE_300, 1}, /* 180K */
    {640, 40, 2, 8, RATE_250 | RATE_300, 1}, /* 320K */
    {720, 40, 2, 9, RATE_250 | RATE_300, 1}, /* 360K, in a drive of its kind or of 1.2M */
    {1440, 80, 2, 9, RATE_250, 3},           /* 720K */
    {2400, 80, 2, 15, RATE_500, 2},          /* 1.2M */
    {2880, 80, 2, 18, RATE_500, 4},          /* 1.44M */
    {3360, 80, 2, 21, RATE_500, 4},          /* 1.68M, of distributions */
    {5760, 80, 2, 36, RATE_1000, 5},         /* 2.88M */
};

const struct i82077_format *i82077_format(const struct i82077 *fdc, uint32_t select)
{
    const struct disk *disk = select < I82077_DRIVES ? fdc->drives[select].disk : NULL;

    if (disk == NULL || disk->sector_count == 0 || disk->sector_size != I82077_SECTOR)
        return NULL;
    for (uint32_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (disk->sector_count <= formats[i].sectors)
            return &formats[i];
    }
    return NULL;
}

/* --- Which command it is -----------------------------------------------------------------------
 */

static uint8_t opcode(const struct i82077 *fdc)
{
    return fdc->state.command[0] & OPCODE;
}

static bool writes(const struct i82077 *fdc)
{
    return opcode(fdc) == WRITE_DATA || opcode(fdc) == WRITE_DELETED_DATA ||
           opcode(fdc) == FORMAT_TRACK;
}

bool i82077_transfer_reads(const struct i82077 *fdc)
{
    return !writes(fdc);
}

/* --- Ends --------------------------------------------------------------------------------------
 */

static void end(struct i82077 *fdc, uint8_t st0, uint8_t st1, uint8_t st2)
{
    const struct i82077_transfer *transfer = &fdc->state.transfer;
    const uint8_t result[] = {
        (uint8_t)(st0 | (transfer->head ? SELECT_HEAD : 0) | transfer->select),
        transfer->st1 | st1,
        transfer->st2 | st2,
        transfer->c,
        transfer->h,
        transfer->r,
        SIZE_CODE,
    };

    i82077_result(fdc, result, sizeof(result), true);
}

static void fail(struct i82077 *fdc, uint8_t st1, uint8_t st2)
{
    end(fdc, ST0_ABNORMAL, st1, st2);
}

/* --- Sectors -----------------------------------------------------------------------------------
 */

/* What ST1 says of the track that the heads are at: 0 if it can be read. */
static uint8_t track_error(const struct i82077 *fdc)
{
    const struct i82077_transfer *transfer = &fdc->state.transfer;
    const struct i82077_format *format = i82077_format(fdc, transfer->select);

    if (format == NULL || !(format->rates & 1u << fdc->state.rate) ||
        !(fdc->state.command[0] & COMMAND_MFM))
        return ST1_MA;
    if (transfer->head >= format->heads || fdc->state.track[transfer->select] >= format->cylinders)
        return ST1_MA;
    return 0;
}

/* Finds the sector with the ID that the transfer is at. False: there is none, and the command has
 * ended. To READ TRACK all IDs are the same to it: it tells whether one was as asked for. */
static bool find_sector(struct i82077 *fdc)
{
    struct i82077_transfer *transfer = &fdc->state.transfer;
    uint8_t track, st1 = track_error(fdc), st2 = 0;
    const struct i82077_format *format = i82077_format(fdc, transfer->select);

    if (st1 != 0) {
        fail(fdc, st1, 0);
        return false;
    }
    track = fdc->state.track[transfer->select];
    if (transfer->c != track)
        st2 = transfer->c == 0xff ? ST2_WC | ST2_BC : ST2_WC;
    if (st2 != 0 || transfer->h != transfer->head)
        st1 = ST1_ND;
    if (opcode(fdc) == READ_TRACK) {
        transfer->st1 |= st1;
        st1 = st2 = 0;
    }
    transfer->sector = ((uint64_t)track * format->heads + transfer->head) * format->track_sectors +
                       transfer->r - 1;
    if (transfer->r == 0 || transfer->r > format->track_sectors ||
        transfer->sector >= fdc->drives[transfer->select].disk->sector_count)
        st1 = ST1_ND;
    if (st1 != 0)
        fail(fdc, st1, st2);
    return st1 == 0;
}

static void submit(struct i82077 *fdc)
{
    struct disk *disk = fdc->drives[fdc->state.transfer.select].disk;

    if (fdc->state.changed) {
        fail(fdc, ST1_MA, 0);
        return;
    }
    if (writes(fdc) && disk->read_only) { /* another medium since the command began */
        fail(fdc, ST1_NW, 0);
        return;
    }
    fdc->segment = (struct disk_segment){fdc->state.buffer, I82077_SECTOR};
    fdc->request = (struct disk_request){
        .operation = writes(fdc) ? DISK_WRITE : DISK_READ,
        .sector = fdc->state.transfer.sector,
        .segments = &fdc->segment,
        .segment_count = 1,
        .done = i82077_disk_done,
        .context = fdc,
    };
    fdc->state.phase = I82077_DISK;
    fdc->submitted = true;
    disk->submit(disk, &fdc->request);
}

/* All bytes from the guest are in the buffer: a sector, or the ID of one to be formatted, which can
 * only be as the medium is already. */
static void collected(struct i82077 *fdc)
{
    struct i82077_transfer *transfer = &fdc->state.transfer;
    const uint8_t *id = fdc->state.buffer;

    if (opcode(fdc) == FORMAT_TRACK) {
        const struct i82077_format *format = i82077_format(fdc, transfer->select);

        if (format == NULL || fdc->state.command[3] != format->track_sectors ||
            id[3] != SIZE_CODE) {
            fail(fdc, format == NULL ? ST1_MA : ST1_NW, 0);
            return;
        }
        transfer->c = id[0];
        transfer->h = id[1];
        transfer->r = id[2];
        if (!find_sector(fdc))
            return;
        memset(fdc->state.buffer, fdc->state.command[5], I82077_SECTOR);
    }
    submit(fdc);
}

/* --- Data between the buffer and the guest -----------------------------------------------------
 */

/* By DMA, all of it. False: the command has ended. */
static bool move_by_dma(struct i82077 *fdc)
{
    uint32_t size = fdc->state.buffer_size, moved = 0;
    bool terminal = false;

    if (fdc->state.dor & DOR_DMAGATE && writes(fdc))
        moved = i8237_read(fdc->dma, DMA_CHANNEL, fdc->state.buffer, size, &terminal);
    else if (fdc->state.dor & DOR_DMAGATE)
        moved = i8237_write(fdc->dma, DMA_CHANNEL, fdc->state.buffer, size, &terminal);
    if (moved < size && !terminal) {
        fail(fdc, ST1_OR, 0);
        return false;
    }
    memset(fdc->state.buffer + moved, 0, size - moved);
    fdc->state.transfer.last |= terminal;
    return true;
}

/* Begins to move @size bytes. True: they have been; false: the guest will, byte by byte, or the
 * command has ended. */
static bool move(struct i82077 *fdc, uint16_t size)
{
    fdc->state.buffer_at = 0;
    fdc->state.buffer_size = size;
    if (!(fdc->state.specify[1] & SPECIFY_NON_DMA))
        return move_by_dma(fdc);
    fdc->state.phase = I82077_DATA;
    i82077_set_interrupt(fdc, true);
    return false;
}

static void next_sector(struct i82077 *fdc)
{
    if (opcode(fdc) == FORMAT_TRACK) {
        if (move(fdc, ID_SIZE))
            collected(fdc);
        return;
    }
    if (!find_sector(fdc))
        return;
    if (!writes(fdc))
        submit(fdc);
    else if (move(fdc, I82077_SECTOR))
        collected(fdc);
}

/* Steps to the next sector's ID. True: there is none, the track has ended. */
static bool step(struct i82077 *fdc)
{
    struct i82077_transfer *transfer = &fdc->state.transfer;
    bool multi_track = fdc->state.command[0] & COMMAND_MT;
    bool more = multi_track && transfer->head == 0;

    if (opcode(fdc) == FORMAT_TRACK)
        return false;
    if (transfer->r != fdc->state.last_eot) {
        transfer->r++;
        return false;
    }
    transfer->r = 1;
    if (multi_track)
        transfer->h ^= 1;
    if (more)
        transfer->head = 1;
    else
        transfer->c++;
    return !more;
}

/* A sector has been moved: goes on with the next one, or ends. */
static void advance(struct i82077 *fdc)
{
    struct i82077_transfer *transfer = &fdc->state.transfer;
    bool track_end = step(fdc);

    if (transfer->counted && --transfer->left == 0)
        transfer->last = true;
    if (opcode(fdc) == READ_DELETED_DATA) { /* none is: it ends with the first other one */
        transfer->st2 |= ST2_CM;
        transfer->last = true;
    }
    if (opcode(fdc) == VERIFY && !transfer->counted && track_end)
        transfer->last = true;
    if (transfer->last)
        end(fdc, 0, 0, 0);
    else if (track_end)
        fail(fdc, ST1_EN, 0);
    else
        next_sector(fdc);
}

uint8_t i82077_transfer_read(struct i82077 *fdc)
{
    uint8_t value = fdc->state.buffer[fdc->state.buffer_at++];

    i82077_set_interrupt(fdc, false);
    if (fdc->state.buffer_at == fdc->state.buffer_size)
        advance(fdc);
    else
        i82077_set_interrupt(fdc, true);
    return value;
}

void i82077_transfer_write(struct i82077 *fdc, uint8_t value)
{
    fdc->state.buffer[fdc->state.buffer_at++] = value;
    i82077_set_interrupt(fdc, false);
    if (fdc->state.buffer_at == fdc->state.buffer_size)
        collected(fdc);
    else
        i82077_set_interrupt(fdc, true);
}

void i82077_transfer_done(struct i82077 *fdc, enum disk_status status)
{
    switch (status) {
    case DISK_OK:
        break;
    case DISK_ERROR_READ_ONLY:
        fail(fdc, ST1_NW, 0);
        return;
    case DISK_ERROR_NO_MEDIUM:
        fail(fdc, ST1_MA, 0);
        return;
    default:
        fail(fdc, ST1_DE, ST2_DD);
        return;
    }
    if (writes(fdc) || opcode(fdc) == VERIFY || move(fdc, I82077_SECTOR))
        advance(fdc);
}

/* --- Starts ------------------------------------------------------------------------------------
 */

/* The ID that comes by first as the medium turns. */
static void read_id(struct i82077 *fdc)
{
    struct i82077_transfer *transfer = &fdc->state.transfer;
    const struct i82077_format *format = i82077_format(fdc, transfer->select);
    uint64_t angle = fdc->host->now(fdc->host->machine) % ROTATION_NS;
    uint8_t st1 = track_error(fdc);

    if (st1 != 0) {
        fail(fdc, st1, 0);
        return;
    }
    transfer->c = fdc->state.track[transfer->select];
    transfer->h = transfer->head;
    transfer->r = (uint8_t)(angle * format->track_sectors / ROTATION_NS + 1);
    end(fdc, 0, 0, 0);
}

/* Takes the parameters of a command that names sectors. */
static void take_parameters(struct i82077 *fdc)
{
    struct i82077_transfer *transfer = &fdc->state.transfer;
    const uint8_t *command = fdc->state.command;

    transfer->c = command[2];
    transfer->h = command[3];
    transfer->r = opcode(fdc) == READ_TRACK ? 1 : command[4];
    fdc->state.last_eot = command[6];
    if (opcode(fdc) == VERIFY && command[1] & VERIFY_EC) {
        transfer->counted = true;
        transfer->left = command[8] != 0 ? command[8] : 256;
    }
    if (fdc->state.configure & CONFIGURE_EIS)
        i82077_seek(fdc, transfer->select, transfer->c);
}

void i82077_transfer_start(struct i82077 *fdc)
{
    struct i82077_transfer *transfer = &fdc->state.transfer;
    const uint8_t *command = fdc->state.command;
    uint8_t size_code = opcode(fdc) == FORMAT_TRACK ? command[2] : command[5], st1;

    *transfer = (struct i82077_transfer){
        .select = command[1] & SELECT_DRIVE,
        .head = command[1] & SELECT_HEAD ? 1 : 0,
    };
    fdc->state.changed = false;
    if (opcode(fdc) == READ_ID) {
        read_id(fdc);
        return;
    }
    if (opcode(fdc) == FORMAT_TRACK) {
        transfer->counted = true;
        transfer->left = command[3] != 0 ? command[3] : 256;
        fdc->state.last_eot = command[3];
    } else {
        take_parameters(fdc);
    }
    st1 = track_error(fdc);
    if (st1 == 0 && writes(fdc) && fdc->drives[transfer->select].disk->read_only)
        st1 = ST1_NW;
    else if (st1 == 0 && size_code != SIZE_CODE)
        st1 = opcode(fdc) == FORMAT_TRACK ? ST1_NW : ST1_ND;
    if (st1 != 0)
        fail(fdc, st1, 0);
    else
        next_sector(fdc);
}
