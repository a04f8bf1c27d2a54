/* Child partitions as kernel objects: memory, virtual processors, what a VP waits for. Whoever has
 * a handle can have the hypervisor do with the child what it likes, but with nothing else.
 *
 * A partition is deleted when the last handle has gone and no process has pages of its VPs mapped
 * any more. All functions but partition_wake(): thread. */
#ifndef VENEER_PARENT_VID_PARTITION_H
#define VENEER_PARENT_VID_PARTITION_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/include/system_call.h"
#include "parent/include/thread.h"
#include "parent/kernel/proc/address_space.h"
#include "parent/kernel/proc/object.h"
#include "parent/vid/vid_hypercall.h"

struct bus;
struct partition;

struct vp {
    struct partition *partition;
    uint32_t index;
    struct wait_queue queue;
    bool woken; /* atomic: the hypervisor has named it since it last waited */
    const struct veneer_vp_statistics *statistics; /* NULL: not mapped yet; partition's lock */
};

struct partition {
    struct object object;
    struct list link; /* of the list in partition.c */
    struct deposits deposits;

    struct mutex lock; /* changes of what follows */
    struct vp *vps[SYSTEM_MAX_VPS];
    uint32_t vp_count; /* atomic to read: those below are complete */
    struct list mappings;
    uint32_t mapping_count;
    bool memory_is_held; /* guest_memory.h */

    /* The bus, if it has been started, and what stops it before the partition's memory and ports
     * go. Set once; atomic to read. */
    struct bus *bus;
    void (*stop_bus)(struct bus *bus);

    struct port_queue *ports; /* port.c's */
};

/* What the root's own partition has deposited for partition structures and ports. */
extern struct deposits root_deposits;

/* Before the first partition. */
void partition_init(void);

/* An initialized partition without anything, with a reference for the caller. */
enum system_error partition_create(struct job *job, uint64_t privileges, uint64_t features,
                                   struct partition **partition);

/* Maps @page_count > 0 pages of @memory from page @first on, which it has, at @gpa_page. Takes a
 * reference to @memory. @access: enum system_vm_access. */
enum system_error partition_map(struct partition *partition, struct memory_object *memory,
                                uint64_t first, uint64_t page_count, uint64_t gpa_page,
                                uint32_t access);

/* Removes the mapping that begins at @gpa_page. SYSTEM_ERROR_BUSY: it is held (guest_memory.h). */
enum system_error partition_unmap(struct partition *partition, uint64_t gpa_page);

/* Gives back the references of all mappings; the hypervisor has forgotten them. */
void partition_drop_mappings(struct partition *partition);

/* Creates VP @index, which must be the next one, maps its two pages into @space at *@address, and
 * lets whoever runs in @space dispatch it as long as they are mapped. */
enum system_error partition_create_vp(struct partition *partition, uint64_t index,
                                      struct address_space *space, uint64_t *address);

/* The one with @id, with a reference, or NULL. */
struct partition *partition_find(uint64_t id);

/* NULL: there is none. It stays as long as the partition. */
struct vp *partition_vp(struct partition *partition, uint64_t index);

/* Waits until the hypervisor has named @vp since the last time, time_now() is @deadline
 * (SYSTEM_ERROR_TIMEOUT), or, if @events, something can be received. */
enum system_error partition_wait_vp(struct vp *vp, uint64_t deadline, bool events);

/* Lets all VPs that wait look again. Any. */
void partition_wake_all(struct partition *partition);

/* Wakes VP @index of the partition with @id, if they are there; all VPs of all partitions. Any. */
void partition_wake(uint64_t id, uint32_t index);
void partition_wake_everything(void);

/* Copies the counters of @vp, and the sums of those of all root VPs. */
enum system_error partition_statistics(struct vp *vp, struct veneer_vp_statistics statistics[2]);

/* What a hypercall's status is to a system call. */
enum system_error partition_error(enum hv_status status);

#endif
