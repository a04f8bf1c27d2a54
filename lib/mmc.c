#include "lib/mmc.h"

#include "lib/big_endian.h"
#include "lib/string.h"

/* MMC-6, 6. */
enum {
    READ_SUBCHANNEL = 0x42,
    READ_TOC = 0x43,
    GET_CONFIGURATION = 0x46,
    GET_EVENT_STATUS = 0x4a,
    READ_DISC_INFORMATION = 0x51,
    MECHANISM_STATUS = 0xbd,
};

#define PROFILE_DVD_ROM 0x0010
#define DATA_TRACK 0x14 /* ADR and control */
#define LEAD_OUT 0xaa
#define CDB_MSF 0x02

#define FULL_TOC_ENTRY 11

/* An address on a disc: a number of sectors, or minutes, seconds, frames. */
static void store_address(uint8_t *r, uint64_t sector, bool msf)
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

/* --- Table of contents -------------------------------------------------------------------------
 */

/* Appends a track to a table of format 0 or 1; the new size. */
static uint32_t add_track(uint8_t *r, uint32_t size, uint8_t track, uint64_t sector, bool msf)
{
    r[size + 1] = DATA_TRACK;
    r[size + 2] = track;
    store_address(r + size + 4, sector, msf);
    return size + 8;
}

/* The whole table of the session, as in the lead-in area. */
static uint32_t full_toc(const struct mmc_drive *drive, uint8_t *r)
{
    static const uint8_t points[] = {0xa0, 0xa1, 0xa2, 0x01};
    uint32_t size = 4;

    for (uint32_t i = 0; i < sizeof(points); i++, size += FULL_TOC_ENTRY) {
        uint8_t *entry = r + size;

        entry[0] = 1; /* session */
        entry[1] = DATA_TRACK;
        entry[3] = points[i];
        if (points[i] == 0xa2 || points[i] == 0x01)
            store_address(entry + 7, points[i] == 0x01 ? 0 : drive->sector_count, true);
        else
            entry[8] = 1; /* first, last track */
    }
    return size;
}

static enum mmc_result read_toc(const struct mmc_drive *drive, const uint8_t *cdb, uint8_t *r,
                                uint32_t *size)
{
    uint8_t from = cdb[6];
    uint8_t format = cdb[2] & 15 ? cdb[2] & 15 : cdb[9] >> 6; /* as SFF-8020i had it */
    bool msf = cdb[1] & CDB_MSF;

    if (!drive->medium)
        return MMC_NO_MEDIUM;
    if (format > 2 || (format == 0 && from > 1 && from != LEAD_OUT) || (format == 2 && from > 1))
        return MMC_INVALID_FIELD;
    r[2] = r[3] = 1; /* first and last track, or session */
    *size = 4;
    if (format == 2)
        *size = full_toc(drive, r);
    else if (format == 1 || from <= 1)
        *size = add_track(r, *size, 1, 0, msf);
    if (format == 0)
        *size = add_track(r, *size, LEAD_OUT, drive->sector_count, msf);
    store_be16(r, (uint16_t)(*size - 2));
    return MMC_OK;
}

/* --- The drive ---------------------------------------------------------------------------------
 */

static enum mmc_result get_configuration(const struct mmc_drive *drive, const uint8_t *cdb,
                                         uint8_t *r, uint32_t *size)
{
    static const uint8_t features[] = {
        0x00, 0x00, 0x03, 4, 0x00, 0x10, 0, 0,             /* profiles: DVD-ROM */
        0x00, 0x01, 0x07, 8, 0,    0,    0, 1, 1, 0, 0, 0, /* core: SCSI */
        0x00, 0x03, 0x03, 4, 0x29, 0,    0, 0,             /* removable medium: tray */
        0x00, 0x10, 0x00, 8, 0,    0,    8, 0, 0, 1, 0, 0, /* random readable: 2048 */
    };
    uint32_t start = load_be16(cdb + 2), request = cdb[1] & 3;

    if (request == 3)
        return MMC_INVALID_FIELD;
    *size = 8;
    for (uint32_t i = 0; i < sizeof(features); i += 4u + features[i + 3]) {
        uint32_t code = load_be16(features + i);

        if (request == 2 ? code != start : code < start)
            continue;
        memcpy(r + *size, features + i, 4u + features[i + 3]);
        if (code == 0)
            r[*size + 6] = drive->medium; /* the profile is current */
        *size += 4u + features[i + 3];
    }
    store_be32(r, *size - 4);
    store_be16(r + 6, drive->medium ? PROFILE_DVD_ROM : 0);
    return MMC_OK;
}

static enum mmc_result get_event_status(struct mmc_drive *drive, const uint8_t *cdb, uint8_t *r,
                                        uint32_t *size)
{
    if (!(cdb[1] & 1)) /* asynchronous: not supported */
        return MMC_INVALID_FIELD;
    r[3] = 0x10; /* supported: media */
    *size = 4;
    if (!(cdb[4] & 0x10)) {
        r[1] = 2;
        r[2] = 0x80; /* no event available */
        return MMC_OK;
    }
    r[1] = 6;
    r[2] = 4;
    r[4] = drive->event;
    drive->event = 0;
    r[5] = (drive->medium ? 2 : 0) | (drive->open ? 1 : 0);
    *size = 8;
    return MMC_OK;
}

