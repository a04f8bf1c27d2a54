/* The virtual local APIC: 20 VPs of a partition whose clock is a variable. */
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
static void run_timer(struct vp *vp)
{
    uint64_t *expiry = &vp->timers.expiry[VP_TIMER_LAPIC];

    if (now < *expiry)
        return;
    *expiry = vp->timers.period[VP_TIMER_LAPIC] == 0 ? VP_TIMER_NEVER
                                                     : *expiry + vp->timers.period[VP_TIMER_LAPIC];
    lapic_timer_expired(vp);
}

/* All VPs after RESET. */
static void reset(void)
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
static void turn_on(bool x2apic)
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
static int take(struct vp *vp)
{
    int vector = lapic_pending(vp);

    vp->attention = 0;
    if (vector != NONE)
        lapic_accept(vp, (uint8_t)vector);
    return vector;
}

static uint64_t read_msr(struct vp *vp, uint32_t offset)
{
    uint64_t value = 0;

    CHECK(lapic_read_msr(vp, X2APIC(offset), &value));
    return value;
}

static bool write_msr(struct vp *vp, uint32_t offset, uint64_t value)
{
    return lapic_write_msr(vp, X2APIC(offset), value);
}

/* Which VPs an interrupt has been requested from, as bits; takes it. */
static uint32_t receivers(uint8_t vector)
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

static uint32_t attentive(uint32_t attention)
{
    uint32_t bits = 0;

    for (unsigned i = 0; i < VPS; i++) {
        if (vps[i].attention == attention)
            bits |= 1u << i;
        vps[i].attention = 0;
    }
    return bits;
}

static void test_reset_state(void)
{
    struct vp *vp = &vps[3];

    reset();
    CHECK_EQUAL(vps[0].lapic.base, BASE | APIC_BASE_BSP);
    CHECK_EQUAL(vp->lapic.base, BASE);
    CHECK(lapic_has_page(vp));
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_ID), 3u << 24);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_VERSION), 0x01050014);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_SVR), 0xff);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_DFR), 0xffffffff);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_LDR), 0);
    for (uint32_t offset = LAPIC_LVT_TIMER; offset <= LAPIC_LVT_ERROR; offset += 16)
        CHECK_EQUAL(lapic_read_page(vp, offset), LAPIC_LVT_MASKED);
    CHECK(!lapic_post(vp, 0x40, false)); /* off by software */
    CHECK_EQUAL(lapic_pending(vp), NONE);

    lapic_write_page(vp, LAPIC_SVR, 0x1ff);
    CHECK(lapic_write_base(vp, BASE | APIC_BASE_X2APIC));
    vp->lapic.auto_eoi[2] = 5;
    CHECK(lapic_post(vp, 0x40, true));
    lapic_reset(vp, true);
    CHECK_EQUAL(vp->lapic.base, BASE | APIC_BASE_X2APIC);
    CHECK_EQUAL(vp->lapic.auto_eoi[2], 5);
    CHECK_EQUAL(read_msr(vp, LAPIC_SVR), 0xff);
    CHECK_EQUAL(lapic_pending(vp), NONE);
    CHECK_EQUAL(vp->lapic.irr_words, 0);
}

static void test_priorities(void)
{
    struct vp *vp = &vps[0];

    turn_on(false);
    CHECK(!lapic_post(vp, 15, false));
    CHECK_EQUAL(vp->attention, 0);
    for (unsigned vector = 16; vector < 256; vector++)
        CHECK(lapic_post(vp, (uint8_t)vector, false));
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_IRR), 0xffff0000);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_IRR + 0x70), 0xffffffff);
    for (unsigned vector = 255; vector >= 16; vector--) {
        CHECK_EQUAL(take(vp), vector);
        CHECK_EQUAL(lapic_read_page(vp, LAPIC_PPR), vector & 0xf0);
        CHECK_EQUAL(lapic_pending(vp), NONE);
        lapic_eoi(vp);
        CHECK_EQUAL(vp->attention, vector == 16 ? 0 : VP_ATTENTION_INTERRUPT);
    }
    lapic_eoi(vp); /* of nothing */
    CHECK_EQUAL(take(vp), NONE);

    /* Nested: only a higher class interrupts. */
    lapic_post(vp, 0x45, false);
    CHECK_EQUAL(take(vp), 0x45);
    lapic_post(vp, 0x4f, false);
    CHECK_EQUAL(take(vp), NONE);
    lapic_post(vp, 0x51, false);
    lapic_post(vp, 0x31, false);
    CHECK_EQUAL(take(vp), 0x51);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_ISR + 0x20), 1u << 0x11 | 1u << 5);
    lapic_eoi(vp);
    CHECK_EQUAL(take(vp), NONE);
    lapic_eoi(vp);
    CHECK_EQUAL(take(vp), 0x4f);
    lapic_eoi(vp);
    CHECK_EQUAL(take(vp), 0x31);
    lapic_eoi(vp);

    /* The same one again while it is in service: once more. */
    lapic_post(vp, 0x60, false);
    CHECK_EQUAL(take(vp), 0x60);
    lapic_post(vp, 0x60, false);
    vp->attention = 0;
    lapic_post(vp, 0x60, false);
    CHECK_EQUAL(vp->attention, 0);
    lapic_eoi(vp);
    CHECK_EQUAL(take(vp), 0x60);
    lapic_eoi(vp);
    CHECK_EQUAL(take(vp), NONE);
}

