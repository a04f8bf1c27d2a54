/* Partitions: a guest physical address space and the VPs that see it. */
#ifndef VENEER_HYPERVISOR_PARTITION_H
#define VENEER_HYPERVISOR_PARTITION_H

#include <stddef.h>
#include <stdint.h>

#include "hypervisor/address.h"
#include "hypervisor/lock.h"
#include "hypervisor/vp.h"
#include "lib/page_table.h"

struct partition {
    uint64_t id;              /* HV_PARTITION_ID_ROOT for the root */
    struct spinlock lock;     /* the nested tables, and the synthetic MSRs of the whole partition */
    struct page_table nested; /* GPA to SPA */
    spa_t msr_bitmap;         /* which MSR accesses exit; layout and size are the backend's */

    uint32_t vp_count;
    struct vp *vps; /* vp_count of them, by VP index */

    uint64_t guest_os_id;   /* HV_X64_MSR_GUEST_OS_ID */
    uint64_t hypercall_msr; /* HV_X64_MSR_HYPERCALL */
    spa_t hypercall_page;   /* our code, that overlays a GPA when the MSR says so */
    uint64_t reference_tsc; /* TSC at creation: zero of the reference counter */
};

extern struct partition root_partition;

/* Pointer to @size bytes of the partition's memory at @address, which lie in one page that is RAM
 * of the partition; NULL otherwise. The content may change at any time: read it once. */
void *partition_memory(struct partition *partition, gpa_t address, uint64_t size);

#endif
