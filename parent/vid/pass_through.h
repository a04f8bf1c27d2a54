/* Hypercalls that a process makes on its child through the kernel. Which ones is a list; whatever
 * they name besides the child, which the kernel fills in, the hypervisor checks. */
#ifndef VENEER_PARENT_VID_PASS_THROUGH_H
#define VENEER_PARENT_VID_PASS_THROUGH_H

#include <stdbool.h>
#include <stdint.h>

#include "parent/vid/partition.h"

/* Whether a call with @input_value (code and rep count; nothing else) is on the list and has input
 * and output of these sizes, which are at most a page then. */
bool pass_through_is_allowed(uint64_t input_value, uint64_t input_size, uint64_t output_size);

/* Makes an allowed call on @partition; the result value. @input: whole, at its start the
 * partition's id goes. Thread. */
uint64_t pass_through(struct partition *partition, uint64_t input_value, void *input,
                      uint64_t input_size, void *output, uint64_t output_size);

#endif