static void test_task_priority(void)
{
    struct vp *vp = &vps[1];

    turn_on(false);
    lapic_write_page(vp, LAPIC_TPR, 0x47);
    CHECK_EQUAL(vp->attention, VP_ATTENTION_INTERRUPT);
    CHECK_EQUAL(lapic_read_cr8(vp), 4);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_PPR), 0x47);
    lapic_post(vp, 0x4f, false);
    CHECK_EQUAL(take(vp), NONE);
    lapic_post(vp, 0x50, false);
    CHECK_EQUAL(take(vp), 0x50);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_PPR), 0x50);
    lapic_eoi(vp);
    vp->attention = 0;
    CHECK(lapic_write_cr8(vp, 4)); /* 0x40 now */
    CHECK_EQUAL(take(vp), NONE);
    CHECK(!lapic_write_cr8(vp, 16));
    CHECK(!lapic_write_tpr(vp, 0x100));
    CHECK(lapic_write_cr8(vp, 3));
    CHECK_EQUAL(vp->attention, VP_ATTENTION_INTERRUPT);
    CHECK_EQUAL(take(vp), 0x4f);
    lapic_eoi(vp);
    CHECK(lapic_write_tpr(vp, 0xff));
    lapic_post(vp, 0xff, false);
    CHECK_EQUAL(take(vp), NONE);
    lapic_write_page(vp, LAPIC_TPR, 0x12e);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TPR), 0x2e);
}

static void test_eoi(void)
{
    struct vp *vp = &vps[2];

    turn_on(false);
    lapic_post(vp, 0x71, true);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TMR + 0x30), 1u << 0x11);
    CHECK_EQUAL(take(vp), 0x71);
    lapic_write_page(vp, LAPIC_EOI, 0);
    CHECK_EQUAL(eoi_vector, 0x71);
    eoi_vector = NONE;
    lapic_post(vp, 0x71, false);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TMR + 0x30), 0);
    CHECK_EQUAL(take(vp), 0x71);
    lapic_eoi(vp);
    CHECK_EQUAL(eoi_vector, NONE);

    lapic_write_page(vp, LAPIC_SVR, 0x11ff); /* the guest tells the I/O APIC itself */
    lapic_post(vp, 0x71, true);
    CHECK_EQUAL(take(vp), 0x71);
    lapic_eoi(vp);
    CHECK_EQUAL(eoi_vector, NONE);

    vp->lapic.auto_eoi[0x72 / 32] = 1u << 0x72 % 32;
    lapic_post(vp, 0x72, false);
    CHECK_EQUAL(take(vp), 0x72);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_PPR), 0);
    lapic_post(vp, 0x72, false);
    CHECK_EQUAL(take(vp), 0x72);
}

static void test_software_disable(void)
{
    struct vp *vp = &vps[0];

    turn_on(false);
    lapic_write_page(vp, LAPIC_LVT_ERROR, 0xfe);
    lapic_post(vp, 0x33, false);
    lapic_write_page(vp, LAPIC_SVR, 0xff);
    CHECK(!lapic_post(vp, 0x34, false));
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_LVT_ERROR), 0x100fe);
    lapic_write_page(vp, LAPIC_LVT_ERROR, 0xfd);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_LVT_ERROR), 0x100fd);
    CHECK_EQUAL(take(vp), 0x33); /* stays */
}

