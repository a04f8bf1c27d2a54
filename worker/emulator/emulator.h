/* Executes one instruction of a guest that the processor could not: one that reaches memory-mapped
 * registers, or moves strings between memory and ports. What it may be is in docs/emulator.md.
 *
 * The processor has begun the instruction and left it for its memory access, so what it checks
 * before that (that the instruction exists, that SSE is enabled, rights to ports) is not checked
 * again.
 *
 * No allocation, nothing that is written is shared: any number of VPs at once, each with its own
 * cpu. Any context in which the operations may be called. */
#ifndef VENEER_WORKER_EMULATOR_EMULATOR_H
#define VENEER_WORKER_EMULATOR_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hv/hypercall.h"

#define EMULATOR_INSTRUCTION_MAX 15 /* bytes (Intel SDM vol. 2, 2.3.11) */

/* Elements of a string that one call moves at most, so that interrupts are not kept waiting. */
#define EMULATOR_STRING_MAX 1024

/* As instructions encode them. */
enum emulator_gpr {
    EMULATOR_RAX,
    EMULATOR_RCX,
    EMULATOR_RDX,
    EMULATOR_RBX,
    EMULATOR_RSP,
    EMULATOR_RBP,
    EMULATOR_RSI,
    EMULATOR_RDI
};

enum emulator_segment {
    EMULATOR_ES,
    EMULATOR_CS,
    EMULATOR_SS,
    EMULATOR_DS,
    EMULATOR_FS,
    EMULATOR_GS,
    EMULATOR_SEGMENTS
};

/* What an instruction can see of its VP. Read and changed only by emulator_execute(). */
struct emulator_cpu {
    uint64_t gpr[16];
    uint64_t rip, rflags;
    struct hv_x64_segment_register segments[EMULATOR_SEGMENTS]; /* limits in bytes, never pages */
    uint64_t cr0, cr4, efer;
    uint8_t cpl;
};

/* emulator_ops.translate: what for. */
#define EMULATOR_READ (1u << 0)
#define EMULATOR_WRITE (1u << 1)   /* with READ: it is read first, but must be writable */
#define EMULATOR_EXECUTE (1u << 2) /* the instruction itself */
#define EMULATOR_USER (1u << 3)    /* by code of CPL 3 */

/* Where a linear address is. */
struct emulator_place {
    uint64_t physical;
    uint8_t *ram; /* the same address in our memory, good until the end of its 4-KiB page, as long
                     as the call of emulator_execute() lasts; NULL: a device, or nothing */
};

/* What the emulator needs of its caller. @context is what emulator_execute() was given. Guest
 * memory is read and written through `ram` and changes at any time. All must be there but the two
 * for XMM registers, which may be NULL together. */
struct emulator_ops {
    /* Translates a linear address for the access that @access (EMULATOR_...) names, with the
     * guest's tables, and sets their accessed and dirty bits. A page that may only be read, as of
     * a ROM, has no `ram` for EMULATOR_WRITE. False: page fault with *@error_code. */
    bool (*translate)(void *context, uint64_t linear, unsigned access, struct emulator_place *place,
                      uint32_t *error_code);

    /* @count elements of @size bytes (1, 2, 4, 8), one behind the other from @physical on, in this
     * order; all in one page without `ram`, and each aligned to its size. @data is the emulator's,
     * not the guest's, and not aligned. */
    void (*mmio_read)(void *context, uint64_t physical, unsigned size, unsigned count, void *data);
    void (*mmio_write)(void *context, uint64_t physical, unsigned size, unsigned count,
                       const void *data);

    /* @count elements of @size bytes (1, 2, 4) from or to the same port. */
    void (*port_read)(void *context, uint16_t port, unsigned size, unsigned count, void *data);
    void (*port_write)(void *context, uint16_t port, unsigned size, unsigned count,
                       const void *data);

    /* The XMM register @number (0 to 15) as it is in memory. */
    void (*xmm_read)(void *context, unsigned number, uint8_t value[16]);
    void (*xmm_write)(void *context, unsigned number, const uint8_t value[16]);
};

enum emulator_status {
    EMULATOR_DONE, /* registers have changed, RIP is that of the next instruction */
    /* The same instruction again, after interrupts have been let in: a string that is not at its
     * end (registers are those of the last element that was moved), or a locked access that another
     * VP came before (nothing has changed). */
    EMULATOR_AGAIN,
    /* The instruction's exception is to be injected. Nothing has changed; registers of a string are
     * those of the last element that was moved. */
    EMULATOR_EXCEPTION,
    EMULATOR_UNSUPPORTED, /* an instruction that is not known here; nothing has changed */
};

struct emulator_result {
    enum emulator_status status;
    bool single_step; /* DONE, AGAIN: RFLAGS.TF was set, so that #DB with DR6.BS is to follow */
    /* EXCEPTION. In real mode exceptions have no error code, whatever is said here. */
    uint8_t vector;
    bool has_error_code;
    uint32_t error_code;
    uint64_t cr2; /* vector 14 */
    /* What was fetched of it, for messages. */
    uint8_t byte_count;
    uint8_t bytes[EMULATOR_INSTRUCTION_MAX];
};

/* Executes the instruction at @cpu's RIP. @bytes are its first @byte_count bytes if the caller has
 * them (more than EMULATOR_INSTRUCTION_MAX are ignored); those that are missing are fetched. The
 * interrupt shadow is the caller's to clear, and so is setting RFLAGS.RF when it injects an
 * exception. */
void emulator_execute(struct emulator_cpu *cpu, const struct emulator_ops *ops, void *context,
                      const uint8_t *bytes, unsigned byte_count, struct emulator_result *result);

#endif
