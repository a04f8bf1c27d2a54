#include "parent/kernel/proc/user.h"

#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/proc/address_space.h"

/* STAR: bits 47:32 are the base of the selectors that SYSCALL loads, 63:48 of SYSRET's (AMD APM
 * vol. 2, 6.1.1): SS = base + 8, CS = base + 16. */
#define STAR_SYSCALL_SHIFT 32
#define STAR_SYSRET_SHIFT 48
#define SYSRET_BASE (SELECTOR_USER_DATA - 8ull)

_Static_assert(SELECTOR_KERNEL_DATA == SELECTOR_KERNEL_CODE + 8, "SYSCALL loads both");
_Static_assert(SELECTOR_USER_CODE == SELECTOR_USER_DATA + 8, "SYSRET loads both");

/* Cleared by SYSCALL: what would change how the kernel runs. */
#define CLEARED_FLAGS                                                                              \
    (RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC)

bool user_smap;

void user_init_cpu(void)
{
    user_smap = cpu_has_smap();
    wrmsr(MSR_STAR,
          SYSRET_BASE << STAR_SYSRET_SHIFT | (uint64_t)SELECTOR_KERNEL_CODE << STAR_SYSCALL_SHIFT);
    wrmsr(MSR_LSTAR, (uint64_t)system_call_entry);
    wrmsr(MSR_SFMASK, CLEARED_FLAGS);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
}

static bool range_is_valid(uint64_t address, uint64_t size)
{
    return size <= USER_END && address <= USER_END - size;
}

bool user_read(void *to, uint64_t from, uint64_t size)
{
    return range_is_valid(from, size) && user_copy(to, (const void *)from, size);
}

bool user_write(uint64_t to, const void *from, uint64_t size)
{
    return range_is_valid(to, size) && user_copy((void *)to, from, size);
}

bool user_fix_fault(struct trap_frame *frame)
{
    /* A bad address of the kernel's own is not ring 3's fault. */
    if (frame->rip < (uint64_t)user_copy_start || frame->rip >= (uint64_t)user_copy_end ||
        read_cr2() >= USER_END)
        return false;
    frame->rip = (uint64_t)user_copy_fault;
    return true;
}
