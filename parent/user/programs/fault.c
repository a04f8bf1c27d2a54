/* Test program: makes the fault that its second word names. If the fault does not come it ends with
 * status 99. */
#include "lib/string.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define NO_FAULT 99
#define KERNEL_ADDRESS 0xffffffff80200000ull
#define DIRECT_MAP_ADDRESS 0xffff800000100000ull
#define NON_CANONICAL 0x0000800000000000ull

static const uint8_t constant_code[] = {0xc3};
static uint8_t code[] = {0xc3};

static void call(uint64_t address)
{
    ((void (*)(void))address)();
}

static void fault_null_read(void)
{
    (void)*(volatile int *)NULL;
}

static void fault_null_write(void)
{
    *(volatile int *)NULL = 1;
}

static void fault_write_code(void)
{
    *(volatile uint8_t *)(uint64_t)fault_null_read = 0;
}

static void fault_write_constant(void)
{
    *(volatile uint8_t *)(uint64_t)constant_code = 0;
}

static void fault_execute_data(void)
{
    call((uint64_t)code);
}

static void fault_execute_stack(void)
{
    volatile uint8_t on_stack[] = {0xc3};
    call((uint64_t)on_stack);
}

static void fault_kernel_read(void)
{
    (void)*(volatile int *)DIRECT_MAP_ADDRESS;
}

static void fault_kernel_write(void)
{
    *(volatile int *)KERNEL_ADDRESS = 1;
}

static void fault_kernel_execute(void)
{
    call(KERNEL_ADDRESS);
}

static void fault_non_canonical(void)
{
    (void)*(volatile int *)NON_CANONICAL;
}

static void fault_divide(void)
{
    __asm__ volatile("xorl %%ecx, %%ecx; divl %%ecx" ::: "eax", "ecx", "edx");
}

static void fault_invalid(void)
{
    __asm__ volatile("ud2");
}

static void fault_privileged(void)
{
    __asm__ volatile("hlt");
}

static void fault_port(void)
{
    __asm__ volatile("inb $0x80, %%al" ::: "eax");
}

static void fault_breakpoint(void)
{
    __asm__ volatile("int3");
}

static void fault_interrupt(void)
{
    __asm__ volatile("int $0x80");
}

static void fault_single_step(void)
{
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop" ::: "cc", "memory");
}

/* The flag must not follow into the kernel. */
static void fault_step_into_kernel(void)
{
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; syscall; nop"
                     :
                     : "a"(SYSTEM_NULL)
                     : "rcx", "r11", "cc", "memory");
}

static void fault_sse(void)
{
    __asm__ volatile("xorps %xmm0, %xmm0");
}

static void fault_x87(void)
{
    __asm__ volatile("fldz; fstp %st(0)");
}

static uint64_t recurse(uint64_t depth)
{
    volatile uint64_t local[32] = {depth};
    return local[0] == UINT64_MAX ? 0 : recurse(depth + 1) + local[0];
}

static void fault_stack(void)
{
    recurse(0);
}

static void overwrite(volatile char *buffer, int size)
{
    for (int i = 0; i < size; i++)
        buffer[i] = 'x';
}

static void fault_smash(void)
{
    char small[8];
    int size = 64;
    __asm__("" : "+r"(size)); /* the compiler would see it coming */
    overwrite(small, size);
}

/* With the stack pointer where nothing is, an exception must still find the kernel's stack. */
static void fault_no_stack(void)
{
    __asm__ volatile("xorl %%esp, %%esp; pushq %%rax" ::: "memory");
}

static void fault_abort(void)
{
    abort();
}

static const struct {
    const char *name;
    void (*function)(void);
} faults[] = {
    {"null-read", fault_null_read},
    {"null-write", fault_null_write},
    {"write-code", fault_write_code},
    {"write-constant", fault_write_constant},
    {"execute-data", fault_execute_data},
    {"execute-stack", fault_execute_stack},
    {"kernel-read", fault_kernel_read},
    {"kernel-write", fault_kernel_write},
    {"kernel-execute", fault_kernel_execute},
    {"non-canonical", fault_non_canonical},
    {"divide", fault_divide},
    {"invalid", fault_invalid},
    {"privileged", fault_privileged},
    {"port", fault_port},
    {"breakpoint", fault_breakpoint},
    {"interrupt", fault_interrupt},
    {"single-step", fault_single_step},
    {"step-into-kernel", fault_step_into_kernel},
    {"sse", fault_sse},
    {"x87", fault_x87},
    {"stack", fault_stack},
    {"smash", fault_smash},
    {"no-stack", fault_no_stack},
    {"abort", fault_abort},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (strcmp(faults[i].name, argv[1]) == 0)
            faults[i].function();
    }
    return NO_FAULT;
}
