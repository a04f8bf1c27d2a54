/* Code in ring 3, as far as self tests need it. */
#ifndef VENEER_PARENT_SELFTEST_RING3_H
#define VENEER_PARENT_SELFTEST_RING3_H

#include <stdint.h>

/* Continues at @rip in ring 3, without a stack there. Only an exception that fault_try() expects
 * leads back. */
_Noreturn void ring3_enter(uint64_t rip);

#endif