static void test_modes(void)
{
    struct vp *vp = &vps[17];
    const uint64_t x2apic = BASE | APIC_BASE_X2APIC;
    uint64_t value;

    reset();
    CHECK(!lapic_write_base(vp, BASE + 0x1000));
    CHECK(!lapic_write_base(vp, BASE | 1ull << 52));
    CHECK(!lapic_write_base(vp, BASE | 1));
    CHECK(!lapic_write_base(vp, BASE | 1u << 9));
    CHECK(!lapic_write_base(vp, LAPIC_BASE_ADDRESS | APIC_BASE_X2APIC));
    CHECK_EQUAL(vp->lapic.base, BASE);
    CHECK(!lapic_read_msr(vp, X2APIC(LAPIC_ID), &value));
    CHECK(!write_msr(vp, LAPIC_EOI, 0));

    lapic_write_page(vp, LAPIC_SVR, 0x1ff);
    lapic_write_page(vp, LAPIC_TPR, 0x20);
    lapic_write_page(vp, LAPIC_LDR, 0x12345678);
    lapic_write_page(vp, LAPIC_ICR_HIGH, 0xff123456);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_LDR), 0x12000000);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_ICR_HIGH), 0xff000000);
    lapic_post(vp, 0x55, false);
    CHECK(lapic_write_base(vp, x2apic));
    CHECK(!lapic_has_page(vp));
    CHECK_EQUAL(read_msr(vp, LAPIC_ID), 17);
    CHECK_EQUAL(read_msr(vp, LAPIC_LDR), 1u << 16 | 1u << 1);
    CHECK_EQUAL(read_msr(vp, LAPIC_TPR), 0x20);
    CHECK_EQUAL(read_msr(vp, LAPIC_ICR_LOW), 0);
    CHECK_EQUAL(take(vp), 0x55);
    CHECK(!lapic_write_base(vp, BASE));
    CHECK(lapic_write_base(vp, x2apic));

    CHECK(lapic_write_base(vp, LAPIC_BASE_ADDRESS));
    CHECK(!lapic_has_page(vp));
    CHECK(!lapic_read_msr(vp, X2APIC(LAPIC_ID), &value));
    CHECK(!lapic_post(vp, 0x55, false));
    CHECK(!lapic_write_base(vp, x2apic));
    CHECK(lapic_write_base(vp, BASE));
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_SVR), 0xff);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TPR), 0);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_ISR + 0x20), 0);
}

/* Every MSR from 800h to 8FFh: which can be read, and written with 0. */
static void test_x2apic_registers(void)
{
    struct vp *vp = &vps[0];
    uint64_t value;
    unsigned readable = 0, writable = 0;

    turn_on(true);
    for (uint32_t msr = 0x800; msr <= 0x8ff; msr++) {
        readable += lapic_read_msr(vp, msr, &value);
        writable += lapic_write_msr(vp, msr, 0);
    }
    CHECK_EQUAL(readable, 7 + 24 + 1 + 6 + 3); /* ID … SVR, ESR, ICR, LVTs, timer */
    CHECK_EQUAL(writable, 3 + 1 + 1 + 6 + 2 + 1);
    turn_on(true);
    CHECK(!write_msr(vp, LAPIC_TPR, 0x100));
    CHECK(!write_msr(vp, LAPIC_EOI, 1));
    CHECK(!write_msr(vp, LAPIC_ESR, 1));
    CHECK(!write_msr(vp, LAPIC_SVR, 0x2000));
    CHECK(!write_msr(vp, LAPIC_SVR, 1ull << 32));
    CHECK(!write_msr(vp, LAPIC_ICR_LOW, 1u << 13));
    CHECK(!write_msr(vp, LAPIC_ICR_LOW, 1u << 20));
    CHECK(!write_msr(vp, LAPIC_LVT_TIMER, 1u << 19));
    CHECK(!write_msr(vp, LAPIC_LVT_ERROR, 1u << 8));
    CHECK(!write_msr(vp, LAPIC_TIMER_DIVIDE, 4));
    CHECK(!write_msr(vp, LAPIC_SELF_IPI, 0x100));
    CHECK(!write_msr(vp, LAPIC_LDR, 0));
    CHECK(!write_msr(vp, LAPIC_DFR, 0));
    CHECK(!lapic_read_msr(vp, X2APIC(LAPIC_EOI), &value));
    CHECK(write_msr(vp, LAPIC_LVT_LINT1, 0x1f7ff));
    CHECK_EQUAL(read_msr(vp, LAPIC_LVT_LINT1), 0x1a7ff);
    CHECK(write_msr(vp, LAPIC_SELF_IPI, 0x99));
    CHECK_EQUAL(receivers(0x99), 1);
    /* The page's holes. */
    turn_on(false);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_SVR + 4), 0);
    lapic_write_page(vp, LAPIC_SVR + 4, 0);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_SVR), 0x1ff);
    for (uint32_t offset = 0; offset < 0x1000; offset++) {
        lapic_read_page(vp, offset);
        lapic_write_page(vp, offset, 0);
    }
}

static void send(struct vp *vp, uint32_t high, uint32_t low)
{
    lapic_write_page(vp, LAPIC_ICR_HIGH, high << 24);
    lapic_write_page(vp, LAPIC_ICR_LOW, low);
}

