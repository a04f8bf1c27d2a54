/* A disk in memory for the tests of controllers, whose requests end when the test says so. */
#ifndef VENEER_TESTS_DEVICES_FAKE_DISK_H
#define VENEER_TESTS_DEVICES_FAKE_DISK_H

#include "worker/devices/disk.h"

struct fake_disk {
    struct disk disk;
    uint8_t *data;           /* sector_size * stored_count bytes */
    uint64_t stored;         /* sectors that it has memory for; others read as zeros */
    uint64_t bad;            /* a sector with a medium error; UINT64_MAX: none */
    bool full;               /* writes fail with a medium error */
    enum disk_status status; /* but for DISK_OK all requests end with it, and do nothing */
    struct disk_request *first, **last;
    uint32_t requests, flushes, ejects; /* so far */
    bool open;                          /* the tray, by the guest */
};

/* Makes @fake with @sector_count sectors, of which the first @stored have memory. */
void fake_disk_create(struct fake_disk *fake, uint32_t sector_size, uint64_t sector_count,
                      uint64_t stored);
void fake_disk_destroy(struct fake_disk *fake);

/* Ends the oldest request; false if there is none. */
bool fake_disk_step(struct fake_disk *fake);

/* Ends all requests, and those that come of it. */
void fake_disk_run(struct fake_disk *fake);

#endif
