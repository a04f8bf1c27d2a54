/* Packet commands of a CD and DVD drive (SPC-4, MMC-6). */
#include "include/scsi.h"
#include "lib/big_endian.h"
#include "lib/mmc.h"
#include "lib/string.h"
#include "worker/devices/atapi.h"

#define SENSE_SIZE 18
#define INQUIRY_SIZE 36
#define SENSE_SAVING_NOT_SUPPORTED 0x053900u
#define SENSE_ILLEGAL_MODE_FOR_TRACK 0x056400u

#define CDB_START 0x01
#define CDB_LOEJ 0x02

/* Mode pages. SFF-8020i, 10.8.6. */
enum { PAGE_ERROR_RECOVERY = 0x01, PAGE_CAPABILITIES = 0x2a, PAGE_ALL = 0x3f };
#define PAGE_CHANGEABLE 1 /* page control: a mask of what can be changed */
#define PAGE_SAVED 3

/* Zeroed room for an answer. */
static uint8_t *new_response(struct atapi *atapi, uint32_t size)
{
    return memset(atapi->drive.channel->state.buffer, 0, size);
}

static struct mmc_drive mmc_drive(const struct atapi *atapi)
{
    return (struct mmc_drive){.sector_count = atapi->drive.disk->sector_count,
                              .medium = atapi_medium(atapi),
                              .open = atapi->state.open,
                              .locked = atapi->state.locked,
                              .event = atapi->state.event};
}

/* --- What the drive is -------------------------------------------------------------------------
 */

static void inquiry(struct atapi *atapi, const uint8_t *cdb)
{
    uint8_t *r = new_response(atapi, INQUIRY_SIZE);

    if (cdb[1] & 1 || cdb[2] != 0) { /* vital product data: none */
        atapi_fail(atapi, SCSI_SENSE_INVALID_FIELD_IN_CDB);
        return;
    }
    r[0] = 0x05; /* CD/DVD */
    r[1] = 0x80; /* removable */
    r[3] = 0x21; /* ATAPI, response data format 1. SFF-8020i, 10.8.1 */
    r[4] = INQUIRY_SIZE - 5;
    memcpy(r + 8, "Veneer  Virtual DVD     1.0 ", 28);
    atapi_respond(atapi, INQUIRY_SIZE, load_be16(cdb + 3));
}

static void request_sense(struct atapi *atapi, const uint8_t *cdb)
{
    uint8_t *r = new_response(atapi, SENSE_SIZE);
    uint32_t sense = atapi->state.sense;

    if (sense == SCSI_SENSE_NONE) {
        sense = atapi->state.attention;
        atapi->state.attention = 0;
    }
    atapi->state.sense = SCSI_SENSE_NONE;
    r[0] = 0x70; /* current, fixed format */
    r[2] = (uint8_t)(sense >> 16);
    r[7] = SENSE_SIZE - 8;
    r[12] = (uint8_t)(sense >> 8);
    r[13] = (uint8_t)sense;
    atapi_respond(atapi, SENSE_SIZE, cdb[4]);
}

static uint32_t mode_page(const struct atapi *atapi, uint8_t code, uint8_t *r, bool zero)
{
    struct mmc_drive drive = mmc_drive(atapi);

    if (code == PAGE_CAPABILITIES) {
        mmc_capabilities(&drive, r);
        if (zero)
            memset(r + 2, 0, MMC_CAPABILITIES_SIZE - 2);
        return MMC_CAPABILITIES_SIZE;
    }
    r[0] = PAGE_ERROR_RECOVERY; /* as the drive does it, without saying how often */
    r[1] = 6;
    return 8;
}

