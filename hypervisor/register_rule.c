#include "hypervisor/register_rule.h"

#include "lib/string.h"

const struct register_rule *register_rule_find(const struct vp *vp, enum veneer_register_kind kind,
                                               uint64_t address, uint8_t size)
{
    unsigned slot = register_rule_slot(address, kind);

    for (unsigned i = 0; i < VENEER_RULE_MAX; i++, slot = (slot + 1) % VENEER_RULE_MAX) {
        const struct register_rule *rule = &vp->rules[slot];
        if (rule->flags == 0)
            return NULL;
        if (rule->address == address && rule->kind == kind)
            return size == 0 || size == rule->size ? rule : NULL;
    }
    return NULL;
}

bool register_rule_post(struct vp *vp, const struct register_rule *rule, uint32_t value)
{
    struct veneer_vp_run *run = vp->run;

    if (!(rule->flags & VENEER_RULE_POSTED_WRITES) ||
        vp->posted_head - *(const volatile uint32_t *)&run->posted_tail >= VENEER_POSTED_WRITES)
        return false;
    if (rule->size < 4)
        value &= (1u << 8 * rule->size) - 1;
    run->posted[vp->posted_head % VENEER_POSTED_WRITES] = (struct veneer_posted_write){
        .address = rule->address, .value = value, .size = rule->size, .kind = rule->kind};
    __atomic_store_n(&run->posted_head, ++vp->posted_head, __ATOMIC_RELEASE);
    vp->statistics->posted++;
    return true;
}

bool register_rule_mirror(struct vp *vp, const struct register_rule *rule, uint32_t *value)
{
    const volatile uint8_t *from = vp->run->mirrored + rule->mirror_offset;

    if (!(rule->flags & VENEER_RULE_MIRRORED_READS))
        return false;
    if (rule->size == 4)
        *value = *(const volatile uint32_t *)from;
    else
        *value = rule->size == 2 ? *(const volatile uint16_t *)from : *from;
    vp->statistics->mirrored++;
    return true;
}

static void insert(struct vp *vp, const struct register_rule *rule)
{
    unsigned slot = register_rule_slot(rule->address, rule->kind);

    while (vp->rules[slot].flags != 0)
        slot = (slot + 1) % VENEER_RULE_MAX;
    vp->rules[slot] = *rule;
    vp->rule_count++;
}

/* Entries behind it may be there because of it: all are inserted anew. */
static void remove(struct vp *vp, const struct register_rule *rule)
{
    struct register_rule old[VENEER_RULE_MAX];
    size_t gone = (size_t)(rule - vp->rules);

    memcpy(old, vp->rules, sizeof(old));
    memset(vp->rules, 0, sizeof(vp->rules));
    vp->rule_count = 0;
    for (size_t i = 0; i < VENEER_RULE_MAX; i++)
        if (i != gone && old[i].flags != 0)
            insert(vp, &old[i]);
}

enum hv_status register_rule_set(struct vp *vp,
                                 const struct hv_input_veneer_set_vp_register_rule *input)
{
    struct register_rule rule = {
        .address = input->address,
        .kind = input->kind,
        .size = input->size,
        .flags = input->flags,
        .mirror_offset = (uint8_t)input->mirror_offset,
    };

    if (input->kind > VENEER_REGISTER_MMIO || input->reserved != 0 || input->reserved2 != 0 ||
        (input->flags & ~(VENEER_RULE_POSTED_WRITES | VENEER_RULE_MIRRORED_READS)) != 0 ||
        (input->size != 1 && input->size != 2 && input->size != 4) ||
        input->address % input->size != 0 ||
        (input->kind == VENEER_REGISTER_PORT && input->address > UINT16_MAX) ||
        input->mirror_offset > (uint32_t)(VENEER_MIRRORED_BYTES - input->size) ||
        input->mirror_offset % input->size != 0)
        return HV_STATUS_INVALID_PARAMETER;
    const struct register_rule *old = register_rule_find(vp, input->kind, input->address, 0);
    if (old != NULL)
        remove(vp, old);
    if (input->flags == 0)
        return HV_STATUS_SUCCESS;
    if (vp->rule_count == VENEER_RULE_MAX)
        return HV_STATUS_INSUFFICIENT_BUFFERS;
    insert(vp, &rule);
    return HV_STATUS_SUCCESS;
}
