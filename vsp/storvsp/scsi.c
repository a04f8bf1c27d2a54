/* Commands of a logical unit: which there are, and what does not fit another file. */
#include "vsp/storvsp/scsi.h"

#include "lib/big_endian.h"
#include "lib/string.h"

#define CDB_FUA 0x08
#define CDB_BYTCHK 0x06
#define CDB_UNMAP 0x08
#define CDB_ANCHOR 0x10
#define CDB_PROTECT 0xe0
#define CDB_START 0x01
#define CDB_LOEJ 0x02

enum scsi_step scsi_fail(struct scsi_command *command, uint32_t sense)
{
    command->sense = sense;
    command->response_size = 0;
    return SCSI_DONE;
}

enum scsi_step scsi_respond(struct scsi_command *command, uint32_t size, uint32_t allocation)
{
    if (size > allocation)
        size = allocation;
    if (size > command->transfer_length)
        size = command->transfer_length;
    command->response_size = size;
    return SCSI_DONE;
}

void scsi_sense_data(uint32_t sense, uint8_t data[SCSI_SENSE_SIZE])
{
    memset(data, 0, SCSI_SENSE_SIZE);
    data[0] = 0x70; /* current, fixed format */
    data[2] = (uint8_t)(sense >> 16);
    data[7] = SCSI_SENSE_SIZE - 8;
    data[12] = (uint8_t)(sense >> 8);
    data[13] = (uint8_t)sense;
}

uint32_t scsi_sense_of(enum vdisk_status status, enum vdisk_operation operation)
{
    switch (status) {
    case VDISK_OK:
        return SCSI_SENSE_NONE;
    case VDISK_ERROR_MEDIUM:
    case VDISK_ERROR_DAMAGED:
        return operation == VDISK_READ ? SCSI_SENSE_READ_ERROR : SCSI_SENSE_WRITE_ERROR;
    case VDISK_ERROR_RANGE:
        return SCSI_SENSE_LBA_OUT_OF_RANGE;
    case VDISK_ERROR_READ_ONLY:
        return SCSI_SENSE_WRITE_PROTECTED;
    case VDISK_ERROR_NO_SPACE:
        return SCSI_SENSE_SPACE_ALLOCATION_FAILED;
    case VDISK_ERROR_NO_MEDIUM:
        return SCSI_SENSE_NO_MEDIUM;
    case VDISK_ERROR_INVALID:
        return SCSI_SENSE_INVALID_FIELD_IN_CDB;
    case VDISK_ERROR_MEMORY:
        return SCSI_SENSE_INSUFFICIENT_RESOURCES;
    }
    return SCSI_SENSE_INTERNAL_FAILURE;
}

/* The range of sectors of a CDB: READ (6) and its like, or by the group of the operation code. */
static void decode_range(struct scsi_command *command)
{
    const uint8_t *cdb = command->cdb;

    switch (cdb[0] >> 5) {
    case 0:
        command->sector = load_be32(cdb) & 0x1fffff;
        command->sector_count = cdb[4] == 0 ? 256 : cdb[4];
        break;
    case 4:
        command->sector = load_be64(cdb + 2);
        command->sector_count = load_be32(cdb + 10);
        break;
    case 5:
        command->sector = load_be32(cdb + 2);
        command->sector_count = load_be32(cdb + 6);
        break;
    default:
        command->sector = load_be32(cdb + 2);
        command->sector_count = load_be16(cdb + 7);
    }
}

static bool in_range(const struct vdisk *disk, uint64_t sector, uint64_t count)
{
    return sector <= disk->sector_count && count <= disk->sector_count - sector;
}

static enum scsi_step read_write(struct scsi_unit *unit, struct scsi_command *command,
                                 enum vdisk_operation operation)
{
    const struct vdisk *disk = unit->disk;
    bool has_flags = command->cdb[0] >> 5 != 0;

