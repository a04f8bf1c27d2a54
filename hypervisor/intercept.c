#include "hypervisor/intercept.h"

#include "hypervisor/guest_code.h"
#include "hypervisor/hw.h"
#include "lib/instruction.h"
#include "hypervisor/lapic.h"
#include "include/hv/intercept.h"
#include "include/hv/synic.h"
#include "lib/string.h"

__attribute__((noinline)) static void *begin(struct vp *vp, uint32_t type, uint8_t size,
                                             uint8_t length, enum hv_intercept_access access)
{
    void *payload = intercept_begin(vp, type, size, length, access);

    hw->show_header(vp, payload);
    return payload;
}

#define BEGIN(vp, type, structure, length, access)                                                 \
    ((struct structure *)begin(vp, type, sizeof(struct structure), length, access))

/* All that an emulator may need. */
static void show_all(struct vp *vp, struct vp_registers *r)
{
    struct hv_vp_register_page *page = vp->register_page;

    hw->get_registers(vp, r);
    page->es = r->es;
    page->cs = r->cs;
    page->ss = r->ss;
    page->ds = r->ds;
    page->fs = r->fs;
    page->gs = r->gs;
    page->cr0 = r->cr0;
    page->cr3 = r->cr3;
    page->cr4 = r->cr4;
    page->cr8 = lapic_read_cr8(vp);
    page->efer = r->efer;
    page->dr7 = r->dr7;
    page->pending_interruption = r->pending_interruption;
    page->interrupt_state = r->interrupt_state;
}

__attribute__((noinline)) static void show_all_of(struct vp *vp)
{
    struct vp_registers registers;

    show_all(vp, &registers);
}

enum exit_action intercept_failure(struct vp *vp, uint32_t message_type)
{
    BEGIN(vp, message_type, hv_x64_unrecoverable_exception_message, 0, HV_INTERCEPT_EXECUTE);
    show_all_of(vp);
    return EXIT_RETRY;
}

static uint64_t address_mask(uint8_t size)
{
    return size == 8 ? UINT64_MAX : size == 4 ? UINT32_MAX : UINT16_MAX;
}

enum exit_action intercept_string_io(struct vp *vp, const struct exit_string_io *io)
{
    struct hv_x64_io_port_intercept_message *message =
        BEGIN(vp, HV_MESSAGE_TYPE_X64_IO_PORT_INTERCEPT, hv_x64_io_port_intercept_message,
              io->length, io->in ? HV_INTERCEPT_READ : HV_INTERCEPT_WRITE);
    uint64_t mask = address_mask(io->address_size);
    struct vp_registers registers;

    show_all(vp, &registers);
    message->port_number = io->port;
    message->access_info = io->size | HV_IO_PORT_ACCESS_STRING;
    if (io->rep)
        message->access_info |= HV_IO_PORT_ACCESS_REP;
    if (registers.rflags & RFLAGS_DF)
        message->access_info |= HV_IO_PORT_ACCESS_DOWN;
    message->instruction_byte_count = 0;
    message->address_size = io->address_size;
    message->ds = io->in ? registers.ds : io->segment;
    message->es = registers.es;
    message->rax = vp->gpr[GPR_RAX];
    message->rcx = io->rep ? vp->gpr[GPR_RCX] & mask : 1;
    message->rsi = vp->gpr[GPR_RSI];
    message->rdi = vp->gpr[GPR_RDI];
    message->address = io->segment.base + (vp->gpr[io->in ? GPR_RDI : GPR_RSI] & mask);
    return EXIT_RETRY;
}

/* The header last, as in intercept_port(). */
enum exit_action intercept_memory(struct vp *vp, const struct exit_memory *access, bool mapped)
{
    static const struct decoded_mov nothing;
    const struct decoded_mov *mov = access->execute ? &nothing : guest_code_fetch_mov(vp);
    enum hv_intercept_access kind = access->execute ? HV_INTERCEPT_EXECUTE
                                    : access->write ? HV_INTERCEPT_WRITE
                                                    : HV_INTERCEPT_READ;
    struct hv_x64_memory_intercept_message *message =
        intercept_begin(vp, mapped ? HV_MESSAGE_TYPE_GPA_INTERCEPT : HV_MESSAGE_TYPE_UNMAPPED_GPA,
                        sizeof(*message), mov->mov.length, kind);
    struct guest_instruction *bytes = (struct guest_instruction *)message->instruction_bytes;
    uint64_t last = mov->instruction.words[1] >> 56;

    message->cache_type = 0;
    message->instruction_byte_count = last & GUEST_INSTRUCTION_COUNT;
    message->memory_access_info = access->linear_valid ? HV_MEMORY_ACCESS_GVA_GPA_VALID : 0;
    message->tpr_priority = (uint8_t)lapic_read_cr8(vp);
    message->guest_virtual_address = access->linear;
    message->guest_physical_address = access->address.value;
    bytes->words[0] = mov->instruction.words[0];
    bytes->words[1] = mov->instruction.words[1] & ~0ull >> 8;
    message->mov = mov->told;
    if (mov->mov.length == 0)
        show_all_of(vp);
    hw->show_header(vp, &message->header);
    return EXIT_RETRY;
}

