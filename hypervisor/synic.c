#include "hypervisor/synic.h"

#include "hypervisor/dispatch.h"
#include "hypervisor/partition.h"
#include "hypervisor/port.h"
#include "hypervisor/x86/apic.h"
#include "include/hv/msr.h"
#include "lib/string.h"
#include "lib/x86/lapic.h"

/* The vectors for which the guest sends no EOI: of unmasked SINTs that say so. */
static void update_auto_eoi(struct vp *vp)
{
    uint32_t vectors[8] = {0};

    for (unsigned i = 0; i < HV_SYNIC_SINT_COUNT; i++) {
        uint64_t sint = vp->synic.sint[i];
        uint8_t vector = sint & HV_SINT_VECTOR_MASK;
        if ((sint & (HV_SINT_MASKED | HV_SINT_AUTO_EOI)) == HV_SINT_AUTO_EOI)
            vectors[vector / 32] |= 1u << vector % 32;
    }
    memcpy(vp->lapic.auto_eoi, vectors, sizeof(vectors));
}

void synic_reset(struct vp *vp)
{
    struct synic *synic = &vp->synic;

    synic->lock.level = LOCK_LEVEL_SYNIC;
    spin_lock(&synic->lock);
    synic->control = synic->siefp = synic->simp = 0;
    synic->waiting = 0;
    for (unsigned i = 0; i < HV_SYNIC_SINT_COUNT; i++)
        synic->sint[i] = HV_SINT_MASKED;
    memset(synic->timers, 0, sizeof(synic->timers));
    spin_unlock(&synic->lock);
    update_auto_eoi(vp);
}

static bool is_timer(uint32_t msr)
{
    return msr >= HV_X64_MSR_STIMER0_CONFIG && msr <= HV_X64_MSR_STIMER3_COUNT;
}

static bool is_sint(uint32_t msr)
{
    return msr >= HV_X64_MSR_SINT0 && msr <= HV_X64_MSR_SINT15;
}

/* What holds a register that can be written, NULL for others. */
static uint64_t *find_register(struct synic *synic, uint32_t msr)
{
    if (is_sint(msr))
        return &synic->sint[msr - HV_X64_MSR_SINT0];
    if (msr == HV_X64_MSR_SCONTROL)
        return &synic->control;
    if (msr == HV_X64_MSR_SIEFP)
        return &synic->siefp;
    return msr == HV_X64_MSR_SIMP ? &synic->simp : NULL;
}

bool synic_read_msr(struct vp *vp, uint32_t msr, uint64_t *value)
{
    const uint64_t *held = find_register(&vp->synic, msr);

    if (held != NULL)
        *value = *held;
    else if (is_timer(msr) && !partition_is_root(vp->partition))
        *value = stimer_read_msr(vp, msr);
    else if (msr == HV_X64_MSR_SVERSION || msr == HV_X64_MSR_EOM)
        *value = msr == HV_X64_MSR_SVERSION ? HV_SYNIC_VERSION : 0;
    else
        return false;
    return true;
}

/* TLFS 11.8.4. */
static bool sint_valid(const struct vp *vp, uint64_t value)
{
    if (value & ~(HV_SINT_VECTOR_MASK | HV_SINT_MASKED | HV_SINT_AUTO_EOI | HV_SINT_POLLING))
        return false;
    /* The root's interrupts are real ones, which need their EOI. */
    if (value & HV_SINT_AUTO_EOI && partition_is_root(vp->partition))
        return false;
    return value & HV_SINT_MASKED || (value & HV_SINT_VECTOR_MASK) >= HV_SINT_FIRST_VECTOR;
}

static bool value_valid(struct vp *vp, uint32_t msr, uint64_t value)
{
    if (is_sint(msr))
        return sint_valid(vp, value);
    if (msr == HV_X64_MSR_SCONTROL)
        return (value & ~HV_SYNIC_ENABLE) == 0;
    if (value & ~(HV_SYNIC_PAGE_MASK | HV_SYNIC_ENABLE))
        return false;
    return (value & HV_SYNIC_ENABLE) == 0 ||
           partition_memory(vp->partition, gpa(value & HV_SYNIC_PAGE_MASK), PAGE_SIZE, true) !=
               NULL;
}

bool synic_write_msr(struct vp *vp, uint32_t msr, uint64_t value)
{
    uint64_t *held = find_register(&vp->synic, msr);

    if (is_timer(msr))
        return !partition_is_root(vp->partition) && stimer_write_msr(vp, msr, value);
    if (held == NULL ? msr != HV_X64_MSR_EOM : !value_valid(vp, msr, value))
        return false;
    if (held != NULL) {
        /* When the VP goes on, nobody uses a page that it has taken back. */
        spin_lock(&vp->synic.lock);
        __atomic_store_n(held, value, __ATOMIC_RELAXED);
        spin_unlock(&vp->synic.lock);
    }
    if (is_sint(msr))
        update_auto_eoi(vp);
    else
        synic_retry(vp);
    return true;
}

/* @size bytes of the page that SIMP or SIEFP names; NULL if it is off or not there. */
static inline __attribute__((always_inline)) void *find_page(struct vp *vp, const uint64_t *page,
                                                             uint64_t offset, uint64_t size)
{
    uint64_t value = __atomic_load_n(page, __ATOMIC_RELAXED);

    if ((value & vp->synic.control & HV_SYNIC_ENABLE) == 0)
        return NULL;
    return partition_memory(vp->partition, gpa((value & HV_SYNIC_PAGE_MASK) + offset), size, true);
}

