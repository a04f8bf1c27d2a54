/* What only DVD drives have (MMC-6): table of contents, configuration, events, disc information. */
#include "lib/big_endian.h"
#include "lib/string.h"
#include "vsp/storvsp/scsi.h"

#define PROFILE_DVD_ROM 0x0010
#define LEAD_OUT 0xaa

static bool medium(const struct scsi_unit *unit)
{
    return unit->disk != NULL && !unit->ejected;
}

/* An address in a table of contents: a number of sectors, or minutes, seconds, frames. */
static void toc_address(uint8_t *r, uint64_t sector, bool msf)
{
    if (!msf) {
        store_be32(r, sector > UINT32_MAX ? UINT32_MAX : (uint32_t)sector);
        return;
    }
    sector += 150; /* two seconds in front of the first one */
    r[1] = sector / 75 / 60 > 255 ? 255 : (uint8_t)(sector / 75 / 60);
    r[2] = (uint8_t)(sector / 75 % 60);
    r[3] = (uint8_t)(sector % 75);
}

static enum scsi_step read_toc(struct scsi_unit *unit, struct scsi_command *command)
{
    const uint8_t *cdb = command->cdb;
    uint8_t *r = command->response, from = cdb[6];
    uint8_t format = cdb[2] & 15 ? cdb[2] & 15 : cdb[9] >> 6; /* as SFF-8020i had it */
    bool msf = cdb[1] & 2;
    uint32_t size = 4;

    if (!medium(unit))
        return scsi_fail(command, SCSI_SENSE_NO_MEDIUM);
    if (format > 1 || (format == 0 && from > 1 && from != LEAD_OUT))
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    r[2] = r[3] = 1; /* first and last track, or session */
    if (format == 1 || from <= 1) {
        r[size + 1] = 0x14; /* a data track */
        r[size + 2] = 1;
        toc_address(r + size + 4, 0, msf);
        size += 8;
    }
    if (format == 0) {
        r[size + 1] = 0x14;
        r[size + 2] = LEAD_OUT;
        toc_address(r + size + 4, unit->disk->sector_count, msf);
        size += 8;
    }
    store_be16(r, (uint16_t)(size - 2));
    return scsi_respond(command, size, load_be16(cdb + 7));
}

static enum scsi_step get_configuration(struct scsi_unit *unit, struct scsi_command *command)
{
    static const uint8_t features[] = {
        0x00, 0x00, 0x03, 4, 0x00, 0x10, 0, 0,             /* profiles: DVD-ROM */
        0x00, 0x01, 0x07, 8, 0,    0,    0, 1, 1, 0, 0, 0, /* core: SCSI */
        0x00, 0x03, 0x03, 4, 0x29, 0,    0, 0,             /* removable medium: tray */
        0x00, 0x10, 0x00, 8, 0,    0,    8, 0, 0, 1, 0, 0, /* random readable: 2048 */
    };
    const uint8_t *cdb = command->cdb;
    uint8_t *r = command->response;
    uint32_t size = 8, start = load_be16(cdb + 2), request = cdb[1] & 3;

    if (request == 3)
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    for (uint32_t i = 0; i < sizeof(features); i += 4u + features[i + 3]) {
        uint32_t code = load_be16(features + i);

        if (request == 2 ? code != start : code < start)
            continue;
        memcpy(r + size, features + i, 4u + features[i + 3]);
        if (code == 0)
            r[size + 6] = medium(unit); /* the profile is current */
        size += 4u + features[i + 3];
    }
    store_be32(r, size - 4);
    store_be16(r + 6, medium(unit) ? PROFILE_DVD_ROM : 0);
    return scsi_respond(command, size, load_be16(cdb + 7));
}

static enum scsi_step get_event_status(struct scsi_unit *unit, struct scsi_command *command)
{
    const uint8_t *cdb = command->cdb;
    uint8_t *r = command->response;

    if (!(cdb[1] & 1)) /* asynchronous: not supported */
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    r[3] = 0x10; /* supported: media */
    if (!(cdb[4] & 0x10)) {
        r[1] = 2;
        r[2] = 0x80; /* no event available */
        return scsi_respond(command, 4, load_be16(cdb + 7));
    }
    r[1] = 6;
    r[2] = 4;
    r[4] = unit->event;
    unit->event = 0;
    r[5] = (medium(unit) ? 2 : 0) | (unit->ejected ? 1 : 0);
    return scsi_respond(command, 8, load_be16(cdb + 7));
}

enum scsi_step scsi_dvd(struct scsi_unit *unit, struct scsi_command *command)
{
    uint8_t *r = command->response;

    if (!unit->removable)
        return scsi_fail(command, SCSI_SENSE_INVALID_OPCODE);
    switch (command->cdb[0]) {
    case SCSI_READ_TOC:
        return read_toc(unit, command);
    case SCSI_GET_CONFIGURATION:
        return get_configuration(unit, command);
    case SCSI_GET_EVENT_STATUS:
        return get_event_status(unit, command);
    default: /* READ DISC INFORMATION */
        if (command->cdb[1] & 7)
            return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
        if (!medium(unit))
            return scsi_fail(command, SCSI_SENSE_NO_MEDIUM);
        store_be16(r, 32);
        r[2] = 0x0e;                   /* last session complete, disc finalized */
        r[3] = r[4] = r[5] = r[6] = 1; /* first track, sessions, first and last track in it */
        memset(r + 16, 0xff, 8);
        return scsi_respond(command, 34, load_be16(command->cdb + 7));
    }
}
