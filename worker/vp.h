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

/* linear.c: @size bytes of the guest's at linear address @address, as @vp sees them now. False: a
 * part is not mapped, or not to be written. */
bool linear_read(const struct vp *vp, uint64_t address, void *data, size_t size);
bool linear_write(const struct vp *vp, uint64_t address, const void *data, size_t size);

/* string_io.c: a string access to a port; flags for the next dispatch. */
uint32_t vp_string_io(struct vp *vp, const struct hv_x64_io_port_intercept_message *message);

/* mmio.c: an access to memory that is not there; flags for the next dispatch. */
uint32_t vp_mmio(struct vp *vp, const struct hv_x64_memory_intercept_message *message);

#endif
