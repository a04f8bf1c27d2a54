/* Self test "basic": what the kernel found when it started, and the hypervisor's interface. */
#include "include/hv/cpuid.h"
#include "include/hv/msr.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/fault.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/mm/stack.h"
#include "parent/kernel/selftest.h"
#include "parent/kernel/time.h"
#include "parent/kernel/timer.h"

#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_80000001_ECX_SVM (1u << 2)

#define RATE_MICROSECONDS 20000
#define RATE_TOLERANCE_100NS 20 /* rounding, and tsc_frequency in kHz */
#define FREQUENCY_TOLERANCE_PERCENT 5
#define MONOTONY_READS 100

static const uint8_t constant = 0xc3; /* RET, to be executed in vain */
static uint8_t variable = 0xc3;

static bool must_be_whole_pages(uint32_t type)
{
    return type == BOOT_MEMORY_RAM || type >= BOOT_MEMORY_HYPERVISOR;
}

static void check_memory_map(void)
{
    uint64_t last_end = 0;
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        const struct boot_memory_range *range = &boot_info.memory[i];
        check(range->base >= last_end, "memory range %u at %lx overlaps the one before", i,
              range->base);
        check(range->size != 0 && range->base + range->size > range->base,
              "memory range %u has size %lx", i, range->size);
        if (must_be_whole_pages(range->type))
            check(((range->base | range->size) & (PAGE_SIZE - 1)) == 0,
                  "memory range %u at %lx is not whole pages", i, range->base);
        last_end = range->base + range->size;
    }
    check(boot_memory_total(BOOT_MEMORY_HYPERVISOR) != 0, "the hypervisor owns no memory");
    check(boot_memory_total(BOOT_MEMORY_KERNEL) >= boot_info.kernel_size,
          "the kernel is larger than its memory");
    for (uint32_t i = 0; i < boot_info.module_count; i++) {
        const struct boot_memory_range *range = boot_find_range(boot_info.modules[i].base);
        check(range && range->type == BOOT_MEMORY_MODULE, "module %u is not in a module range", i);
    }
}

/* The kernel's own W^X, and that it does not map what it does not own. */
static void check_mappings(void)
{
    uint64_t text = (uint64_t)kernel_start;
    uint64_t low, high;
    uint8_t byte = 0;

    check_fault(try_write8(text + PAGE_SIZE, 0), X86_VECTOR_PF, "writing to code");
    check_fault(try_write8((uint64_t)&constant, 0), X86_VECTOR_PF, "writing to a constant");
    check_fault(try_execute((uint64_t)&constant, NULL), X86_VECTOR_PF, "executing a constant");
    check_fault(try_execute((uint64_t)&variable, NULL), X86_VECTOR_PF, "executing data");
    check_fault(try_execute((uint64_t)this_cpu(), NULL), X86_VECTOR_PF, "executing RAM");
    check_fault(try_read8(0, &byte), X86_VECTOR_PF, "reading through a null pointer");
    if (check(stack_bounds((uint64_t)__builtin_frame_address(0), &low, &high), "not on a stack"))
        check_fault(try_write8(low - 1, 0), X86_VECTOR_PF, "writing below the stack");
    check_fault(try_read8((uint64_t)direct_map(boot_info.kernel_base), &byte), X86_VECTOR_PF,
                "reading the kernel image by its alias");
    for (uint32_t i = 0; i < boot_info.memory_count; i++) {
        if (boot_info.memory[i].type == BOOT_MEMORY_HYPERVISOR)
            check_fault(try_read8((uint64_t)direct_map(boot_info.memory[i].base), &byte),
                        X86_VECTOR_PF, "reading hypervisor memory in the direct map");
    }
}

static void check_control_registers(void)
{
    uint64_t cr4 = read_cr4();
    check(read_cr0() & CR0_WP, "CR0.WP is clear");
    check(!!(cr4 & CR4_SMEP) == cpu_has_smep(), "CR4.SMEP is not as CPUID says");
    check(!!(cr4 & CR4_SMAP) == cpu_has_smap(), "CR4.SMAP is not as CPUID says");
    check(!!(cr4 & CR4_UMIP) == cpu_has_umip(), "CR4.UMIP is not as CPUID says");
    check_equal(rdmsr(MSR_PAT), KERNEL_PAT, "PAT");
}

