/* CPUID of children: of a machine that has every feature, only the listed ones remain; identity and
 * topology are the VP's; the parent's rules. */
#include "hypervisor/hw.h"
#include "hypervisor/root.h"
#include "tests/unit/unit.h"

static struct cpuid_result machine(uint32_t leaf, uint32_t subleaf);
#define cpuid(leaf, subleaf) machine(leaf, subleaf)
#include "hypervisor/child_cpuid.c"

static uint32_t max_basic = 0x20, max_extended = 0x80000028;

/* All features there are. */
static struct cpuid_result machine(uint32_t leaf, uint32_t subleaf)
{
    if (leaf == 0)
        return (struct cpuid_result){max_basic, 1, 2, 3};
    if (leaf == 0x80000000)
        return (struct cpuid_result){max_extended, 1, 2, 3};
    if (leaf == 4 || leaf == 0x8000001d)
        return (struct cpuid_result){0xffffc000 | (subleaf + 1) << 5 | 1, 1, 2, 3};
    if (leaf == 0xd && subleaf > 1)
        return (struct cpuid_result){64 * subleaf, 1000 * subleaf, 7, 7};
    return (struct cpuid_result){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
}

struct partition root_partition;
static uint64_t guest_cr4;
static uint64_t pool_page[512];
static bool pool_empty;

uint32_t cpuid_follow_cr4(const struct vp *vp, uint32_t value, uint32_t bit, uint64_t cr4_bit)
{
    (void)vp;
    return guest_cr4 & cr4_bit ? value | bit : value & ~bit;
}

struct cpuid_result cpuid_hypervisor_leaf(const struct vp *vp, uint32_t leaf)
{
    (void)vp;
    return (struct cpuid_result){.eax = leaf};
}

uint64_t root_address_end = 1ull << 40;

uint64_t fpu_supported_xcr0(void)
{
    return 0x602e7; /* with AMX */
}

static struct cpuid_result intercept_defaults;

enum exit_action intercept_cpuid(struct vp *of, const struct cpuid_result *defaults)
{
    (void)of;
    intercept_defaults = *defaults;
    return EXIT_RETRY;
}

spa_t partition_take_page(struct partition *partition)
{
    (void)partition;
    return spa(pool_empty ? 0 : (uint64_t)pool_page - PHYSMAP_BASE);
}

static struct partition partition = {.vp_count = 5};
static uint64_t child_gpr[GPR_COUNT];
static struct vp vp = {.gpr = child_gpr,
                       .partition = &partition,
                       .index = 3,
                       .lapic.base = LAPIC_BASE_ADDRESS | APIC_BASE_ENABLE};

/* By the exit. */
static struct cpuid_result ask(uint32_t leaf, uint32_t subleaf)
{
    child_gpr[GPR_RAX] = 0xdead00000000 | leaf;
    child_gpr[GPR_RCX] = 0xdead00000000 | subleaf;
    CHECK_EQUAL(child_cpuid(&vp), EXIT_SKIP);
    CHECK_EQUAL(child_gpr[GPR_RDX] >> 32, 0);
    return (struct cpuid_result){(uint32_t)child_gpr[GPR_RAX], (uint32_t)child_gpr[GPR_RBX],
                                 (uint32_t)child_gpr[GPR_RCX], (uint32_t)child_gpr[GPR_RDX]};
}

static void test_features(void)
{
    struct cpuid_result r = ask(1, 0);

    /* DTES64, MONITOR, DS-CPL, VMX, SMX, EIST, TM2; CNXT-ID, SDBG; xTPR, PDCM; DCA. */
    CHECK_EQUAL(r.ecx & (BITS(2, 8) | BITS(10, 11) | BITS(14, 16) | BIT(18)), 0);
    CHECK_EQUAL(r.ecx >> 21 & 1, 1);
    CHECK_EQUAL(r.ecx >> 24 & 1, 1);
    CHECK_EQUAL(r.ecx >> 31, 1);
    CHECK_EQUAL(r.ecx & CPUID_1_ECX_OSXSAVE, 0);
    CHECK_EQUAL(r.edx, 0x1f8bfbff); /* no PSN, DS, ACPI, TM, PBE */
    guest_cr4 = CR4_OSXSAVE | CR4_PKE;
    CHECK(ask(1, 0).ecx & CPUID_1_ECX_OSXSAVE);
    CHECK(ask(7, 0).ecx & CPUID_7_ECX_OSPKE);
    guest_cr4 = 0;
    r = ask(7, 0);
    CHECK_EQUAL(r.eax, 0);
    CHECK_EQUAL(r.ebx & (BIT(2) | BIT(4) | BIT(11) | BIT(12) | BIT(14) | BIT(15) | BIT(25)), 0);
    CHECK_EQUAL(r.ecx & (CPUID_7_ECX_OSPKE | BIT(5) | BIT(7) | BIT(13) | BIT(16) | BIT(30)), 0);
    CHECK_EQUAL(r.edx & (BIT(11) | BIT(15) | BITS(18, 22) | BITS(24, 31)), 0);
    CHECK_EQUAL(ask(7, 1).eax, 0);
    r = ask(0x80000001, 0);
    CHECK_EQUAL(r.ecx & (BITS(2, 4) | BITS(9, 10) | BITS(12, 15) | BIT(19) | BITS(23, 31)), 0);
    CHECK_EQUAL(r.edx & (BIT(10) | BITS(18, 19) | BIT(21) | BIT(28)), 0);
    vp.lapic.base = 0;
    CHECK_EQUAL(ask(1, 0).edx & LEAF_1_EDX_APIC, 0);
    vp.lapic.base = APIC_BASE_ENABLE;
}

static void test_hidden_leaves(void)
{
    static const uint32_t leaves[] = {3,    5,    8,          9,          0xa,        0x12,
                                      0x14, 0x15, 0x16,       0x1a,       0x20,       0x1000,
                                      0x21, 0x24, 0x8000000a, 0x8000001b, 0x8000001f, UINT32_MAX};

    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        struct cpuid_result r = ask(leaves[i], 0);
        CHECK_EQUAL(r.eax | r.ebx | r.ecx | r.edx, 0);
    }
    CHECK_EQUAL(ask(0, 0).eax, 0x1f);
    CHECK_EQUAL(ask(0x80000000, 0).eax, 0x8000001e);
    max_basic = 0xd;
    CHECK_EQUAL(ask(0, 0).eax, 0xd);
    CHECK_EQUAL(ask(0x40000003, 0).eax, 0x40000003);
    partition.hypervisor_hidden = true;
    CHECK_EQUAL(ask(0x40000000, 0).eax, ask(0xd, 0).eax);
    CHECK_EQUAL(ask(1, 0).ecx >> 31, 0);
    CHECK_EQUAL(ask(0x80000007, 0).edx, 0x100);
    partition.hypervisor_hidden = false;
    CHECK_EQUAL(ask(0x80000007, 0).edx, 0);
    partition.invariant_tsc = true;
    CHECK_EQUAL(ask(0x80000007, 0).edx, 0x100);
    max_basic = 0x20;
}

