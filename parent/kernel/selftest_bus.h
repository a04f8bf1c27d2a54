/* The part of self test "vid" that is about buses. */
#ifndef VENEER_PARENT_KERNEL_SELFTEST_BUS_H
#define VENEER_PARENT_KERNEL_SELFTEST_BUS_H

struct partition;

/* Starts the bus of @partition and attaches devices to it, which go with the partition. Thread. */
void selftest_bus(struct partition *partition);

/* After that. */
void selftest_bus_is_gone(void);

#endif