enum exit_action intercept_msr(struct vp *vp, bool write)
{
    struct hv_x64_msr_intercept_message *message =
        BEGIN(vp, HV_MESSAGE_TYPE_X64_MSR_INTERCEPT, hv_x64_msr_intercept_message,
              hw->instruction_length(vp), write ? HV_INTERCEPT_WRITE : HV_INTERCEPT_READ);

    message->msr_number = (uint32_t)vp->gpr[GPR_RCX];
    message->reserved = 0;
    message->rdx = vp->gpr[GPR_RDX];
    message->rax = vp->gpr[GPR_RAX];
    return EXIT_RETRY;
}

enum exit_action intercept_cpuid(struct vp *vp, const struct cpuid_result *defaults)
{
    struct hv_x64_cpuid_intercept_message *message =
        BEGIN(vp, HV_MESSAGE_TYPE_X64_CPUID_INTERCEPT, hv_x64_cpuid_intercept_message,
              hw->instruction_length(vp), HV_INTERCEPT_EXECUTE);

    message->rax = vp->gpr[GPR_RAX];
    message->rcx = vp->gpr[GPR_RCX];
    message->rdx = vp->gpr[GPR_RDX];
    message->rbx = vp->gpr[GPR_RBX];
    message->default_result_rax = defaults->eax;
    message->default_result_rcx = defaults->ecx;
    message->default_result_rdx = defaults->edx;
    message->default_result_rbx = defaults->ebx;
    return EXIT_RETRY;
}

enum exit_action intercept_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error,
                                     uint64_t parameter)
{
    struct hv_x64_exception_intercept_message *message =
        BEGIN(vp, HV_MESSAGE_TYPE_X64_EXCEPTION_INTERCEPT, hv_x64_exception_intercept_message, 0,
              HV_INTERCEPT_EXECUTE);
    struct vp_registers registers;
    struct guest_code code;

    show_all(vp, &registers);
    hw->get_code(vp, &code);
    message->exception_vector = vector;
    message->exception_info = has_error ? HV_EXCEPTION_INFO_ERROR_CODE_VALID : 0;
    message->instruction_byte_count =
        (uint8_t)guest_code_fetch(vp, &code, message->instruction_bytes);
    message->error_code = error;
    message->exception_parameter = parameter;
    message->reserved = 0;
    message->ds = registers.ds;
    message->ss = registers.ss;
    for (unsigned i = 0; i < GPR_COUNT; i++)
        (&message->rax)[i] = i == GPR_RSP ? registers.rsp : vp->gpr[i];
    return EXIT_RETRY;
}

void intercept_apic_eoi(struct vp *vp, uint8_t vector)
{
    struct hv_x64_apic_eoi_message *message = (void *)vp->message->payload;

    vp->message->message_type = HV_MESSAGE_TYPE_X64_APIC_EOI;
    vp->message->payload_size = sizeof(*message);
    vp->message->flags = 0;
    vp->message->sender = vp->partition->id;
    message->vp_index = vp->index;
    message->interrupt_vector = vector;
    vp->intercept_length = 0; /* the EOI is done: the guest goes on behind it by itself */
    vp->intercepted = true;
    vp->leave = VP_LEAVE_INTERCEPT;
    vp->statistics->to_parent++;
}

void intercept_deliverable(struct vp *vp, enum hv_interruption_type type)
{
    struct hv_x64_interruption_deliverable_message *message =
        BEGIN(vp, HV_MESSAGE_TYPE_X64_INTERRUPTION_DELIVERABLE,
              hv_x64_interruption_deliverable_message, 0, HV_INTERCEPT_EXECUTE);

    message->deliverable_type = type;
    message->reserved = 0;
    vp->notifications &=
        type == HV_INTERRUPTION_NMI ? ~HV_DELIVERABILITY_NMI : HV_DELIVERABILITY_NMI;
}

void intercept_halt(struct vp *vp)
{
    vp->message->message_type = HV_MESSAGE_TYPE_X64_HALT;
    vp->message->payload_size = 0;
}

static void take_segments(struct vp *vp)
{
    const struct hv_vp_register_page *page = vp->register_page;
    struct vp_registers r;

    hw->get_registers(vp, &r);
    r.es = page->es;
    r.cs = page->cs;
    r.ss = page->ss;
    r.ds = page->ds;
    r.fs = page->fs;
    r.gs = page->gs;
    hw->set_registers(vp, &r);
}

void intercept_take_registers(struct vp *vp, uint32_t dirty)
{
    volatile struct hv_vp_register_page *page = vp->register_page;

    page->dirty = 0;
    if (dirty & HV_VP_REGISTER_PAGE_DIRTY_SEGMENTS)
        take_segments(vp);
    if (dirty & HV_VP_REGISTER_PAGE_DIRTY_GENERAL)
        hw->set_rsp(vp, page->gpr[GPR_RSP]);
    if (dirty & HV_VP_REGISTER_PAGE_DIRTY_FLAGS)
        hw->set_rflags(vp, page->rflags);
    if (dirty & HV_VP_REGISTER_PAGE_DIRTY_RIP)
        hw->set_rip(vp, page->rip);
}
