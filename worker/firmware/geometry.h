/* Which cylinders, heads and sectors INT 13h counts on a hard disk. */
#ifndef VENEER_FIRMWARE_GEOMETRY_H
#define VENEER_FIRMWARE_GEOMETRY_H

#include "worker/firmware/unit.h"

#define GEOMETRY_CYLINDERS 1024 /* the most that INT 13h can name */

/* Sets the geometry of disk @unit: that by which its partition table was made, if there is one,
 * else one by its size. Reads the disk's first sector. */
void geometry_find(struct unit *unit);

#endif
