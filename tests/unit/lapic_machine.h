/* What the tests of the virtual local APIC share: 20 VPs of a partition whose clock is a variable.
 */
#ifndef VENEER_TESTS_UNIT_LAPIC_MACHINE_H
#define VENEER_TESTS_UNIT_LAPIC_MACHINE_H

#include "hypervisor/intercept.h"
#include "hypervisor/partition.h"
#include "hypervisor/reftime.h"
#include "include/hv/msr.h"
#include "lib/x86/lapic.h"
#include "tests/unit/unit.h"

#define VPS 20u
#define X2APIC(offset) (MSR_X2APIC_FIRST + (offset) / 16)
#define NONE LAPIC_NO_INTERRUPT
#define BASE (LAPIC_BASE_ADDRESS | APIC_BASE_ENABLE)
#define FIXED LAPIC_ICR_DELIVERY_FIXED

static struct partition partition;
static struct vp vps[VPS];
static uint64_t now, frequency;
static uint32_t assist_page[1024];
static bool assist_is_memory;
static int eoi_vector;

struct vp *partition_vp(struct partition *p, uint32_t index)
{
    return p == &partition && index < p->vp_count ? &vps[index] : NULL;
}

void *partition_memory(struct partition *p, gpa_t address, uint64_t size, bool write)
{
    CHECK(p == &partition && address.value == 0x5000 && size == 4 && write);
    return assist_is_memory ? assist_page : NULL;
}

uint64_t partition_tsc(const struct partition *p)
{
    CHECK(p == &partition);
    return now;
}

uint64_t reftime_tsc_frequency(void)
{
    return frequency;
}

void vp_attention(struct vp *vp, uint32_t bits)
{
    vp->attention |= bits;
}

void vp_timer_start(struct vp *vp, unsigned timer, uint64_t expiry, uint64_t period)
{
    CHECK_EQUAL(timer, VP_TIMER_LAPIC);
    vp->timers.expiry[timer] = expiry;
    vp->timers.period[timer] = period;
}

void vp_timer_stop(struct vp *vp, unsigned timer)
{
    vp_timer_start(vp, timer, VP_TIMER_NEVER, 0);
}

void intercept_apic_eoi(struct vp *vp, uint8_t vector)
{
    CHECK(vp >= vps && vp < vps + VPS);
    CHECK_EQUAL(eoi_vector, NONE);
    eoi_vector = vector;
}

/* What vp_timers_run() does. */
static inline void run_timer(struct vp *vp)
{
    uint64_t *expiry = &vp->timers.expiry[VP_TIMER_LAPIC];

    if (now < *expiry)
        return;
    *expiry = vp->timers.period[VP_TIMER_LAPIC] == 0 ? VP_TIMER_NEVER
                                                     : *expiry + vp->timers.period[VP_TIMER_LAPIC];
    lapic_timer_expired(vp);
}

/* All VPs after RESET. */
static inline void reset(void)
{
    memset(&partition, 0, sizeof(partition));
    memset(vps, 0, sizeof(vps));
    memset(assist_page, 0, sizeof(assist_page));
    partition.vp_count = VPS;
    now = 1000000;
    frequency = 2000000000;
    assist_is_memory = true;
    eoi_vector = NONE;
    for (unsigned i = 0; i < VPS; i++) {
        vps[i].partition = &partition;
        vps[i].index = i;
        lapic_reset(&vps[i], false);
        CHECK_EQUAL(lapic_pending(&vps[i]), NONE);
        vps[i].attention = 0;
    }
}

/* Likewise, turned on, in one mode. */
static inline void turn_on(bool x2apic)
{
    reset();
    for (unsigned i = 0; i < VPS; i++)
        if (x2apic) {
            CHECK(lapic_write_base(&vps[i], BASE | APIC_BASE_X2APIC));
            CHECK(lapic_write_msr(&vps[i], X2APIC(LAPIC_SVR), 0x1ff));
        } else {
            lapic_write_page(&vps[i], LAPIC_SVR, 0x1ff);
        }
}

/* What the guest gets now; it is in service afterwards. */
static inline int take(struct vp *vp)
{
    int vector = lapic_pending(vp);

    vp->attention = 0;
    if (vector != NONE)
        lapic_accept(vp, (uint8_t)vector);
    return vector;
}

static inline uint64_t read_msr(struct vp *vp, uint32_t offset)
{
    uint64_t value = 0;

    CHECK(lapic_read_msr(vp, X2APIC(offset), &value));
    return value;
}

static inline bool write_msr(struct vp *vp, uint32_t offset, uint64_t value)
{
    return lapic_write_msr(vp, X2APIC(offset), value);
}

/* Which VPs an interrupt has been requested from, as bits; takes it. */
static inline uint32_t receivers(uint8_t vector)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < VPS; i++) {
        bool attention = (vps[i].attention & VP_ATTENTION_INTERRUPT) != 0;
        if (take(&vps[i]) == vector) {
            CHECK(attention);
            lapic_eoi(&vps[i]);
            bits |= 1u << i;
        }
        vps[i].attention = 0;
    }
    return bits;
}

static inline uint32_t attentive(uint32_t attention)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < VPS; i++) {
        if (vps[i].attention == attention)
            bits |= 1u << i;
        vps[i].attention = 0;
    }
    return bits;
}

#endif
