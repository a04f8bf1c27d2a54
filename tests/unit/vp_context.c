/* Start contexts: a valid one, and each rule of a VM entry broken once. */
#include "hypervisor/vp_context.h"
#include "tests/unit/unit.h"

static const struct vp_context_limits limits = {
    .cr4 = 0x7007ff, /* to OSXMMEXCPT, then SMEP, SMAP, PKE */
    .efer = 0xd01,
    .physical_address_bits = 40,
};

/* A kernel's: flat 64-bit code at CPL 0, null data segments. */
static struct hv_initial_vp_context kernel_context(void)
{
    return (struct hv_initial_vp_context){
        .rip = 0xffffffff80001000,
        .rsp = 0xffff800000002000,
        .rflags = 2,
        .cs = {.selector = 8, .limit = 0xffffffff, .attributes = 0xa09b},
        .ds = {.selector = 16, .limit = 0xffffffff, .attributes = 0xc093},
        .es = {.selector = 16, .limit = 0xffffffff, .attributes = 0xc093},
        .fs = {.base = 0x7fff00000000},
        .gs = {.base = 0xffff800000010000},
        .ss = {.selector = 16, .limit = 0xffffffff, .attributes = 0xc093},
        .tr = {.selector = 24, .base = 0xffff800000020000, .limit = 0x67, .attributes = 0x8b},
        .ldtr = {.attributes = 0},
        .idtr = {.limit = 0xfff, .base = 0xffff800000030000},
        .gdtr = {.limit = 0x2f, .base = 0xffff800000031000},
        .efer = 0xd01,
        .cr0 = 0x80010033,
        .cr3 = 0x1000,
        .cr4 = 0x6a0,
        .msr_cr_pat = 0x0007040600070406,
    };
}

static struct hv_initial_vp_context user_context(void)
{
    struct hv_initial_vp_context c = kernel_context();
    c.cs = (struct hv_x64_segment_register){.selector = 0x2b, .attributes = 0x20fb};
    c.ss = (struct hv_x64_segment_register){
        .selector = 0x23, .limit = 0xffffffff, .attributes = 0xc0f3};
    c.ds = c.es = c.ss;
    return c;
}

