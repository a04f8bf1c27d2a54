/* Interrupts of the virtual local APIC: requested, in service, ended (Intel SDM vol. 3, 10.8). */
#include "hypervisor/atomic.h"
#include "hypervisor/intercept.h"
#include "hypervisor/partition.h"
#include "include/hv/msr.h"
#include "lib/x86/lapic.h"

static int highest_bit(uint32_t bits)
{
    return 31 - __builtin_clz(bits);
}

/* irr[word] has become empty; or it has not, since another LP sets bits there first. */
static void note_empty(struct lapic *lapic, unsigned word)
{
    atomic_and(&lapic->irr_words, ~(1u << word));
    if (atomic_load(&lapic->irr[word]) != 0)
        atomic_or(&lapic->irr_words, 1u << word);
}

static int highest_requested(struct lapic *lapic)
{
    uint32_t words = atomic_load(&lapic->irr_words);

    while (words != 0) {
        int word = highest_bit(words);
        uint32_t bits = atomic_load(&lapic->irr[word]);
        if (bits != 0)
            return word * 32 + highest_bit(bits);
        note_empty(lapic, (unsigned)word);
        words &= ~(1u << word);
    }
    return LAPIC_NO_INTERRUPT;
}

static int highest_in_service(const struct lapic *lapic)
{
    if (lapic->isr_words == 0)
        return LAPIC_NO_INTERRUPT;
    int word = highest_bit(lapic->isr_words);
    return word * 32 + highest_bit(lapic->isr[word]);
}

/* Intel SDM vol. 3, 10.8.3.1. */
uint32_t lapic_priority(const struct lapic *lapic)
{
    int in_service = highest_in_service(lapic);

    if (in_service < 0 || lapic->tpr >> 4 >= (uint32_t)in_service >> 4)
        return lapic->tpr;
    return (uint32_t)in_service & 0xf0;
}

bool lapic_allows_extint(const struct vp *vp)
{
    return lapic_mode(&vp->lapic) == LAPIC_OFF ||
           (vp->lapic.lvt[LVT_LINT0] & (LAPIC_LVT_MASKED | LAPIC_DELIVERY_MASK)) ==
               LAPIC_DELIVERY_EXTINT;
}

void lapic_look_again(struct vp *vp)
{
    if ((atomic_load(&vp->lapic.irr_words) | atomic_load(&vp->lapic.extint) | vp->notifications) !=
        0)
        vp_attention(vp, VP_ATTENTION_INTERRUPT);
}

/* Takes the highest interrupt out of service. Result: its vector, or LAPIC_NO_INTERRUPT. */
static int end_of_service(struct lapic *lapic)
{
    int vector = highest_in_service(lapic);

    if (vector < 0)
        return vector;
    unsigned word = (unsigned)vector / 32;
    lapic->isr[word] &= ~(1u << vector % 32);
    if (lapic->isr[word] == 0)
        lapic->isr_words &= ~(1u << word);
    return vector;
}

/* "No EOI required" in the VP assist page (TLFS 10.3.5): the guest that finds it set clears it
 * instead of an EOI. It is offered while nothing waits for that EOI. NULL: no page. */
static uint32_t *assist_word(struct vp *vp)
{
    if ((vp->assist_page & HV_X64_MSR_PAGE_ENABLE) == 0)
        return NULL;
    return partition_memory(vp->partition, gpa(vp->assist_page & HV_X64_MSR_PAGE_MASK),
                            sizeof(uint32_t), true);
}

static void offer_assist(struct vp *vp)
{
    uint32_t *word = assist_word(vp);

    if (word == NULL)
        return;
    atomic_or(word, HV_VP_ASSIST_NO_EOI_REQUIRED);
    vp->lapic.eoi_assisted = true;
}

/* If the guest has made use of the offer, its EOI takes effect now: that of an edge-triggered
 * interrupt, which nobody waits for. */
