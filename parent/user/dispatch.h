/* Running a child VP from ring 3, without the kernel. */
#ifndef VENEER_PARENT_USER_DISPATCH_H
#define VENEER_PARENT_USER_DISPATCH_H

#include <stdint.h>

/* Finds out which instruction the processor has for it. Once, before the first dispatch. */
void vp_dispatch_init(void);

/* Makes the caller's processor the VP until it blocks, or needs us; interrupts of the parent are
 * served meanwhile. @flags: HV_DISPATCH_VP_… (include/hv/vp_page.h). Result: status, state and
 * event as HVCALL_VENEER_DISPATCH_VP has them. A VP that is not there, or that this process did not
 * create, ends the process: the instruction is refused like one that does not exist. */
uint64_t vp_dispatch(uint64_t partition_id, uint32_t vp_index, uint32_t flags);

#endif
