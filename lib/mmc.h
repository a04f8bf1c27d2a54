/* What a DVD drive says of itself and its disc of one data track: answers to commands of MMC-6,
 * the same on every bus. Pure logic; any context. */
#ifndef VENEER_LIB_MMC_H
#define VENEER_LIB_MMC_H

#include <stdbool.h>
#include <stdint.h>

/* Media events. MMC-6, 6.7.4.5. */
#define MMC_EVENT_NEW_MEDIUM 2
#define MMC_EVENT_MEDIUM_REMOVED 3

struct mmc_drive {
    uint64_t sector_count; /* of the medium, each of 2048 bytes */
    bool medium;           /* there is one, and the tray is closed */
    bool open;             /* the tray is */
    bool locked;           /* the guest forbids taking the medium out */
    uint8_t event;         /* MMC_EVENT_…, to be reported once; 0: none */
};

enum mmc_result {
    MMC_OK,
    MMC_UNKNOWN,       /* not a command of these */
    MMC_INVALID_FIELD, /* in the CDB */
    MMC_NO_MEDIUM,
};

#define MMC_RESPONSE_SIZE 64
#define MMC_DVD_STRUCTURE_SIZE 2052
#define MMC_CAPABILITIES_SIZE 22

/* Answers READ TOC, GET CONFIGURATION, GET EVENT STATUS NOTIFICATION, READ DISC INFORMATION, READ
 * SUB-CHANNEL or MECHANISM STATUS. @cdb: a private copy of 12 bytes. @response:
 * MMC_RESPONSE_SIZE bytes of zeros, of which then the first *@size are the answer, cut to what the
 * CDB allows. */
enum mmc_result mmc_command(struct mmc_drive *drive, const uint8_t *cdb, uint8_t *response,
                            uint32_t *size);

/* Answers READ DVD STRUCTURE; likewise, with MMC_DVD_STRUCTURE_SIZE bytes of zeros. */
enum mmc_result mmc_read_dvd_structure(const struct mmc_drive *drive, const uint8_t *cdb,
                                       uint8_t *response, uint32_t *size);

/* Writes mode page 2Ah, capabilities and mechanical status. @page: MMC_CAPABILITIES_SIZE bytes of
 * zeros. */
void mmc_capabilities(const struct mmc_drive *drive, uint8_t *page);

#endif