    decode_range(command);
    if (has_flags && command->cdb[1] & CDB_PROTECT)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    if (operation == VDISK_WRITE && disk->read_only)
        return scsi_fail(command, SCSI_SENSE_WRITE_PROTECTED);
    if (!in_range(disk, command->sector, command->sector_count))
        return scsi_fail(command, SCSI_SENSE_LBA_OUT_OF_RANGE);
    if (command->sector_count > SCSI_MAX_TRANSFER / disk->sector_size)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    command->data_size = (uint32_t)command->sector_count * disk->sector_size;
    if (command->data_size > command->transfer_length)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    if (command->data_size == 0)
        return SCSI_DONE;
    command->operation = operation;
    command->force_unit_access = operation == VDISK_WRITE && has_flags && command->cdb[1] & CDB_FUA;
    return SCSI_DISK;
}

/* Comparing with data of the guest is not offered; without it, there is nothing to be read. */
static enum scsi_step verify(struct scsi_unit *unit, struct scsi_command *command)
{
    decode_range(command);
    if (command->cdb[1] & (CDB_BYTCHK | CDB_PROTECT))
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    if (!in_range(unit->disk, command->sector, command->sector_count))
        return scsi_fail(command, SCSI_SENSE_LBA_OUT_OF_RANGE);
    return SCSI_DONE;
}

static enum scsi_step synchronize(struct scsi_unit *unit, struct scsi_command *command)
{
    decode_range(command);
    if (!in_range(unit->disk, command->sector, command->sector_count))
        return scsi_fail(command, SCSI_SENSE_LBA_OUT_OF_RANGE);
    command->operation = VDISK_FLUSH;
    command->sector = command->sector_count = 0; /* all of the disk */
    return SCSI_DISK;
}

static enum scsi_step write_same(struct scsi_unit *unit, struct scsi_command *command)
{
    const struct vdisk *disk = unit->disk;

    decode_range(command);
    if (command->cdb[1] & (CDB_PROTECT | CDB_ANCHOR) || command->sector_count == 0)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    if (disk->read_only)
        return scsi_fail(command, SCSI_SENSE_WRITE_PROTECTED);
    if (!in_range(disk, command->sector, command->sector_count))
        return scsi_fail(command, SCSI_SENSE_LBA_OUT_OF_RANGE);
    if (command->cdb[0] == SCSI_WRITE_SAME_16 && command->cdb[1] & 1)
        command->operation = VDISK_ZERO; /* no data: zeros */
    else
        return SCSI_PARAMETERS;
    return SCSI_DISK;
}

static enum scsi_step unmap(struct scsi_unit *unit, struct scsi_command *command)
{
    if (!unit->disk->can_unmap)
        return scsi_fail(command, SCSI_SENSE_INVALID_OPCODE);
    if (command->cdb[1] & 1)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    if (unit->disk->read_only)
        return scsi_fail(command, SCSI_SENSE_WRITE_PROTECTED);
    return load_be16(command->cdb + 7) == 0 ? SCSI_DONE : SCSI_PARAMETERS;
}

/* One descriptor, as VPD page B0h says. */
static enum scsi_step unmap_list(struct scsi_unit *unit, struct scsi_command *command,
                                 const uint8_t *data, uint32_t size)
{
    uint32_t length = load_be16(command->cdb + 7);

    if (length < 8 || size < length || load_be16(data) > length - 2u)
        return scsi_fail(command, SCSI_SENSE_PARAMETER_LIST_LENGTH);
    if (load_be16(data + 2) > length - 8 || load_be16(data + 2) % 16 != 0)
        return scsi_fail(command, SCSI_SENSE_PARAMETER_LIST_LENGTH);
    if (load_be16(data + 2) == 0)
        return SCSI_DONE;
    if (load_be16(data + 2) > 16)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_PARAMETERS);
    command->sector = load_be64(data + 8);
    command->sector_count = load_be32(data + 16);
    if (!in_range(unit->disk, command->sector, command->sector_count))
        return scsi_fail(command, SCSI_SENSE_LBA_OUT_OF_RANGE);
    command->operation = VDISK_UNMAP;
    return command->sector_count == 0 ? SCSI_DONE : SCSI_DISK;
}

