/* MSRs of children: constants, what has state, privileges of the synthetic ones, and who answers
 * unknown ones. */
#include "hypervisor/console.h"
#include "hypervisor/hw.h"
#include "hypervisor/reftime.h"
#include "tests/unit/unit.h"

static uint64_t real_tsc_aux;
static struct cpuid_result machine(uint32_t leaf, uint32_t subleaf);
#define cpuid(leaf, subleaf) machine(leaf, subleaf)
#define wrmsr(msr, value) ((void)(msr), (void)(real_tsc_aux = (value)))
#include "hypervisor/child_msr.c"

static struct cpuid_result machine(uint32_t leaf, uint32_t subleaf)
{
    (void)leaf, (void)subleaf;
    return (struct cpuid_result){.edx = 1 << 27};
}

struct partition root_partition;
static uint64_t child_gpr[GPR_COUNT], now, deadline;
static uint64_t lapic_registers[0x100], guest_page[512];
static struct veneer_vp_statistics statistics;
static struct partition partition;
static struct vp vp = {.partition = &partition, .statistics = &statistics, .gpr = child_gpr};
static struct vp_registers registers = {.pat = PAT_RESET_VALUE};
static unsigned intercepts, prints, updates, eois;

/* --- What the tested file calls --- */

static void get_registers(const struct vp *of, struct vp_registers *r)
{
    (void)of;
    *r = registers;
}

static void set_registers(struct vp *of, const struct vp_registers *r)
{
    (void)of;
    registers = *r;
}

static const struct hw_ops ops = {.get_registers = get_registers, .set_registers = set_registers};
const struct hw_ops *hw = &ops;

void *partition_memory(struct partition *of, gpa_t address, uint64_t size, bool write)
{
    (void)of, (void)write;
    return address.value == 0x5000 && size <= sizeof(guest_page) ? guest_page : NULL;
}

uint64_t partition_tsc(const struct partition *of)
{
    (void)of;
    return now;
}

uint64_t reftime_from_tsc(uint64_t ticks)
{
    return ticks / 100;
}

uint64_t reftime_tsc_frequency(void)
{
    return 1000000000;
}

uint64_t reftime_scale(void)
{
    return 42;
}

bool lapic_read_msr(struct vp *of, uint32_t msr, uint64_t *value)
{
    (void)of;
    *value = lapic_registers[msr - 0x800];
    return msr != 0x80b;
}

bool lapic_write_msr(struct vp *of, uint32_t msr, uint64_t value)
{
    (void)of;
    lapic_registers[msr - 0x800] = value;
    return true;
}

uint64_t lapic_read_icr(const struct vp *of)
{
    return of->lapic.icr_low;
}

bool lapic_write_icr(struct vp *of, uint64_t value)
{
    of->lapic.icr_low = (uint32_t)value;
    return value != 0xbad;
}

bool lapic_write_tpr(struct vp *of, uint64_t value)
{
    of->lapic.tpr = (uint32_t)value;
    return value <= 0xff;
}

bool lapic_write_base(struct vp *of, uint64_t value)
{
    of->lapic.base = value;
    return true;
}

void lapic_eoi(struct vp *of)
{
    (void)of;
    eois++;
}

uint64_t lapic_read_tsc_deadline(const struct vp *of)
{
    (void)of;
    return deadline;
}

void lapic_write_tsc_deadline(struct vp *of, uint64_t value)
{
    (void)of;
    deadline = value;
}

bool synic_read_msr(struct vp *of, uint32_t msr, uint64_t *value)
{
    (void)of;
    *value = msr;
    return true;
}

bool synic_write_msr(struct vp *of, uint32_t msr, uint64_t value)
{
    (void)of, (void)msr;
    return value == 1;
}

void hypercall_page_set_guest_os_id(struct partition *of, uint64_t value)
{
    of->guest_os_id = value;
}

bool hypercall_page_set(struct partition *of, uint64_t value)
{
    of->hypercall_msr = value;
    return value != 2;
}

enum exit_action intercept_msr(struct vp *of, bool is_write)
{
    (void)of, (void)is_write;
    intercepts++;
    return EXIT_RETRY;
}

