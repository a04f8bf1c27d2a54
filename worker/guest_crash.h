/* What a guest's system tells of its own crash, by the crash MSRs. */
#ifndef VENEER_WORKER_GUEST_CRASH_H
#define VENEER_WORKER_GUEST_CRASH_H

#include "worker/machine.h"

/* @vp has written @control to HV_X64_MSR_CRASH_CTL: shows the crash parameters, and the text if
 * there is one, in the log. Once for a machine, as a guest can repeat it. The guest goes on: what
 * follows (a dump, a restart, nothing) is its own decision. The VP's thread, without locks. */
void guest_crash_report(struct vp *vp, uint64_t control);

#endif
