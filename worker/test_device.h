/* The device of include/child_start.h, by which a freestanding kernel tests and measures how a
 * worker serves it. */
#ifndef VENEER_WORKER_TEST_DEVICE_H
#define VENEER_WORKER_TEST_DEVICE_H

/* Adds its ports and registers, connects its ports for messages and events, and declares to the
 * hypervisor which registers need no exit. After the VPs were made. */
void test_device_add(void);

/* A thread: counts what comes through the child's connections. */
void test_device_receive(void *argument);

#endif
