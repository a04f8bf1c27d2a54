/* Ways to give up: a machine that we cannot use, a parent that is broken, a bug of our own. */
#ifndef VENEER_HYPERVISOR_PANIC_H
#define VENEER_HYPERVISOR_PANIC_H

#include <stdint.h>

/* Registers at an exception in the hypervisor, as entry.asm pushes them. */
struct exception_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error_code;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* Stops the boot: prints "Veneer cannot start: " and the message, which says what is missing and
 * what to do, and halts. LP 0, while booting. */
_Noreturn void boot_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A bug, or hardware that broke: stops all LPs, prints the message, this LP, registers, and a
 * backtrace with names; halts. Any context. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, for an exception: prints @frame's registers. */
_Noreturn void panic_exception(const struct exception_frame *frame);

/* The parent cannot go on (triple fault, invalid state): all LPs stop, @vp's state is printed. */
struct vp;
_Noreturn void panic_root(const struct vp *vp, const char *reason);

/* Debug builds check invariants. */
#if VENEER_DEBUG
#define ASSERT(condition)                                                                          \
    ((condition) ? (void)0 : panic("assertion failed: %s (%s:%d)", #condition, __FILE__, __LINE__))
#else
#define ASSERT(condition) ((void)sizeof(condition))
#endif

#endif
