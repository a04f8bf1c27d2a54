/* The instruction emulator, put between a VP's registers and the machine. */
#include "lib/printf.h"
#include "lib/string.h"
#include "lib/x86/cpu.h"
#include "parent/user/program.h"
#include "parent/user/system.h"
#include "worker/emulator/emulator.h"
#include "worker/guest_memory.h"
#include "worker/io.h"
#include "worker/page_walk.h"
#include "worker/vp.h"

#define VECTOR_DEBUG 1u
#define VECTOR_PAGE_FAULT 14u
#define DR6_SINGLE_STEP (1ull << 14)

/* An instruction on its way. */
struct context {
    struct vp *vp;
    struct page_walk walk;
};

_Static_assert(offsetof(struct hv_vp_register_page, gs) -
                       offsetof(struct hv_vp_register_page, es) ==
                   EMULATOR_GS * sizeof(struct hv_x64_segment_register),
               "segments are in the order of their numbers");

/* --- What the emulator asks for --- */

static void *table_entry(void *context, uint64_t physical, bool write)
{
    (void)context;
    lock_take(&machine.lock);
    void *entry = write ? guest_memory_to_write(physical, sizeof(uint32_t))
                        : guest_memory_to_read(physical, sizeof(uint32_t));
    lock_release(&machine.lock);
    return entry;
}

static bool translate(void *context, uint64_t linear, unsigned access, struct emulator_place *place,
                      uint32_t *error_code)
{
    struct context *c = context;
    if (!page_walk(&c->walk, linear, access, &place->physical, error_code))
        return false;
    uint64_t page = place->physical & PAGE_MASK;
    lock_take(&machine.lock);
    uint8_t *ram = access & EMULATOR_WRITE ? guest_memory_to_write(page, PAGE_SIZE)
                                           : guest_memory_to_read(page, PAGE_SIZE);
    lock_release(&machine.lock);
    place->ram = ram ? ram + place->physical % PAGE_SIZE : NULL;
    return true;
}

static void mmio_read(void *context, uint64_t physical, unsigned size, unsigned count, void *data)
{
    io_read_memory_elements(((struct context *)context)->vp, physical, size, count, data);
}

static void mmio_write(void *context, uint64_t physical, unsigned size, unsigned count,
                       const void *data)
{
    io_write_memory_elements(((struct context *)context)->vp, physical, size, count, data);
}

static void port_read(void *context, uint16_t port, unsigned size, unsigned count, void *data)
{
    io_read_port_elements(((struct context *)context)->vp, port, size, count, data);
}

static void port_write(void *context, uint16_t port, unsigned size, unsigned count,
                       const void *data)
{
    io_write_port_elements(((struct context *)context)->vp, port, size, count, data);
}

static void xmm_read(void *context, unsigned number, uint8_t value[16])
{
    const uint32_t name = HV_X64_REGISTER_XMM0 + number;
    struct hv_register_value now;
    vp_get_registers(((struct context *)context)->vp, &name, &now, 1);
    memcpy(value, &now, sizeof(now));
}

static void xmm_write(void *context, unsigned number, const uint8_t value[16])
{
    struct hv_register_assoc set = {.name = HV_X64_REGISTER_XMM0 + number};
    memcpy(set.value, value, sizeof(set.value));
    vp_set_registers(((struct context *)context)->vp, &set, 1);
}

static const struct emulator_ops ops = {translate,  mmio_read, mmio_write, port_read,
                                        port_write, xmm_read,  xmm_write};

/* --- Registers --- */

/* Fills in what the register page has with some intercepts only. */
static void show_registers(struct vp *vp)
{
    static const uint32_t names[] = {
        HV_X64_REGISTER_ES,  HV_X64_REGISTER_CS,   HV_X64_REGISTER_SS,         HV_X64_REGISTER_DS,
        HV_X64_REGISTER_FS,  HV_X64_REGISTER_GS,   HV_X64_REGISTER_CR0,        HV_X64_REGISTER_CR3,
        HV_X64_REGISTER_CR4, HV_X64_REGISTER_EFER, HV_REGISTER_INTERRUPT_STATE};
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    struct hv_register_value values[COUNT];
    struct hv_vp_register_page *page = vp->registers;
    vp_get_registers(vp, names, values, COUNT);
    for (unsigned i = 0; i < EMULATOR_SEGMENTS; i++)
        (&page->es)[i] = values[i].segment;
    page->cr0 = values[EMULATOR_SEGMENTS].low;
    page->cr3 = values[EMULATOR_SEGMENTS + 1].low;
    page->cr4 = values[EMULATOR_SEGMENTS + 2].low;
    page->efer = values[EMULATOR_SEGMENTS + 3].low;
    page->interrupt_state = values[EMULATOR_SEGMENTS + 4].low;
}