void vp_attention(struct vp *of, uint32_t bits)
{
    CHECK(of == &vp);
    CHECK_EQUAL(bits, VP_ATTENTION_INTERRUPT);
}

void vp_update_controls(struct vp *of)
{
    (void)of;
    updates++;
}

void vp_use_extra_state(struct vp *of, enum vp_extra_state what)
{
    of->extra_state |= what;
}

void print(const char *format, ...)
{
    (void)format;
    prints++;
}

/* --- Tests --- */

static uint64_t result(void)
{
    return child_gpr[GPR_RDX] << 32 | child_gpr[GPR_RAX];
}

#define CHECK_READ(msr, expected)                                                                  \
    do {                                                                                           \
        CHECK_EQUAL(child_rdmsr(&vp, msr), EXIT_SKIP);                                             \
        CHECK_EQUAL(result(), expected);                                                           \
    } while (0)
#define CHECK_NO_READ(msr) CHECK_EQUAL(child_rdmsr(&vp, msr), EXIT_GP)
#define CHECK_WRITE(msr, value) CHECK_EQUAL(child_wrmsr(&vp, msr, value), EXIT_SKIP)
#define CHECK_NO_WRITE(msr, value) CHECK_EQUAL(child_wrmsr(&vp, msr, value), EXIT_GP)

static void test_constants(void)
{
    CHECK_READ(0x3a, 1);
    CHECK_NO_WRITE(0x3a, 5);
    CHECK_READ(0xfe, 0x508);
    CHECK_WRITE(0x20f, 0x800);
    CHECK_READ(0x20f, 0);
    CHECK_READ(0x26f, 0x0606060606060606);
    CHECK_READ(0xc0010114, 0x18);
    CHECK_NO_WRITE(0xc0010114, 0);
    for (size_t i = 1; i < sizeof(constants) / sizeof(constants[0]); i++)
        CHECK(constants[i].first > constants[i - 1].last &&
              constants[i].first <= constants[i].last);
    static const uint32_t missing[] = {0x48,       0x49,       0xc1,  0xe7,  0xe8,
                                       0x10a,      0x210,      0x400, 0x480, 0xda0,
                                       0xc0010117, 0xc001011b, 0x700, 0x900, 0xc0010015 - 1};
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        CHECK_NO_READ(missing[i]);
        CHECK_NO_WRITE(missing[i], 0);
    }
}

static void test_state(void)
{
    now = 1000;
    CHECK_READ(MSR_TSC, 1000);
    deadline = 7;
    CHECK_WRITE(MSR_TSC, 50);
    CHECK_EQUAL(updates, 1);
    CHECK_EQUAL(deadline, 7);
    CHECK_READ(MSR_TSC_ADJUST, (uint64_t)-950);
    now = 1100;
    CHECK_READ(MSR_TSC, 150);
    CHECK_WRITE(MSR_TSC_ADJUST, 0);
    CHECK_READ(MSR_TSC, 1100);
    CHECK_WRITE(MSR_TSC_DEADLINE, 9);
    CHECK_READ(MSR_TSC_DEADLINE, 9);

    CHECK_READ(MSR_MTRR_DEFAULT_TYPE, 0x806);
    CHECK_WRITE(MSR_MTRR_DEFAULT_TYPE, 0xc00);
    CHECK_READ(MSR_MTRR_DEFAULT_TYPE, 0xc00);
    CHECK_NO_WRITE(MSR_MTRR_DEFAULT_TYPE, 0x802);
    CHECK_NO_WRITE(MSR_MTRR_DEFAULT_TYPE, 0x807);
    CHECK_NO_WRITE(MSR_MTRR_DEFAULT_TYPE, 0x1806);

    CHECK_READ(MSR_PAT, PAT_RESET_VALUE);
    CHECK_WRITE(MSR_PAT, 0x0706050401000706);
    CHECK_READ(MSR_PAT, 0x0706050401000706);
    CHECK_NO_WRITE(MSR_PAT, 0x0002000000000000);
    CHECK_NO_WRITE(MSR_PAT, 0x0300000000000000);
    CHECK_NO_WRITE(MSR_PAT, 0x0000000000000008);

    CHECK_READ(MSR_TSC_AUX, 0);
    CHECK_NO_WRITE(MSR_TSC_AUX, 1ull << 32);
    CHECK_EQUAL(vp.extra_state, 0);
    CHECK_WRITE(MSR_TSC_AUX, 77);
    CHECK_EQUAL(vp.extra_state, VP_EXTRA_TSC_AUX);
    CHECK_EQUAL(real_tsc_aux, 77);
    CHECK_READ(MSR_TSC_AUX, 77);
    CHECK_NO_READ(0x80b);
    CHECK_WRITE(0x83f, 5);
    CHECK_READ(0x83f, 5);
}