/* What raises the interrupt of @sint now; 0: nothing. */
static uint8_t vector_of(const struct vp *vp, unsigned sint)
{
    uint64_t value = vp->synic.sint[sint];

    return value & (HV_SINT_MASKED | HV_SINT_POLLING) ? 0 : (uint8_t)value;
}

/* Interrupts of the root are the machine's. One for this LP would end the child that runs here as
 * soon as it is entered again: it leaves at once. */
static void raise_at_root(const struct vp *root, uint8_t vector)
{
    struct lp *lp = this_lp();

    apic_send(lp->x2apic, lp_by_index(root->index)->apic_id,
              LAPIC_ICR_DELIVERY_FIXED | LAPIC_ICR_ASSERT | vector);
    if (lp->root_vp == root && lp->vp != root && lp->vp->leave == VP_STAY)
        lp->vp->leave = VP_LEAVE_INTERRUPT;
}

/* Without the lock, because the parent may have to be told by its own SynIC. */
static void raise(struct vp *vp, uint8_t vector)
{
    if (vector == 0)
        return;
    if (partition_is_root(vp->partition))
        raise_at_root(vp, vector);
    else
        lapic_post(vp, vector, false);
}

static bool slot_free(const struct hv_message *slot)
{
    return __atomic_load_n(&slot->message_type, __ATOMIC_ACQUIRE) == HV_MESSAGE_TYPE_NONE;
}

/* The guest frees a slot first and looks at the flag then. So either it sees the flag or we see the
 * free slot. */
static bool slot_take(struct hv_message *slot)
{
    if (slot_free(slot))
        return true;
    __atomic_fetch_or(&slot->flags, HV_MESSAGE_FLAG_PENDING, __ATOMIC_SEQ_CST);
    return slot_free(slot);
}

static void slot_fill(struct hv_message *slot, const struct hv_message *message, bool pending)
{
    slot->payload_size = message->payload_size;
    slot->flags = pending ? HV_MESSAGE_FLAG_PENDING : 0;
    slot->reserved = 0;
    slot->sender = message->sender;
    memcpy(slot->payload, message->payload, message->payload_size);
    __atomic_store_n(&slot->message_type, message->message_type, __ATOMIC_RELEASE);
}

static enum hv_status deliver_locked(struct vp *vp, unsigned sint, const struct hv_message *message)
{
    struct synic *synic = &vp->synic;
    struct hv_message *slot =
        find_page(vp, &synic->simp, (uint64_t)sint * HV_MESSAGE_SIZE, HV_MESSAGE_SIZE);

    if (slot == NULL)
        return HV_STATUS_INVALID_SYNIC_STATE;
    if (!slot_take(slot)) {
        synic->waiting |= 1u << sint;
        return HV_STATUS_INSUFFICIENT_BUFFERS;
    }
    slot_fill(slot, message, synic->waiting >> sint & 1);
    return HV_STATUS_SUCCESS;
}

enum hv_status synic_deliver_message(struct vp *vp, unsigned sint, const struct hv_message *message)
{
    spin_lock(&vp->synic.lock);
    enum hv_status status = deliver_locked(vp, sint, message);
    uint8_t vector = vector_of(vp, sint);
    spin_unlock(&vp->synic.lock);
    if (status == HV_STATUS_SUCCESS)
        raise(vp, vector);
    return status;
}

static inline __attribute__((always_inline)) uint32_t *event_word(struct vp *vp, unsigned sint,
                                                                  unsigned flag)
{
    return find_page(vp, &vp->synic.siefp, sint * HV_EVENT_FLAGS_SIZE + flag / 32 * 4,
                     sizeof(uint32_t));
}

bool synic_event_is_set(struct vp *vp, unsigned sint, unsigned flag)
{
    /* The receiver clears the flag and looks for work then. The sender has written its work: if we
     * see the flag set after that, the receiver will find it. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    const uint32_t *word = event_word(vp, sint, flag);
    return word != NULL && __atomic_load_n(word, __ATOMIC_RELAXED) >> flag % 32 & 1;
}

enum hv_status synic_signal_event(struct vp *vp, unsigned sint, unsigned flag, bool *newly)
{
    uint32_t bit = 1u << flag % 32, old = bit;

    spin_lock(&vp->synic.lock);
    uint32_t *word = event_word(vp, sint, flag);
    if (word != NULL)
        old = __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
    uint8_t vector = vector_of(vp, sint);
    spin_unlock(&vp->synic.lock);
    if (newly != NULL)
        *newly = (old & bit) == 0;
    if ((old & bit) == 0)
        raise(vp, vector);
    return word == NULL ? HV_STATUS_INVALID_SYNIC_STATE : HV_STATUS_SUCCESS;
}

void synic_retry(struct vp *vp)
{
    spin_lock(&vp->synic.lock);
    vp->synic.waiting = 0; /* who still has to wait says so again */
    spin_unlock(&vp->synic.lock);
    if (partition_is_root(vp->partition))
        vp_flush_ready(this_lp());
    else
        stimer_retry(vp);
    port_deliver_queued(vp);
}
