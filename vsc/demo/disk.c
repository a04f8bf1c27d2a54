#include "vsc/demo/disk.h"

#include "vsc/demo/bus.h"
#include "vsc/demo/console.h"
#include "vsc/demo/options.h"

#define RING_PAGES 32u
#define LUN_COUNT 32u
#define TEST_SIZE (1024u * 1024) /* bytes at the start of each disk */
#define PART_SIZE (64u * 1024)   /* of one request */
#define PARTS (TEST_SIZE / PART_SIZE)

_Static_assert(PARTS <= VSC_STORAGE_DEPTH, "all are under way at once");

static uint8_t ring_memory[RING_PAGES][VMBUS_PAGE_SIZE] __attribute__((aligned(VMBUS_PAGE_SIZE)));
static uint8_t data[TEST_SIZE] __attribute__((aligned(VMBUS_PAGE_SIZE)));
static uint8_t *ring_pages[RING_PAGES];
static struct vsc_storage storage;
static struct vsc_storage_request requests[PARTS];

/* Different in each sector of each LUN. */
static uint8_t pattern(uint8_t lun, uint32_t offset)
{
    return (uint8_t)(offset * 7 + offset / 512 * 13 + lun * 31 + 5);
}

/* Reads or writes the first @size bytes, all parts at once. */
static bool transfer(uint8_t lun, bool write, const struct vsc_storage_capacity *capacity,
                     uint32_t size)
{
    struct vsc_bus *bus = storage.channel->bus;
    uint32_t count = 0, done = 0;

    for (uint32_t offset = 0; offset < size; offset += PART_SIZE, count++) {
        uint32_t part = size - offset < PART_SIZE ? size - offset : PART_SIZE;

        vsc_storage_transfer(&requests[count], lun, write, offset / capacity->sector_size,
                             part / capacity->sector_size, capacity->sector_size, data + offset);
        if (!vsc_storage_queue(&storage, &requests[count]))
            return false;
    }
    vsc_storage_submit(&storage);
    for (done = vsc_storage_poll(&storage); done < count; done += vsc_storage_poll(&storage)) {
        if (storage.failed || !bus->operations->wait(bus->context))
            return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (requests[i].srb_status != SRB_STATUS_SUCCESS || requests[i].moved != requests[i].size)
            return false;
    }
    return true;
}

/* NULL, or what failed. */
static const char *try_disk(uint8_t lun, const struct vsc_storage_capacity *capacity, bool write)
{
    uint64_t bytes = capacity->sectors * capacity->sector_size;
    uint32_t size = bytes < TEST_SIZE ? (uint32_t)bytes : TEST_SIZE;
    struct vsc_storage_request flush;

    if (capacity->sector_size > PART_SIZE || PART_SIZE % capacity->sector_size != 0)
        return "its sector size is odd";
    if (!write)
        return transfer(lun, false, capacity, size) ? NULL : "it cannot be read";
    for (uint32_t i = 0; i < size; i++)
        data[i] = pattern(lun, i);
    if (!transfer(lun, true, capacity, size))
        return "it cannot be written";
    vsc_storage_flush(&flush, lun);
    if (!vsc_storage_run(&storage, &flush))
        return "it cannot be flushed";
    for (uint32_t i = 0; i < size; i++)
        data[i] = 0;
    if (!transfer(lun, false, capacity, size))
        return "what was written cannot be read";
    for (uint32_t i = 0; i < size; i++) {
        if (data[i] != pattern(lun, i))
            return "it has something else than was written";
    }
    return NULL;
}

/* All LUNs of the open controller; how many failed. */
static unsigned try_luns(unsigned controller, unsigned *found)
{
    struct vsc_storage_capacity capacity;
    unsigned failures = 0;

    for (uint8_t lun = 0; lun < LUN_COUNT; lun++) {
        if (!vsc_storage_capacity(&storage, lun, data, &capacity))
            continue;
        const char *what = try_disk(lun, &capacity, option_is("disk", "write"));

        (*found)++;
        print("%s disk %u:%u: %llu sectors of %u bytes%s%s\n", what ? "FAIL" : "ok", controller,
              lun, (unsigned long long)capacity.sectors, capacity.sector_size, what ? ", " : "",
              what ? what : "");
        failures += what != NULL;
        if (storage.failed)
            break;
    }
    return failures;
}

static struct vsc_channel *controller(unsigned index)
{
    const struct vmbus_guid class_id = VMBUS_CLASS_SCSI;
    struct vsc_bus *bus = demo_bus();

    return bus == NULL ? NULL : vsc_bus_find(bus, &class_id, index);
}

bool disk_open(struct vsc_storage *opened, unsigned index)
{
    struct vsc_channel *channel = controller(index);

    for (unsigned i = 0; i < RING_PAGES; i++)
        ring_pages[i] = ring_memory[i];
    return channel != NULL && vsc_storage_open(opened, channel, ring_pages, RING_PAGES, 0);
}

bool disk_run(void)
{
    unsigned found = 0, failures = 0;

    for (unsigned i = 0; controller(i) != NULL; i++) {
        if (!disk_open(&storage, i)) {
            print("FAIL disk %u: the controller does not start\n", i);
            failures++;
            continue;
        }
        failures += try_luns(i, &found);
        vsc_storage_close(&storage);
    }
    demo_bus_end();
    if (found == 0)
        print("FAIL disk: there is none; give the child one\n");
    return found > 0 && failures == 0;
}