/* Each of the range, without and with all privileges. */
static void test_privileges(void)
{
    unsigned readable = 0, writable = 0;

    partition.privileges = 0;
    for (uint32_t msr = HV_X64_MSR_FIRST; msr <= HV_X64_MSR_LAST; msr++) {
        bool crash = msr >= HV_X64_MSR_CRASH_P0 && msr <= HV_X64_MSR_CRASH_CTL;
        CHECK_EQUAL(child_rdmsr(&vp, msr), crash ? EXIT_SKIP : EXIT_GP);
        CHECK_EQUAL(child_wrmsr(&vp, msr, 1), crash ? EXIT_SKIP : EXIT_GP);
    }
    partition.privileges = UINT64_MAX;
    for (uint32_t msr = HV_X64_MSR_FIRST; msr <= HV_X64_MSR_LAST; msr++) {
        readable += child_rdmsr(&vp, msr) == EXIT_SKIP;
        writable += child_wrmsr(&vp, msr, 0) == EXIT_SKIP;
    }
    /* OS id to reset, times, APIC, SynIC, timers, crash, invariance; SynIC refuses to write 0. */
    CHECK_EQUAL(readable, 4 + 5 + 3 + 0x20 + 8 + 1 + 6 + 1);
    CHECK_EQUAL(writable, 3 + 1 + 4 + 6 + 1);
    vp.activity = VP_ACTIVE;
    CHECK_NO_WRITE(HV_X64_MSR_GUEST_IDLE, 0);
    CHECK_EQUAL(vp.activity, VP_ACTIVE);
    CHECK_READ(HV_X64_MSR_GUEST_IDLE, 0);
    CHECK_EQUAL(vp.activity, VP_GUEST_IDLE);
    partition.privileges = ~(uint64_t)HV_ACCESS_GUEST_IDLE_MSR;
    CHECK_NO_READ(HV_X64_MSR_GUEST_IDLE);
    partition.privileges = UINT64_MAX;
    CHECK_NO_READ(HV_X64_MSR_EOI);
    CHECK_NO_WRITE(HV_X64_MSR_VP_INDEX, 0);
    CHECK_NO_WRITE(HV_X64_MSR_TIME_REF_COUNT, 0);
}

