/* Running VPs, and what an access needs that the hypervisor has not decoded all of. What a guest
 * does, it may do on purpose: everything that comes from it is checked. */
#ifndef VENEER_WORKER_VP_H
#define VENEER_WORKER_VP_H

#include "include/hv/intercept.h"
#include "include/hv/vp_registers.h"
#include "worker/machine.h"

/* Numbers of registers, for hv_vp_register_page.gpr. */
enum { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI };

/* Runs @vp for ever; the calling thread is its own. */
_Noreturn void vp_run(struct vp *vp);

/* Describes the state of @vp, says @why, and ends the process. */
_Noreturn void vp_crash(struct vp *vp, const char *why);

/* @count registers by their names, at most VP_REGISTERS. The thread of @vp. */
#define VP_REGISTERS 16u
void vp_get_registers(struct vp *vp, const uint32_t *names, struct hv_register_value *values,
                      uint16_t count);
void vp_set_registers(struct vp *vp, const struct hv_register_assoc *registers, uint16_t count);

/* Has @vp take an exception when it goes on. */
void vp_inject_exception(struct vp *vp, uint8_t vector, bool has_code, uint32_t code);

/* emulate.c: executes the instruction that an intercept with @header is about; flags for the next
 * dispatch. @registers_shown: the register page has segments and control registers. @bytes: the
 * first @count of its bytes, which may be 0. */
uint32_t vp_emulate(struct vp *vp, const struct hv_x64_intercept_message_header *header,
                    bool registers_shown, const uint8_t *bytes, unsigned count);

/* mmio.c: an access to memory that is not there; flags for the next dispatch. */
uint32_t vp_mmio(struct vp *vp, const struct hv_x64_memory_intercept_message *message);

#endif
