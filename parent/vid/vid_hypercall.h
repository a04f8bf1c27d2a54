/* The hypercalls by which children are made and run. What the hypervisor lacks for a call is
 * deposited here, from the arena, and the call repeated. All functions: thread. */
#ifndef VENEER_PARENT_VID_HYPERCALL_H
#define VENEER_PARENT_VID_HYPERCALL_H

#include <stdbool.h>
#include <stdint.h>

#include "include/hv/parent.h"
#include "include/hv/status.h"
#include "include/hv/vp_page.h"
#include "parent/kernel/proc/job.h"

/* Whose memory a call may use up, and whose limit it counts for. */
struct deposits {
    uint64_t partition_id; /* a child, or HV_PARTITION_ID_SELF for the root's own structures */
    struct job *job;       /* NULL: no limit */
    uint64_t page_count;   /* atomic: deposited so far */
};

/* One call. Input and output are at most a page each. */
struct vid_call {
    uint16_t code;
    uint16_t reps; /* 0: not a rep call */
    const void *input;
    uint32_t input_size;
    void *output;
    uint32_t output_size;
    uint32_t reps_done; /* result */
};

/* Makes the call, with more memory from @deposits as often as it is needed (NULL: never). The
 * output, which is zeroed first, is copied whatever the status. HV_STATUS_INSUFFICIENT_MEMORY: none
 * is left, or the job's limit is reached. A rep call that lacked memory goes on behind what it had
 * done. */
enum hv_status vid_call(struct vid_call *call, struct deposits *deposits);

/* One that is no rep call; @output NULL: it has none. */
enum hv_status vid_call_plain(uint16_t code, const void *input, uint32_t input_size, void *output,
                              uint32_t output_size, struct deposits *deposits);

/* A call whose input is only the partition's id. */
enum hv_status vid_call_partition(uint16_t code, uint64_t partition_id);

enum hv_status vid_create_partition(uint64_t flags, struct deposits *root, uint64_t *partition_id);
enum hv_status vid_set_property(struct deposits *deposits, enum hv_partition_property property,
                                uint64_t value);

#define VID_MAP_BATCH 64u

/* Up to VID_MAP_BATCH page numbers of @list, all 4 KiB or all large, from page @gpa_page on. */
enum hv_status vid_map_gpa(struct deposits *deposits, uint64_t gpa_page, uint32_t map_flags,
                           const uint64_t *list, uint16_t count);
enum hv_status vid_unmap_gpa(struct deposits *deposits, uint64_t gpa_page, uint64_t count);

/* *@page: physical address. */
enum hv_status vid_map_state_page(struct deposits *deposits, uint32_t vp_index,
                                  enum hv_vp_state_page_type type, uint64_t *page);
enum hv_status vid_map_statistics(struct deposits *deposits, uint64_t partition_id,
                                  uint32_t vp_index, uint64_t *page);
enum hv_status vid_bind_vp(uint64_t partition_id, uint32_t vp_index, uint64_t cr3);

/* Takes back what the finalized partition has; gives job and arena theirs. False, and a line in the
 * log: pages are missing. */
bool vid_withdraw_all(struct deposits *deposits);

#endif