static void test_synthetic(void)
{
    eois = 0;
    CHECK_WRITE(HV_X64_MSR_EOI, 0);
    CHECK_EQUAL(eois, 1);
    CHECK_WRITE(HV_X64_MSR_ICR, 0x4032);
    CHECK_READ(HV_X64_MSR_ICR, 0x4032);
    CHECK_NO_WRITE(HV_X64_MSR_ICR, 0xbad);
    CHECK_WRITE(HV_X64_MSR_TPR, 0x20);
    CHECK_READ(HV_X64_MSR_TPR, 0x20);
    CHECK_NO_WRITE(HV_X64_MSR_TPR, 0x100);
    CHECK_WRITE(MSR_APIC_BASE, 0xfee00900);
    CHECK_READ(MSR_APIC_BASE, 0xfee00900);

    CHECK_NO_WRITE(HV_X64_MSR_VP_ASSIST_PAGE, 0x6001);
    CHECK_WRITE(HV_X64_MSR_VP_ASSIST_PAGE, 0x5001);
    CHECK_WRITE(HV_X64_MSR_VP_ASSIST_PAGE, 0x6000);
    CHECK_NO_WRITE(HV_X64_MSR_REFERENCE_TSC, 0x6001);
    CHECK_READ(HV_X64_MSR_REFERENCE_TSC, 0);
    CHECK_WRITE(HV_X64_MSR_REFERENCE_TSC, 0x5001);
    CHECK_EQUAL(guest_page[0], 1);
    CHECK_EQUAL(guest_page[1], 42);
    CHECK_READ(HV_X64_MSR_TIME_REF_COUNT, 11);

    intercepts = 0;
    CHECK_WRITE(HV_X64_MSR_RESET, 0);
    CHECK_EQUAL(child_wrmsr(&vp, HV_X64_MSR_RESET, 1), EXIT_RETRY);
    CHECK_WRITE(HV_X64_MSR_CRASH_P0, 99);
    CHECK_WRITE(HV_X64_MSR_CRASH_CTL, 0);
    CHECK_EQUAL(child_wrmsr(&vp, HV_X64_MSR_CRASH_CTL, HV_X64_MSR_CRASH_CTL_NOTIFY), EXIT_RETRY);
    CHECK_EQUAL(intercepts, 2);
    CHECK_READ(HV_X64_MSR_CRASH_P0, 99);
    CHECK_NO_WRITE(HV_X64_MSR_TSC_INVARIANT_CONTROL, 2);
    CHECK_WRITE(HV_X64_MSR_TSC_INVARIANT_CONTROL, 1);
    CHECK(partition.invariant_tsc);
    CHECK_NO_WRITE(HV_X64_MSR_HYPERCALL, 2);
}

static void test_who_answers(void)
{
    intercepts = 0;
    partition.msr_rules[0].msr = MSR_TSC_DEADLINE;
    partition.msr_rules[0].rule = HV_INTERCEPT_ACCESS_MASK_WRITE << MSR_RULE_INTERCEPT_SHIFT;
    partition.msr_rule_count = 1;
    CHECK_READ(MSR_TSC_DEADLINE, 9);
    CHECK_EQUAL(child_wrmsr(&vp, MSR_TSC_DEADLINE, 1), EXIT_RETRY);
    CHECK_EQUAL(deadline, 9);
    CHECK_EQUAL(intercepts, 1);

    partition.unknown_msr_intercept = true;
    CHECK_EQUAL(child_rdmsr(&vp, 0x400), EXIT_RETRY);
    CHECK_EQUAL(child_wrmsr(&vp, 0x400, 0), EXIT_RETRY);
    CHECK_EQUAL(intercepts, 3);
    partition.unknown_msr_intercept = false;
    partition.ignore_unknown_msrs = true;
    for (int i = 0; i < 20; i++) {
        CHECK_READ(0x400, 0);
        CHECK_WRITE(0x400, 1);
    }
    CHECK_EQUAL(prints, 16);
    partition.msr_rules[1].msr = 0x400;
    partition.msr_rules[1].rule = HV_INTERCEPT_ACCESS_MASK_READ << MSR_RULE_FAULT_SHIFT;
    partition.msr_rule_count = 2;
    CHECK_NO_READ(0x400);
    CHECK_WRITE(0x400, 1);
    partition.ignore_unknown_msrs = false;
    CHECK_NO_WRITE(0x400, 1);
    partition.msr_rules[1].rule = HV_INTERCEPT_ACCESS_MASK_WRITE << MSR_RULE_IGNORE_SHIFT;
    CHECK_NO_READ(0x400);
    CHECK_WRITE(0x400, 1);
    partition.ignore_unknown_msrs = true;
    CHECK_NO_READ(HV_X64_MSR_EOI);
    partition.hypervisor_hidden = true;
    CHECK_READ(HV_X64_MSR_VP_INDEX, 0);
    partition.ignore_unknown_msrs = false;
    CHECK_NO_READ(HV_X64_MSR_VP_INDEX);
    CHECK_NO_WRITE(HV_X64_MSR_EOI, 0);
}

int main(void)
{
    test_constants();
    test_state();
    test_privileges();
    test_synthetic();
    test_who_answers();
    return unit_result();
}
