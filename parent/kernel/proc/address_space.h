/* The lower half of an address space: what a process has mapped. */
#ifndef VENEER_PARENT_PROC_ADDRESS_SPACE_H
#define VENEER_PARENT_PROC_ADDRESS_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/page_table.h"
#include "parent/include/thread.h"
#include "parent/kernel/proc/memory_object.h"

/* Programs are linked below USER_PROGRAM_END. The kernel chooses addresses of other mappings, below
 * USER_END: the last page of the lower half stays empty, so that no SYSCALL can end beyond it. */
#define USER_PROGRAM_START 0x10000ull
#define USER_PROGRAM_END 0x100000000ull
#define USER_MAP_START 0x200000000ull
#define USER_END 0x00007ffffffff000ull

enum mapping_access { ACCESS_READ, ACCESS_WRITE, ACCESS_EXECUTE };

struct address_space {
    struct mutex lock; /* all below */
    struct page_table tables;
    struct list mappings; /* by address */
    uint32_t mapping_count;
    uint64_t page_count; /* mapped */
    bool shared;         /* several threads use it: other CPUs may have translations */
};

/* False: no memory. */
bool address_space_init(struct address_space *space);

/* Unmaps everything and frees the tables. No CPU uses it any more. Thread. */
void address_space_destroy(struct address_space *space);

/* Maps @page_count > 0 pages of @memory from page @first on, which it has, at *@address, or where
 * there is room, which goes to *@address, if that is 0. Leaves at least one page empty in front and
 * behind where it chooses. Takes a reference to @memory. Thread. */
enum system_error address_space_map(struct address_space *space, struct memory_object *memory,
                                    uint64_t first, uint64_t page_count, enum mapping_access access,
                                    uint64_t *address);

/* Removes the mapping that begins at @address. False: there is none. Thread, of this process. */
bool address_space_unmap(struct address_space *space, uint64_t address);

/* The memory that a mapping with all @size > 0 bytes at @address shows, with a reference for the
 * caller; they begin at *@offset in it. Its pages stay until the reference is given back, whatever
 * is unmapped. NULL: there is no such mapping, or @write and it may only be read. Thread. */
struct memory_object *address_space_find(struct address_space *space, uint64_t address,
                                         uint64_t size, bool write, uint64_t *offset);

#endif