/* A drive with one slot is no changer. */
static enum mmc_result mechanism_status(const struct mmc_drive *drive, uint8_t *r, uint32_t *size)
{
    r[1] = drive->open ? 0x10 : 0;
    *size = 8;
    return MMC_OK;
}

void mmc_capabilities(const struct mmc_drive *drive, uint8_t *page)
{
    page[0] = 0x2a;
    page[1] = MMC_CAPABILITIES_SIZE - 2;
    page[2] = 0x3b;                           /* reads CD-R, CD-RW, DVD-ROM, DVD-R, DVD-RAM */
    page[4] = 0x70;                           /* mode 2 form 1 and 2, multi-session */
    page[6] = 0x29 | (drive->locked ? 2 : 0); /* tray, eject, lock */
}

/* --- The disc ----------------------------------------------------------------------------------
 */

static enum mmc_result read_disc_information(const struct mmc_drive *drive, const uint8_t *cdb,
                                             uint8_t *r, uint32_t *size)
{
    if (cdb[1] & 7)
        return MMC_INVALID_FIELD;
    if (!drive->medium)
        return MMC_NO_MEDIUM;
    store_be16(r, 32);
    r[2] = 0x0e;                   /* last session complete, disc finalized */
    r[3] = r[4] = r[5] = r[6] = 1; /* first track, sessions, first and last track in it */
    memset(r + 16, 0xff, 8);
    *size = 34;
    return MMC_OK;
}

/* There is no audio, so nothing is played; the disc has neither catalogue number nor ISRC. */
static enum mmc_result read_subchannel(const struct mmc_drive *drive, const uint8_t *cdb,
                                       uint8_t *r, uint32_t *size)
{
    uint8_t format = cdb[3];

    if (!drive->medium)
        return MMC_NO_MEDIUM;
    r[1] = 0x15; /* no audio status */
    *size = 4;
    if (!(cdb[2] & 0x40)) /* without the Q channel */
        return MMC_OK;
    if (format < 1 || format > 3)
        return MMC_INVALID_FIELD;
    *size = format == 1 ? 16 : 24;
    store_be16(r + 2, (uint16_t)(*size - 4));
    r[4] = format;
    if (format == 2)
        return MMC_OK;
    r[5] = DATA_TRACK;
    r[6] = 1; /* track */
    if (format == 3)
        return MMC_OK;
    r[7] = 1; /* index */
    store_address(r + 8, 0, cdb[1] & CDB_MSF);
    return MMC_OK;
}

enum mmc_result mmc_read_dvd_structure(const struct mmc_drive *drive, const uint8_t *cdb,
                                       uint8_t *r, uint32_t *size)
{
    uint32_t allocation = load_be16(cdb + 8);

    if (!drive->medium)
        return MMC_NO_MEDIUM;
    if (cdb[1] & 15 || cdb[6] != 0 || cdb[7] > 1) /* DVD; layer 0; physical, or copyright */
        return MMC_INVALID_FIELD;
    *size = 8;
    if (cdb[7] == 0) {
        r[4] = 0x01; /* DVD-ROM, version 1 */
        r[5] = 0x0f; /* 120 mm, no maximum rate */
        r[6] = 0x01; /* one layer, embossed */
        store_be32(r + 8, 0x30000);
        store_be32(r + 12, (uint32_t)(0x30000 + drive->sector_count - 1) & 0xffffff);
        *size = MMC_DVD_STRUCTURE_SIZE;
    }
    store_be16(r, (uint16_t)(*size - 2));
    if (*size > allocation)
        *size = allocation;
    return MMC_OK;
}

enum mmc_result mmc_command(struct mmc_drive *drive, const uint8_t *cdb, uint8_t *response,
                            uint32_t *size)
{
    uint32_t allocation = load_be16(cdb[0] == MECHANISM_STATUS ? cdb + 8 : cdb + 7);
    enum mmc_result result = MMC_UNKNOWN;

    if (cdb[0] == READ_SUBCHANNEL)
        result = read_subchannel(drive, cdb, response, size);
    else if (cdb[0] == READ_TOC)
        result = read_toc(drive, cdb, response, size);
    else if (cdb[0] == GET_CONFIGURATION)
        result = get_configuration(drive, cdb, response, size);
    else if (cdb[0] == GET_EVENT_STATUS)
        result = get_event_status(drive, cdb, response, size);
    else if (cdb[0] == READ_DISC_INFORMATION)
        result = read_disc_information(drive, cdb, response, size);
    else if (cdb[0] == MECHANISM_STATUS)
        result = mechanism_status(drive, response, size);
    if (result == MMC_OK && *size > allocation)
        *size = allocation;
    return result;
}
