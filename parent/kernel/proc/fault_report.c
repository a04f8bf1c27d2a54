#include "parent/kernel/proc/fault_report.h"

#include "lib/x86/cpu.h"
#include "parent/include/log.h"
#include "parent/kernel/exception.h"
#include "parent/kernel/proc/process.h"
#include "parent/kernel/proc/user.h"

/* What RBP points to in a function with a frame pointer. */
struct stack_frame {
    uint64_t caller_rbp;
    uint64_t return_address;
};

/* Frames of callers lie above those of what they called: nothing leads in circles. */
static uint64_t follow_frames(uint64_t rbp, uint64_t *addresses)
{
    struct stack_frame frame;
    uint64_t count = 0;
    while (count < SYSTEM_BACKTRACE_SIZE && rbp != 0 && rbp % sizeof(uint64_t) == 0 &&
           user_read(&frame, rbp, sizeof(frame)) && frame.return_address != 0) {
        addresses[count++] = frame.return_address;
        if (frame.caller_rbp <= rbp)
            break;
        rbp = frame.caller_rbp;
    }
    return count;
}

void fault_report_make(const struct trap_frame *f, uint64_t cr2, struct system_fault *fault)
{
    *fault = (struct system_fault){
        .vector = f->vector,
        .error_code = f->error_code,
        .address = f->vector == X86_VECTOR_PF ? cr2 : 0,
        .rip = f->rip,
        .rflags = f->rflags,
        .rsp = f->rsp,
        .rax = f->rax,
        .rbx = f->rbx,
        .rcx = f->rcx,
        .rdx = f->rdx,
        .rsi = f->rsi,
        .rdi = f->rdi,
        .rbp = f->rbp,
        .r8 = f->r8,
        .r9 = f->r9,
        .r10 = f->r10,
        .r11 = f->r11,
        .r12 = f->r12,
        .r13 = f->r13,
        .r14 = f->r14,
        .r15 = f->r15,
    };
    fault->backtrace_count = follow_frames(f->rbp, fault->backtrace);
}

static void print_fault(const struct process *process, const struct system_fault *f)
{
    log_print(LOG_WARNING, "%s (%u): %s at %lx, error code %lx, address %lx", process->name,
              process->id, exception_name(f->vector), f->rip, f->error_code, f->address);
    log_print(LOG_INFO, "  rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx,
              f->rdx);
    log_print(LOG_INFO, "  rsi %016lx rdi %016lx rbp %016lx rsp %016lx", f->rsi, f->rdi, f->rbp,
              f->rsp);
    log_print(LOG_INFO, "  r8  %016lx r9  %016lx r10 %016lx r11 %016lx", f->r8, f->r9, f->r10,
              f->r11);
    log_print(LOG_INFO, "  r12 %016lx r13 %016lx r14 %016lx r15 %016lx", f->r12, f->r13, f->r14,
              f->r15);
    for (uint64_t i = 0; i < f->backtrace_count; i++)
        log_print(LOG_INFO, "  called from %lx", f->backtrace[i]);
}

void process_report(const struct process *process, const struct system_process_end *end)
{
    switch (end->cause) {
    case SYSTEM_END_FAULT:
        print_fault(process, &end->fault);
        break;
    case SYSTEM_END_KILLED:
        log_print(LOG_INFO, "%s (%u): killed, status %d", process->name, process->id, end->status);
        break;
    default:
        log_print(LOG_INFO, "%s (%u): ended, status %d", process->name, process->id, end->status);
    }
}
