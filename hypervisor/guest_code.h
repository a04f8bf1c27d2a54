/* The guest's code at its instruction pointer.
 *
 * Where an instruction was found is noted in vp->code, so that the next one in that page is found
 * without a walk through the guest's tables and the nested ones. */
#ifndef VENEER_HYPERVISOR_GUEST_CODE_H
#define VENEER_HYPERVISOR_GUEST_CODE_H

#include <stdbool.h>
#include <stddef.h>
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

/* Whether @page is the one around @linear, with room for a whole instruction. The memory is one of
 * partition_memory(): a new generation says that it may be gone. */
static inline bool guest_code_is_in(const struct guest_code_page *page,
                                    const struct partition *partition, uint64_t linear,
                                    uint64_t cr3)
{
    return linear - page->page <= PAGE_SIZE - GUEST_CODE_MAX && page->cr3 == cr3 &&
           page->generation == __atomic_load_n(&partition->map_generation, __ATOMIC_ACQUIRE) &&
           page->memory != NULL;
}

static inline struct guest_code_page *guest_code_page(struct vp *vp, uint64_t linear)
{
    return &vp->code[linear >> PAGE_SHIFT & (GUEST_CODE_PAGES - 1)];
}

/* What was at @linear when somebody looked there last; or NULL. The guest may have changed its
 * tables since: this is good only for recognizing an instruction of which it is known that it was
 * executed there. */
static inline const volatile uint8_t *guest_code_glance(struct vp *vp, uint64_t linear,
                                                        uint64_t cr3)
{
    const struct guest_code_page *page = guest_code_page(vp, linear);

    return guest_code_is_in(page, vp->partition, linear, cr3) ? page->memory + (linear - page->page)
                                                              : NULL;
}

/* Copies up to GUEST_CODE_MAX bytes from @code->linear, also beyond the end of the page. Result:
 * how many. On the VP's LP. */
unsigned guest_code_fetch(struct vp *vp, const struct guest_code *code, uint8_t *bytes);

/* The instruction at the guest's instruction pointer, decoded if it is a MOV: good until the next
 * one is asked for. On the VP's LP. */
const struct decoded_mov *guest_code_fetch_mov(struct vp *vp);

#endif