void lapic_withdraw_assist(struct vp *vp)
{
    if (!vp->lapic.eoi_assisted)
        return;
    vp->lapic.eoi_assisted = false;
    uint32_t *word = assist_word(vp);
    if (word != NULL &&
        (atomic_and(word, ~HV_VP_ASSIST_NO_EOI_REQUIRED) & HV_VP_ASSIST_NO_EOI_REQUIRED) == 0)
        end_of_service(&vp->lapic);
}

bool lapic_post(struct vp *vp, uint8_t vector, bool level)
{
    struct lapic *lapic = &vp->lapic;
    unsigned word = vector / 32;
    uint32_t bit = 1u << vector % 32;

    if (vector < LAPIC_FIRST_VECTOR || (atomic_load(&lapic->svr) & LAPIC_SVR_ENABLE) == 0)
        return false;
    if (level)
        atomic_or(&lapic->tmr[word], bit);
    else if (atomic_load(&lapic->tmr[word]) & bit)
        atomic_and(&lapic->tmr[word], ~bit);
    if (atomic_or(&lapic->irr[word], bit) & bit)
        return true; /* whoever set it before tells the VP */
    atomic_or(&lapic->irr_words, 1u << word);
    vp_attention(vp, VP_ATTENTION_INTERRUPT);
    return true;
}

int lapic_pending(struct vp *vp)
{
    struct lapic *lapic = &vp->lapic;
    uint32_t extint = atomic_load(&lapic->extint);

    if ((atomic_load(&lapic->irr_words) | extint) == 0)
        return LAPIC_NO_INTERRUPT;
    lapic_withdraw_assist(vp);
    if (extint != 0 && lapic_allows_extint(vp))
        return (uint8_t)extint;
    int vector = highest_requested(lapic);
    if (vector < 0 || (uint32_t)vector >> 4 <= lapic_priority(lapic) >> 4 ||
        lapic_mode(&vp->lapic) == LAPIC_OFF)
        return LAPIC_NO_INTERRUPT;
    return vector;
}

void lapic_accept(struct vp *vp, uint8_t vector)
{
    struct lapic *lapic = &vp->lapic;
    unsigned word = vector / 32;
    uint32_t bit = 1u << vector % 32, extint = LAPIC_EXTINT_WAITS | vector;
    bool nested = lapic->isr_words != 0;

    if (atomic_load(&lapic->extint) == extint && lapic_allows_extint(vp) &&
        atomic_compare_exchange(&lapic->extint, extint, 0))
        return;
    uint32_t old = atomic_and(&lapic->irr[word], ~bit);
    if ((old & bit) == 0)
        return; /* an ExtINT that was taken back too late */
    if (old == bit)
        note_empty(lapic, word);
    if (lapic->auto_eoi[word] & bit)
        return;
    lapic->isr[word] |= bit;
    lapic->isr_words |= 1u << word;
    if (!nested && (atomic_load(&lapic->tmr[word]) & bit) == 0 &&
        (atomic_load(&lapic->irr_words) | atomic_load(&lapic->extint)) == 0)
        offer_assist(vp);
}

void lapic_eoi(struct vp *vp)
{
    struct lapic *lapic = &vp->lapic;

    lapic_withdraw_assist(vp);
    int vector = end_of_service(lapic);
    if (vector < 0)
        return;
    if ((atomic_load(&lapic->tmr[vector / 32]) >> vector % 32 & 1) != 0 &&
        (lapic->svr & LAPIC_SVR_NO_EOI_BROADCAST) == 0)
        intercept_apic_eoi(vp, (uint8_t)vector);
    lapic_look_again(vp);
}

void lapic_raise(struct vp *vp, enum lapic_lvt source)
{
    uint32_t lvt = vp->lapic.lvt[source];

    if (lvt & LAPIC_LVT_MASKED)
        return;
    if ((uint8_t)lvt < LAPIC_FIRST_VECTOR)
        lapic_error(vp, LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR);
    else
        lapic_post(vp, (uint8_t)lvt, false);
}

void lapic_error(struct vp *vp, uint32_t error)
{
    if (vp->lapic.esr_next & error)
        return;
    vp->lapic.esr_next |= error;
    lapic_raise(vp, LVT_ERROR);
}
