/* How much memory there is. */
#ifndef VENEER_FIRMWARE_MEMORY_H
#define VENEER_FIRMWARE_MEMORY_H

#include "include/firmware_info.h"
#include "worker/firmware/firmware.h"

#define EBDA_SEGMENT 0x9fc0
#define EBDA_KIB 1
#define BASE_MEMORY_KIB (640 - EBDA_KIB)

/* What the worker tells, or NULL. It is in the segment of our data. */
const struct firmware_info *firmware_info(void);

/* Finds out the sizes. */
void memory_init(void);

/* Bytes of RAM from address 0 on, and from 4 GiB on. */
uint32_t memory_low(void);
uint64_t memory_high(void);

/* INT 15h functions E820h, E801h and 88h. */
void memory_map_service(struct frame *frame);
void memory_e801_service(struct frame *frame);
void memory_88_service(struct frame *frame);

#endif