static void mode_sense(struct atapi *atapi, const uint8_t *cdb)
{
    static const uint8_t codes[] = {PAGE_ERROR_RECOVERY, PAGE_CAPABILITIES};
    bool long_form = cdb[0] == SCSI_MODE_SENSE_10;
    uint32_t header = long_form ? 8 : 4, size = header;
    uint8_t *r = new_response(atapi, 64), wanted = cdb[2] & 0x3f, control = cdb[2] >> 6;
    uint8_t type = atapi->state.open ? 0x71 : atapi_medium(atapi) ? 0x01 : 0x70;

    if (control == PAGE_SAVED) {
        atapi_fail(atapi, SENSE_SAVING_NOT_SUPPORTED);
        return;
    }
    for (uint32_t i = 0; i < sizeof(codes); i++)
        if (wanted == codes[i] || wanted == PAGE_ALL)
            size += mode_page(atapi, codes[i], r + size, control == PAGE_CHANGEABLE);
    if (size == header) {
        atapi_fail(atapi, SCSI_SENSE_INVALID_FIELD_IN_CDB);
        return;
    }
    if (long_form) {
        store_be16(r, (uint16_t)(size - 2));
        r[2] = type;
    } else {
        r[0] = (uint8_t)(size - 1);
        r[1] = type;
    }
    atapi_respond(atapi, size, long_form ? load_be16(cdb + 7) : cdb[4]);
}

/* --- The disc ----------------------------------------------------------------------------------
 */

static void capacity(struct atapi *atapi)
{
    uint8_t *r = new_response(atapi, 8);
    uint64_t last = atapi->drive.disk->sector_count - 1;

    store_be32(r, last > UINT32_MAX ? UINT32_MAX : (uint32_t)last);
    store_be32(r + 4, ATAPI_SECTOR_SIZE);
    atapi_respond(atapi, 8, 8);
}

static void read_sectors(struct atapi *atapi, uint64_t sector, uint32_t count)
{
    uint64_t limit = atapi->drive.disk->sector_count;

    if (sector > limit || count > limit - sector)
        atapi_fail(atapi, SCSI_SENSE_LBA_OUT_OF_RANGE);
    else if (count == 0)
        atapi_good(atapi);
    else
        atapi_read(atapi, sector, count);
}

/* Only what READ has, too: the user data of data sectors. */
static void read_cd(struct atapi *atapi, const uint8_t *cdb)
{
    uint32_t count = load_be32(cdb + 5) & 0xffffff, type = cdb[1] >> 2 & 7;

    if (cdb[10] & 7 || (cdb[9] & 0xf8) != 0x10) {
        if ((cdb[9] & 0xf8) == 0 && !(cdb[10] & 7))
            atapi_good(atapi); /* no data is wanted */
        else
            atapi_fail(atapi, SCSI_SENSE_INVALID_FIELD_IN_CDB);
        return;
    }
    if (type != 0 && type != 2) /* any, mode 1 */
        atapi_fail(atapi, SENSE_ILLEGAL_MODE_FOR_TRACK);
    else
        read_sectors(atapi, load_be32(cdb + 2), count);
}

static void dvd_structure(struct atapi *atapi, const uint8_t *cdb)
{
    struct mmc_drive drive = mmc_drive(atapi);
    uint8_t *r = new_response(atapi, MMC_DVD_STRUCTURE_SIZE);
    uint32_t size = 0;

    if (mmc_read_dvd_structure(&drive, cdb, r, &size) == MMC_OK)
        atapi_respond(atapi, size, size);
    else
        atapi_fail(atapi, SCSI_SENSE_INVALID_FIELD_IN_CDB);
}

/* Commands that need a medium, which is there. */
static void execute_medium(struct atapi *atapi, const uint8_t *cdb)
{
    switch (cdb[0]) {
    case SCSI_TEST_UNIT_READY:
        atapi_good(atapi);
        return;
    case SCSI_READ_CAPACITY_10:
        capacity(atapi);
        return;
    case SCSI_READ_10:
        read_sectors(atapi, load_be32(cdb + 2), load_be16(cdb + 7));
        return;
    case SCSI_READ_12:
        read_sectors(atapi, load_be32(cdb + 2), load_be32(cdb + 6));
        return;
    case SCSI_READ_CD:
        read_cd(atapi, cdb);
        return;
    case SCSI_SEEK_10:
        if (load_be32(cdb + 2) < atapi->drive.disk->sector_count)
            atapi_good(atapi);
        else
            atapi_fail(atapi, SCSI_SENSE_LBA_OUT_OF_RANGE);
        return;
    case SCSI_READ_DVD_STRUCTURE:
        dvd_structure(atapi, cdb);
        return;
    }
}