static void test_xapic_ipis(void)
{
    struct vp *vp = &vps[2];
    const uint32_t logical = LAPIC_ICR_LOGICAL;

    turn_on(false);
    partition.vp_count = 8;
    send(vp, 5, FIXED | 0x41);
    CHECK_EQUAL(receivers(0x41), 1u << 5);
    send(vp, 2, FIXED | 0x41);
    CHECK_EQUAL(receivers(0x41), 1u << 2);
    send(vp, 8, FIXED | 0x41);
    CHECK_EQUAL(receivers(0x41), 0);
    send(vp, 0xff, FIXED | 0x41);
    CHECK_EQUAL(receivers(0x41), 0xff);
    send(vp, 0, FIXED | 0x42 | LAPIC_ICR_SHORTHAND_SELF);
    CHECK_EQUAL(receivers(0x42), 1u << 2);
    send(vp, 0, FIXED | 0x42 | LAPIC_ICR_SHORTHAND_ALL);
    CHECK_EQUAL(receivers(0x42), 0xff);
    send(vp, 0, FIXED | 0x42 | LAPIC_ICR_SHORTHAND_ALL_BUT_SELF);
    CHECK_EQUAL(receivers(0x42), 0xfb);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_ICR_LOW), 0x42 | LAPIC_ICR_SHORTHAND_ALL_BUT_SELF);

    send(vp, 0x3, FIXED | logical | 0x43); /* no LDRs yet */
    CHECK_EQUAL(receivers(0x43), 0);
    for (unsigned i = 0; i < 8; i++)
        lapic_write_page(&vps[i], LAPIC_LDR, 1u << (24 + i));
    send(vp, 0xa5, FIXED | logical | 0x43);
    CHECK_EQUAL(receivers(0x43), 0xa5);
    send(vp, 0xff, FIXED | logical | 0x43);
    CHECK_EQUAL(receivers(0x43), 0xff);
    for (unsigned i = 0; i < 8; i++) { /* clusters of four */
        lapic_write_page(&vps[i], LAPIC_DFR, 0);
        lapic_write_page(&vps[i], LAPIC_LDR, (i / 4) << 28 | 1u << (24 + i % 4));
    }
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_DFR), 0x0fffffff);
    send(vp, 0x15, FIXED | logical | 0x43);
    CHECK_EQUAL(receivers(0x43), 0x50);
    send(vp, 0x05, FIXED | logical | 0x43);
    CHECK_EQUAL(receivers(0x43), 0x05);
    send(vp, 0xff, FIXED | logical | 0x43);
    CHECK_EQUAL(receivers(0x43), 0xff);

    /* Lowest priority: the lowest TPR; those that are off are left out. */
    for (unsigned i = 0; i < 8; i++)
        lapic_write_page(&vps[i], LAPIC_TPR, i == 6 ? 0x10 : 0x20);
    send(vp, 0xff, 1u << 8 | logical | 0x44);
    CHECK_EQUAL(receivers(0x44), 1u << 6);
    lapic_write_page(&vps[6], LAPIC_SVR, 0xff);
    lapic_write_page(&vps[0], LAPIC_SVR, 0xff);
    send(vp, 0xff, 1u << 8 | 0x44);
    CHECK_EQUAL(receivers(0x44), 1u << 1);
}

static void test_x2apic_ipis(void)
{
    struct vp *vp = &vps[2];
    const uint32_t logical = LAPIC_ICR_LOGICAL;

    turn_on(true);
    CHECK(lapic_write_icr(vp, 19ull << 32 | FIXED | 0x41));
    CHECK_EQUAL(receivers(0x41), 1u << 19);
    CHECK_EQUAL(lapic_read_icr(vp), 19ull << 32 | 0x41);
    CHECK(write_msr(vp, LAPIC_ICR_LOW, 0xffffffffull << 32 | FIXED | 0x41));
    CHECK_EQUAL(receivers(0x41), 0xfffff);
    CHECK(write_msr(vp, LAPIC_ICR_LOW, 0xffull << 32 | FIXED | 0x41)); /* an id here */
    CHECK_EQUAL(receivers(0x41), 0);
    CHECK(write_msr(vp, LAPIC_ICR_LOW, 0x10005ull << 32 | FIXED | logical | 0x41));
    CHECK_EQUAL(receivers(0x41), 5u << 16);
    CHECK(write_msr(vp, LAPIC_ICR_LOW, 0x0ffffull << 32 | FIXED | logical | 0x41));
    CHECK_EQUAL(receivers(0x41), 0xffff);
    CHECK(write_msr(vp, LAPIC_ICR_LOW, 0xffull << 32 | FIXED | logical | 0x41));
    CHECK_EQUAL(receivers(0x41), 0xff);
    CHECK(write_msr(vp, LAPIC_ICR_LOW, 0x40001ull << 32 | FIXED | logical | 0x41));
    CHECK_EQUAL(receivers(0x41), 0);
    CHECK(write_msr(vp, LAPIC_ICR_LOW, 0x0fff0ull << 32 | 1u << 8 | logical | 0x41));
    CHECK_EQUAL(receivers(0x41), 1u << 4);
    CHECK(write_msr(vp, LAPIC_ICR_LOW, 1u << 16 | 0x41) == false);
    CHECK(write_msr(vp, LAPIC_ICR_LOW, FIXED | LAPIC_ICR_SHORTHAND_ALL_BUT_SELF | 0x41));
    CHECK_EQUAL(receivers(0x41), 0xffffb);
}