static void check_cpuid(void)
{
    struct hv_identity identity;
    if (!check(hyperv_identify(&identity), "CPUID shows no hypervisor"))
        return;
    check_equal(identity.max_leaf, HV_CPUID_MAX_LEAF, "highest hypervisor leaf");
    check_equal(identity.interface, HV_CPUID_INTERFACE_SIGNATURE, "interface signature");
    check(identity.features[1] & HV_CREATE_PARTITIONS, "no privilege to create partitions");
    check(identity.features[1] & HV_CPU_MANAGEMENT, "no privilege of a root partition");
    check_equal(cpuid(HV_CPUID_IMPLEMENT_LIMITS, 0).eax, boot_info.vp_count, "VPs in CPUID");
    check_equal(cpuid(HV_CPUID_MAX_LEAF + 1, 0).eax, 0, "a leaf that does not exist");

    check(!(cpuid(1, 0).ecx & CPUID_1_ECX_VMX), "VMX is visible");
    check(!(cpuid(0x80000001, 0).ecx & CPUID_80000001_ECX_SVM), "SVM is visible");
    if (cpuid(0x80000000, 0).eax >= 0x8000000a)
        check_equal(cpuid(0x8000000a, 0).edx, 0, "the SVM leaf");
}

static void check_processors(void)
{
    uint64_t partition_id = 0;
    check_equal(cpu_count, boot_info.vp_count, "number of VPs");
    for (uint32_t i = 0; i < cpu_count; i++) {
        uint32_t index = UINT32_MAX;
        check_equal(hyperv_get_vp_index(cpus[i]->apic_id, &index), HV_STATUS_SUCCESS,
                    "status of the VP index by APIC id");
        check_equal(index, i, "VP index by APIC id");
    }
    check_equal(hyperv_get_partition_id(&partition_id), HV_STATUS_SUCCESS,
                "status of the partition id");
    check_equal(partition_id, HV_PARTITION_ID_ROOT, "partition id");
}

static bool nearly(uint64_t value, uint64_t expected)
{
    uint64_t difference = value > expected ? value - expected : expected - value;
    return difference <= expected * FREQUENCY_TOLERANCE_PERCENT / 100;
}

/* TSC ticks in units of 100 ns. */
static uint64_t ticks_100ns(uint64_t ticks)
{
    return ticks * 10000 / (boot_info.tsc_frequency / 1000);
}

/* The TSC is read around each reading of the counter: what comes in between does not count. */
static void check_reference_rate(void)
{
    uint64_t before_start = rdtsc();
    uint64_t start = hyperv_reference_time();
    uint64_t after_start = rdtsc();
    time_delay(RATE_MICROSECONDS);
    uint64_t before_end = rdtsc();
    uint64_t elapsed = hyperv_reference_time() - start;
    uint64_t after_end = rdtsc();
    uint64_t least = ticks_100ns(before_end - after_start);
    uint64_t most = ticks_100ns(after_end - before_start);
    check(elapsed + RATE_TOLERANCE_100NS >= least && elapsed <= most + RATE_TOLERANCE_100NS,
          "%lu x 100 ns by the reference counter are %lu to %lu by the TSC", elapsed, least, most);
}

static void check_time(void)
{
    uint64_t last = hyperv_reference_time();
    for (int i = 0; i < MONOTONY_READS; i++) {
        uint64_t now = hyperv_reference_time();
        check(now >= last, "the reference counter went back from %lu to %lu", last, now);
        last = now;
    }
    check_reference_rate();
    check_equal(rdmsr(HV_X64_MSR_TSC_FREQUENCY), boot_info.tsc_frequency, "TSC frequency MSR");
    uint64_t apic = rdmsr(HV_X64_MSR_APIC_FREQUENCY);
    check(nearly(apic, timer_lapic_frequency()), "APIC frequency MSR says %lu, measured %lu", apic,
          timer_lapic_frequency());
}

static void run(void)
{
    if (this_cpu()->index == 0) {
        check_memory_map();
        check_processors();
    }
    check_equal(rdmsr(HV_X64_MSR_VP_INDEX), this_cpu()->index, "VP index");
    check_mappings();
    check_control_registers();
    check_cpuid();
    check_time();
}

const struct selftest selftest_basic = {"basic", run, SELFTEST_TOGETHER, false};
