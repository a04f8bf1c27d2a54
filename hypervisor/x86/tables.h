/* Descriptor tables of an LP, and exceptions in the hypervisor itself. */
#ifndef VENEER_HYPERVISOR_X86_TABLES_H
#define VENEER_HYPERVISOR_X86_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/lp.h"

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS 0x18

struct descriptor_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

/* Fills the interrupt descriptor table that all LPs share, and loads it here. LP 0, once. */
void tables_init(void);

/* Whether double fault, NMI and machine check get stacks of their own, by the TSS. Not where TR is
 * a guest's while the hypervisor runs (AMD-V, between exit and VMLOAD): its TSS would choose our
 * stack. LP 0, before any guest runs and before memory_seal(). */
void tables_use_stacks(bool use);

/* Loads GDT, IDT, TR and segment registers of @lp. On that LP, on its main stack. */
void tables_load(struct lp *lp);

/* RDMSR that survives an MSR that is not there: false then. */
bool rdmsr_try(uint32_t msr, uint64_t *value);

#endif
