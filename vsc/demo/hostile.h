/* What a guest should not do, for tests of the hypervisor and the worker. */
#ifndef VENEER_VSC_DEMO_HOSTILE_H
#define VENEER_VSC_DEMO_HOSTILE_H

#include <stdint.h>

/* Does what the command line names, if anything. Some of it ends the child, or never returns. */
void hostile_run(void);

/* fuzz.c: `fuzz=SEED,COUNT,PART,…`. */
void fuzz_run(void);

/* hostile_bus.c: `hostile=SEED,COUNT`. */
void hostile_bus_run(void);

/* hostile_torn.c: `torn=SEED,MS`. */
void hostile_torn_run(void);

#endif