static void test_startup_ipis(void)
{
    struct vp *vp = &vps[0];

    turn_on(false);
    partition.vp_count = 8;
    send(vp, 3, LAPIC_ICR_DELIVERY_INIT | LAPIC_ICR_LEVEL | LAPIC_ICR_ASSERT);
    CHECK_EQUAL(attentive(VP_ATTENTION_INIT), 1u << 3);
    send(vp, 3, LAPIC_ICR_DELIVERY_INIT | LAPIC_ICR_LEVEL); /* de-assertion */
    CHECK_EQUAL(attentive(VP_ATTENTION_INIT), 0);
    send(vp, 0, LAPIC_ICR_DELIVERY_INIT | LAPIC_ICR_ASSERT | LAPIC_ICR_SHORTHAND_ALL_BUT_SELF);
    CHECK_EQUAL(attentive(VP_ATTENTION_INIT), 0xfe);
    send(vp, 3, LAPIC_ICR_DELIVERY_STARTUP | 0x9a);
    CHECK_EQUAL(attentive(VP_ATTENTION_SIPI), 1u << 3);
    CHECK_EQUAL(vps[3].startup_vector, 0x9a);
    send(vp, 0, LAPIC_ICR_DELIVERY_NMI);
    CHECK_EQUAL(attentive(VP_ATTENTION_NMI), 1);
    send(vp, 0, LAPIC_ICR_DELIVERY_NMI | LAPIC_ICR_SHORTHAND_ALL_BUT_SELF);
    CHECK_EQUAL(attentive(VP_ATTENTION_NMI), 0xfe);
    send(vp, 0, LAPIC_ICR_DELIVERY_INIT | LAPIC_ICR_ASSERT | LAPIC_ICR_SHORTHAND_SELF);
    send(vp, 0, LAPIC_ICR_DELIVERY_INIT | LAPIC_ICR_ASSERT | LAPIC_ICR_SHORTHAND_ALL);
    send(vp, 1, 2u << 8);        /* SMI */
    send(vp, 1, 3u << 8);        /* reserved */
    send(vp, 1, 7u << 8 | 0x50); /* ExtINT */
    CHECK_EQUAL(attentive(0), 0xfffff);
}

static void test_errors(void)
{
    struct vp *vp = &vps[0];

    turn_on(false);
    lapic_write_page(vp, LAPIC_LVT_ERROR, 0xfe);
    send(vp, 1, FIXED | 0x0f);
    CHECK_EQUAL(receivers(0xfe), 1);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_ESR), 0);
    send(vp, 1, FIXED | 0x0f); /* still there: no further interrupt */
    CHECK_EQUAL(receivers(0xfe), 0);
    lapic_write_page(vp, LAPIC_ESR, 0);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_ESR), LAPIC_ESR_SEND_ILLEGAL_VECTOR);
    lapic_write_page(vp, LAPIC_ESR, 0);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_ESR), 0);
    lapic_write_page(vp, LAPIC_LVT_ERROR, 0x03); /* an illegal vector about illegal vectors */
    send(vp, 1, FIXED | 0x00);
    lapic_write_page(vp, LAPIC_ESR, 0);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_ESR),
                LAPIC_ESR_SEND_ILLEGAL_VECTOR | LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR);
    CHECK_EQUAL(take(vp), NONE);
}

static bool request(uint32_t type, uint32_t vector, uint32_t destination, bool logical, bool level)
{
    struct lapic_message message = {type, vector, destination, logical, level};

    return lapic_request(&partition, &message);
}

