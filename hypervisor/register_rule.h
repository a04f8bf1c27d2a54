/* Posted and mirrored registers of a VP (include/hv/vp_page.h): declared by the parent, looked up
 * at exits. A hash table in struct vp; addresses of all rules differ in kind or value. */
#ifndef VENEER_HYPERVISOR_REGISTER_RULE_H
#define VENEER_HYPERVISOR_REGISTER_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypervisor/vp.h"
#include "include/hv/status.h"

static inline unsigned register_rule_slot(uint64_t address, enum veneer_register_kind kind)
{
    return (unsigned)((address ^ address >> 6 ^ kind) % VENEER_RULE_MAX);
}

/* Where the rule for @address is most likely; if `flags` is 0, there is none. */
static inline const struct register_rule *
register_rule_first(const struct vp *vp, enum veneer_register_kind kind, uint64_t address)
{
    return &vp->rules[register_rule_slot(address, kind)];
}

/* The rule for an access of @size bytes (0: any) at @address, or NULL. On the VP's LP. */
const struct register_rule *register_rule_find(const struct vp *vp, enum veneer_register_kind kind,
                                               uint64_t address, uint8_t size);

/* Appends a write to the ring. False: not posted, or the ring is full. */
bool register_rule_post(struct vp *vp, const struct register_rule *rule, uint32_t value);

/* Reads the mirrored value. False: not mirrored. */
bool register_rule_mirror(struct vp *vp, const struct register_rule *rule, uint32_t *value);

/* Adds, changes or (flags 0) removes a rule. While the VP does not run. */
enum hv_status register_rule_set(struct vp *vp,
                                 const struct hv_input_veneer_set_vp_register_rule *input);

#endif
