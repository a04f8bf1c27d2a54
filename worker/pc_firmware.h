/* What the PC's firmware is told: tables in the first part of its image (include/firmware_info.h),
 * and the CMOS RAM, at places that BIOSes of emulated machines agree on. */
#ifndef VENEER_WORKER_PC_FIRMWARE_H
#define VENEER_WORKER_PC_FIRMWARE_H

struct mc146818;
struct options;

/* Tells of the machine, whose memory and drives have been made. An image that begins with something
 * else than zeros keeps it. No VP runs yet. */
void pc_firmware_inform(const struct options *options, struct mc146818 *rtc);

#endif
