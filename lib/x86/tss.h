/* The 64-bit task state segment and its descriptor. */
#ifndef VENEER_LIB_X86_TSS_H
#define VENEER_LIB_X86_TSS_H

#include <stdint.h>

/* Intel SDM vol. 3, 7.7. */
struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map_base;
} __attribute__((packed));

_Static_assert(sizeof(struct tss) == 104, "TSS layout");

/* Writes the two words of the descriptor of @tss, as available (Intel SDM vol. 3, 7.2.3). */
static inline void tss_describe(const struct tss *tss, uint64_t descriptor[2])
{
    uint64_t base = (uint64_t)(uintptr_t)tss;

    descriptor[0] =
        (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    descriptor[1] = base >> 32;
}

#endif
