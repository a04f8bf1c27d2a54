#include "parent/kernel/panic.h"

#include <stdarg.h>
#include <stddef.h>

#include "lib/printf.h"
#include "lib/symbols.h"
#include "lib/x86/cpu.h"
#include "parent/kernel/console.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/exception.h"
#include "parent/kernel/lapic.h"
#include "parent/kernel/mm/stack.h"

#define BACKTRACE_LIMIT 24

/* The compiler puts it on the stack below return addresses and checks it there; entry.asm sets it.
 */
uintptr_t __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

static uint32_t panicking; /* atomic; VP index + 1 of the CPU that panics, 0: none */

bool panic_in_progress(void)
{
    return __atomic_load_n(&panicking, __ATOMIC_ACQUIRE) != 0;
}

_Noreturn void panic_stop_cpu(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* VP index of this CPU; 0 as long as there is no GS base. */
static uint32_t cpu_index(void)
{
    return rdmsr(MSR_GS_BASE) ? this_cpu()->index : 0;
}

/* Makes this CPU the one that panics. A second panic on it, or one on another CPU, stops here. */
static void begin(void)
{
    uint32_t nobody = 0;
    interrupts_disable();
    if (!__atomic_compare_exchange_n(&panicking, &nobody, cpu_index() + 1, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        panic_stop_cpu();
    console_seize();
    if (cpu_count > 1)
        lapic_send_nmi_to_others();
    print("\nPANIC on VP %u: ", cpu_index());
}

static void print_address(uint64_t address)
{
    uint64_t offset;
    char name[SYMBOL_NAME_SIZE];
    bool found = symbol_find(address, name, &offset);
    print("  %p %s", (void *)address, found ? name : "?");
    if (found)
        print("+0x%lx", offset);
    print("\n");
}

static void print_backtrace(uint64_t rbp, uint64_t rsp)
{
    uint64_t addresses[BACKTRACE_LIMIT];
    uint64_t low, high;
    if (!stack_bounds(rsp, &low, &high))
        return;
    size_t count = backtrace(rbp, low, high, addresses, BACKTRACE_LIMIT);
    for (size_t i = 0; i < count; i++)
        print_address(addresses[i]);
}

static _Noreturn void end(void)
{
    print("RESULT FAIL panic\n");
    console_drain();
    panic_stop_cpu();
}

_Noreturn void panic(const char *format, ...)
{
    char message[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    begin();
    uint64_t frame = (uint64_t)__builtin_frame_address(0);
    print("%s\n", message);
    print_backtrace(frame, frame);
    end();
}

static void print_registers(const struct trap_frame *f)
{
    print(" rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    print(" rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", f->rsi, f->rdi, f->rbp, f->rsp);
    print(" r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9, f->r10, f->r11);
    print(" r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", f->r12, f->r13, f->r14, f->r15);
    print(" cr0 %016lx cr2 %016lx cr3 %016lx cr4 %016lx\n", read_cr0(), read_cr2(), read_cr3(),
          read_cr4());
    print(" rip %016lx cs %04lx ss %04lx rflags %08lx\n", f->rip, f->cs, f->ss, f->rflags);
}

_Noreturn void panic_exception(const struct trap_frame *frame)
{
    begin();
    print("%s, vector %lu, error code 0x%lx\n", exception_name(frame->vector), frame->vector,
          frame->error_code);
    print_registers(frame);
    print_address(frame->rip);
    print_backtrace(frame->rbp, frame->rsp);
    end();
}

_Noreturn void __stack_chk_fail(void)
{
    panic("stack smashed");
}
