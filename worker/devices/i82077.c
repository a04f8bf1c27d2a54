#include "worker/devices/i82077.h"

#include "lib/string.h"
#include "worker/devices/i82077_transfer.h"

/* Registers. Intel 82077AA data sheet, chapter 2; in AT mode there are no status registers A and B
 * at 3F0h and 3F1h. 3F6h between the two ranges is the disk controller's. */
#define FIRST_PORT 0x3f0
#define FIRST_COUNT 6
#define DIR_PORT 0x3f7
enum { DOR = 2, TDR = 3, MSR = 4, FIFO = 5 }; /* MSR: when written DSR */

#define DOR_SELECT 0x03
#define DOR_RESET 0x04 /* not */
#define DOR_DMAGATE 0x08
#define DOR_MOTOR 0x10 /* of drive A; the others' are above */
#define DSR_RESET 0x80 /* ends by itself */
#define RATE 0x03      /* of DSR and CCR */
#define RATE_250 2
#define TDR_WRITABLE 0x03
#define MSR_RQM 0x80
#define MSR_DIO 0x40 /* to the guest */
#define MSR_NON_DMA 0x20
#define MSR_BUSY 0x10
#define DIR_CHANGE 0x80

/* Results; chapter 6. */
#define ST0_SEEK_END 0x20
#define ST0_EQUIPMENT_CHECK 0x10
#define ST0_INVALID 0x80
#define ST0_POLLING 0xc0 /* a drive's state has changed */
#define ST3_ALWAYS 0x28
#define ST3_WRITE_PROTECTED 0x40
#define ST3_TRACK_0 0x10

#define CONFIGURE_DEFAULT 0x20  /* no FIFO */
#define CONFIGURE_UNLOCKED 0x2f /* what a reset keeps if it is locked */
#define PERPENDICULAR_MODE 0x03 /* and what it never keeps of PERPENDICULAR */
#define PERPENDICULAR_DRIVES 0x3c
#define PERPENDICULAR_OW 0x80 /* the drives' bits count */

#define LAST_TRACK 83 /* that the heads can be moved to */
#define RECALIBRATE_STEPS 79

/* --- Results and interrupts --------------------------------------------------------------------
 */

void i82077_set_interrupt(struct i82077 *fdc, bool pending)
{
    fdc->state.interrupt = pending;
    device_line_set(&fdc->irq, pending && fdc->state.dor & DOR_DMAGATE);
}

static void await_command(struct i82077 *fdc)
{
    fdc->state.phase = I82077_COMMAND;
    fdc->state.command_length = 0;
}

void i82077_result(struct i82077 *fdc, const uint8_t *result, uint32_t length, bool interrupt)
{
    memcpy(fdc->state.result, result, length);
    fdc->state.result_length = (uint8_t)length;
    fdc->state.result_at = 0;
    fdc->state.phase = I82077_RESULT;
    if (interrupt) {
        fdc->state.resets = 0;
        i82077_set_interrupt(fdc, true);
    }
}

/* --- Drives ------------------------------------------------------------------------------------
 */

static struct disk *drive_disk(const struct i82077 *fdc, uint32_t select)
{
    return select < I82077_DRIVES ? fdc->drives[select].disk : NULL;
}

/* Moves heads by @steps. A step lets go of the change line if there is a medium. */
static void move_heads(struct i82077 *fdc, uint32_t select, int32_t steps)
{
    const struct disk *disk = drive_disk(fdc, select);
    int32_t track;

    if (disk == NULL || steps == 0)
        return;
    track = fdc->state.track[select] + steps;
    if (track < 0)
        track = 0;
    fdc->state.track[select] = (uint8_t)(track > LAST_TRACK ? LAST_TRACK : track);
    if (disk->sector_count != 0)
        fdc->state.change &= (uint8_t) ~(1u << select);
}

void i82077_seek(struct i82077 *fdc, uint32_t select, uint8_t cylinder)
{
    move_heads(fdc, select, cylinder - fdc->state.present[select]);
    fdc->state.present[select] = cylinder;
}

/* A seek has ended: SENSE INTERRUPT STATUS gets @st0. */
static void end_seek(struct i82077 *fdc, uint32_t select, uint8_t st0)
{
    fdc->state.sense[select] = (uint8_t)(st0 | ST0_SEEK_END | select);
    fdc->state.sense_pending |= (uint8_t)(1u << select);
    fdc->state.resets = 0;
    await_command(fdc);
    i82077_set_interrupt(fdc, true);
}

