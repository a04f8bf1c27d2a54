/* INQUIRY: what a unit is (SPC-4 6.6 and 7.8, SBC-3 6.6). */
#include "lib/big_endian.h"
#include "lib/string.h"
#include "vsp/storvsp/scsi.h"

static void hex(const uint8_t identity[16], uint8_t *text)
{
    for (uint32_t i = 0; i < 32; i++)
        text[i] = (uint8_t) "0123456789abcdef"[identity[i / 2] >> (i % 2 ? 0 : 4) & 15];
}

static uint32_t standard(const struct scsi_unit *unit, uint8_t *r)
{
    r[1] = unit->removable ? 0x80 : 0;
    r[2] = 6;    /* SPC-4 */
    r[3] = 0x02; /* response data format */
    r[4] = 36 - 5;
    r[7] = 0x02; /* command queueing */
    memcpy(r + 8, "Veneer  ", 8);
    memcpy(r + 16, unit->removable ? "Virtual DVD     " : "Virtual Disk    ", 16);
    memcpy(r + 32, "1.0 ", 4);
    return 36;
}

static uint32_t block_limits(uint8_t *r, const struct vdisk *disk)
{
    store_be16(r + 2, 60);
    store_be32(r + 8, SCSI_MAX_TRANSFER / disk->sector_size);
    if (disk->can_unmap) {
        store_be32(r + 20, UINT32_MAX); /* sectors of one UNMAP */
        store_be32(r + 24, 1);          /* descriptors of one UNMAP */
        store_be32(r + 28, disk->physical_sector_size / disk->sector_size);
    }
    return 64;
}

static uint32_t vital_product_data(const struct scsi_unit *unit, uint8_t page, uint8_t *r)
{
    static const uint8_t pages[] = {0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};
    const struct vdisk *disk = unit->disk;

    r[1] = page;
    switch (page) {
    case 0x00:
        r[3] = unit->removable ? 1 : sizeof(pages);
        memcpy(r + 4, pages, r[3]);
        return 4u + r[3];
    case 0x80:
        r[3] = 32;
        hex(disk->identity, r + 4);
        return 36;
    case 0x83: /* one designator: T10 vendor, ASCII */
        r[3] = 44;
        r[4] = 2;
        r[5] = 1;
        r[7] = 40;
        memcpy(r + 8, "Veneer  ", 8);
        hex(disk->identity, r + 16);
        return 48;
    case 0xb0:
        return block_limits(r, disk);
    case 0xb1:
        store_be16(r + 2, 60);
        store_be16(r + 4, 1); /* not rotating */
        return 64;
    case 0xb2:
        r[3] = 4;
        r[5] = disk->can_unmap ? 0xe0 : 0; /* UNMAP, WRITE SAME (16) and (10) with it */
        r[6] = disk->can_unmap ? 2 : 0;    /* thin */
        return 8;
    default:
        return 0;
    }
}

/* Peripheral qualifier 3, type 1Fh: there is no unit and there can be none (SPC-4 6.6.2). */
enum scsi_step scsi_inquiry_absent(struct scsi_command *command)
{
    static const struct scsi_unit nothing;
    uint32_t size;

    if (command->cdb[1] != 0 || command->cdb[2] != 0)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    size = standard(&nothing, command->response);
    command->response[0] = 0x7f;
    return scsi_respond(command, size, load_be16(command->cdb + 3));
}

enum scsi_step scsi_inquiry(struct scsi_unit *unit, struct scsi_command *command)
{
    const uint8_t *cdb = command->cdb;
    uint32_t size;

    if (cdb[1] & ~1u || (!(cdb[1] & 1) && cdb[2] != 0))
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    if (unit->removable && cdb[1] & 1 && cdb[2] != 0)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    command->response[0] = unit->removable ? 0x05 : 0x00;
    size = cdb[1] & 1 ? vital_product_data(unit, cdb[2], command->response)
                      : standard(unit, command->response);
    if (size == 0)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    return scsi_respond(command, size, load_be16(cdb + 3));
}