/* Zeros need no transfer. The UNMAP bit, too, promises what was given. */
static enum scsi_step write_same_data(struct scsi_unit *unit, struct scsi_command *command,
                                      const uint8_t *data, uint32_t size)
{
    uint32_t sector_size = unit->disk->sector_size;
    uint8_t all = 0;

    if (size < sector_size)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    for (uint32_t i = 0; i < sector_size; i++)
        all |= data[i];
    command->operation = VDISK_ZERO;
    if (all == 0)
        return SCSI_DISK;
    if (command->sector_count > SCSI_MAX_TRANSFER / sector_size)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    command->operation = VDISK_WRITE;
    command->repeated = true;
    command->data_size = (uint32_t)command->sector_count * sector_size;
    return SCSI_DISK;
}

enum scsi_step scsi_parameters(struct scsi_unit *unit, struct scsi_command *command,
                               const uint8_t *data, uint32_t size)
{
    return command->cdb[0] == SCSI_UNMAP ? unmap_list(unit, command, data, size)
                                         : write_same_data(unit, command, data, size);
}

static enum scsi_step capacity_10(struct scsi_unit *unit, struct scsi_command *command)
{
    uint64_t last = unit->disk->sector_count - 1;

    store_be32(command->response, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
    store_be32(command->response + 4, unit->disk->sector_size);
    return scsi_respond(command, 8, 8);
}

static enum scsi_step capacity_16(struct scsi_unit *unit, struct scsi_command *command)
{
    const struct vdisk *disk = unit->disk;
    uint8_t *r = command->response;
    uint32_t ratio = disk->physical_sector_size / disk->sector_size;

    if ((command->cdb[1] & 0x1f) != 0x10)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    store_be64(r, disk->sector_count - 1);
    store_be32(r + 8, disk->sector_size);
    while (ratio > 1) {
        r[13]++; /* logical sectors of a physical one, exponent */
        ratio /= 2;
    }
    r[14] = disk->can_unmap ? 0x80 : 0; /* LBPME */
    return scsi_respond(command, 32, load_be32(command->cdb + 10));
}

static enum scsi_step report_luns(struct scsi_command *command)
{
    uint32_t size = 8;

