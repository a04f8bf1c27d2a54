#include "hypervisor/vmx/guest.h"

#include <stddef.h>

#include "hypervisor/console.h"
#include "hypervisor/vmx/event.h"
#include "hypervisor/vmx/world.h"
#include "hypervisor/vp_context.h"
#include "lib/x86/cpu.h"

/* VT-x insists on NE. CD and NW are not changed by an exit: the hypervisor would run with the
 * guest's, and caches that NW makes incoherent. They stay 0. */
#define CR0_OWNED (CR0_NE | CR0_CD | CR0_NW)

#define NO_LINKED_VMCS UINT64_MAX
#define REFUSED_LINK 1ull /* not aligned: the entry fails for invalid guest state */

/* Registers that a VMCS field has just as they are. */
static const struct plain_register {
    uint16_t field, offset;
} plain_registers[] = {
    {VMCS_GUEST_RIP, offsetof(struct vp_registers, rip)},
    {VMCS_GUEST_RSP, offsetof(struct vp_registers, rsp)},
    {VMCS_GUEST_RFLAGS, offsetof(struct vp_registers, rflags)},
    {VMCS_GUEST_CR3, offsetof(struct vp_registers, cr3)},
    {VMCS_GUEST_IA32_PAT, offsetof(struct vp_registers, pat)},
    {VMCS_GUEST_DR7, offsetof(struct vp_registers, dr7)},
    {VMCS_GUEST_SYSENTER_CS, offsetof(struct vp_registers, sysenter_cs)},
    {VMCS_GUEST_SYSENTER_ESP, offsetof(struct vp_registers, sysenter_esp)},
    {VMCS_GUEST_SYSENTER_EIP, offsetof(struct vp_registers, sysenter_eip)},
    {VMCS_GUEST_GDTR_BASE, offsetof(struct vp_registers, gdtr.base)},
    {VMCS_GUEST_IDTR_BASE, offsetof(struct vp_registers, idtr.base)},
};

#define PLAIN_COUNT (sizeof(plain_registers) / sizeof(plain_registers[0]))

/* The segment registers of struct vp_registers are in the order of the VMCS. */
_Static_assert(offsetof(struct vp_registers, tr) - offsetof(struct vp_registers, es) ==
                   SEGMENT_TR * sizeof(struct hv_x64_segment_register),
               "order of segments");

static size_t segment_offset(enum vmcs_segment segment)
{
    return offsetof(struct vp_registers, es) + segment * sizeof(struct hv_x64_segment_register);
}

static bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static uint64_t guest_cr0(void)
{
    return (vmread(VMCS_GUEST_CR0) & ~CR0_OWNED) | (vmread(VMCS_CR0_READ_SHADOW) & CR0_OWNED);
}

static void set_segment(enum vmcs_segment segment, const struct hv_x64_segment_register *value)
{
    uint32_t rights = value->attributes;
    if (!(rights & ACCESS_RIGHTS_PRESENT))
        rights |= ACCESS_RIGHTS_UNUSABLE;
    vmwrite(vmcs_segment_field(VMCS_GUEST_ES_SELECTOR, segment), value->selector);
    vmwrite(vmcs_segment_field(VMCS_GUEST_ES_LIMIT, segment), value->limit);
    vmwrite(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, segment), rights);
    vmwrite(vmcs_segment_field(VMCS_GUEST_ES_BASE, segment), value->base);
}

struct hv_x64_segment_register guest_segment(enum vmcs_segment segment)
{
    uint32_t rights = (uint32_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, segment));
    if (rights & ACCESS_RIGHTS_UNUSABLE)
        rights &= ~ACCESS_RIGHTS_PRESENT;
    return (struct hv_x64_segment_register){
        .base = vmread(vmcs_segment_field(VMCS_GUEST_ES_BASE, segment)),
        .limit = (uint32_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_LIMIT, segment)),
        .selector = (uint16_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_SELECTOR, segment)),
        .attributes = (uint16_t)(rights & ACCESS_RIGHTS_ATTRIBUTES),
    };
}

bool guest_write_syscall_msr(struct vp *vp, uint32_t index, uint64_t value)
{
    uint32_t msr = MSR_STAR + index;

    if ((msr == MSR_LSTAR || msr == MSR_CSTAR) && !canonical(value))
        return false;
    if (msr == MSR_SFMASK && value >> 32 != 0)
        return false;
    if (value != vp->syscall_msrs[index]) {
        vp->syscall_msrs[index] = value;
        wrmsr(msr, value);
    }
    return true;
}

