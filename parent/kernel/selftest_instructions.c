/* Self test "instructions": those that belong to a hypervisor do not exist for the parent, and
 * others that touch what protects the hypervisor do no harm. */
#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/fault.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/mm/pages.h"
#include "parent/kernel/selftest.h"

#define XCR0_X87 1ull
#define XCR0_SSE 2ull
#define XCR0_AVX 4ull

/* Defines a function that executes one instruction with its argument in RAX, and a hypercall code
 * that does not exist in RCX, should it be a hypercall. */
#define INSTRUCTION(name, text)                                                                    \
    static void name(void *operand)                                                                \
    {                                                                                              \
        uint64_t a = (uint64_t)operand, c = HV_HYPERCALL_CODE_MASK, d = 0;                         \
        __asm__ volatile(text                                                                      \
                         : "+a"(a), "+c"(c), "+d"(d)                                               \
                         :                                                                         \
                         : "rbx", "r8", "r9", "r10", "r11", "cc", "memory");                       \
    }

INSTRUCTION(do_vmxon, "vmxon (%%rax)")
INSTRUCTION(do_vmxoff, "vmxoff")
INSTRUCTION(do_vmclear, "vmclear (%%rax)")
INSTRUCTION(do_vmptrld, "vmptrld (%%rax)")
INSTRUCTION(do_vmptrst, "vmptrst (%%rax)")
INSTRUCTION(do_vmread, "vmread %%rdx, %%rcx")
INSTRUCTION(do_vmwrite, "vmwrite %%rcx, %%rdx")
INSTRUCTION(do_vmlaunch, "vmlaunch")
INSTRUCTION(do_vmresume, "vmresume")
INSTRUCTION(do_vmfunc, "xorl %%eax, %%eax; vmfunc")
INSTRUCTION(do_invept, "invept (%%rax), %%rdx")
INSTRUCTION(do_invvpid, "invvpid (%%rax), %%rdx")
INSTRUCTION(do_getsec, "xorl %%eax, %%eax; getsec")
INSTRUCTION(do_rsm, "rsm")
INSTRUCTION(do_vmrun, "vmrun")
INSTRUCTION(do_vmload, "vmload")
INSTRUCTION(do_vmsave, "vmsave")
INSTRUCTION(do_stgi, "stgi")
INSTRUCTION(do_clgi, "clgi")
INSTRUCTION(do_skinit, "xorl %%eax, %%eax; skinit")
INSTRUCTION(do_invlpga, "invlpga")
INSTRUCTION(do_vmcall, "vmcall")
INSTRUCTION(do_vmmcall, "vmmcall")

struct instruction {
    const char *name;
    void (*execute)(void *operand);
};

/* Given the address of a page of zeros in RAX: what has a memory operand can read it. */
static const struct instruction vmx_instructions[] = {
    {"VMXON", do_vmxon},     {"VMXOFF", do_vmxoff},     {"VMCLEAR", do_vmclear},
    {"VMPTRLD", do_vmptrld}, {"VMPTRST", do_vmptrst},   {"VMREAD", do_vmread},
    {"VMWRITE", do_vmwrite}, {"VMLAUNCH", do_vmlaunch}, {"VMRESUME", do_vmresume},
    {"VMFUNC", do_vmfunc},   {"INVEPT", do_invept},     {"INVVPID", do_invvpid},
    {"GETSEC", do_getsec},   {"RSM", do_rsm},
};

/* Given its physical address: a wrong one would have a #GP of its own, which may come first. */
static const struct instruction svm_instructions[] = {
    {"VMRUN", do_vmrun}, {"VMLOAD", do_vmload}, {"VMSAVE", do_vmsave},   {"STGI", do_stgi},
    {"CLGI", do_clgi},   {"SKINIT", do_skinit}, {"INVLPGA", do_invlpga},
};

