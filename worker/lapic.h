/* The page of the local APIC, for accesses that the hypervisor leaves to us: all but 32-bit MOVs.
 */
#ifndef VENEER_WORKER_LAPIC_H
#define VENEER_WORKER_LAPIC_H

/* Adds its registers. Before VPs run. */
void lapic_init(void);

#endif
