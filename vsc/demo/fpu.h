/* The registers of x87, SSE and AVX, which C code here does not use. */
#ifndef VENEER_VSC_DEMO_FPU_H
#define VENEER_VSC_DEMO_FPU_H

#include <stdbool.h>
#include <stdint.h>

#include "vsc/demo/vp.h"

/* Turns on what the processor has, and stores what is in the registers then. */
void fpu_init(struct fpu_image *image);

bool fpu_has_avx(void);

/* Fills XMM0 to XMM15, and with AVX the upper halves of YMM0 to YMM15, with values that belong to
 * @seed; whether they are (still) there. */
void fpu_fill(uint64_t seed);
bool fpu_holds(uint64_t seed);

#endif