static void changed(void *device)
{
    struct i82077_drive *drive = device;
    struct i82077_state *state = &drive->controller->state;

    state->change |= (uint8_t)(1u << drive->number);
    if (state->transfer.select == drive->number)
        state->changed = true;
}

uint8_t i82077_drive_type(const struct i82077 *fdc, uint32_t drive)
{
    const struct i82077_format *format = i82077_format(fdc, drive);

    if (drive_disk(fdc, drive) == NULL)
        return 0;
    return format != NULL ? format->type : 4;
}

/* --- Reset -------------------------------------------------------------------------------------
 */

/* The controller is ready again, and finds that all drives have changed their state. */
static void end_reset(struct i82077 *fdc)
{
    struct i82077_state *state = &fdc->state;

    state->reset_waits = false;
    if (state->locked) {
        state->configure &= CONFIGURE_UNLOCKED;
    } else {
        state->configure = CONFIGURE_DEFAULT;
        state->precompensation = 0;
    }
    state->perpendicular &= (uint8_t)~PERPENDICULAR_MODE;
    memset(state->present, 0, sizeof(state->present));
    state->resets = I82077_SELECTS;
    i82077_set_interrupt(fdc, true);
}

static void begin_reset(struct i82077 *fdc)
{
    await_command(fdc);
    fdc->state.sense_pending = fdc->state.resets = 0;
    fdc->state.reset_waits = false;
    i82077_set_interrupt(fdc, false);
}

/* The buffer is the disk's until it has answered. */
static void leave_reset(struct i82077 *fdc)
{
    if (fdc->submitted)
        fdc->state.reset_waits = true;
    else
        end_reset(fdc);
}

void i82077_disk_done(struct disk_request *request, enum disk_status status)
{
    struct i82077 *fdc = request->context;

    fdc->submitted = false;
    if (fdc->state.in_reset)
        return;
    if (fdc->state.reset_waits)
        end_reset(fdc);
    else
        i82077_transfer_done(fdc, status);
}

/* --- Commands ----------------------------------------------------------------------------------
 */

static void specify(struct i82077 *fdc)
{
    memcpy(fdc->state.specify, fdc->state.command + 1, sizeof(fdc->state.specify));
    await_command(fdc);
}

static void sense_drive_status(struct i82077 *fdc)
{
    uint8_t which = fdc->state.command[1] & (SELECT_DRIVE | SELECT_HEAD);
    uint8_t select = which & SELECT_DRIVE, st3 = ST3_ALWAYS | which;
    const struct disk *disk = drive_disk(fdc, select);

    if (disk != NULL && fdc->state.track[select] == 0)
        st3 |= ST3_TRACK_0;
    if (disk != NULL && (disk->read_only || disk->sector_count == 0))
        st3 |= ST3_WRITE_PROTECTED;
    i82077_result(fdc, &st3, 1, false);
}

static void recalibrate(struct i82077 *fdc)
{
    uint8_t select = fdc->state.command[1] & SELECT_DRIVE;
    uint8_t track = select < I82077_DRIVES ? fdc->state.track[select] : 0;

    move_heads(fdc, select, track > RECALIBRATE_STEPS ? -RECALIBRATE_STEPS : -track);
    fdc->state.present[select] = 0;
    if (drive_disk(fdc, select) == NULL || fdc->state.track[select] != 0)
        end_seek(fdc, select, ST0_ABNORMAL | ST0_EQUIPMENT_CHECK);
    else
        end_seek(fdc, select, 0);
}

static void seek(struct i82077 *fdc)
{
    const uint8_t *command = fdc->state.command;
    uint8_t select = command[1] & SELECT_DRIVE, cylinder = command[2];

    if (command[0] & 0x80) /* relative: by so many, inwards or outwards */
        cylinder =
            (uint8_t)(fdc->state.present[select] + (command[0] & 0x40 ? command[2] : -command[2]));
    i82077_seek(fdc, select, cylinder);
    end_seek(fdc, select, command[1] & SELECT_HEAD);
}

static void sense_interrupt_status(struct i82077 *fdc)
{
    struct i82077_state *state = &fdc->state;
    uint8_t result[2] = {ST0_INVALID, 0};
    uint32_t select = 0;

    if (state->resets == 0 && state->sense_pending == 0) {
        i82077_result(fdc, result, 1, false);
        return;
    }
    if (state->resets > 0) {
        select = I82077_SELECTS - state->resets--;
        result[0] = (uint8_t)(ST0_POLLING | select);
    } else {
        while (!(state->sense_pending & 1u << select))
            select++;
        state->sense_pending &= (uint8_t) ~(1u << select);
        result[0] = state->sense[select];
    }
    result[1] = state->present[select];
    i82077_set_interrupt(fdc, false);
    i82077_result(fdc, result, sizeof(result), false);
    if (state->sense_pending != 0)
        i82077_set_interrupt(fdc, true);
}