/* Those that are in the processor itself. */
static bool set_live_registers(struct vp *vp, const struct vp_registers *r)
{
    const uint64_t msrs[SYSCALL_MSRS] = {r->star, r->lstar, r->cstar, r->sfmask};
    bool valid = canonical(r->kernel_gs_base);

    if (valid)
        wrmsr(MSR_KERNEL_GS_BASE, r->kernel_gs_base);
    for (uint32_t i = 0; i < SYSCALL_MSRS; i++)
        valid &= guest_write_syscall_msr(vp, i, msrs[i]);
    write_cr2(r->cr2);
    write_dr6((uint32_t)r->dr6);
    return valid;
}

/* PAE paging: the processor reads four entries when CR3 is written, and keeps them (26.3.1.6). */
static bool load_pdptes(struct vp *vp, uint64_t cr3)
{
    const volatile uint64_t *entries =
        partition_memory(vp->partition, gpa(cr3 & 0xffffffe0), 4 * sizeof(uint64_t), false);

    for (unsigned i = 0; entries != NULL && i < 4; i++)
        vmwrite((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i), entries[i]);
    return entries != NULL;
}

/* Control registers, before all others are written. LMA is what follows from LME and PG; the entry
 * control is the same, as it is after an exit. False: no processor accepts the values, where a VM
 * entry does not look at them. */
static bool set_paging(struct vp *vp, const struct vp_registers *r)
{
    bool lma = r->efer & EFER_LME && r->cr0 & CR0_PG;
    uint64_t efer = (r->efer & ~EFER_LMA) | (lma ? EFER_LMA : 0);
    bool changed = guest_cr0() != r->cr0 || vmread(VMCS_GUEST_CR3) != r->cr3 ||
                   guest_cr4(vp) != r->cr4 || vmread(VMCS_GUEST_IA32_EFER) != efer;
    bool valid = guest_write_owned_cr0(r->cr0);
    valid &= !(r->cr4 & vmread(VMCS_CR4_GUEST_HOST_MASK));

    vmwrite(VMCS_GUEST_CR0, (r->cr0 & ~CR0_OWNED) | CR0_NE);
    vmwrite(VMCS_GUEST_CR4, r->cr4 | CR4_VMXE);
    vmwrite(VMCS_GUEST_IA32_EFER, efer);
    vmcs_set_bits(VMCS_ENTRY_CONTROLS, ENTRY_IA32E_MODE_GUEST, lma);
    if (changed)
        world_forget_translations(vp);
    if (changed && r->cr0 & CR0_PG && r->cr4 & CR4_PAE && !lma)
        valid &= load_pdptes(vp, r->cr3);
    return valid;
}

void guest_set_registers(struct vp *vp, const struct vp_registers *r)
{
    bool valid = set_paging(vp, r);

    for (size_t i = 0; i < PLAIN_COUNT; i++)
        vmwrite((enum vmcs_field)plain_registers[i].field,
                *(const uint64_t *)((const uint8_t *)r + plain_registers[i].offset));
    for (unsigned i = 0; i < SEGMENT_COUNT; i++)
        set_segment(i, (const void *)((const uint8_t *)r + segment_offset(i)));
    vmwrite(VMCS_GUEST_GDTR_LIMIT, r->gdtr.limit);
    vmwrite(VMCS_GUEST_IDTR_LIMIT, r->idtr.limit);
    vmwrite(VMCS_GUEST_IA32_DEBUGCTL, 0);
    vmwrite(VMCS_GUEST_ACTIVITY_STATE, 0);
    valid &= set_live_registers(vp, r);
    event_set_interrupt_state(r->interrupt_state, r->rflags);
    valid &= event_set_pending(r->pending_interruption);
    vmwrite(VMCS_LINK_POINTER, valid ? NO_LINKED_VMCS : REFUSED_LINK);
}

void guest_get_registers(const struct vp *vp, struct vp_registers *r)
{
    *r = (struct vp_registers){
        .cr0 = guest_cr0(),
        .cr2 = read_cr2(),
        .cr4 = guest_cr4(vp),
        .efer = vmread(VMCS_GUEST_IA32_EFER),
        .dr6 = read_dr6(),
        .gdtr.limit = (uint16_t)vmread(VMCS_GUEST_GDTR_LIMIT),
        .idtr.limit = (uint16_t)vmread(VMCS_GUEST_IDTR_LIMIT),
        .kernel_gs_base = rdmsr(MSR_KERNEL_GS_BASE),
        .star = vp->syscall_msrs[0],
        .lstar = vp->syscall_msrs[1],
        .cstar = vp->syscall_msrs[2],
        .sfmask = vp->syscall_msrs[3],
        .pending_interruption = event_get_pending(),
        .interrupt_state = event_get_interrupt_state(),
    };
    for (size_t i = 0; i < PLAIN_COUNT; i++)
        *(uint64_t *)((uint8_t *)r + plain_registers[i].offset) =
            vmread((enum vmcs_field)plain_registers[i].field);
    for (unsigned i = 0; i < SEGMENT_COUNT; i++)
        *(struct hv_x64_segment_register *)((uint8_t *)r + segment_offset(i)) = guest_segment(i);
}

