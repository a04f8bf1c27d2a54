/* Tiny children for self tests: made by plain hypercalls, run from the kernel. */
#ifndef VENEER_PARENT_SELFTEST_GUEST_H
#define VENEER_PARENT_SELFTEST_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/hv/parent.h"
#include "include/hv/synic.h"
#include "include/hv/vp_page.h"
#include "include/hv/vp_registers.h"
#include "parent/vid/vid_hypercall.h"

#define GUEST_PAGES 16
#define GUEST_CODE 0x1000 /* where its code is, and RIP begins: real mode, CS base 0 */

struct guest {
    struct deposits deposits;
    uint64_t memory; /* physical, GUEST_PAGES pages, mapped at 0; filled with HLT */
    struct hv_vp_register_page *registers;
    struct hv_message *message;
};

/* Makes a child with one VP that is about to run @code. False: a check has failed, and nothing is
 * left of it. Thread. */
bool guest_create(struct guest *guest, const void *code, size_t size);

/* Deletes it; checks that each page came back. Thread. */
void guest_destroy(struct guest *guest);

/* The result value of HVCALL_VENEER_DISPATCH_VP, once. Thread. */
uint64_t guest_dispatch(const struct guest *guest, uint32_t flags);

/* Its dispatch, now or the next one, returns. Thread. */
void guest_cancel(const struct guest *guest);

/* Dispatches until there is an intercept, the VP is blocked, or @microseconds are over (0 then).
 * Otherwise the message type of the intercept, or HV_MESSAGE_TYPE_X64_HALT. */
uint32_t guest_run(const struct guest *guest, uint32_t flags, uint64_t microseconds);

/* A register of VP 0; 0 and a failed check if it cannot be read. */
uint64_t guest_get_register(struct guest *guest, uint32_t name);

enum hv_status guest_set_property(struct guest *guest, enum hv_partition_property property,
                                  uint64_t value);

/* What HvCallTranslateVirtualAddress says to a read of @gva_page by VP 0, and the page in
 * *@gpa_page. */
enum hv_translate_gva_result_code guest_translate(struct guest *guest, uint64_t gva_page,
                                                  uint64_t *gpa_page);

/* Sets @count registers of VP 0. */
enum hv_status guest_set_registers(struct guest *guest, const struct hv_register_assoc *registers,
                                   uint16_t count);

/* Virtual address of @gpa of its memory, in the kernel. */
void *guest_memory(const struct guest *guest, uint64_t gpa);

/* Numbers from a fixed seed (xorshift; @state is never 0). */
uint64_t guest_random(uint64_t *state);

#endif
