/* Intercept messages to the parent (include/hv/intercept.h): each function fills the VP's message
 * page and makes the VP leave. On the VP's LP. Those that return an action say EXIT_RETRY: the
 * guest stays at the instruction until the parent has answered. */
#ifndef VENEER_HYPERVISOR_INTERCEPT_H
#define VENEER_HYPERVISOR_INTERCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/exit.h"
#include "hypervisor/hw.h"
#include "include/hv/intercept.h"
#include "include/hv/synic.h"
#include "lib/x86/cpu.h"

/* Starts a message of @size bytes; what the caller adds may come before or after
 * hw->show_header(), which fills the rest of the header and what the register page tells with every
 * intercept. Both pages may be written by the parent meanwhile: nothing is read back from them. */
static inline void *intercept_begin(struct vp *vp, uint32_t type, uint8_t size, uint8_t length,
                                    enum hv_intercept_access access)
{
    struct hv_message *message = vp->message;
    struct hv_x64_intercept_message_header *header = (void *)message->payload;

    header->vp_index = vp->index;
    header->instruction_length_cr8 = (uint8_t)(length | lapic_read_cr8(vp) << 4);
    header->access_type = (uint8_t)access;
    message->message_type = type;
    message->payload_size = size;
    message->flags = 0;
    message->sender = vp->partition->id;
    vp->intercept_length = length;
    vp->intercepted = true;
    vp->leave = VP_LEAVE_INTERCEPT;
    vp->statistics->to_parent++;
    return message->payload;
}

/* A triple fault, or registers that the processor refuses: @message_type. */
enum exit_action intercept_failure(struct vp *vp, uint32_t message_type);

enum exit_action intercept_string_io(struct vp *vp, const struct exit_string_io *io);

/* @mapped: the page is there, without the right that was needed. */
enum exit_action intercept_memory(struct vp *vp, const struct exit_memory *access, bool mapped);

/* RDMSR or WRMSR: number, and value to write, in the guest's registers. */
enum exit_action intercept_msr(struct vp *vp, bool write);

/* CPUID; @defaults is what it would answer otherwise. */
enum exit_action intercept_cpuid(struct vp *vp, const struct cpuid_result *defaults);

enum exit_action intercept_exception(struct vp *vp, uint8_t vector, bool has_error, uint32_t error,
                                     uint64_t parameter);

/* The guest has ended a level-triggered interrupt. Its instruction is done. */
void intercept_apic_eoi(struct vp *vp, uint8_t vector);

/* The VP could take an external interrupt, or an NMI: its parent has asked to be told, and is told
 * once. */
void intercept_deliverable(struct vp *vp, enum hv_interruption_type type);

/* The VP blocks because of HLT: for the record. */
void intercept_halt(struct vp *vp);

/* Takes back what the register page marks as changed: @dirty. */
void intercept_take_registers(struct vp *vp, uint32_t dirty);

/* The parent's answer: takes back what the register page marks as changed; skips the instruction if
 * @skip. */
static inline void intercept_resume(struct vp *vp, bool skip)
{
    uint32_t dirty = *(const volatile uint32_t *)&vp->register_page->dirty;

    vp->intercepted = false;
    if (__builtin_expect(dirty != 0, 0))
        intercept_take_registers(vp, dirty);
    if (skip)
        hw->skip_instruction(vp, vp->intercept_length);
}

#endif
