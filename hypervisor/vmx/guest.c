#include "hypervisor/vmx/guest.h"

#include <stddef.h>

#include "hypervisor/console.h"
#include "hypervisor/vmx/vmcs.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"

/* VT-x insists on NE. CD and NW are not changed by an exit: the hypervisor would run with the
 * guest's, and caches that NW makes incoherent. They stay 0. */
#define CR0_OWNED (CR0_NE | CR0_CD | CR0_NW)

#define DR7_RESET_VALUE 0x400ull
#define NO_LINKED_VMCS UINT64_MAX
#define SEGMENT_PRESENT (1u << 7)

static void set_segment(enum vmcs_segment segment, const struct hv_x64_segment_register *value)
{
    uint32_t rights = value->attributes;
    if (!(rights & SEGMENT_PRESENT))
        rights |= ACCESS_RIGHTS_UNUSABLE;
    vmwrite(vmcs_segment_field(VMCS_GUEST_ES_SELECTOR, segment), value->selector);
    vmwrite(vmcs_segment_field(VMCS_GUEST_ES_LIMIT, segment), value->limit);
    vmwrite(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, segment), rights);
    vmwrite(vmcs_segment_field(VMCS_GUEST_ES_BASE, segment), value->base);
}

static void set_tables(const struct hv_initial_vp_context *context)
{
    set_segment(SEGMENT_ES, &context->es);
    set_segment(SEGMENT_CS, &context->cs);
    set_segment(SEGMENT_SS, &context->ss);
    set_segment(SEGMENT_DS, &context->ds);
    set_segment(SEGMENT_FS, &context->fs);
    set_segment(SEGMENT_GS, &context->gs);
    set_segment(SEGMENT_LDTR, &context->ldtr);
    set_segment(SEGMENT_TR, &context->tr);
    vmwrite(VMCS_GUEST_GDTR_BASE, context->gdtr.base);
    vmwrite(VMCS_GUEST_GDTR_LIMIT, context->gdtr.limit);
    vmwrite(VMCS_GUEST_IDTR_BASE, context->idtr.base);
    vmwrite(VMCS_GUEST_IDTR_LIMIT, context->idtr.limit);
}

/* What a context does not name starts as at reset. */
static void set_reset_values(void)
{
    vmwrite(VMCS_GUEST_DR7, DR7_RESET_VALUE);
    vmwrite(VMCS_GUEST_IA32_DEBUGCTL, 0);
    vmwrite(VMCS_GUEST_SYSENTER_CS, 0);
    vmwrite(VMCS_GUEST_SYSENTER_ESP, 0);
    vmwrite(VMCS_GUEST_SYSENTER_EIP, 0);
    vmwrite(VMCS_GUEST_INTERRUPTIBILITY, 0);
    vmwrite(VMCS_GUEST_ACTIVITY_STATE, 0);
    vmwrite(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS, 0);
    vmwrite(VMCS_LINK_POINTER, NO_LINKED_VMCS);
}

void guest_set_context(struct vp *vp, const struct hv_initial_vp_context *context, uint64_t rdi)
{
    memset(vp->gpr, 0, sizeof(vp->gpr));
    vp->gpr[GPR_RDI] = rdi;
    vmwrite(VMCS_GUEST_RIP, context->rip);
    vmwrite(VMCS_GUEST_RSP, context->rsp);
    vmwrite(VMCS_GUEST_RFLAGS, context->rflags);
    vmwrite(VMCS_GUEST_CR0, (context->cr0 & ~CR0_OWNED) | CR0_NE);
    vmwrite(VMCS_CR0_READ_SHADOW, context->cr0);
    vmwrite(VMCS_GUEST_CR3, context->cr3);
    vmwrite(VMCS_GUEST_CR4, context->cr4 | CR4_VMXE);
    vmwrite(VMCS_GUEST_IA32_EFER, context->efer);
    vmwrite(VMCS_GUEST_IA32_PAT, context->msr_cr_pat);
    set_tables(context);
    set_reset_values();
    /* From the first exit on, exits keep this bit equal to EFER.LMA. */
    vmwrite(VMCS_ENTRY_CONTROLS, vmread(VMCS_ENTRY_CONTROLS) | ENTRY_IA32E_MODE_GUEST);
}