/* Instructions that exit, with prefixes that change nothing but their length. */
INSTRUCTION(do_cpuid_66, ".byte 0x66; cpuid")
INSTRUCTION(do_cpuid_rex, ".byte 0x48; cpuid")
INSTRUCTION(do_cpuid_many, ".byte 0x2e, 0x67, 0x66, 0xf2, 0x40; cpuid")
INSTRUCTION(do_rdmsr_prefixed, "movl $0x40000002, %%ecx; .byte 0x66, 0x48; rdmsr")

static const struct instruction prefixed[] = {
    {"CPUID with an operand size prefix", do_cpuid_66},
    {"CPUID with a REX prefix", do_cpuid_rex},
    {"CPUID with five prefixes", do_cpuid_many},
    {"RDMSR with prefixes", do_rdmsr_prefixed},
};

static void check_all(const struct instruction *list, size_t count, void *operand, int expected)
{
    for (size_t i = 0; i < count; i++)
        check_fault(fault_try(list[i].execute, operand, NULL), expected, list[i].name);
}

#define CHECK_ALL(list, operand, expected)                                                         \
    check_all(list, sizeof(list) / sizeof((list)[0]), (operand), (expected))

static void check_lists(void)
{
    uint64_t page = page_allocate_zeroed();
    if (!check(page != 0, "no memory"))
        return;
    CHECK_ALL(vmx_instructions, direct_map(page), X86_VECTOR_UD);
    CHECK_ALL(svm_instructions, (void *)page, X86_VECTOR_UD);
    CHECK_ALL(prefixed, NULL, FAULT_NONE);
    const uint8_t *bytes = direct_map(page);
    for (size_t i = 0; i < PAGE_SIZE; i++) {
        if (!check(bytes[i] == 0, "the operand is changed at %lxh", i))
            break;
    }
    pages_free(page, 1);
}

/* Of the two only the one in the hypercall page is the processor's. */
static void check_hypercall_instructions(void)
{
    bool intel = hyperv_uses_vmcall();
    check_fault(fault_try(do_vmcall, NULL, NULL), intel ? FAULT_NONE : X86_VECTOR_UD, "VMCALL");
    check_fault(fault_try(do_vmmcall, NULL, NULL), intel ? X86_VECTOR_UD : FAULT_NONE, "VMMCALL");
}

extern const char after_stepped_cpuid[];

/* The trap flag takes effect after the instruction that follows POPF. */
static void do_stepped_cpuid(void *argument)
{
    uint64_t a = 0, c = 0;
    (void)argument;
    __asm__ volatile("pushfq\n\t"
                     "orq $0x100, (%%rsp)\n\t"
                     "popfq\n\t"
                     "cpuid\n"
                     "after_stepped_cpuid:\n\t"
                     "nop"
                     : "+a"(a), "+c"(c)
                     :
                     : "rbx", "rdx", "cc", "memory");
}

/* An instruction that exits is a step like others. */
static void check_single_step(void)
{
    struct fault fault = {0};
    check_fault(fault_try(do_stepped_cpuid, NULL, &fault), X86_VECTOR_DB, "stepping over CPUID");
    check_equal(fault.rip, (uint64_t)after_stepped_cpuid, "RIP after the step");
}

static void do_invd(void *argument)
{
    (void)argument;
    __asm__ volatile("invd" ::: "memory");
}

/* A real INVD would throw away what is still in the cache. */
static void check_invd(void)
{
    volatile uint64_t values[64];
    for (uint64_t i = 0; i < 64; i++)
        values[i] = i * i;
    check_fault(fault_try(do_invd, NULL, NULL), FAULT_NONE, "INVD");
    for (uint64_t i = 0; i < 64; i++)
        check(values[i] == i * i, "INVD lost a value");
}

static uint64_t other_exits(void)
{
    struct hv_output_veneer_get_exit_counts counts = {0};
    hyperv_get_exit_counts(HV_VP_INDEX_SELF, &counts);
    return counts.other;
}

/* A VM exit of VT-x leaves CR0.CD and NW as they are, and caches that are not coherent would be the
 * hypervisor's, too: there the bits must be its own. */
