#include "parent/kernel/exception.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/kernel/cpu.h"
#include "parent/kernel/fault.h"
#include "parent/kernel/panic.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/user.h"

static const char *const names[INTERRUPT_FIRST] = {
    [0] = "#DE",  [1] = "#DB",  [2] = "NMI",  [3] = "#BP",  [4] = "#OF",  [5] = "#BR",
    [6] = "#UD",  [7] = "#NM",  [8] = "#DF",  [10] = "#TS", [11] = "#NP", [12] = "#SS",
    [13] = "#GP", [14] = "#PF", [16] = "#MF", [17] = "#AC", [18] = "#MC", [19] = "#XM",
    [20] = "#VE", [21] = "#CP", [28] = "#HV", [29] = "#VC", [30] = "#SX",
};

const char *exception_name(uint64_t vector)
{
    return vector < INTERRUPT_FIRST && names[vector] ? names[vector] : "exception";
}

/* Only what the function given to fault_try() itself does is expected, not what interrupts it. */
static bool is_expected(const struct thread *thread, const struct trap_frame *frame)
{
    return thread->fault_stack && this_cpu()->interrupt_depth == 0 &&
           frame->vector != X86_VECTOR_DF && frame->vector != X86_VECTOR_MC;
}

void exception_handle(struct trap_frame *frame)
{
    if (frame->vector == X86_VECTOR_PF && user_fix_fault(frame))
        return;
    /* Ring 3 stepped into a system call, and the processor reports the step although SYSCALL has
     * cleared TF. There will be another one when the call returns. */
    if (frame->vector == X86_VECTOR_DB && frame->rip == (uint64_t)system_call_entry)
        return;
    if (frame->cs & 3 && current_process() && frame->vector != X86_VECTOR_DF &&
        frame->vector != X86_VECTOR_MC) {
        uint64_t cr2 = read_cr2();
        interrupts_enable();
        process_fault(frame, cr2);
        interrupts_disable();
        return;
    }
    struct thread *thread = current_thread();
    if (!is_expected(thread, frame))
        panic_exception(frame);
    thread->fault = (struct fault){
        .vector = frame->vector,
        .error_code = frame->error_code,
        .rip = frame->rip,
        .address = frame->vector == X86_VECTOR_PF ? read_cr2() : 0,
    };
    frame->rip = (uint64_t)fault_resume;
    frame->cs = SELECTOR_KERNEL_CODE;
    frame->rflags &= ~(RFLAGS_TF | RFLAGS_DF | RFLAGS_AC | RFLAGS_RF);
    frame->rsp = thread->fault_stack;
    frame->ss = SELECTOR_KERNEL_DATA;
}

void exception_nmi(void)
{
    if (panic_in_progress())
        panic_stop_cpu();
    this_cpu()->nmi_count++;
}