#define MOVE_BIT(value, from, to)                                                                  \
    (((value) & (from)) / ((from) > (to) ? (from) / (to) : 1) * ((to) > (from) ? (to) / (from) : 1))

/* With no branch that is taken: each intercept needs it. */
static inline uint16_t execution_state(void)
{
    uint32_t ss = (uint32_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, SEGMENT_SS));
    uint32_t cr0 = (uint32_t)vmread(VMCS_GUEST_CR0);
    uint32_t efer = (uint32_t)vmread(VMCS_GUEST_IA32_EFER);
    uint32_t event = (uint32_t)vmread(VMCS_ENTRY_INTERRUPTION_INFO);
    uint32_t state = 0;

    if (__builtin_expect((vmread(VMCS_GUEST_INTERRUPTIBILITY) & BLOCKING_BY_SHADOW) != 0, 0))
        state = HV_EXECUTION_INTERRUPT_SHADOW;
    return (uint16_t)(state | ACCESS_RIGHTS_DPL(ss) | MOVE_BIT(cr0, CR0_PE, HV_EXECUTION_CR0_PE) |
                      MOVE_BIT(cr0, CR0_AM, HV_EXECUTION_CR0_AM) |
                      MOVE_BIT(efer, EFER_LMA, HV_EXECUTION_EFER_LMA) |
                      MOVE_BIT(event, INTERRUPTION_VALID, HV_EXECUTION_INTERRUPTION_PENDING));
}

/* CS is never unusable. */
void guest_show_header(const struct vp *vp, struct hv_x64_intercept_message_header *header)
{
    struct hv_vp_register_page *page = vp->register_page;
    uint32_t rights = (uint32_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, SEGMENT_CS));

    header->execution_state = execution_state();
    header->cs.base = vmread(vmcs_segment_field(VMCS_GUEST_ES_BASE, SEGMENT_CS));
    header->cs.limit = (uint32_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_LIMIT, SEGMENT_CS));
    header->cs.selector = (uint16_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_SELECTOR, SEGMENT_CS));
    header->cs.attributes = (uint16_t)(rights & ACCESS_RIGHTS_ATTRIBUTES);
    header->rip = page->rip = vmread(VMCS_GUEST_RIP);
    header->rflags = page->rflags = vmread(VMCS_GUEST_RFLAGS);
    page->gpr[GPR_RSP] = vmread(VMCS_GUEST_RSP);
}

void guest_get_code(const struct vp *vp, struct guest_code *code)
{
    uint32_t cs = (uint32_t)vmread(vmcs_segment_field(VMCS_GUEST_ES_ACCESS_RIGHTS, SEGMENT_CS));
    uint64_t rip = vmread(VMCS_GUEST_RIP);

    code->paging = (struct guest_paging){.cr0 = vmread(VMCS_GUEST_CR0),
                                         .cr3 = vmread(VMCS_GUEST_CR3),
                                         .cr4 = guest_cr4(vp),
                                         .efer = vmread(VMCS_GUEST_IA32_EFER)};
    code->long_mode = code->paging.efer & EFER_LMA && cs & ACCESS_RIGHTS_LONG;
    code->default_32 = (cs & ACCESS_RIGHTS_DEFAULT_32) != 0;
    code->linear = rip;
    if (!code->long_mode)
        code->linear = (uint32_t)(vmread(vmcs_segment_field(VMCS_GUEST_ES_BASE, SEGMENT_CS)) + rip);
}

void guest_own_control_registers(bool root)
{
    vmwrite(VMCS_CR0_GUEST_HOST_MASK, CR0_OWNED);
    vmwrite(VMCS_CR4_GUEST_HOST_MASK, root ? CR4_VMXE : ~vp_context_limits().cr4);
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

void guest_print(const struct vp *vp)
{
    print("rip %016llx rsp %016llx rflags %08llx\n", field(VMCS_GUEST_RIP), field(VMCS_GUEST_RSP),
          field(VMCS_GUEST_RFLAGS));
    vp_print_gpr(vp);
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