static void test_topology(void)
{
    CHECK_EQUAL(ask(1, 0).ebx, 0x0308ffff);
    CHECK_EQUAL(ask(0xb, 0).eax, 0);
    CHECK_EQUAL(ask(0xb, 0).ebx, 1);
    CHECK_EQUAL(ask(0xb, 0).ecx, 0x100);
    CHECK_EQUAL(ask(0x1f, 1).eax, 3);
    CHECK_EQUAL(ask(0x1f, 1).ebx, 5);
    CHECK_EQUAL(ask(0x1f, 1).ecx, 0x201);
    CHECK_EQUAL(ask(0xb, 2).ecx, 2);
    CHECK_EQUAL(ask(0xb, 2).edx, 3);
    CHECK_EQUAL(ask(4, 0).eax, 7u << 26 | 1 << 5 | 1);
    CHECK_EQUAL(ask(4, 2).eax, 7u << 26 | 7 << 14 | 3 << 5 | 1);
    CHECK_EQUAL(ask(0x8000001d, 2).eax, 7 << 14 | 3 << 5 | 1);
    CHECK_EQUAL(ask(0x80000008, 0).eax, 48 << 8 | 40);
    CHECK_EQUAL(ask(0x80000008, 0).ecx, 3 << 12 | 4);
    CHECK_EQUAL(ask(0x8000001e, 0).eax, 3);
    partition.vp_count = 1;
    CHECK_EQUAL(ask(1, 0).edx & LEAF_1_EDX_HTT, 0);
    CHECK_EQUAL(ask(1, 0).ebx >> 16 & 0xff, 1);
    CHECK_EQUAL(ask(0xb, 1).eax, 0);
    partition.vp_count = 64;
    CHECK_EQUAL(ask(1, 0).ebx >> 16 & 0xff, 64);
    CHECK_EQUAL(ask(4, 3).eax >> 26, 63);
    CHECK_EQUAL(ask(0xb, 1).eax, 6);
    partition.vp_count = 5;
}

