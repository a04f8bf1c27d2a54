/* The root partition: sees the machine as it is, but for the hypervisor's memory. */
#ifndef VENEER_HYPERVISOR_ROOT_H
#define VENEER_HYPERVISOR_ROOT_H

#include "hypervisor/boot/multiboot2.h"

/* Makes the partition: nested tables of the whole machine, MSRs, a VP for each LP. LP 0, with all
 * LPs online. */
void root_create(const struct memory_map *map);

/* Loads the parent's kernel (the first module of @info) and fills the boot information; prepares VP
 * 0 to start it. Stops the boot if the module is missing or not a kernel that can be loaded
 * (root_load.c). */
void root_load(struct loader_info *info);

#endif
