/* A child VP's registers by their TLFS names (include/hv/vp_registers.h). The VP is accessed
 * (vp_access_begin()); @registers is a copy of what the backend has, which the caller writes back
 * (hw->set_registers()) if a set said that it changed. */
#ifndef VENEER_HYPERVISOR_VP_REGISTERS_H
#define VENEER_HYPERVISOR_VP_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "hypervisor/hw.h"
#include "include/hv/status.h"
#include "include/hv/vp_registers.h"

/* HV_STATUS_INVALID_PARAMETER: no such register. */
enum hv_status vp_register_get(struct vp *vp, const struct vp_registers *registers, uint32_t name,
                               struct hv_register_value *value);

/* Likewise; HV_STATUS_INVALID_REGISTER_VALUE: one that the register cannot have. What only the
 * processor can judge is taken, and refused at the next entry. Sets *@changed if @registers has
 * been changed. */
enum hv_status vp_register_set(struct vp *vp, struct vp_registers *registers, uint32_t name,
                               const struct hv_register_value *value, bool *changed);

#endif
