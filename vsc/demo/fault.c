#include "vsc/demo/fault.h"

#include <stddef.h>

#include "lib/x86/cpu.h"
#include "vsc/demo/console.h"
#include "vsc/demo/vp.h"

/* fault.asm */
bool fault_catch(struct fault *fault, void (*function)(void *), void *argument);
void fault_recover(void);
_Noreturn void ring3_enter(void (*function)(void), void *stack);

/* What fault_catch() leaves at struct vp's `recovery`. */
struct recovery {
    void *former;
    struct fault *fault;
};

bool fault_try(struct fault *fault, void (*function)(void *), void *argument)
{
    *fault = (struct fault){.vector = FAULT_NONE};
    return fault_catch(fault, function, argument);
}

void fault_handle(struct interrupt_frame *frame)
{
    struct recovery *recovery = vp_self()->recovery;

    if (recovery == NULL) {
        die("VP %u: exception %llu, error %llx, at %llx, address %llx", vp_self()->index,
            (unsigned long long)frame->vector, (unsigned long long)frame->error,
            (unsigned long long)frame->rip, (unsigned long long)read_cr2());
    } else {
        *recovery->fault = (struct fault){(int)frame->vector, frame->error, frame->rip, read_cr2()};
    }
    frame->rip = (uint64_t)fault_recover;
    frame->cs = KERNEL_CS;
    frame->ss = KERNEL_DS;
    frame->rsp = (uint64_t)recovery;
    frame->rflags = RFLAGS_FIXED | (frame->rflags & RFLAGS_IF);
}

struct msr_access {
    uint32_t msr;
    uint64_t value;
};

static void do_rdmsr(void *argument)
{
    struct msr_access *access = argument;

    access->value = rdmsr(access->msr);
}

static void do_wrmsr(void *argument)
{
    struct msr_access *access = argument;

    wrmsr(access->msr, access->value);
}

int rdmsr_try(uint32_t msr, uint64_t *value)
{
    struct msr_access access = {msr, 0};
    struct fault fault;

    fault_try(&fault, do_rdmsr, &access);
    *value = access.value;
    return fault.vector;
}

int wrmsr_try(uint32_t msr, uint64_t value)
{
    struct msr_access access = {msr, value};
    struct fault fault;

    fault_try(&fault, do_wrmsr, &access);
    return fault.vector;
}

static void do_ring3(void *argument)
{
    static uint8_t stack[1024] __attribute__((aligned(16)));
    void (*const *function)(void) = argument;

    interrupts_disable();
    ring3_enter(*function, stack + sizeof(stack));
}

int ring3_try(void (*function)(void))
{
    struct fault fault;
    uint64_t flags = interrupts_save();

    fault_try(&fault, do_ring3, &function);
    interrupts_restore(flags);
    return fault.vector;
}