static void dump_registers(struct i82077 *fdc)
{
    const struct i82077_state *state = &fdc->state;
    const uint8_t result[I82077_RESULT_SIZE] = {
        state->present[0], state->present[1],
        state->present[2], state->present[3],
        state->specify[0], state->specify[1],
        state->last_eot,   (uint8_t)((state->locked ? 0x80 : 0) | state->perpendicular),
        state->configure,  state->precompensation,
    };

    i82077_result(fdc, result, sizeof(result), false);
}

static void version(struct i82077 *fdc)
{
    static const uint8_t enhanced = 0x90;

    i82077_result(fdc, &enhanced, 1, false);
}

static void perpendicular(struct i82077 *fdc)
{
    uint8_t value = fdc->state.command[1];
    uint8_t mask = PERPENDICULAR_MODE | (value & PERPENDICULAR_OW ? PERPENDICULAR_DRIVES : 0);

    fdc->state.perpendicular = (uint8_t)((fdc->state.perpendicular & ~mask) | (value & mask));
    await_command(fdc);
}

static void configure(struct i82077 *fdc)
{
    fdc->state.configure = fdc->state.command[2] & 0x7f;
    fdc->state.precompensation = fdc->state.command[3];
    await_command(fdc);
}

static void lock(struct i82077 *fdc)
{
    uint8_t result;

    fdc->state.locked = fdc->state.command[0] & 0x80;
    result = fdc->state.locked ? 0x10 : 0;
    i82077_result(fdc, &result, 1, false);
}

static const struct {
    uint8_t code, options; /* the bits of the first byte that are not of the code */
    uint8_t length;        /* bytes */
    void (*execute)(struct i82077 *fdc);
} commands[] = {
    {READ_TRACK, 0x60, 9, i82077_transfer_start},
    {0x03, 0x00, 3, specify},
    {0x04, 0x00, 2, sense_drive_status},
    {WRITE_DATA, 0xc0, 9, i82077_transfer_start},
    {READ_DATA, 0xe0, 9, i82077_transfer_start},
    {0x07, 0x00, 2, recalibrate},
    {0x08, 0x00, 1, sense_interrupt_status},
    {WRITE_DELETED_DATA, 0xc0, 9, i82077_transfer_start},
    {READ_ID, 0x40, 2, i82077_transfer_start},
    {READ_DELETED_DATA, 0xe0, 9, i82077_transfer_start},
    {FORMAT_TRACK, 0x40, 6, i82077_transfer_start},
    {0x0e, 0x00, 1, dump_registers},
    {0x0f, 0xc0, 3, seek},
    {0x10, 0x00, 1, version},
    {0x12, 0x00, 2, perpendicular},
    {0x13, 0x00, 4, configure},
    {0x14, 0x80, 1, lock},
    {VERIFY, 0xe0, 9, i82077_transfer_start},
};

static void take_command_byte(struct i82077 *fdc, uint8_t value)
{
    static const uint8_t invalid = ST0_INVALID;
    uint32_t i = 0;

    fdc->state.command[fdc->state.command_length++] = value;
    while (i < sizeof(commands) / sizeof(commands[0]) &&
           (fdc->state.command[0] & ~commands[i].options) != commands[i].code)
        i++;
    if (i == sizeof(commands) / sizeof(commands[0]))
        i82077_result(fdc, &invalid, 1, false);
    else if (fdc->state.command_length == commands[i].length)
        commands[i].execute(fdc);
}

/* --- Registers ---------------------------------------------------------------------------------
 */

static bool ready(const struct i82077 *fdc)
{
    return !fdc->state.in_reset && !fdc->state.reset_waits;
}

static uint8_t main_status(const struct i82077 *fdc)
{
    if (!ready(fdc))
        return 0;
    switch (fdc->state.phase) {
    case I82077_COMMAND:
        return MSR_RQM | (fdc->state.command_length > 0 ? MSR_BUSY : 0);
    case I82077_DISK:
        return MSR_BUSY;
    case I82077_DATA:
        return MSR_RQM | MSR_NON_DMA | MSR_BUSY | (i82077_transfer_reads(fdc) ? MSR_DIO : 0);
    default:
        return MSR_RQM | MSR_DIO | MSR_BUSY;
    }
}