#define CHECK_VALID(make, ...)                                                                     \
    do {                                                                                           \
        struct hv_initial_vp_context c = make();                                                   \
        __VA_ARGS__;                                                                               \
        CHECK(vp_context_valid(&c, &limits) && #__VA_ARGS__);                                      \
    } while (0)

#define CHECK_REFUSED(make, ...)                                                                   \
    do {                                                                                           \
        struct hv_initial_vp_context c = make();                                                   \
        __VA_ARGS__;                                                                               \
        CHECK(!vp_context_valid(&c, &limits) && #__VA_ARGS__);                                     \
    } while (0)

static void test_control_registers(void)
{
    CHECK_VALID(kernel_context, c.cr0 |= 1u << 30);        /* CD */
    CHECK_VALID(kernel_context, c.cr0 |= 3u << 29);        /* CD and NW */
    CHECK_VALID(kernel_context, c.cr0 &= ~(1ull << 5));    /* NE is up to the guest */
    CHECK_REFUSED(kernel_context, c.cr0 &= ~1ull);         /* PE */
    CHECK_REFUSED(kernel_context, c.cr0 &= ~(1ull << 31)); /* PG */
    CHECK_REFUSED(kernel_context, c.cr0 |= 1u << 29);      /* NW without CD */
    CHECK_REFUSED(kernel_context, c.cr0 |= 1u << 6);       /* reserved */
    CHECK_REFUSED(kernel_context, c.cr0 |= 1ull << 32);
    CHECK_VALID(kernel_context, c.cr3 = (1ull << 40) - 0x1000);
    CHECK_VALID(kernel_context, c.cr3 |= 0x18); /* PWT, PCD */
    CHECK_REFUSED(kernel_context, c.cr3 |= 1ull << 40);
    CHECK_REFUSED(kernel_context, c.cr3 |= 1ull << 63);
    CHECK_VALID(kernel_context, c.cr4 = limits.cr4);
    CHECK_REFUSED(kernel_context, c.cr4 &= ~(1ull << 5)); /* PAE */
    CHECK_REFUSED(kernel_context, c.cr4 |= 1ull << 12);   /* LA57 */
    CHECK_REFUSED(kernel_context, c.cr4 |= 1ull << 13);   /* VMXE */
    CHECK_REFUSED(kernel_context, c.cr4 |= 1ull << 63);
    CHECK_VALID(kernel_context, c.efer = 0x500);
    CHECK_REFUSED(kernel_context, c.efer &= ~(1ull << 8));  /* LME */
    CHECK_REFUSED(kernel_context, c.efer &= ~(1ull << 10)); /* LMA */
    CHECK_REFUSED(kernel_context, c.efer |= 1ull << 12);    /* SVME */
    CHECK_REFUSED(kernel_context, c.efer |= 1ull << 1);
}

static void test_pat(void)
{
    CHECK_VALID(kernel_context, c.msr_cr_pat = 0);
    CHECK_VALID(kernel_context, c.msr_cr_pat = 0x0706050401000001);
    CHECK_REFUSED(kernel_context, c.msr_cr_pat = 0x02);
    CHECK_REFUSED(kernel_context, c.msr_cr_pat = 0x03ull << 56);
    CHECK_REFUSED(kernel_context, c.msr_cr_pat = 0x0800);
    CHECK_REFUSED(kernel_context, c.msr_cr_pat = 0x86);
}

static void test_code_segment(void)
{
    CHECK_REFUSED(kernel_context, c.cs.attributes = 0xc09b); /* 32-bit */
    CHECK_REFUSED(kernel_context, c.cs.attributes = 0xe09b); /* L and D */
    CHECK_REFUSED(kernel_context, c.cs.attributes = 0xa01b); /* not present */
    CHECK_REFUSED(kernel_context, c.cs.attributes = 0xa08b); /* system */
    CHECK_REFUSED(kernel_context, c.cs.attributes = 0xa09a); /* not accessed */
    CHECK_REFUSED(kernel_context, c.cs.attributes = 0xa093); /* data */
    CHECK_REFUSED(kernel_context, c.cs.attributes = 0xa0bb); /* DPL 1, CPL 0 */
    CHECK_REFUSED(kernel_context, c.cs.attributes = 0xa19b); /* reserved bit */
    CHECK_REFUSED(kernel_context, c.cs.limit = 0xfffffffe);  /* G without a full page */
    CHECK_REFUSED(kernel_context, c.cs.attributes = 0x209b); /* large limit without G */
    CHECK_VALID(kernel_context, c.cs.attributes = 0x209b, c.cs.limit = 0xfffff);
    CHECK_REFUSED(kernel_context, c.cs.base = 1ull << 32);
    CHECK_REFUSED(kernel_context, c.cs.selector = 11);       /* RPL 3 */
    CHECK_VALID(kernel_context, c.cs.attributes = 0xa09f);   /* conforming */
    CHECK_REFUSED(kernel_context, c.cs.attributes = 0xa0bf); /* conforming, DPL above CPL */
    CHECK_VALID(user_context, c.cs.attributes = 0x209f);     /* conforming, DPL below CPL */
    CHECK_REFUSED(user_context, c.cs.attributes = 0x209b);
}

static void test_data_segments(void)
{
    CHECK_VALID(kernel_context, c.ss.selector = 0, c.ss.attributes = 0);
    CHECK_VALID(kernel_context, c.ss.base = 0x1234);
    CHECK_REFUSED(kernel_context, c.ss.selector = 3, c.ss.attributes = 0);
    CHECK_REFUSED(kernel_context, c.ss.attributes = 0xc0f3); /* DPL 3 with CPL 0 */
    CHECK_REFUSED(kernel_context, c.ss.attributes = 0xc091); /* read-only */
    CHECK_REFUSED(kernel_context, c.ss.attributes = 0xc09b); /* code */
    CHECK_REFUSED(kernel_context, c.ss.attributes = 0xc083); /* system */
    CHECK_REFUSED(kernel_context, c.ss.base = 1ull << 32);
    CHECK_VALID(kernel_context, c.ds.attributes = 0, c.ds.base = ~0ull, c.ds.limit = 1);
    CHECK_VALID(kernel_context, c.ds.attributes = 0xc09b);   /* readable code */
    CHECK_REFUSED(kernel_context, c.ds.attributes = 0xc099); /* execute-only code */
    CHECK_REFUSED(kernel_context, c.ds.attributes = 0xc092); /* not accessed */
    CHECK_REFUSED(kernel_context, c.es.attributes = 0xc083); /* system */
    CHECK_REFUSED(kernel_context, c.es.selector = 0x13);     /* RPL above DPL */
    CHECK_REFUSED(kernel_context, c.es.base = 1ull << 32);
    CHECK_REFUSED(kernel_context, c.es.attributes = 0xc893); /* reserved bit */
    CHECK_REFUSED(kernel_context, c.fs.base = 1ull << 47);
    CHECK_REFUSED(kernel_context, c.gs.base = 0xffff000000000000);
    CHECK_REFUSED(kernel_context, c.gs.attributes = 0x82);
    CHECK_VALID(user_context, c.fs = c.ds, c.fs.base = 0x7fffffffffff);
}

static void test_system_segments(void)
{
    CHECK_REFUSED(kernel_context, c.tr.attributes = 0);
    CHECK_REFUSED(kernel_context, c.tr.attributes = 0x89); /* available TSS */
    CHECK_REFUSED(kernel_context, c.tr.attributes = 0x9b); /* not a system segment */
    CHECK_REFUSED(kernel_context, c.tr.selector = 28);     /* in the LDT */
    CHECK_REFUSED(kernel_context, c.tr.base = 1ull << 63);
    CHECK_REFUSED(kernel_context, c.tr.limit = 1u << 20);
    CHECK_VALID(kernel_context, c.ldtr.base = 1ull << 63);
    CHECK_VALID(kernel_context, c.ldtr.attributes = 0x82, c.ldtr.limit = 0xffff);
    CHECK_REFUSED(kernel_context, c.ldtr.attributes = 0x82, c.ldtr.selector = 4);
    CHECK_REFUSED(kernel_context, c.ldtr.attributes = 0x82, c.ldtr.base = 1ull << 63);
    CHECK_REFUSED(kernel_context, c.ldtr.attributes = 0x83);
    CHECK_REFUSED(kernel_context, c.gdtr.base = 1ull << 47);
    CHECK_REFUSED(kernel_context, c.idtr.base = 1ull << 47);
}

static void test_flags_and_rip(void)
{
    CHECK_VALID(kernel_context, c.rflags = 0x202);
    CHECK_VALID(kernel_context, c.rflags = 0x3d7fd7); /* all that exist, but VM */
    CHECK_REFUSED(kernel_context, c.rflags = 0);
    CHECK_REFUSED(kernel_context, c.rflags |= 1u << 3);
    CHECK_REFUSED(kernel_context, c.rflags |= 1u << 15);
    CHECK_REFUSED(kernel_context, c.rflags |= 1u << 17); /* VM */
    CHECK_REFUSED(kernel_context, c.rflags |= 1u << 22);
    CHECK_REFUSED(kernel_context, c.rflags |= 1ull << 63);
    CHECK_VALID(kernel_context, c.rip = 0x7fffffffffff);
    CHECK_VALID(kernel_context, c.rip = 0xffff800000000000);
    CHECK_REFUSED(kernel_context, c.rip = 0x800000000000);
    CHECK_REFUSED(kernel_context, c.rip = 0xffff7fffffffffff);
}

/* Whatever machine runs the test has these. */
static void test_limits_of_this_processor(void)
{
    struct vp_context_limits own = vp_context_limits();
    CHECK_EQUAL(own.cr4 & 0x6a0, 0x6a0);
    CHECK_EQUAL(own.cr4 & (3ull << 12), 0);
    CHECK_EQUAL(own.efer & 0xd01, 0xd01);
    CHECK_EQUAL(own.efer & (1ull << 12), 0);
    CHECK(own.physical_address_bits >= 36 && own.physical_address_bits <= 52);
}

int main(void)
{
    CHECK_VALID(kernel_context);
    CHECK_VALID(user_context);
    test_control_registers();
    test_pat();
    test_code_segment();
    test_data_segments();
    test_system_segments();
    test_flags_and_rip();
    test_limits_of_this_processor();
    return unit_result();
}
