/* CPUID: what a partition is told of the processor and of the hypervisor. exit_cpuid() is in
 * exit.h. */
#ifndef VENEER_HYPERVISOR_CPUID_H
#define VENEER_HYPERVISOR_CPUID_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/exit.h"
#include "hypervisor/partition.h"
#include "include/hv/status.h"
#include "lib/x86/cpu.h"

#define CPUID_1_ECX_OSXSAVE (1u << 27)
#define CPUID_7_ECX_OSPKE (1u << 4)

/* Makes @bit of @value say whether the guest has set @cr4_bit: CPUID ran with our CR4. */
uint32_t cpuid_follow_cr4(const struct vp *vp, uint32_t value, uint32_t bit, uint64_t cr4_bit);

#define CR4_PKE (1ull << 22)

/* A leaf of the range 40000000h to 4FFFFFFFh (TLFS 2.3, 2.4). */
struct cpuid_result cpuid_hypervisor_leaf(const struct vp *vp, uint32_t leaf);

/* All privileges that a child can have: its privileges when it is created. */
uint64_t child_privileges(void);

/* exit_cpuid() of a child. */
enum exit_action child_cpuid(struct vp *vp);

/* What the parent wants a leaf to answer, or to be asked. */
struct cpuid_rule {
    uint32_t leaf;
    uint32_t subleaf; /* of CPUID_RULE_SUBLEAF */
    uint8_t kind;     /* enum cpuid_rule_kind */
    bool intercept;   /* of CPUID_RULE_INTERCEPT: it is in force */
    struct cpuid_result value, mask;
};

enum cpuid_rule_kind { CPUID_RULE_LEAF, CPUID_RULE_SUBLEAF, CPUID_RULE_INTERCEPT };

/* Different for the leaves that are in use: 0 to 1Fh, and the low ones of the ranges from 40000000h
 * and 80000000h. */
#define CPUID_RULE_BIT(leaf) (1ull << (((leaf) ^ (leaf) >> 26) & 63))

/* Adds the rule, or replaces the one for the same. Holds the partition's lock. */
enum hv_status child_cpuid_set_rule(struct partition *partition, const struct cpuid_rule *rule);

#endif