static void load_cpu(const struct vp *vp, uint16_t execution_state, struct emulator_cpu *cpu)
{
    const struct hv_vp_register_page *page = vp->registers;
    memcpy(cpu->gpr, page->gpr, sizeof(cpu->gpr));
    memcpy(cpu->segments, &page->es, sizeof(cpu->segments));
    cpu->rip = page->rip;
    cpu->rflags = page->rflags;
    cpu->cr0 = page->cr0;
    cpu->cr4 = page->cr4;
    cpu->efer = page->efer;
    cpu->cpl = execution_state & HV_EXECUTION_CPL_MASK;
}

static void store_cpu(struct vp *vp, const struct emulator_cpu *cpu)
{
    struct hv_vp_register_page *page = vp->registers;
    memcpy(page->gpr, cpu->gpr, sizeof(cpu->gpr));
    page->rip = cpu->rip;
    page->rflags = cpu->rflags;
    page->dirty |= HV_VP_REGISTER_PAGE_DIRTY_GENERAL | HV_VP_REGISTER_PAGE_DIRTY_RIP |
                   HV_VP_REGISTER_PAGE_DIRTY_FLAGS;
}

/* Bits of an address: those above are reserved in the guest's tables. */
static uint8_t physical_bits(void)
{
    static uint8_t bits; /* the same for all: no lock */
    if (bits == 0)
        bits = (uint8_t)cpuid(0x80000008, 0).eax;
    return bits;
}

/* --- What becomes of it --- */

static void inject(struct vp *vp, const struct emulator_result *result)
{
    bool has_code = result->has_error_code && vp->registers->cr0 & CR0_PE;
    if (result->vector == VECTOR_PAGE_FAULT) {
        struct hv_register_assoc cr2 = {.name = HV_X64_REGISTER_CR2, .value = {result->cr2}};
        vp_set_registers(vp, &cr2, 1);
    }
    vp->registers->rflags |= RFLAGS_RF;
    vp_inject_exception(vp, result->vector, has_code, result->error_code);
}

/* The trap behind an instruction with RFLAGS.TF set. */
static void trap(struct vp *vp)
{
    static const uint32_t name = HV_X64_REGISTER_DR6;
    struct hv_register_value dr6;
    vp_get_registers(vp, &name, &dr6, 1);
    struct hv_register_assoc set = {.name = name, .value = {dr6.low | DR6_SINGLE_STEP}};
    vp_set_registers(vp, &set, 1);
    vp_inject_exception(vp, VECTOR_DEBUG, false, 0);
}

/* The instruction is through: what held interrupts back for its length does so no more. */
static void end_shadow(struct vp *vp)
{
    struct hv_register_assoc state = {
        .name = HV_REGISTER_INTERRUPT_STATE,
        .value = {vp->registers->interrupt_state & ~HV_INTERRUPT_STATE_SHADOW}};
    vp_set_registers(vp, &state, 1);
}

static _Noreturn void give_up(struct vp *vp, const struct emulator_result *result)
{
    char text[3 * EMULATOR_INSTRUCTION_MAX + 1] = "";
    for (unsigned i = 0; i < result->byte_count; i++)
        snprintf(text + 3 * i, 4, " %02x", result->bytes[i]);
    printf("child: instruction at %lx that is not emulated:%s\n", vp->registers->rip, text);
    vp_crash(vp, "instruction that cannot be emulated");
}

uint32_t vp_emulate(struct vp *vp, const struct hv_x64_intercept_message_header *header,
                    bool registers_shown, const uint8_t *bytes, unsigned count)
{
    struct emulator_cpu cpu;
    struct emulator_result result;
    bool in_shadow = header->execution_state & HV_EXECUTION_INTERRUPT_SHADOW;
    if (!registers_shown)
        show_registers(vp);
    load_cpu(vp, header->execution_state, &cpu);
    struct context context = {.vp = vp,
                              .walk = {.cr0 = cpu.cr0,
                                       .cr3 = vp->registers->cr3,
                                       .cr4 = cpu.cr4,
                                       .efer = cpu.efer,
                                       .rflags = cpu.rflags,
                                       .physical_bits = physical_bits(),
                                       .entry = table_entry}};
    emulator_execute(&cpu, &ops, &context, bytes, count, &result);
    if (result.status == EMULATOR_UNSUPPORTED)
        give_up(vp, &result);
    store_cpu(vp, &cpu);
    if (result.status == EMULATOR_EXCEPTION)
        inject(vp, &result);
    else if (in_shadow)
        end_shadow(vp);
    if (result.status != EMULATOR_EXCEPTION && result.single_step)
        trap(vp);
    return HV_DISPATCH_VP_CLEAR_INTERCEPT_SUSPEND;
}
