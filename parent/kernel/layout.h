/* The kernel's address space: the upper half of every one. The lower half is a process's.
 *
 *  - direct map: physical memory and devices at DIRECT_MAP_BASE + physical address. RAM read-write
 *    and not executable, devices uncached from their first use on, nothing of the hypervisor
 *    but pages that it lends, nothing of the kernel image (so that no alias undoes its rights)
 *  - stack area: stacks, each with unmapped memory below it
 *  - window: for mappings that live for a moment
 *  - image: code R-X, constants R--, data RW- (linker.ld) */
#ifndef VENEER_PARENT_LAYOUT_H
#define VENEER_PARENT_LAYOUT_H

#include <stdint.h>

#define DIRECT_MAP_BASE 0xffff800000000000ull
#define DIRECT_MAP_BITS 46
#define DIRECT_MAP_SIZE (1ull << DIRECT_MAP_BITS)
#define STACK_AREA_BASE 0xfffffe0000000000ull
#define STACK_AREA_SIZE (1ull << 40)
#define WINDOW_BASE 0xffffff0000000000ull
#define WINDOW_SIZE (1ull << 39)

/* Where the image's segments begin and end (linker.ld); all are page aligned. */
extern char kernel_start[], kernel_text_end[], kernel_rodata_end[], kernel_end[];

/* Where physical @address is in the direct map. It may be used only if it is RAM of ours or has
 * been mapped by memory_map_device(). */
static inline void *direct_map(uint64_t address)
{
    return (void *)(DIRECT_MAP_BASE + address);
}

#endif
