/* The table of a configuration's keys, for vm_config.c. Pure logic: any context. */
#ifndef VENEER_PARENT_VMMS_VM_KEYS_H
#define VENEER_PARENT_VMMS_VM_KEYS_H

#include <stdbool.h>

#define VM_SLOTS_MAX 32 /* places for values */

struct vm_key;

/* One place for a value. */
struct vm_slot {
    const struct vm_key *key;
    unsigned index;  /* of a repeatable key: 0, 1, … */
    unsigned number; /* among all, below VM_SLOTS_MAX */
};

/* The place that @name means. False: none. */
bool vm_key_find(const char *name, struct vm_slot *slot);

#endif
