/* CD and DVD drives: what INT 13h and El Torito need of their commands. */
#ifndef VENEER_FIRMWARE_CD_H
#define VENEER_FIRMWARE_CD_H

#include "worker/firmware/unit.h"

/* Waits, if a disc has just been put in or the machine has just started, until it can be read, and
 * learns its size. At once if it could be read before and nothing has changed. */
enum disk_status cd_ready(struct unit *unit);

/* Reads or verifies blocks of 2048 bytes. */
enum disk_status cd_read(struct unit *unit, enum unit_operation operation,
                         const struct ata_request *request, uint16_t *done);

/* Reads or verifies sectors of 512 bytes behind unit->first_block. */
enum disk_status cd_read_emulated(struct unit *unit, enum unit_operation operation,
                                  const struct ata_request *request, uint16_t *done);

enum disk_status cd_lock(struct unit *unit, bool lock);
enum disk_status cd_eject(struct unit *unit);

#endif
