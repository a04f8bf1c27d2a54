/* The virtual local APIC: IPIs, and interrupts that the parent asserts. */
#include "tests/unit/lapic_machine.h"

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
    CHECK(lapic_allows_extint(vp));        /* as firmware leaves it */
    lapic_write_page(vp, LAPIC_TPR, 0xf0); /* does not concern it */
    lapic_write_page(vp, LAPIC_LVT_LINT0, LAPIC_LVT_MASKED | LAPIC_DELIVERY_EXTINT);
    CHECK(!lapic_allows_extint(vp));
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
    test_xapic_ipis();
    test_x2apic_ipis();
    test_startup_ipis();
    test_errors();
    test_requests();
    test_extint();
    test_synthetic_icr();
    return unit_result();
}
