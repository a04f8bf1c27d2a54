/* The x87, SSE and AVX registers. Hypervisor and root do not use them (the root has CR0.EM set), so
 * a child's stay on its LP until another child comes, or it goes to another LP. */
#ifndef VENEER_HYPERVISOR_FPU_H
#define VENEER_HYPERVISOR_FPU_H

#include <stdint.h>

#include "hypervisor/vp.h"

#define XCR0_X87 (1ull << 0)
#define XCR0_SSE (1ull << 1)
#define XCR0_AVX (1ull << 2)
#define XCR0_MPX (3ull << 3)
#define XCR0_AVX512 (7ull << 5)
#define XCR0_PKRU (1ull << 9)
#define XCR0_AMX (3ull << 17)

/* Components that children may have: those of one page of XSAVE area in its standard format. */
#define FPU_CHILD_XCR0 (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512 | XCR0_PKRU)

/* Of this machine; 0 without XSAVE. */
uint64_t fpu_supported_xcr0(void);

/* Makes the zeroed page @area the registers after a reset. */
void fpu_init(void *area);

/* From the registers of this LP to vp->fpu and vp->xcr0, and back. All that a child may have used
 * is replaced, whatever it has enabled at the moment. */
void fpu_save(struct vp *vp);
void fpu_load(struct vp *vp);

#endif
