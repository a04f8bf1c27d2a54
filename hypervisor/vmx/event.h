/* Where the guest goes on after an exit: past an instruction, or in an exception or NMI handler. A
 * VM entry fails if its event does not go with the interruptibility state, so all that changes
 * either of them is here. All on the LP of the VP, between an exit and the next entry; at most one
 * of event_… per exit. */
#ifndef VENEER_HYPERVISOR_VMX_EVENT_H
#define VENEER_HYPERVISOR_VMX_EVENT_H

#include "hypervisor/vp.h"

/* Goes on after the instruction that caused the exit. */
void event_skip_instruction(void);

/* Raises @vector, with error code 0 if it is #GP, at the guest's instruction. If the exit
 * interrupted the delivery of another exception, the rules for double faults hold. */
void event_inject_fault(const struct vp *vp, uint8_t vector);

/* Delivers again the event whose delivery the exit interrupted, if there is one. */
void event_redeliver(void);

/* Asks for an exit as soon as the guest can take an NMI. */
void event_request_nmi_window(void);

/* In that exit: delivers an NMI. */
void event_inject_nmi(void);

/* The exit came in an IRET that had already ended the blocking of NMIs: it blocks them again, to be
 * repeated. */
void event_restore_nmi_blocking(void);

#endif
