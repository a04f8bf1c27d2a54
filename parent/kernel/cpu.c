#include "parent/kernel/cpu.h"

#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/interrupt.h"
#include "parent/kernel/layout.h"
#include "parent/kernel/mm/memory.h"
#include "parent/kernel/mm/stack.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/sched/scheduler.h"

#define CPUID_1_ECX_XSAVE (1u << 26)
#define CPUID_7_EBX_SMEP (1u << 7)
#define CPUID_7_EBX_SMAP (1u << 20)
#define CPUID_7_ECX_UMIP (1u << 2)

/* Descriptors (Intel SDM vol. 3, 3.4.5); base and limit mean nothing in 64-bit mode. */
#define DESCRIPTOR_KERNEL_CODE 0x00af9b000000ffffull
#define DESCRIPTOR_KERNEL_DATA 0x00cf93000000ffffull
#define DESCRIPTOR_USER_DATA 0x00cff3000000ffffull
#define DESCRIPTOR_USER_CODE 0x00affb000000ffffull

/* The same as attributes of a VP's context; a TSS in use is busy. */
#define ATTRIBUTES_CODE 0xa09b
#define ATTRIBUTES_DATA 0xc093
#define ATTRIBUTES_TSS 0x008b
#define ATTRIBUTES_LDT_NONE 0x0082 /* present, limit 0: nothing can be loaded from it */

_Static_assert(sizeof(struct cpu) <= PAGE_SIZE, "one page is taken for it");

struct cpu *cpus[MAX_CPUS];
uint32_t cpu_count;

static struct cpuid_result structured_features(void)
{
    if (cpuid(0, 0).eax < 7)
        return (struct cpuid_result){0};
    return cpuid(7, 0);
}

bool cpu_has_smep(void)
{
    return structured_features().ebx & CPUID_7_EBX_SMEP;
}

bool cpu_has_smap(void)
{
    return structured_features().ebx & CPUID_7_EBX_SMAP;
}

bool cpu_has_umip(void)
{
    return structured_features().ecx & CPUID_7_ECX_UMIP;
}

bool cpu_has_xsave(void)
{
    return cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE;
}

static uint64_t kernel_cr4(void)
{
    uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_MCE;
    if (cpu_has_smep())
        cr4 |= CR4_SMEP;
    if (cpu_has_smap())
        cr4 |= CR4_SMAP;
    if (cpu_has_umip())
        cr4 |= CR4_UMIP;
    return cr4;
}

/* No x87 and, by CR4.OSFXSR, no SSE in this partition: neither kernel nor programs use them, and
 * the registers hold the state of a child that ran here last. */
static void disable_fpu(void)
{
    write_cr0(read_cr0() | CR0_EM);
}

static void fill_gdt(struct cpu *cpu)
{
    cpu->gdt[SELECTOR_KERNEL_CODE / 8] = DESCRIPTOR_KERNEL_CODE;
    cpu->gdt[SELECTOR_KERNEL_DATA / 8] = DESCRIPTOR_KERNEL_DATA;
    cpu->gdt[SELECTOR_USER_DATA / 8] = DESCRIPTOR_USER_DATA;
    cpu->gdt[SELECTOR_USER_CODE / 8] = DESCRIPTOR_USER_CODE;
    tss_describe(&cpu->tss, &cpu->gdt[SELECTOR_TSS / 8]);
}

static uint64_t create_stack(void)
{
    uint64_t top = stack_allocate();
    if (top == 0)
        panic("no memory for a stack");
    return top;
}

struct cpu *cpu_create(uint32_t index)
{
    uint64_t page = page_allocate_zeroed();
    uint64_t blocks = pages_allocate(2, 1);
    if (page == 0 || blocks == 0)
        panic("no memory for VP %u", index);
    struct cpu *cpu = direct_map(page);
    cpu->self = cpu;
    cpu->index = index;
    page_cache_init(&cpu->page_cache);
    timer_queue_init(&cpu->timers);
    cpu->stack = create_stack();
    cpu->tss.ist[IST_NMI - 1] = create_stack();
    cpu->tss.ist[IST_DOUBLE_FAULT - 1] = create_stack();
    cpu->tss.ist[IST_MACHINE_CHECK - 1] = create_stack();
    cpu->tss.ist[IST_DEBUG - 1] = create_stack();
    cpu->tss.io_map_base = sizeof(struct tss); /* no port for ring 3 */
    cpu->hypercall_input = direct_map(blocks);
    cpu->hypercall_output = direct_map(blocks + PAGE_SIZE);
    fill_gdt(cpu);
    sched_init_cpu(cpu, thread_create_idle(index, cpu->stack));
    cpus[index] = cpu;
    return cpu;
}

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

void cpu_load(struct cpu *cpu)
{
    struct table_pointer gdt = {sizeof(cpu->gdt) - 1, (uint64_t)cpu->gdt};
    struct table_pointer idt = {INTERRUPT_TABLE_SIZE - 1, (uint64_t)interrupt_table};
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "movl %2, %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movl %%eax, %%ss\n\t"
                     "xorl %%eax, %%eax\n\t"
                     "movl %%eax, %%fs\n\t"
                     "movl %%eax, %%gs\n\t"
                     "lldt %%ax\n\t"
                     "movl %3, %%eax\n\t"
                     "ltr %%ax"
                     :
                     : "m"(gdt), "i"(SELECTOR_KERNEL_CODE), "i"(SELECTOR_KERNEL_DATA),
                       "i"(SELECTOR_TSS)
                     : "rax", "memory");
    wrmsr(MSR_GS_BASE, (uint64_t)cpu);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
    __asm__ volatile("lidt %0" : : "m"(idt));
    disable_fpu();
    write_cr4(kernel_cr4());
}

void cpu_start_context(struct cpu *cpu, void (*entry)(void), struct hv_initial_vp_context *context)
{
    struct hv_x64_segment_register data = {
        .limit = UINT32_MAX, .selector = SELECTOR_KERNEL_DATA, .attributes = ATTRIBUTES_DATA};
    struct hv_x64_segment_register gs = data;
    gs.base = (uint64_t)cpu;
    *context = (struct hv_initial_vp_context){
        .rip = (uint64_t)entry,
        .rsp = cpu->stack,
        .rflags = RFLAGS_FIXED,
        .cs = {.limit = UINT32_MAX,
               .selector = SELECTOR_KERNEL_CODE,
               .attributes = ATTRIBUTES_CODE},
        .ds = data,
        .es = data,
        .fs = data,
        .gs = gs,
        .ss = data,
        .tr = {.base = (uint64_t)&cpu->tss,
               .limit = sizeof(struct tss) - 1,
               .selector = SELECTOR_TSS,
               .attributes = ATTRIBUTES_TSS},
        .ldtr = {.attributes = ATTRIBUTES_LDT_NONE},
        .idtr = {.limit = INTERRUPT_TABLE_SIZE - 1, .base = (uint64_t)interrupt_table},
        .gdtr = {.limit = sizeof(cpu->gdt) - 1, .base = (uint64_t)cpu->gdt},
        .efer = rdmsr(MSR_EFER),
        .cr0 = read_cr0(),
        .cr3 = memory_root(),
        .cr4 = kernel_cr4(),
        .msr_cr_pat = KERNEL_PAT,
    };
}