static void test_requests(void)
{
    turn_on(false);
    CHECK(request(HV_X64_INTERRUPT_TYPE_FIXED, 0x61, 7, false, true));
    CHECK_EQUAL(vps[7].lapic.tmr[3], 2);
    CHECK_EQUAL(receivers(0x61), 1u << 7);
    CHECK_EQUAL(eoi_vector, 0x61);
    CHECK(request(HV_X64_INTERRUPT_TYPE_FIXED, 0x61, 0xff, false, false));
    CHECK_EQUAL(receivers(0x61), 0xfffff);
    CHECK(request(HV_X64_INTERRUPT_TYPE_LOWEST_PRIORITY, 0x61, 0xffffffff, true, false));
    CHECK_EQUAL(receivers(0x61), 1);
    CHECK(!request(HV_X64_INTERRUPT_TYPE_FIXED, 0x61, VPS, false, false));
    CHECK(!request(HV_X64_INTERRUPT_TYPE_FIXED, 0x61, 1, true, false));
    CHECK(!request(HV_X64_INTERRUPT_TYPE_FIXED, 15, 1, false, false));
    CHECK(!request(HV_X64_INTERRUPT_TYPE_FIXED, 0x161, 1, false, false));
    CHECK(!request(2, 0x61, 1, false, false));
    CHECK(!request(3, 0x61, 1, false, false));
    CHECK(!request(8, 0x61, 1, false, false));
    CHECK(!request(~0u, 0x61, 1, false, false));
    CHECK(request(HV_X64_INTERRUPT_TYPE_NMI, 0, 1, false, false));
    CHECK_EQUAL(attentive(VP_ATTENTION_NMI), 2);
    CHECK(request(HV_X64_INTERRUPT_TYPE_SIPI, 0x10, 1, false, false));
    CHECK_EQUAL(attentive(VP_ATTENTION_SIPI), 2);
}

static void test_extint(void)
{
    struct vp *vp = &vps[0];

    turn_on(false);
    lapic_write_page(vp, LAPIC_TPR, 0xf0); /* does not concern it */
    CHECK(request(HV_X64_INTERRUPT_TYPE_EXTINT, 8, 0, false, false));
    CHECK_EQUAL(take(vp), NONE); /* LINT0 is masked */
    lapic_write_page(vp, LAPIC_LVT_LINT0, 0x400);
    CHECK_EQUAL(take(vp), NONE); /* an NMI's */
    lapic_write_page(vp, LAPIC_LVT_LINT0, 0x700);
    CHECK_EQUAL(vp->attention, VP_ATTENTION_INTERRUPT);
    CHECK_EQUAL(lapic_pending(vp), 8);
    vp->lapic.extint = 0; /* taken back */
    CHECK_EQUAL(take(vp), NONE);
    CHECK(request(HV_X64_INTERRUPT_TYPE_EXTINT, 0x70, 0, false, false));
    lapic_write_page(vp, LAPIC_TPR, 0);
    lapic_post(vp, 0x70, false);
    CHECK_EQUAL(take(vp), 0x70);
    CHECK_EQUAL(vp->lapic.isr_words, 0); /* the ExtINT first */
    CHECK_EQUAL(vp->lapic.extint, 0);
    CHECK_EQUAL(take(vp), 0x70);
    CHECK_EQUAL(vp->lapic.isr[3], 1u << 16);
    CHECK_EQUAL(take(vp), NONE);
    lapic_accept(vp, 0x33); /* nothing of the kind */
    CHECK_EQUAL(vp->lapic.isr[1], 0);

    CHECK(request(HV_X64_INTERRUPT_TYPE_EXTINT, 9, 0, false, false));
    CHECK(lapic_write_base(vp, LAPIC_BASE_ADDRESS)); /* off: the pin is INTR */
    CHECK_EQUAL(take(vp), 9);
}

/* @frequency of the TSC, @divide register and count: the time that they need. */
static void check_one_shot(uint64_t tsc_frequency, uint32_t divide, uint32_t count, uint64_t ticks)
{
    struct vp *vp = &vps[0];

    turn_on(false);
    frequency = tsc_frequency;
    lapic_write_page(vp, LAPIC_LVT_TIMER, 0xec);
    lapic_write_page(vp, LAPIC_TIMER_DIVIDE, divide);
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, count);
    CHECK_EQUAL(vp->timers.expiry[VP_TIMER_LAPIC], now + ticks);
    CHECK_EQUAL(vp->timers.period[VP_TIMER_LAPIC], 0);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), count);
    now += ticks - 1;
    run_timer(vp);
    CHECK_EQUAL(lapic_pending(vp), NONE);
    uint32_t current = lapic_read_page(vp, LAPIC_TIMER_CURRENT);
    CHECK(current > 0 && current <= 200000000 / tsc_frequency + 1);
    now += 1;
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 0);
    run_timer(vp);
    CHECK_EQUAL(take(vp), 0xec);
    now += 10 * ticks;
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 0);
}

