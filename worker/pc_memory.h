/* The PC's memory: RAM, the firmware's ROM at the top of 4 GiB, and what is between C0000h and
 * FFFFFh: an option ROM and the firmware's end, and RAM that can take their place, for reads and
 * for writes. A0000h to BFFFFh is the video adapter's.
 *
 * A20 is always on: the gate is a flag that can be read back. Systems that depend on addresses that
 * wrap at 1 MiB are older than processors with virtualization know.
 *
 * With the machine's lock, or before VPs run. */
#ifndef VENEER_WORKER_PC_MEMORY_H
#define VENEER_WORKER_PC_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#define PC_FIRMWARE_MIN 0x10000u /* bytes: what is at F0000h */
#define PC_FIRMWARE_MAX 0x1000000u

/* From C0000h on: where firmware looks for the program of the video adapter, and what is behind it
 * for those of others. */
#define PC_OPTION_ROM_MAX 0x20000u

/* Maps the RAM, and @size bytes at @firmware, which are copied. The size is a multiple of pages
 * from PC_FIRMWARE_MIN to PC_FIRMWARE_MAX. */
void pc_memory_init(const void *firmware, uint64_t size);

/* Maps @size bytes at @image, which are copied, as a ROM at C0000h; at most PC_OPTION_ROM_MAX.
 * Once, after pc_memory_init(). */
void pc_memory_add_option_rom(const void *image, uint64_t size);

/* What the host bridge calls: @size bytes from @first on are RAM for reads, and for writes. */
void pc_memory_set_shadow(void *machine, uint32_t first, uint32_t size, bool read, bool write);

/* The ROM at @address from E0000h to FFFFFh, for us to write before the guest starts; NULL: it does
 * not reach down to there. */
uint8_t *pc_memory_rom(uint32_t address);

#endif