static bool needs_medium(uint8_t code)
{
    switch (code) {
    case SCSI_TEST_UNIT_READY:
    case SCSI_READ_CAPACITY_10:
    case SCSI_READ_10:
    case SCSI_READ_12:
    case SCSI_READ_CD:
    case SCSI_SEEK_10:
    case SCSI_READ_DVD_STRUCTURE:
        return true;
    default:
        return false;
    }
}

/* --- The tray ----------------------------------------------------------------------------------
 */

static void start_stop(struct atapi *atapi, const uint8_t *cdb)
{
    struct disk *disk = atapi->drive.disk;
    bool open = !(cdb[4] & CDB_START);

    if (!(cdb[4] & CDB_LOEJ) || cdb[4] >> 4 != 0 || open == atapi->state.open) {
        atapi_good(atapi);
        return;
    }
    if (open && atapi->state.locked) {
        atapi_fail(atapi, SCSI_SENSE_REMOVAL_PREVENTED);
        return;
    }
    if (open)
        atapi->state.event = MMC_EVENT_MEDIUM_REMOVED;
    atapi->state.open = open;
    if (!open && atapi_medium(atapi)) {
        atapi->state.event = MMC_EVENT_NEW_MEDIUM;
        atapi->state.attention = SCSI_SENSE_MEDIUM_CHANGED;
    }
    if (disk->eject != NULL)
        disk->eject(disk, open);
    atapi_good(atapi);
}

/* --- Commands ----------------------------------------------------------------------------------
 */

/* Commands that lib/mmc.h answers, and all that there are not. */
static void execute_mmc(struct atapi *atapi, const uint8_t *cdb)
{
    struct mmc_drive drive = mmc_drive(atapi);
    uint8_t *r = new_response(atapi, MMC_RESPONSE_SIZE);
    uint32_t size = 0;

    switch (mmc_command(&drive, cdb, r, &size)) {
    case MMC_OK:
        atapi->state.event = drive.event;
        atapi_respond(atapi, size, size);
        return;
    case MMC_NO_MEDIUM:
        atapi_fail(atapi, SCSI_SENSE_NO_MEDIUM);
        return;
    case MMC_INVALID_FIELD:
        atapi_fail(atapi, SCSI_SENSE_INVALID_FIELD_IN_CDB);
        return;
    case MMC_UNKNOWN:
        atapi_fail(atapi, SCSI_SENSE_INVALID_OPCODE);
        return;
    }
}

static void execute_ready(struct atapi *atapi, const uint8_t *cdb)
{
    switch (cdb[0]) {
    case SCSI_START_STOP_UNIT:
        start_stop(atapi, cdb);
        return;
    case SCSI_PREVENT_ALLOW:
        atapi->state.locked = cdb[4] & 1;
        atapi_good(atapi);
        return;
    case SCSI_SET_CD_SPEED:
        atapi_good(atapi);
        return;
    }
    if (!needs_medium(cdb[0]))
        execute_mmc(atapi, cdb);
    else if (atapi_medium(atapi))
        execute_medium(atapi, cdb);
    else
        atapi_fail(atapi, SCSI_SENSE_NO_MEDIUM);
}

void atapi_execute(struct atapi *atapi, const uint8_t packet[ATAPI_PACKET_SIZE])
{
    uint32_t attention = atapi->state.attention;

    if (packet[0] == SCSI_REQUEST_SENSE) {
        request_sense(atapi, packet);
        return;
    }
    atapi->state.sense = SCSI_SENSE_NONE;
    switch (packet[0]) { /* those that a unit attention does not stop */
    case SCSI_INQUIRY:
        inquiry(atapi, packet);
        return;
    case SCSI_MODE_SENSE_6: /* drivers take its failure for an empty answer */
    case SCSI_MODE_SENSE_10:
        mode_sense(atapi, packet);
        return;
    case SCSI_GET_CONFIGURATION:
    case SCSI_GET_EVENT_STATUS:
        execute_mmc(atapi, packet);
        return;
    }
    if (attention == 0) {
        execute_ready(atapi, packet);
        return;
    }
    atapi->state.attention = 0;
    atapi_fail(atapi, attention);
}