static void test_one_shot(void)
{
    check_one_shot(2000000000, 0xb, 1000, 10000);
    check_one_shot(2000000000, 0x0, 1000, 20000);
    check_one_shot(2000000000, 0x3, 1000, 160000);
    check_one_shot(2000000000, 0x8, 1000, 320000);
    check_one_shot(2000000000, 0xa, 1, 1280);
    check_one_shot(10000001, 0xb, 20, 2); /* rounded up */
    check_one_shot(15999999999, 0xa, 0xffffffff, 43980465098052ull);
    check_one_shot(10000001, 0xa, 0xffffffff, 27487793437ull);
}

static void test_periodic(void)
{
    struct vp *vp = &vps[0];

    turn_on(false);
    lapic_write_page(vp, LAPIC_TIMER_DIVIDE, 0xb);
    lapic_write_page(vp, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_PERIODIC | 0xec);
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, 500);
    for (unsigned i = 0; i < 3; i++) {
        now += 2500;
        CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 250);
        now += 2500;
        CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 500);
        run_timer(vp);
        CHECK_EQUAL(take(vp), 0xec);
        lapic_eoi(vp);
    }
    now += 5000 * 3 + 1000; /* nobody ran it */
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 400);
    run_timer(vp);
    CHECK_EQUAL(take(vp), 0xec);
    lapic_eoi(vp);

    /* A new divider goes on with the count; so does the other mode. */
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, 500);
    now += 1000;
    lapic_write_page(vp, LAPIC_TIMER_DIVIDE, 0x0);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 400);
    CHECK_EQUAL(vp->timers.expiry[VP_TIMER_LAPIC], now + 8000);
    CHECK_EQUAL(vp->timers.period[VP_TIMER_LAPIC], 10000);
    lapic_write_page(vp, LAPIC_LVT_TIMER, 0xec);
    CHECK_EQUAL(vp->timers.expiry[VP_TIMER_LAPIC], now + 8000);
    CHECK_EQUAL(vp->timers.period[VP_TIMER_LAPIC], 0);
    lapic_write_page(vp, LAPIC_LVT_TIMER, LAPIC_LVT_MASKED | 0xec); /* runs on, silently */
    now += 8000;
    run_timer(vp);
    CHECK_EQUAL(take(vp), NONE);
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, 0);
    CHECK_EQUAL(vp->timers.expiry[VP_TIMER_LAPIC], VP_TIMER_NEVER);
}

static void test_tsc_deadline(void)
{
    struct vp *vp = &vps[0];
    uint64_t *expiry = &vp->timers.expiry[VP_TIMER_LAPIC];

    turn_on(false);
    lapic_write_tsc_deadline(vp, now + 100); /* another mode */
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER);
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, 1000);
    lapic_write_page(vp, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_TSC_DEADLINE | 0xec);
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_INITIAL), 0);
    lapic_write_page(vp, LAPIC_TIMER_INITIAL, 1000);
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER);

    lapic_write_tsc_deadline(vp, now + 100);
    CHECK_EQUAL(*expiry, now + 100);
    CHECK_EQUAL(lapic_read_tsc_deadline(vp), now + 100);
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_TIMER_CURRENT), 0);
    now += 100;
    run_timer(vp);
    CHECK_EQUAL(lapic_read_tsc_deadline(vp), 0);
    CHECK_EQUAL(take(vp), 0xec);
    lapic_eoi(vp);
    lapic_write_tsc_deadline(vp, 1); /* long ago */
    run_timer(vp);
    CHECK_EQUAL(take(vp), 0xec);
    lapic_eoi(vp);
    lapic_write_tsc_deadline(vp, now + 100);
    lapic_write_tsc_deadline(vp, 0);
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER);
    lapic_write_tsc_deadline(vp, UINT64_MAX);
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER - 1);

    vp->tsc_adjust = 5000;
    lapic_write_tsc_deadline(vp, now + 5700);
    CHECK_EQUAL(*expiry, now + 700);
    vp->tsc_adjust = 0 - now; /* the guest has set its TSC to 0 */
    lapic_write_tsc_deadline(vp, 30);
    CHECK_EQUAL(*expiry, now + 30);
    lapic_write_page(vp, LAPIC_LVT_TIMER, 0xec);
    CHECK_EQUAL(*expiry, VP_TIMER_NEVER);
    CHECK_EQUAL(lapic_read_tsc_deadline(vp), 0);
}

