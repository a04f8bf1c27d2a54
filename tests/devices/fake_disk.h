/* A disk for the tests of controllers: requests wait until the test lets them end. */
#ifndef VENEER_TESTS_DEVICES_FAKE_DISK_H
#define VENEER_TESTS_DEVICES_FAKE_DISK_H

#include "worker/devices/disk.h"

struct fake_disk {
    struct disk disk;        /* first */
    uint8_t *data;           /* on the heap, so that its ends are watched */
    enum disk_status status; /* that requests end with; but for DISK_OK they do nothing then */
    struct disk_request *queue;
    uint32_t submitted; /* so far */
};

/* Makes @fake with @sector_count zeroed sectors of @sector_size bytes. */
void fake_disk_create(struct fake_disk *fake, uint32_t sector_size, uint64_t sector_count);
void fake_disk_destroy(struct fake_disk *fake);

/* Ends requests, oldest first, until there are none, those that come with it included. */
void fake_disk_run(struct fake_disk *fake);

#endif
