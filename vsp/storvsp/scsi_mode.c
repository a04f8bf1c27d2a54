/* MODE SENSE (6) and (10): caching, control, and a DVD drive's capabilities (SPC-4 6.11, SBC-3
 * 6.5.5, MMC-6 7). Nothing can be changed. */
#include "lib/big_endian.h"
#include "lib/string.h"
#include "vsp/storvsp/scsi.h"

#define MODE_CACHING 0x08
#define MODE_CONTROL 0x0a
#define MODE_CAPABILITIES 0x2a
#define MODE_ALL 0x3f

#define MODE_CHANGEABLE 1 /* page control: a mask of what can be changed */
#define MODE_SAVED 3

#define MODE_WRITE_PROTECTED 0x80 /* device-specific parameter */
#define MODE_DPOFUA 0x10

/* Appends the page, if the unit has it; its size. */
static uint32_t page(const struct scsi_unit *unit, uint8_t code, uint8_t *r, bool zero)
{
    uint32_t size;

    if (code == MODE_CACHING && !unit->removable)
        size = 20;
    else if (code == MODE_CONTROL)
        size = 12;
    else if (code == MODE_CAPABILITIES && unit->removable)
        size = MMC_CAPABILITIES_SIZE;
    else
        return 0;
    r[0] = code;
    r[1] = (uint8_t)(size - 2);
    if (zero)
        return size;
    if (code == MODE_CACHING)
        r[2] = 0x04; /* WCE: written data may be in a cache until SYNCHRONIZE CACHE */
    if (code == MODE_CAPABILITIES)
        scsi_capabilities(unit, r);
    return size;
}

enum scsi_step scsi_mode_sense(struct scsi_unit *unit, struct scsi_command *command)
{
    static const uint8_t codes[] = {MODE_CACHING, MODE_CONTROL, MODE_CAPABILITIES};
    const uint8_t *cdb = command->cdb;
    bool long_form = cdb[0] == SCSI_MODE_SENSE_10;
    uint32_t header = long_form ? 8 : 4, size = header;
    uint8_t wanted = cdb[2] & 0x3f, control = cdb[2] >> 6, device = 0;
    uint8_t *r = command->response;

    if (control == MODE_SAVED)
        return scsi_fail(command, 0x053900); /* saving parameters not supported */
    if (cdb[3] != 0 && cdb[3] != 0xff)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    for (uint32_t i = 0; i < sizeof(codes); i++)
        if (wanted == codes[i] || wanted == MODE_ALL)
            size += page(unit, codes[i], r + size, control == MODE_CHANGEABLE);
    if (size == header)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    if (!unit->removable)
        device = MODE_DPOFUA | (unit->disk->read_only ? MODE_WRITE_PROTECTED : 0);
    if (long_form) {
        store_be16(r, (uint16_t)(size - 2));
        r[3] = device;
        return scsi_respond(command, size, load_be16(cdb + 7));
    }
    r[0] = (uint8_t)(size - 1);
    r[2] = device;
    return scsi_respond(command, size, cdb[4]);
}
