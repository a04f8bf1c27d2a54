/* What only DVD drives have: the answers are of lib/mmc.h. */
#include "lib/mmc.h"
#include "vsp/storvsp/scsi.h"

static struct mmc_drive drive_of(const struct scsi_unit *unit)
{
    return (struct mmc_drive){
        .sector_count = unit->disk != NULL ? unit->disk->sector_count : 0,
        .medium = unit->disk != NULL && !unit->ejected,
        .open = unit->ejected,
        .locked = unit->prevented,
        .event = unit->event,
    };
}

void scsi_capabilities(const struct scsi_unit *unit, uint8_t *page)
{
    struct mmc_drive drive = drive_of(unit);

    mmc_capabilities(&drive, page);
}

enum scsi_step scsi_dvd(struct scsi_unit *unit, struct scsi_command *command)
{
    struct mmc_drive drive = drive_of(unit);
    uint32_t size = 0;

    if (!unit->removable)
        return scsi_fail(command, SCSI_SENSE_INVALID_OPCODE);
    switch (mmc_command(&drive, command->cdb, command->response, &size)) {
    case MMC_OK:
        unit->event = drive.event;
        return scsi_respond(command, size, size);
    case MMC_NO_MEDIUM:
        return scsi_fail(command, SCSI_SENSE_NO_MEDIUM);
    case MMC_INVALID_FIELD:
        return scsi_fail(command, SCSI_SENSE_INVALID_FIELD_IN_CDB);
    case MMC_UNKNOWN:
        break;
    }
    return scsi_fail(command, SCSI_SENSE_INVALID_OPCODE);
}