static void check_cache_disable(uint64_t cr0)
{
    uint64_t before = other_exits();
    check_fault(try_write_cr0(cr0 | CR0_CD | CR0_NW), FAULT_NONE, "setting CR0.CD and NW");
    check_equal(read_cr0(), cr0 | CR0_CD | CR0_NW, "CR0 without caches");
    check_fault(try_write_cr0(cr0), FAULT_NONE, "clearing CR0.CD and NW");
    check_equal(read_cr0(), cr0, "CR0 with caches");
    if (hyperv_uses_vmcall()) {
        check_equal(other_exits() - before, 2, "number of exits for CR0.CD");
        check_fault(try_write_cr0(cr0 | CR0_NW), X86_VECTOR_GP, "setting CR0.NW alone");
        check_equal(read_cr0(), cr0, "CR0 after that");
    }
}

static void check_control_registers(void)
{
    uint64_t cr0 = read_cr0(), cr4 = read_cr4();
    int fault = try_write_cr4(cr4 | CR4_VMXE);
    check(fault == X86_VECTOR_GP || fault == FAULT_NONE, "setting CR4.VMXE gives vector %d", fault);
    check_fault(fault_try(do_vmxon, NULL, NULL), X86_VECTOR_UD, "VMXON after setting CR4.VMXE");
    check_fault(try_write_cr4(cr4), FAULT_NONE, "clearing CR4.VMXE");
    check_equal(read_cr4(), cr4, "CR4 in the end");

    fault = try_write_cr0(cr0 & ~CR0_NE);
    check(fault == X86_VECTOR_GP || fault == FAULT_NONE, "clearing CR0.NE gives vector %d", fault);
    check_fault(try_write_cr0(cr0), FAULT_NONE, "setting CR0.NE");
    check_equal(read_cr0(), cr0, "CR0 in the end");

    check_cache_disable(cr0);

    check_fault(try_write_cr4(cr4 | 1ull << 63), X86_VECTOR_GP, "setting a reserved bit of CR4");
}

struct extended_control {
    uint32_t number;
    uint64_t value;
};

static void do_xsetbv(void *argument)
{
    const struct extended_control *c = argument;
    __asm__ volatile("xsetbv" ::"c"(c->number), "a"((uint32_t)c->value),
                     "d"((uint32_t)(c->value >> 32)));
}

static int try_xsetbv(uint32_t number, uint64_t value)
{
    struct extended_control control = {number, value};
    return fault_try(do_xsetbv, &control, NULL);
}

static uint64_t xgetbv(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static void check_xsetbv(void)
{
    check_fault(try_xsetbv(0, XCR0_X87), X86_VECTOR_UD, "XSETBV without CR4.OSXSAVE");
    if (!cpu_has_xsave())
        return;
    uint64_t cr4 = read_cr4();
    write_cr4(cr4 | CR4_OSXSAVE);
    uint64_t before = xgetbv();
    check_fault(try_xsetbv(0, XCR0_X87 | XCR0_SSE), FAULT_NONE, "XSETBV x87 and SSE");
    check_equal(xgetbv(), XCR0_X87 | XCR0_SSE, "XCR0");
    check_fault(try_xsetbv(0, XCR0_SSE), X86_VECTOR_GP, "XSETBV without x87");
    check_fault(try_xsetbv(0, XCR0_X87 | XCR0_AVX), X86_VECTOR_GP, "XSETBV AVX without SSE");
    check_fault(try_xsetbv(0, UINT64_MAX), X86_VECTOR_GP, "XSETBV all bits");
    check_fault(try_xsetbv(1, XCR0_X87), X86_VECTOR_GP, "XSETBV of XCR1");
    check_equal(xgetbv(), XCR0_X87 | XCR0_SSE, "XCR0 after refused changes");
    check_fault(try_xsetbv(0, before), FAULT_NONE, "XSETBV as before");
    write_cr4(cr4);
}

static void run(void)
{
    check_lists();
    check_hypercall_instructions();
    check_invd();
    check_single_step();
    check_control_registers();
    check_xsetbv();
}

const struct selftest selftest_instructions = {"instructions", run, SELFTEST_TOGETHER, false};
