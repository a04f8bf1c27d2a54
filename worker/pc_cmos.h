/* What a PC's firmware finds in the CMOS RAM: the places are those that BIOSes of emulated machines
 * agree on. */
#ifndef VENEER_WORKER_PC_CMOS_H
#define VENEER_WORKER_PC_CMOS_H

#include <stdint.h>

struct mc146818;

/* Fills in the memory's size, the types of both floppy drives (0: none), the number of VPs, and the
 * order in which drives are to be booted: @boot has letters a (floppy), c (disk), d (CD), n
 * (network), the first one first, of which three count; NULL: disk, CD, floppy. */
void pc_cmos_fill(struct mc146818 *rtc, uint8_t floppy_a, uint8_t floppy_b, const char *boot);

#endif
