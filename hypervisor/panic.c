#include "hypervisor/panic.h"

#include <stdarg.h>

#include "hypervisor/atomic.h"
#include "hypervisor/console.h"
#include "hypervisor/hw.h"
#include "hypervisor/lp.h"
#include "lib/symbols.h"

#define BACKTRACE_LIMIT 24

static uint32_t panicking; /* 1: an LP has begun to panic */

static _Noreturn void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

void boot_stop(const char *format, ...)
{
    va_list arguments;

    print("\nVeneer cannot start: ");
    va_start(arguments, format);
    vprint(format, arguments);
    va_end(arguments);
    print("\n");
    halt();
}

static void stop_others(void)
{
    uint64_t rsp = (uint64_t)__builtin_frame_address(0);
    struct lp *self = lp_stack_contains(rsp) ? this_lp() : NULL;

    for (uint32_t i = 0; i < lp_count; i++) {
        struct lp *lp = lp_by_index(i);
        if (lp != self && lp->online)
            lp_request(lp, LP_REQUEST_STOP);
    }
}

/* Only one LP reports; others that fail meanwhile just halt. */
static void begin_panic(void)
{
    if (atomic_exchange(&panicking, 1) != 0)
        halt();
    stop_others();
    console_seize();
    print("\nPANIC: ");
}

static void print_backtrace(const uint64_t *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t offset = 0;
        char name[SYMBOL_NAME_SIZE] = "?";

        symbol_find(addresses[i], name, &offset);
        print("  %016llx %s+%llx\n", (unsigned long long)addresses[i], name,
              (unsigned long long)offset);
    }
}

/* Appends the callers above frame pointer @rbp to @count addresses; returns the new count. */
static size_t add_callers(uint64_t rbp, uint64_t *addresses, size_t count)
{
    uint64_t slot = rbp & ~(LP_SLOT_SIZE - 1);

    if (!lp_stack_contains(rbp))
        return count;
    return count + backtrace(rbp, slot + LP_STACK_LOW, slot + LP_SLOT_SIZE, addresses + count,
                             BACKTRACE_LIMIT - count);
}

static void print_where(void)
{
    uint64_t rsp = (uint64_t)__builtin_frame_address(0);

    if (lp_stack_contains(rsp))
        print("on LP %u (APIC id %u)\n", this_lp()->index, this_lp()->apic_id);
    else
        print("on LP 0, while booting\n");
}

static _Noreturn void end_panic(void)
{
    print("The machine has been stopped. Please report this text.\n");
    halt();
}

void panic(const char *format, ...)
{
    uint64_t addresses[BACKTRACE_LIMIT];
    uint64_t caller_frame = *(const uint64_t *)__builtin_frame_address(0);
    va_list arguments;

    begin_panic();
    va_start(arguments, format);
    vprint(format, arguments);
    va_end(arguments);
    print("\n");
    print_where();
    addresses[0] = (uint64_t)__builtin_return_address(0) - 1;
    print_backtrace(addresses, add_callers(caller_frame, addresses, 1));
    end_panic();
}

static void print_frame(const struct exception_frame *f)
{
    print("rip %016llx rflags %08llx error code %llx cr2 %016llx cr3 %016llx\n"
          "rax %016llx rbx %016llx rcx %016llx rdx %016llx\n"
          "rsi %016llx rdi %016llx rbp %016llx rsp %016llx\n"
          "r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n"
          "r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n",
          (unsigned long long)f->rip, (unsigned long long)f->rflags,
          (unsigned long long)f->error_code, (unsigned long long)read_cr2(),
          (unsigned long long)read_cr3(), (unsigned long long)f->rax, (unsigned long long)f->rbx,
          (unsigned long long)f->rcx, (unsigned long long)f->rdx, (unsigned long long)f->rsi,
          (unsigned long long)f->rdi, (unsigned long long)f->rbp, (unsigned long long)f->rsp,
          (unsigned long long)f->r8, (unsigned long long)f->r9, (unsigned long long)f->r10,
          (unsigned long long)f->r11, (unsigned long long)f->r12, (unsigned long long)f->r13,
          (unsigned long long)f->r14, (unsigned long long)f->r15);
}

/* Where the exception was, and its callers. */
static void print_frame_backtrace(const struct exception_frame *frame)
{
    uint64_t addresses[BACKTRACE_LIMIT], offset;
    char name[SYMBOL_NAME_SIZE];
    size_t count = 0;

    addresses[count++] = frame->rip;
    /* A call to where no code is: its caller has made no frame for it yet. */
    if (!symbol_find(frame->rip, name, &offset) && lp_stack_contains(frame->rsp))
        addresses[count++] = *(const uint64_t *)frame->rsp - 1;
    print_backtrace(addresses, add_callers(frame->rbp, addresses, count));
}

void panic_exception(const struct exception_frame *frame)
{
    begin_panic();
    print("exception %llu in the hypervisor\n", (unsigned long long)frame->vector);
    print_where();
    print_frame(frame);
    print_frame_backtrace(frame);
    end_panic();
}

void panic_root(const struct vp *vp, const char *reason)
{
    begin_panic();
    print("the parent partition cannot go on: %s on VP %u\n", reason, vp->index);
    hw->print_state(vp);
    end_panic();
}

/* -fstack-protector. boot/start.asm mixes the time of the boot into it. */
uint64_t __stack_chk_guard __attribute__((section(".data.constant_after_boot"))) =
    0x00a5f3c1d70b2e94ull;

void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
    panic("stack overrun");
}