static void test_xsave(void)
{
    struct cpuid_result r = ask(0xd, 0);

    CHECK_EQUAL(r.eax, 0x2e7);
    CHECK_EQUAL(r.edx, 0);
    CHECK_EQUAL(r.ecx, 64 * 9 + 9000);
    CHECK_EQUAL(ask(0xd, 1).eax, 7);
    CHECK_EQUAL(ask(0xd, 1).ecx, 0);
    CHECK_EQUAL(ask(0xd, 2).eax, 128);
    CHECK_EQUAL(ask(0xd, 2).ecx, 2);
    CHECK_EQUAL(ask(0xd, 3).eax, 0);
    CHECK_EQUAL(ask(0xd, 18).eax, 0);
    CHECK_EQUAL(ask(0xd, 64 + 2).eax, 0);
}

static void test_rules(void)
{
    struct cpuid_rule rule = {.leaf = 1, .value.eax = 0x600, .mask = {.eax = 0xff0}};
    struct cpuid_result r = {0xffffffff, 1, 2, 3};

    pool_empty = true;
    CHECK_EQUAL(child_cpuid_set_rule(&partition, &rule), HV_STATUS_INSUFFICIENT_MEMORY);
    CHECK_EQUAL(partition.cpuid_rule_leaves, 0);
    pool_empty = false;
    CHECK_EQUAL(child_cpuid_set_rule(&partition, &rule), HV_STATUS_SUCCESS);
    CHECK(!apply_rules(&partition, 1, 9, &r));
    CHECK_EQUAL(r.eax, 0xfffff60f);
    CHECK_EQUAL(r.ebx, 1);
    rule.value.eax = 0x700;
    CHECK_EQUAL(child_cpuid_set_rule(&partition, &rule), HV_STATUS_SUCCESS);
    CHECK_EQUAL(partition.cpuid_rule_count, 1);
    rule.kind = CPUID_RULE_SUBLEAF;
    rule.subleaf = 2;
    rule.value.eax = 0x800;
    CHECK_EQUAL(child_cpuid_set_rule(&partition, &rule), HV_STATUS_SUCCESS);
    CHECK(!apply_rules(&partition, 1, 1, &r));
    CHECK_EQUAL(r.eax, 0xfffff70f);
    CHECK(!apply_rules(&partition, 1, 2, &r));
    CHECK_EQUAL(r.eax, 0xfffff80f);
    rule = (struct cpuid_rule){.leaf = 1, .kind = CPUID_RULE_INTERCEPT, .intercept = true};
    CHECK_EQUAL(child_cpuid_set_rule(&partition, &rule), HV_STATUS_SUCCESS);
    CHECK(apply_rules(&partition, 1, 2, &r));
    child_gpr[GPR_RAX] = 1;
    child_gpr[GPR_RCX] = 2;
    CHECK_EQUAL(child_cpuid(&vp), EXIT_RETRY);
    CHECK_EQUAL(intercept_defaults.eax, 0xfffff80f);
    CHECK_EQUAL(child_gpr[GPR_RAX], 1);
    rule.intercept = false;
    CHECK_EQUAL(child_cpuid_set_rule(&partition, &rule), HV_STATUS_SUCCESS);
    CHECK(!apply_rules(&partition, 1, 2, &r));
    for (rule.leaf = 2; rule.leaf < MAX_RULES - 1; rule.leaf++)
        CHECK_EQUAL(child_cpuid_set_rule(&partition, &rule), HV_STATUS_SUCCESS);
    CHECK_EQUAL(child_cpuid_set_rule(&partition, &rule), HV_STATUS_INSUFFICIENT_BUFFERS);
}

int main(void)
{
    test_features();
    test_hidden_leaves();
    test_topology();
    test_xsave();
    test_rules();
    CHECK(child_privileges() & HV_ACCESS_TSC_INVARIANT);
    max_extended = 0x80000006;
    CHECK(!(child_privileges() & HV_ACCESS_TSC_INVARIANT));
    return unit_result();
}
