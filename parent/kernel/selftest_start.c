/* Self test "start": contexts in which the hypervisor must not start a VP. It is tried while VPs
 * still wait for their start; the test itself only reports. */
#include <stddef.h>

#include "lib/x86/cpu.h"
#include "parent/kernel/hyperv.h"
#include "parent/kernel/selftest.h"

#define NOT_CANONICAL (1ull << 47)
#define BEYOND_PHYSICAL (1ull << 52)
#define ATTRIBUTE_LONG (1u << 13)
#define ATTRIBUTES_DATA 0xc093
#define ATTRIBUTES_TSS_AVAILABLE 0x0089

typedef struct hv_initial_vp_context context_t;

/* Each makes a good context bad in one way. */
static void bad_rip(context_t *c)
{
    c->rip = NOT_CANONICAL;
}

static void bad_rflags_fixed(context_t *c)
{
    c->rflags = 0;
}

static void bad_rflags_vm(context_t *c)
{
    c->rflags |= RFLAGS_VM;
}

static void bad_cr0_protection(context_t *c)
{
    c->cr0 &= ~CR0_PE;
}

static void bad_cr0_paging(context_t *c)
{
    c->cr0 &= ~CR0_PG;
}

static void bad_cr0_reserved(context_t *c)
{
    c->cr0 |= 1ull << 32;
}

static void bad_cr0_cache(context_t *c)
{
    c->cr0 = (c->cr0 | CR0_NW) & ~CR0_CD;
}

static void bad_cr3(context_t *c)
{
    c->cr3 |= BEYOND_PHYSICAL;
}

static void bad_cr4_pae(context_t *c)
{
    c->cr4 &= ~CR4_PAE;
}

static void bad_cr4_vmxe(context_t *c)
{
    c->cr4 |= CR4_VMXE;
}

static void bad_cr4_reserved(context_t *c)
{
    c->cr4 |= 1ull << 63;
}

static void bad_efer_lme(context_t *c)
{
    c->efer &= ~EFER_LME;
}

static void bad_efer_lma(context_t *c)
{
    c->efer &= ~EFER_LMA;
}

static void bad_efer_svme(context_t *c)
{
    c->efer |= EFER_SVME;
}

static void bad_pat(context_t *c)
{
    c->msr_cr_pat = (c->msr_cr_pat & ~0xffull) | 2;
}

static void bad_cs_data(context_t *c)
{
    c->cs.attributes = ATTRIBUTES_DATA;
}

static void bad_cs_not_long(context_t *c)
{
    c->cs.attributes &= (uint16_t)~ATTRIBUTE_LONG;
}

static void bad_ss_privilege(context_t *c)
{
    c->ss.selector |= 3;
}

static void bad_gs_base(context_t *c)
{
    c->gs.base = NOT_CANONICAL;
}

static void bad_tr_type(context_t *c)
{
    c->tr.attributes = ATTRIBUTES_TSS_AVAILABLE;
}

static void bad_tr_absent(context_t *c)
{
    c->tr.attributes = 0;
}

static void bad_gdtr(context_t *c)
{
    c->gdtr.base = NOT_CANONICAL;
}

static void bad_idtr(context_t *c)
{
    c->idtr.base = NOT_CANONICAL;
}

static const struct {
    const char *name;
    void (*spoil)(context_t *context);
} cases[] = {
    {"RIP not canonical", bad_rip},
    {"RFLAGS without bit 1", bad_rflags_fixed},
    {"RFLAGS.VM", bad_rflags_vm},
    {"no CR0.PE", bad_cr0_protection},
    {"no CR0.PG", bad_cr0_paging},
    {"a reserved bit of CR0", bad_cr0_reserved},
    {"CR0.NW without CD", bad_cr0_cache},
    {"CR3 beyond physical memory", bad_cr3},
    {"no CR4.PAE", bad_cr4_pae},
    {"CR4.VMXE", bad_cr4_vmxe},
    {"a reserved bit of CR4", bad_cr4_reserved},
    {"no EFER.LME", bad_efer_lme},
    {"no EFER.LMA", bad_efer_lma},
    {"EFER.SVME", bad_efer_svme},
    {"a reserved memory type in PAT", bad_pat},
    {"CS is data", bad_cs_data},
    {"CS is not 64-bit", bad_cs_not_long},
    {"privilege level of SS", bad_ss_privilege},
    {"GS base not canonical", bad_gs_base},
    {"TSS not busy", bad_tr_type},
    {"no TSS", bad_tr_absent},
    {"GDT not canonical", bad_gdtr},
    {"IDT not canonical", bad_idtr},
};

#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

/* What the first VP that was tried got for each; and whether there was one. */
static enum hv_status statuses[CASE_COUNT];
static bool tried;

void selftest_try_bad_contexts(uint32_t vp_index, const struct hv_initial_vp_context *good)
{
    if (tried)
        return;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        struct hv_initial_vp_context context = *good;
        cases[i].spoil(&context);
        statuses[i] = hyperv_start_vp(vp_index, &context);
    }
    tried = true;
}

static void run(void)
{
    if (!tried)
        note("there is no VP that could be started");
    for (size_t i = 0; tried && i < CASE_COUNT; i++)
        check_equal(statuses[i], HV_STATUS_INVALID_REGISTER_VALUE, cases[i].name);
}

const struct selftest selftest_start = {"start", run, SELFTEST_ONCE, false};