static void test_assist_page(void)
{
    struct vp *vp = &vps[0];

    turn_on(false);
    assist_page[0] = 0xa0;
    vp->assist_page = 0x5000; /* off */
    lapic_post(vp, 0x40, false);
    CHECK_EQUAL(take(vp), 0x40);
    CHECK_EQUAL(assist_page[0], 0xa0);
    lapic_eoi(vp);

    vp->assist_page = 0x5000 | HV_X64_MSR_PAGE_ENABLE;
    lapic_post(vp, 0x40, false);
    CHECK_EQUAL(take(vp), 0x40);
    CHECK_EQUAL(assist_page[0], 0xa1);
    CHECK_EQUAL(take(vp), NONE);
    CHECK_EQUAL(assist_page[0], 0xa1); /* it stays while nothing happens */
    assist_page[0] = 0;                /* the guest's EOI */
    lapic_post(vp, 0x30, false);
    CHECK_EQUAL(take(vp), 0x30);
    CHECK_EQUAL(assist_page[0], 1);

    /* Something waits for the EOI now: the offer is taken back. */
    lapic_post(vp, 0x31, false);
    CHECK_EQUAL(take(vp), NONE);
    CHECK_EQUAL(assist_page[0], 0);
    lapic_eoi(vp);
    CHECK_EQUAL(vp->attention, VP_ATTENTION_INTERRUPT);
    CHECK_EQUAL(take(vp), 0x31);
    CHECK_EQUAL(assist_page[0], 1);

    /* Nested: no offer for the inner one, and none remains of the outer. */
    lapic_post(vp, 0x50, false);
    CHECK_EQUAL(take(vp), 0x50);
    CHECK_EQUAL(assist_page[0], 0);
    lapic_eoi(vp);
    lapic_eoi(vp);
    CHECK_EQUAL(vp->lapic.isr_words, 0);

    /* None if a lower one waits, or for level-triggered ones. */
    lapic_post(vp, 0x50, false);
    lapic_post(vp, 0x40, true);
    CHECK_EQUAL(take(vp), 0x50);
    CHECK_EQUAL(assist_page[0], 0);
    lapic_eoi(vp);
    CHECK_EQUAL(take(vp), 0x40);
    CHECK_EQUAL(assist_page[0], 0);
    lapic_eoi(vp);
    CHECK_EQUAL(eoi_vector, 0x40);
    eoi_vector = NONE;

    /* A guest that writes EOI all the same, with and without having cleared the bit. */
    for (uint32_t left = 0; left < 2; left++) {
        lapic_post(vp, 0x50, false);
        CHECK_EQUAL(take(vp), 0x50);
        assist_page[0] = left;
        lapic_eoi(vp);
        CHECK_EQUAL(vp->lapic.isr_words, 0);
        CHECK_EQUAL(assist_page[0], 0);
    }
    /* The registers show what the guest has done. */
    lapic_post(vp, 0x50, false);
    CHECK_EQUAL(take(vp), 0x50);
    assist_page[0] = 0;
    CHECK_EQUAL(lapic_read_page(vp, LAPIC_PPR), 0);

    /* INIT withdraws it, lest the next EOI get lost. */
    lapic_post(vp, 0x50, false);
    CHECK_EQUAL(take(vp), 0x50);
    lapic_reset(vp, true);
    CHECK_EQUAL(assist_page[0], 0);

    /* The page has gone. */
    lapic_write_page(vp, LAPIC_SVR, 0x1ff);
    CHECK_EQUAL(lapic_pending(vp), NONE);
    lapic_post(vp, 0x50, false);
    CHECK_EQUAL(take(vp), 0x50);
    CHECK_EQUAL(assist_page[0], 1);
    assist_is_memory = false;
    lapic_post(vp, 0x50, false);
    CHECK_EQUAL(take(vp), NONE);
    lapic_eoi(vp);
    CHECK_EQUAL(take(vp), 0x50);
    lapic_eoi(vp);
    CHECK_EQUAL(take(vp), NONE);
}

/* In xAPIC mode the synthetic ICR is ICR_HIGH and ICR_LOW side by side. */
static void test_synthetic_icr(void)
{
    turn_on(false);
    CHECK(lapic_write_icr(&vps[1], 4ull << 56 | FIXED | 0x77));
    CHECK_EQUAL(receivers(0x77), 1u << 4);
    CHECK_EQUAL(lapic_read_icr(&vps[1]), 4ull << 56 | 0x77);
    CHECK_EQUAL(lapic_read_page(&vps[1], LAPIC_ICR_HIGH), 4u << 24);
}

int main(void)
{
    test_reset_state();
    test_priorities();
    test_task_priority();
    test_eoi();
    test_software_disable();
    test_modes();
    test_x2apic_registers();
    test_xapic_ipis();
    test_x2apic_ipis();
    test_startup_ipis();
    test_errors();
    test_requests();
    test_extint();
    test_one_shot();
    test_periodic();
    test_tsc_deadline();
    test_assist_page();
    test_synthetic_icr();
    return unit_result();
}
