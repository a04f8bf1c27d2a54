/* Finding the processors of a machine whose firmware does not list them, for want of an ACPI MADT.
 * One that stayed unknown to us would be the parent's without a hypervisor under it. */
#ifndef VENEER_HYPERVISOR_BOOT_ROLL_CALL_H
#define VENEER_HYPERVISOR_BOOT_ROLL_CALL_H

#include "hypervisor/boot/platform.h"

/* Has all other processors report themselves to @platform, which has a trampoline page, and leaves
 * them waiting for their start. The clock is calibrated; boot page tables active. LP 0, before
 * others have been started. */
void roll_call(struct platform *platform);

#endif
