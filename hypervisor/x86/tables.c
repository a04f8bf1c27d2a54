#include "hypervisor/x86/tables.h"

#include "hypervisor/panic.h"
#include "lib/string.h"

/* 64-bit interrupt gate (Intel SDM vol. 3, 6.14.1). */
struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t stack; /* IST number, 0 = none */
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

_Static_assert(sizeof(struct gate) == 16, "gate layout");

#define GATE_INTERRUPT 0x8e /* present, DPL 0 */
#define EXCEPTION_COUNT 32

enum stack_number { STACK_NMI = 1, STACK_FAULT = 2 };

static struct gate idt[EXCEPTION_COUNT] __attribute__((section(".data.constant_after_boot")));

/* entry.asm */
extern const uint64_t exception_stubs[EXCEPTION_COUNT];
/* [start, end, continue]: an NMI or, for the second table, a fault in [start, end) continues
 * elsewhere. */
extern const uint64_t nmi_restarts[][3], fault_fixups[][3];

/* Error code of #SX for a redirected INIT (AMD APM vol. 2, 8.2.23). */
#define SX_INIT 1

void exception_handle(struct exception_frame *frame);

static void load_idt(void)
{
    struct descriptor_pointer pointer = {sizeof(idt) - 1, (uint64_t)idt};

    __asm__ volatile("lidt %0" ::"m"(pointer));
}

void tables_init(void)
{
    for (unsigned i = 0; i < EXCEPTION_COUNT; i++) {
        uint64_t address = exception_stubs[i];
        idt[i] = (struct gate){
            .offset_low = (uint16_t)address,
            .selector = SELECTOR_CODE,
            .type = GATE_INTERRUPT,
            .offset_middle = (uint16_t)(address >> 16),
            .offset_high = (uint32_t)(address >> 32),
        };
    }
    /* The boot descriptor table has the same code selector. */
    load_idt();
}

void tables_use_stacks(bool use)
{
    idt[X86_VECTOR_NMI].stack = use ? STACK_NMI : 0;
    idt[X86_VECTOR_DF].stack = use ? STACK_FAULT : 0;
    idt[X86_VECTOR_MC].stack = use ? STACK_FAULT : 0;
}

void tables_load(struct lp *lp)
{
    uint64_t slot = (uint64_t)lp - LP_STATE_OFFSET;

    memset(&lp->tss, 0, sizeof(lp->tss));
    lp->tss.ist[STACK_NMI - 1] = slot + LP_NMI_STACK_HIGH;
    lp->tss.ist[STACK_FAULT - 1] = slot + LP_FAULT_STACK_HIGH;
    lp->tss.io_map_base = sizeof(struct tss);

    lp->gdt[0] = 0;
    lp->gdt[SELECTOR_CODE / 8] = 0x00af9b000000ffffull;
    lp->gdt[SELECTOR_DATA / 8] = 0x00cf93000000ffffull;
    tss_describe(&lp->tss, &lp->gdt[SELECTOR_TSS / 8]);

    struct descriptor_pointer gdt_pointer = {sizeof(lp->gdt) - 1, (uint64_t)lp->gdt};
    load_idt();
    __asm__ volatile("lgdt %0\n\t"
                     "pushq %1\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\n\t"
                     "mov %2, %%ds\n\t"
                     "mov %2, %%es\n\t"
                     "mov %2, %%ss\n\t"
                     "mov %3, %%fs\n\t"
                     "mov %3, %%gs\n\t"
                     "ltr %w4"
                     :
                     : "m"(gdt_pointer), "i"(SELECTOR_CODE), "r"(SELECTOR_DATA), "r"(0),
                       "r"(SELECTOR_TSS)
                     : "rax", "memory");
}

static bool redirect(struct exception_frame *frame, const uint64_t (*ranges)[3])
{
    for (; (*ranges)[0] != 0; ranges++) {
        if (frame->rip >= (*ranges)[0] && frame->rip < (*ranges)[1]) {
            frame->rip = (*ranges)[2];
            return true;
        }
    }
    return false;
}

/* Bochs delivers the guest's single-step trap here, if the stepped instruction exits on AMD-V. We
 * never step: a #DB without the trap flag cannot be ours. */
static bool is_stray_debug_trap(const struct exception_frame *frame)
{
    return frame->vector == X86_VECTOR_DB && (frame->rflags & RFLAGS_TF) == 0;
}

/* Called by entry.asm for each exception and NMI while the hypervisor runs. */
void exception_handle(struct exception_frame *frame)
{
    if (frame->vector == X86_VECTOR_NMI) {
        if (lp_stack_contains((uint64_t)frame))
            lp_nmi_received(this_lp());
        redirect(frame, nmi_restarts);
        return;
    }
    if (frame->vector == X86_VECTOR_GP && redirect(frame, fault_fixups))
        return;
    if (is_stray_debug_trap(frame))
        return;
    /* The parent has sent INIT to this LP. VM_CR.R_INIT makes it harmless. */
    if (frame->vector == X86_VECTOR_SX && frame->error_code == SX_INIT)
        return;
    panic_exception(frame);
}
