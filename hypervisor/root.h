/* The root partition: sees the machine as it is, but for the hypervisor's memory. */
#ifndef VENEER_HYPERVISOR_ROOT_H
#define VENEER_HYPERVISOR_ROOT_H

#include "hypervisor/boot/multiboot2.h"

/* Up to root_mapped_end everything is mapped at boot; above there are only devices, mapped at the
 * first touch, and none from root_address_end on. Set by root_create(). */
extern uint64_t root_mapped_end, root_address_end;

/* Makes the partition: nested tables of the whole machine, MSRs, a VP for each LP. LP 0, with all
 * LPs online. */
void root_create(const struct memory_map *map);

/* Loads the parent's kernel (the first module of @info) and fills the boot information; prepares VP
 * 0 to start it. Stops the boot if the module is missing or not a kernel that can be loaded
 * (root_load.c). */
void root_load(struct loader_info *info);

#endif
