/* The guest's code at its instruction pointer. */
#ifndef VENEER_HYPERVISOR_GUEST_CODE_H
#define VENEER_HYPERVISOR_GUEST_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/guest_memory.h"
#include "hypervisor/vp.h"

/* Where the next instruction is: by hw->get_code(). */
struct guest_code {
    struct guest_paging paging;
    uint64_t linear;
    bool long_mode;  /* 64-bit code segment */
    bool default_32; /* otherwise: the code segment's D bit */
};

#define GUEST_CODE_MAX 15u /* bytes of an instruction */

/* The bytes at @code->linear up to the end of their page, *@count of them (at most GUEST_CODE_MAX),
 * or NULL if the guest's tables do not map it. Found again without a walk while the guest stays in
 * the page: what is there is then to be recognized, since the guest may have changed its tables;
 * @fresh says to walk. The pointer is one of partition_memory(). On the VP's LP. */
const uint8_t *guest_code_find(struct vp *vp, const struct guest_code *code, bool fresh,
                               unsigned *count);

/* Copies up to GUEST_CODE_MAX bytes, also beyond the end of the page, by a walk. Result: how many.
 */
unsigned guest_code_fetch(struct vp *vp, const struct guest_code *code, uint8_t *bytes);

#endif
