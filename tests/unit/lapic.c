/* The virtual local APIC: registers, priorities, EOI, modes, and the assist page. */
#include "tests/unit/lapic_machine.h"

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

int main(void)
{
    test_reset_state();
    test_priorities();
    test_task_priority();
    test_eoi();
    test_software_disable();
    test_modes();
    test_x2apic_registers();
    test_assist_page();
    return unit_result();
}