static uint8_t read_fifo(struct i82077 *fdc)
{
    uint8_t value;

    if (ready(fdc) && fdc->state.phase == I82077_DATA && i82077_transfer_reads(fdc))
        return i82077_transfer_read(fdc);
    if (!ready(fdc) || fdc->state.phase != I82077_RESULT)
        return 0;
    if (fdc->state.sense_pending == 0)
        i82077_set_interrupt(fdc, false);
    value = fdc->state.result[fdc->state.result_at++];
    if (fdc->state.result_at == fdc->state.result_length)
        await_command(fdc);
    return value;
}

static void write_fifo(struct i82077 *fdc, uint8_t value)
{
    if (!ready(fdc))
        return;
    if (fdc->state.phase == I82077_COMMAND)
        take_command_byte(fdc, value);
    else if (fdc->state.phase == I82077_DATA && !i82077_transfer_reads(fdc))
        i82077_transfer_write(fdc, value);
}

static void write_dor(struct i82077 *fdc, uint8_t value)
{
    fdc->state.dor = value;
    i82077_set_interrupt(fdc, fdc->state.interrupt);
    if (!(value & DOR_RESET)) {
        fdc->state.in_reset = true;
        begin_reset(fdc);
    } else if (fdc->state.in_reset) {
        fdc->state.in_reset = false;
        leave_reset(fdc);
    }
}

static void write_dsr(struct i82077 *fdc, uint8_t value)
{
    fdc->state.dsr = value & (uint8_t)~DSR_RESET;
    fdc->state.rate = value & RATE;
    if (!(value & DSR_RESET) || fdc->state.in_reset)
        return;
    begin_reset(fdc);
    leave_reset(fdc);
}

static uint8_t read_port(void *device, uint16_t offset)
{
    struct i82077 *fdc = device;

    switch (offset) {
    case DOR:
        return fdc->state.dor;
    case TDR:
        return fdc->state.tdr;
    case MSR:
        return main_status(fdc);
    case FIFO:
        return read_fifo(fdc);
    default:
        return 0xff;
    }
}

static void write_port(void *device, uint16_t offset, uint8_t value)
{
    struct i82077 *fdc = device;

    switch (offset) {
    case DOR:
        write_dor(fdc, value);
        break;
    case TDR:
        fdc->state.tdr = value & TDR_WRITABLE;
        break;
    case MSR:
        write_dsr(fdc, value);
        break;
    case FIFO:
        write_fifo(fdc, value);
        break;
    default:
        break;
    }
}

/* The change line of the selected drive, if its motor runs. */
static uint8_t read_dir(void *device, uint16_t offset)
{
    const struct i82077 *fdc = device;
    uint32_t select = fdc->state.dor & DOR_SELECT;

    (void)offset;
    if (drive_disk(fdc, select) == NULL || !(fdc->state.dor & DOR_MOTOR << select))
        return 0;
    return fdc->state.change & 1u << select ? DIR_CHANGE : 0;
}

static void write_ccr(void *device, uint16_t offset, uint8_t value)
{
    struct i82077 *fdc = device;

    (void)offset;
    fdc->state.rate = value & RATE;
}

void i82077_reset(struct i82077 *fdc)
{
    memset(&fdc->state, 0, sizeof(fdc->state));
    fdc->state.in_reset = true;
    fdc->state.configure = CONFIGURE_DEFAULT;
    fdc->state.rate = RATE_250;
    fdc->state.change = (1u << I82077_DRIVES) - 1;
    i82077_set_interrupt(fdc, false);
}

void i82077_init(struct i82077 *fdc, const struct device_host *host, struct device_line irq,
                 struct i8237 *dma, struct disk *const disks[I82077_DRIVES])
{
    *fdc = (struct i82077){.host = host, .irq = irq, .dma = dma};
    for (uint32_t i = 0; i < I82077_DRIVES; i++) {
        fdc->drives[i] = (struct i82077_drive){fdc, i, disks[i]};
        if (disks[i] == NULL)
            continue;
        disks[i]->changed = changed;
        disks[i]->device = &fdc->drives[i];
    }
    byte_ports_init(&fdc->ports[0], FIRST_PORT, FIRST_COUNT, read_port, write_port, fdc);
    byte_ports_init(&fdc->ports[1], DIR_PORT, 1, read_dir, write_ccr, fdc);
    i82077_reset(fdc);
}