    if (command->cdb[2] > 2 || load_be32(command->cdb + 6) < 16)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    for (uint32_t lun = 0; lun < 63 && command->cdb[2] != 1; lun++) {
        if (!(command->luns >> lun & 1))
            continue;
        command->response[size + 1] = (uint8_t)lun;
        size += 8;
    }
    store_be32(command->response, size - 8);
    return scsi_respond(command, size, load_be32(command->cdb + 6));
}

static enum scsi_step request_sense(struct scsi_unit *unit, struct scsi_command *command)
{
    if (command->cdb[1] & 1) /* descriptor format */
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    scsi_sense_data(unit->unit_attention, command->response);
    unit->unit_attention = 0;
    return scsi_respond(command, SCSI_SENSE_SIZE, command->cdb[4]);
}

/* A stopped disk has everything on its medium. It works on nevertheless. */
static enum scsi_step stop(struct scsi_unit *unit, struct scsi_command *command)
{
    if (command->cdb[4] & CDB_START || unit->disk == NULL)
        return SCSI_DONE;
    command->operation = VDISK_FLUSH;
    command->sector = command->sector_count = 0;
    return SCSI_DISK;
}

static enum scsi_step start_stop(struct scsi_unit *unit, struct scsi_command *command)
{
    if (command->cdb[4] >> 4 != 0) /* a power condition */
        return SCSI_DONE;
    if (!(command->cdb[4] & CDB_LOEJ))
        return stop(unit, command);
    if (!unit->removable)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    if (unit->prevented && !(command->cdb[4] & CDB_START))
        return scsi_fail(command, SCSI_SENSE_REMOVAL_PREVENTED);
    if (unit->ejected && command->cdb[4] & CDB_START && unit->disk != NULL)
        unit->unit_attention = SCSI_SENSE_MEDIUM_CHANGED;
    if (unit->ejected == (bool)(command->cdb[4] & CDB_START))
        unit->event = unit->ejected ? SCSI_EVENT_NEW_MEDIUM : SCSI_EVENT_MEDIUM_REMOVED;
    unit->ejected = !(command->cdb[4] & CDB_START);
    return SCSI_DONE;
}

/* Commands that work on the medium. */
static enum scsi_step decode_medium(struct scsi_unit *unit, struct scsi_command *command)
{
    switch (command->cdb[0]) {
    case SCSI_TEST_UNIT_READY:
        return SCSI_DONE;
    case SCSI_READ_6:
    case SCSI_READ_10:
    case SCSI_READ_12:
    case SCSI_READ_16:
        return read_write(unit, command, VDISK_READ);
    case SCSI_WRITE_6:
    case SCSI_WRITE_10:
    case SCSI_WRITE_12:
    case SCSI_WRITE_16:
        return read_write(unit, command, VDISK_WRITE);
    case SCSI_VERIFY_10:
    case SCSI_VERIFY_12:
    case SCSI_VERIFY_16:
        return verify(unit, command);
    case SCSI_READ_CAPACITY_10:
        return capacity_10(unit, command);
    case SCSI_SERVICE_ACTION_IN_16:
        return capacity_16(unit, command);
    case SCSI_SYNCHRONIZE_CACHE_10:
    case SCSI_SYNCHRONIZE_CACHE_16:
        return synchronize(unit, command);
    case SCSI_WRITE_SAME_10:
    case SCSI_WRITE_SAME_16:
        return write_same(unit, command);
    case SCSI_UNMAP:
        return unmap(unit, command);
    default:
        return scsi_fail(command, SCSI_SENSE_INVALID_OPCODE);
    }
}

bool scsi_decode_absent(struct scsi_command *command)
{
    command->sense = command->response_size = 0;
    memset(command->response, 0, sizeof(command->response));
    if (command->cdb[0] == SCSI_INQUIRY)
        scsi_inquiry_absent(command);
    else if (command->cdb[0] == SCSI_REPORT_LUNS)
        report_luns(command);
    else
        return false;
    return true;
}

enum scsi_step scsi_decode(struct scsi_unit *unit, struct scsi_command *command)
{
    uint32_t attention = unit->unit_attention;

    command->sense = command->response_size = 0;
    command->force_unit_access = command->repeated = false;
    switch (command->cdb[0]) { /* those that a unit attention does not stop */
    case SCSI_INQUIRY:
        memset(command->response, 0, sizeof(command->response));
        return scsi_inquiry(unit, command);
    case SCSI_REPORT_LUNS:
        memset(command->response, 0, sizeof(command->response));
        return report_luns(command);
    case SCSI_REQUEST_SENSE:
        return request_sense(unit, command);
    case SCSI_GET_EVENT_STATUS:
        memset(command->response, 0, sizeof(command->response));
        return scsi_dvd(unit, command);
    case SCSI_MODE_SENSE_6: /* drivers take its failure for an empty answer: for "no cache" */
    case SCSI_MODE_SENSE_10:
        memset(command->response, 0, sizeof(command->response));
        return scsi_mode_sense(unit, command);
    }
    if (attention != 0) {
        unit->unit_attention = 0;
        return scsi_fail(command, attention);
    }
    switch (command->cdb[0]) {
    case SCSI_START_STOP_UNIT:
        return start_stop(unit, command);
    case SCSI_PREVENT_ALLOW:
        unit->prevented = unit->removable && command->cdb[4] & 1;
        return SCSI_DONE;
    case SCSI_READ_TOC:
    case SCSI_GET_CONFIGURATION:
    case SCSI_READ_DISC_INFORMATION:
        memset(command->response, 0, sizeof(command->response));
        return scsi_dvd(unit, command);
    case SCSI_SERVICE_ACTION_IN_16:
        memset(command->response, 0, sizeof(command->response));
    }
    if (unit->disk == NULL || unit->ejected)
        return scsi_fail(command, SCSI_SENSE_NO_MEDIUM);
    return decode_medium(unit, command);
}
