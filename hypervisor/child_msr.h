/* Model-specific registers of children; their exits come by way of msr.c. */
#ifndef VENEER_HYPERVISOR_CHILD_MSR_H
#define VENEER_HYPERVISOR_CHILD_MSR_H

#include "hypervisor/exit.h"

/* RDMSR and WRMSR; the exit has been counted. On the VP's LP. */
enum exit_action child_rdmsr(struct vp *vp, uint32_t msr);
enum exit_action child_wrmsr(struct vp *vp, uint32_t msr, uint64_t value);

#endif
