/* What the guest reaches without an exit: ranges of its physical addresses that are RAM, ROM, or
 * memory of a device. All else is registers (io.h), or nothing.
 *
 * The machine's lock is held, or no VP runs yet; but for guest_memory_create(). */
#ifndef VENEER_WORKER_GUEST_MEMORY_H
#define VENEER_WORKER_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/devices/device.h"

enum guest_memory_kind {
    GUEST_RAM,    /* also for DMA */
    GUEST_ROM,    /* writes exit */
    GUEST_DEVICE, /* read and written, without DMA; notes which pages were written */
};

/* Makes @size bytes of zeroed memory, which is in our address space too. Does not return without.
 */
void guest_memory_create(uint64_t size, struct device_memory *memory);

/* Guest physical @first on is @size bytes of @memory from @offset on; all whole pages. A range that
 * overlaps one that is there is not mapped: false. Does not return if it fails otherwise. For all
 * processors when it returns. */
bool guest_memory_map(uint64_t first, const struct device_memory *memory, uint64_t offset,
                      uint64_t size, enum guest_memory_kind kind);

/* Takes the range that begins at @first back, if there is one. */
void guest_memory_unmap(uint64_t first);

/* @size bytes at guest physical @address, in one range, which a VP may read, or write; NULL: they
 * are not memory. They stay good after the lock was released, but may not be the guest's any more.
 */
void *guest_memory_to_read(uint64_t address, uint64_t size);
void *guest_memory_to_write(uint64_t address, uint64_t size);

/* The same, if they are RAM: for DMA. */
void *guest_memory_ram(uint64_t address, uint64_t size);

/* Fills in what a host does with memory. */
void guest_memory_init(struct device_host *host);

#endif