void guest_own_control_registers(void)
{
    vmwrite(VMCS_CR0_GUEST_HOST_MASK, CR0_OWNED);
    vmwrite(VMCS_CR4_GUEST_HOST_MASK, CR4_VMXE);
    vmwrite(VMCS_CR4_READ_SHADOW, 0);
}

bool guest_write_owned_cr0(uint64_t value)
{
    if (value & CR0_NW && !(value & CR0_CD))
        return false;
    vmwrite(VMCS_CR0_READ_SHADOW, value);
    return true;
}

uint64_t guest_cr4(const struct vp *vp)
{
    (void)vp; /* its VMCS is the current one */
    return vmread(VMCS_GUEST_CR4) & ~CR4_VMXE;
}

uint64_t guest_gpr(const struct vp *vp, unsigned number)
{
    return number == GPR_RSP ? vmread(VMCS_GUEST_RSP) : vp->gpr[number];
}

struct exit_mode guest_mode(void)
{
    uint32_t ss = (uint32_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, SEGMENT_SS));
    uint32_t cs = (uint32_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, SEGMENT_CS));
    return (struct exit_mode){
        .cpl = ACCESS_RIGHTS_DPL(ss),
        .protected_mode =
            (vmread(VMCS_GUEST_CR0) & CR0_PE) && !(vmread(VMCS_GUEST_RFLAGS) & RFLAGS_VM),
        .long_mode = (vmread(VMCS_GUEST_IA32_EFER) & EFER_LMA) && (cs & ACCESS_RIGHTS_LONG),
    };
}

static unsigned long long field(enum vmcs_field name)
{
    return vmread(name);
}

static void print_segments(void)
{
    static const char *const names[SEGMENT_COUNT] = {"es", "cs", "ss",   "ds",
                                                     "fs", "gs", "ldtr", "tr"};
    for (unsigned i = 0; i < SEGMENT_COUNT; i++)
        print("%-4s %04llx base %016llx limit %08llx access rights %05llx\n", names[i],
              field(vmcs_segment_field(VMCS_GUEST_ES_SELECTOR, i)),
              field(vmcs_segment_field(VMCS_GUEST_ES_BASE, i)),
              field(vmcs_segment_field(VMCS_GUEST_ES_LIMIT, i)),
              field(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, i)));
    print("gdtr base %016llx limit %04llx idtr base %016llx limit %04llx\n",
          field(VMCS_GUEST_GDTR_BASE), field(VMCS_GUEST_GDTR_LIMIT), field(VMCS_GUEST_IDTR_BASE),
          field(VMCS_GUEST_IDTR_LIMIT));
}

static void print_gprs(const struct vp *vp)
{
    static const char *const names[GPR_COUNT] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                                 "rsi", "rdi", "r8",  "r9",  "r10", "r11",
                                                 "r12", "r13", "r14", "r15"};
    for (unsigned i = 0; i < GPR_COUNT; i++)
        print("%-3s %016llx%s", names[i], (unsigned long long)guest_gpr(vp, i),
              i % 4 == 3 ? "\n" : " ");
}

void guest_print(const struct vp *vp)
{
    print("rip %016llx rflags %08llx\n", field(VMCS_GUEST_RIP), field(VMCS_GUEST_RFLAGS));
    print_gprs(vp);
    print("cr0 %08llx (guest's own bits: %08llx) cr3 %016llx cr4 %08llx efer %04llx\n",
          field(VMCS_GUEST_CR0), field(VMCS_CR0_READ_SHADOW), field(VMCS_GUEST_CR3),
          field(VMCS_GUEST_CR4), field(VMCS_GUEST_IA32_EFER));
    print_segments();
    print("interruptibility %llx activity %llx pending debug exceptions %llx\n",
          field(VMCS_GUEST_INTERRUPTIBILITY), field(VMCS_GUEST_ACTIVITY_STATE),
          field(VMCS_GUEST_PENDING_DEBUG_EXCEPTIONS));
    print("exit reason %08llx qualification %016llx guest-physical address %016llx\n",
          field(VMCS_EXIT_REASON), field(VMCS_EXIT_QUALIFICATION),
          field(VMCS_GUEST_PHYSICAL_ADDRESS));
    print("interruption information: exit %08llx, IDT vectoring %08llx, entry %08llx\n",
          field(VMCS_EXIT_INTERRUPTION_INFO), field(VMCS_IDT_VECTORING_INFO),
          field(VMCS_ENTRY_INTERRUPTION_INFO));
}
