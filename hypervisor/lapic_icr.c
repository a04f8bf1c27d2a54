/* Interrupt messages: who gets them, and ICR (Intel SDM vol. 3, 10.6 and 10.12.9, 10.12.10). */
#include "hypervisor/atomic.h"
#include "hypervisor/partition.h"
#include "lib/x86/lapic.h"

#define EVERYBODY UINT32_MAX
#define XAPIC_EVERYBODY 0xffu

#define ICR_TYPE(icr) ((icr) >> 8 & 7)
#define ICR_SHORTHAND_MASK (3u << 18)
#define ICR_VALID_BITS 0xccfffu /* not the delivery status (12) */

static bool is_addressed(const struct vp *vp, uint32_t destination, bool logical)
{
    if (destination == EVERYBODY)
        return true;
    if (!logical)
        return destination == vp->index;
    uint32_t id = lapic_logical_id(vp);
    if (lapic_mode(&vp->lapic) == LAPIC_X2APIC) /* cluster 31:16, and a bit for each member */
        return destination >> 16 == id >> 16 && (destination & id & 0xffff) != 0;
    if (destination > UINT8_MAX)
        return false;
    id >>= 24;
    if (atomic_load(&vp->lapic.dfr) >> 28 == 0xf) /* flat */
        return (destination & id) != 0;
    return destination >> 4 == id >> 4 && (destination & id & 0xf) != 0;
}

static void give(struct vp *vp, const struct lapic_message *message)
{
    switch (message->type) {
    case HV_X64_INTERRUPT_TYPE_NMI:
        vp_attention(vp, VP_ATTENTION_NMI);
        break;
    case HV_X64_INTERRUPT_TYPE_INIT:
        vp_attention(vp, VP_ATTENTION_INIT);
        break;
    case HV_X64_INTERRUPT_TYPE_SIPI:
        __atomic_store_n(&vp->startup_vector, (uint8_t)message->vector, __ATOMIC_SEQ_CST);
        vp_attention(vp, VP_ATTENTION_SIPI);
        break;
    case HV_X64_INTERRUPT_TYPE_EXTINT:
        atomic_store(&vp->lapic.extint, LAPIC_EXTINT_WAITS | message->vector);
        vp_attention(vp, VP_ATTENTION_INTERRUPT);
        break;
    default:
        lapic_post(vp, (uint8_t)message->vector, message->level);
    }
}

/* Whether @vp should rather get a lowest-priority interrupt than @other: the first with the lowest
 * TPR among those that are on. */
static bool is_lower(const struct vp *vp, const struct vp *other)
{
    if ((atomic_load(&vp->lapic.svr) & LAPIC_SVR_ENABLE) == 0)
        return false;
    return other == NULL || atomic_load(&vp->lapic.tpr) < atomic_load(&other->lapic.tpr);
}

/* Destinations have x2APIC's width here. False: nobody is addressed. */
static bool deliver(struct partition *partition, const struct lapic_message *message,
                    const struct vp *except)
{
    struct vp *vp, *lowest = NULL;
    bool found = false;

    if (!message->logical && message->destination != EVERYBODY) {
        vp = partition_vp(partition, message->destination);
        if (vp != NULL)
            give(vp, message);
        return vp != NULL;
    }
    uint32_t count = atomic_load(&partition->vp_count);
    for (uint32_t i = 0; i < count; i++) {
        vp = partition_vp(partition, i);
        if (vp == NULL || vp == except || !is_addressed(vp, message->destination, message->logical))
            continue;
        found = true;
        if (message->type != HV_X64_INTERRUPT_TYPE_LOWEST_PRIORITY)
            give(vp, message);
        else if (is_lower(vp, lowest))
            lowest = vp;
    }
    if (lowest != NULL)
        give(lowest, message);
    return found;
}

static bool has_illegal_vector(const struct lapic_message *message)
{
    return message->type <= HV_X64_INTERRUPT_TYPE_LOWEST_PRIORITY &&
           message->vector < LAPIC_FIRST_VECTOR;
}

bool lapic_request(struct partition *partition, const struct lapic_message *message)
{
    /* Neither SMI (2) nor what is reserved (3). */
    static const uint32_t types =
        1u << HV_X64_INTERRUPT_TYPE_FIXED | 1u << HV_X64_INTERRUPT_TYPE_LOWEST_PRIORITY |
        1u << HV_X64_INTERRUPT_TYPE_NMI | 1u << HV_X64_INTERRUPT_TYPE_INIT |
        1u << HV_X64_INTERRUPT_TYPE_SIPI | 1u << HV_X64_INTERRUPT_TYPE_EXTINT;
    struct lapic_message wide = *message;

    if (wide.type > HV_X64_INTERRUPT_TYPE_EXTINT || (types >> wide.type & 1) == 0 ||
        wide.vector > UINT8_MAX || has_illegal_vector(&wide))
        return false;
    if (wide.destination == XAPIC_EVERYBODY)
        wide.destination = EVERYBODY;
    return deliver(partition, &wide, NULL);
}

/* What the ICR says now. */
static void send(struct vp *vp)
{
    uint32_t low = vp->lapic.icr_low, high = vp->lapic.icr_high;
    uint32_t shorthand = low & ICR_SHORTHAND_MASK;
    struct lapic_message message = {
        .type = ICR_TYPE(low),
        .vector = low & 0xff,
        .destination = high,
        .logical = (low & LAPIC_ICR_LOGICAL) != 0,
    };

    if (lapic_mode(&vp->lapic) != LAPIC_X2APIC)
        message.destination = high >> 24 == XAPIC_EVERYBODY ? EVERYBODY : high >> 24;
    if (shorthand == LAPIC_ICR_SHORTHAND_SELF) {
        message.destination = vp->index;
        message.logical = false;
    } else if (shorthand != 0) {
        message.destination = EVERYBODY;
    }
    switch (message.type) {
    case HV_X64_INTERRUPT_TYPE_FIXED:
    case HV_X64_INTERRUPT_TYPE_LOWEST_PRIORITY:
        break;
    case HV_X64_INTERRUPT_TYPE_INIT:
        /* A de-assertion does nothing since the Pentium 4. */
        if ((low & (LAPIC_ICR_LEVEL | LAPIC_ICR_ASSERT)) == LAPIC_ICR_LEVEL)
            return;
        /* fall through */
    case HV_X64_INTERRUPT_TYPE_NMI:
    case HV_X64_INTERRUPT_TYPE_SIPI:
        if (shorthand == LAPIC_ICR_SHORTHAND_SELF || shorthand == LAPIC_ICR_SHORTHAND_ALL)
            return; /* table 10-3: invalid */
        break;
    default:
        return;
    }
    if (has_illegal_vector(&message))
        lapic_error(vp, LAPIC_ESR_SEND_ILLEGAL_VECTOR);
    else
        deliver(vp->partition, &message, shorthand == LAPIC_ICR_SHORTHAND_ALL_BUT_SELF ? vp : NULL);
}

bool lapic_write_icr(struct vp *vp, uint64_t value)
{
    if (lapic_mode(&vp->lapic) == LAPIC_X2APIC && ((uint32_t)value & ~ICR_VALID_BITS) != 0)
        return false;
    vp->lapic.icr_low = (uint32_t)value & ICR_VALID_BITS;
    vp->lapic.icr_high = (uint32_t)(value >> 32);
    send(vp);
    return true;
}

uint64_t lapic_read_icr(const struct vp *vp)
{
    return (uint64_t)vp->lapic.icr_high << 32 | vp->lapic.icr_low;
}
