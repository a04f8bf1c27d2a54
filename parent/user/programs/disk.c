/* Test program: the system calls on disks. Handle 1 is a disk with a pattern
 * (tests/system/pattern.py) that can be written, handle 2 a CD. By its second word: "try" reads all
 * of the disk by segments of all shapes, writes the complement of its second half, and calls with
 * arguments that are wrong. Status 0: all as it should be; else the line that was not "forever"
 * does transfers from several threads, whose memory is unmapped meanwhile, until it is killed; what
 * it writes is what is there */
#include <stdbool.h>

#include "lib/string.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("disk: line %d: not true: %s\n", __LINE__, #condition);                         \
            return __LINE__;                                                                       \
        }                                                                                          \
    } while (0)

#define DISK 1
#define CD 2
#define SECTOR 512u
#define CD_SECTOR 2048u
#define CHUNK 65536u
#define AREA (4 * CHUNK) /* that the segments of a chunk are strewn over */
#define SEGMENTS 40u
#define GUARD 0xa5
#define THREADS 4
#define STACK_SIZE 0x4000
#define READ_WRITE (SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE)

static struct system_disk_information disk;
static uint64_t state = 88172645463325252;

static uint32_t random_below(uint32_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 16) % limit);
}

static uint8_t pattern(uint64_t offset)
{
    return (uint8_t)((offset / 8 + 1) * 0x9e3779b97f4a7c15ull >> offset % 8 * 8);
}

static uint64_t half(void)
{
    return disk.sector_count / 2 * SECTOR;
}

static uint64_t map_new(uint64_t size)
{
    void *address = NULL;
    int64_t memory = system_memory_create(size);
    if (memory < 0 || system_memory_map((uint32_t)memory, 0, size, READ_WRITE, &address) < 0)
        system_exit(__LINE__);
    system_handle_close((uint32_t)memory);
    return (uint64_t)address;
}

/* --- Data --- */

/* Cuts @size bytes into segments in the area at @area, with gaps between; how many. */
static uint32_t make_segments(uint64_t area, uint32_t size, struct system_disk_segment *segments)
{
    uint64_t address = area + 2 * random_below(2048);
    uint32_t count = 0;
    while (size > 0) {
        uint32_t part = count == SEGMENTS - 1 ? size : 2 * (1 + random_below(size / 2));
        segments[count++] = (struct system_disk_segment){address, part};
        address += part + 2 * random_below(1500);
        size -= part;
    }
    return count;
}

/* Whether the segments hold the disk from @offset on, and the area nothing else. */
static bool holds_pattern(const uint8_t *area, const struct system_disk_segment *segments,
                          uint32_t count, uint64_t offset)
{
    const uint8_t *byte = area;
    for (uint32_t i = 0; i < count; i++) {
        for (; byte < (uint8_t *)segments[i].address; byte++)
            if (*byte != GUARD)
                return false;
        for (uint64_t j = 0; j < segments[i].size; j++, byte++, offset++)
            if (*byte != pattern(offset))
                return false;
    }
    for (; byte < area + AREA; byte++)
        if (*byte != GUARD)
            return false;
    return true;
}

static uint32_t chunk_at(uint64_t offset)
{
    uint64_t left = disk.sector_count * SECTOR - offset;
    return left < CHUNK ? (uint32_t)left : CHUNK;
}

static int read_all(void)
{
    struct system_disk_segment segments[SEGMENTS];
    uint64_t area = map_new(AREA);
    for (uint64_t offset = 0; offset < disk.sector_count * SECTOR; offset += CHUNK) {
        uint32_t count = make_segments(area, chunk_at(offset), segments);
        memset((void *)area, GUARD, AREA);
        MUST(system_disk_transfer(DISK, SYSTEM_DISK_READ, offset / SECTOR, segments, count) == 0);
        MUST(holds_pattern((const uint8_t *)area, segments, count, offset));
    }
    MUST(system_memory_unmap((void *)area) == 0);
    return 0;
}

static int complement_second_half(void)
{
    struct system_disk_segment segments[SEGMENTS];
    uint64_t area = map_new(AREA);
    for (uint64_t offset = half(); offset < disk.sector_count * SECTOR; offset += CHUNK) {
        uint32_t count = make_segments(area, chunk_at(offset), segments);
        uint64_t at = offset;
        for (uint32_t i = 0; i < count; i++)
            for (uint64_t j = 0; j < segments[i].size; j++)
                ((uint8_t *)segments[i].address)[j] = (uint8_t)~pattern(at++);
        MUST(system_disk_transfer(DISK, SYSTEM_DISK_WRITE, offset / SECTOR, segments, count) == 0);
    }
    MUST(system_disk_transfer(DISK, SYSTEM_DISK_FLUSH, 0, NULL, 0) == 0);
    MUST(system_memory_unmap((void *)area) == 0);
    return 0;
}

static int read_cd(void)
{
    uint8_t *sector = (uint8_t *)map_new(CD_SECTOR);
    struct system_disk_segment segment = {(uint64_t)sector, CD_SECTOR};
    MUST(system_disk_transfer(CD, SYSTEM_DISK_READ, 16, &segment, 1) == 0);
    MUST(memcmp(sector + 1, "CD001", 5) == 0);
    MUST(system_disk_transfer(CD, SYSTEM_DISK_WRITE, 16, &segment, 1) == -SYSTEM_ERROR_READ_ONLY);
    segment.size = SECTOR;
    MUST(system_disk_transfer(CD, SYSTEM_DISK_READ, 16, &segment, 1) == -SYSTEM_ERROR_ARGUMENT);
    MUST(system_memory_unmap(sector) == 0);
    return 0;
}

/* --- What is refused --- */

static int64_t read_to(uint64_t address, uint64_t size)
{
    struct system_disk_segment segment = {address, size};
    return system_disk_transfer(DISK, SYSTEM_DISK_READ, 0, &segment, 1);
}

static int64_t read_at(uint64_t sector, uint64_t address)
{
    struct system_disk_segment segment = {address, 2 * SECTOR};
    return system_disk_transfer(DISK, SYSTEM_DISK_READ, sector, &segment, 1);
}

static int try_memory(void)
{
    void *readable, *writable;
    uint32_t memory = (uint32_t)system_memory_create(0x3000);
    MUST(system_memory_map(memory, 0, 0x3000, SYSTEM_RIGHT_READ, &readable) == 0);
    MUST(system_memory_map(memory, 0x1000, 0x2000, READ_WRITE, &writable) == 0);
    uint64_t address = (uint64_t)writable;
    MUST(read_to(address, SECTOR) == 0);
    MUST(((uint8_t *)readable)[0x1001] == pattern(1));
    MUST(read_to((uint64_t)readable, SECTOR) == -SYSTEM_ERROR_ADDRESS);
    MUST(read_to(address + 0x2000 - SECTOR, SECTOR) == 0);
    MUST(read_to(address + 0x2000 - SECTOR + 2, SECTOR) == -SYSTEM_ERROR_ADDRESS);
    MUST(read_to(address + 0x2000, SECTOR) == -SYSTEM_ERROR_ADDRESS);
    MUST(read_to(address - 2, SECTOR) == -SYSTEM_ERROR_ADDRESS);
    MUST(read_to(address + 1, SECTOR) == -SYSTEM_ERROR_ARGUMENT);
    MUST(read_to(address, SECTOR - 1) == -SYSTEM_ERROR_ARGUMENT);
    MUST(read_to(address, SECTOR - 2) == -SYSTEM_ERROR_ARGUMENT);
    MUST(read_to(address, 0) == -SYSTEM_ERROR_ARGUMENT);
    MUST(read_to(address, UINT64_MAX - 1) == -SYSTEM_ERROR_ARGUMENT);
    MUST(read_to(address, SYSTEM_MAX_DISK_TRANSFER + SECTOR) == -SYSTEM_ERROR_ARGUMENT);
    MUST(read_to((uint64_t)try_memory & ~1ull, SECTOR) == -SYSTEM_ERROR_ADDRESS);
    MUST(read_to(0, SECTOR) == -SYSTEM_ERROR_ADDRESS);
    MUST(read_to(0xffff800000100000, SECTOR) == -SYSTEM_ERROR_ADDRESS);
    MUST(read_to(UINT64_MAX - 1, SECTOR) == -SYSTEM_ERROR_ADDRESS);
    MUST(system_memory_unmap(readable) == 0 && system_memory_unmap(writable) == 0);
    MUST(read_to(address, SECTOR) == -SYSTEM_ERROR_ADDRESS);
    return 0;
}

static int try_ranges(void)
{
    uint64_t address = map_new(0x1000);
    MUST(read_at(disk.sector_count - 2, address) == 0);
    MUST(read_at(disk.sector_count - 1, address) == -SYSTEM_ERROR_ARGUMENT);
    MUST(read_at(disk.sector_count, address) == -SYSTEM_ERROR_ARGUMENT);
    MUST(read_at(UINT64_MAX, address) == -SYSTEM_ERROR_ARGUMENT);
    MUST(read_at(UINT64_MAX / SECTOR + 1, address) == -SYSTEM_ERROR_ARGUMENT);
    MUST(system_memory_unmap((void *)address) == 0);
    return 0;
}

/* All segments in one page, and too many of them; a list that is not there. */
static int try_segments(void)
{
    static struct system_disk_segment segments[SYSTEM_MAX_DISK_SEGMENTS + 1];
    uint8_t *page = (uint8_t *)map_new(0x1000);
    for (uint32_t i = 0; i <= SYSTEM_MAX_DISK_SEGMENTS; i++)
        segments[i] = (struct system_disk_segment){(uint64_t)page + 2 * i, 2};
    MUST(system_disk_transfer(DISK, SYSTEM_DISK_READ, 3, segments, SYSTEM_MAX_DISK_SEGMENTS) == 0);
    for (uint32_t i = 0; i < SECTOR; i++)
        MUST(page[i] == pattern(3 * SECTOR + i));
    MUST(system_disk_transfer(DISK, SYSTEM_DISK_READ, 3, segments, SYSTEM_MAX_DISK_SEGMENTS + 1) ==
         -SYSTEM_ERROR_ARGUMENT);
    MUST(system_disk_transfer(DISK, SYSTEM_DISK_READ, 3, segments, 0) == -SYSTEM_ERROR_ARGUMENT);
    MUST(system_disk_transfer(DISK, SYSTEM_DISK_READ, 3, NULL, 1) == -SYSTEM_ERROR_ADDRESS);
    MUST(system_disk_transfer(DISK, SYSTEM_DISK_FLUSH, 0, segments, 1) == -SYSTEM_ERROR_ARGUMENT);
    MUST(system_disk_transfer(DISK, (enum system_disk_operation)3, 0, segments, 1) ==
         -SYSTEM_ERROR_ARGUMENT);
    MUST(system_disk_transfer(99, SYSTEM_DISK_READ, 0, segments, 1) == -SYSTEM_ERROR_HANDLE);
    MUST(system_memory_unmap(page) == 0);
    return 0;
}

static int try_handles(void)
{
    struct system_disk_information cd;
    int64_t memory = system_memory_create(0x1000);
    MUST(system_disk_information(DISK, &disk) == 0);
    MUST(disk.sector_size == SECTOR && disk.sector_count > CHUNK / SECTOR && disk.flags == 0);
    MUST(system_disk_information(CD, &cd) == 0);
    MUST(cd.sector_size == CD_SECTOR &&
         cd.flags == (SYSTEM_DISK_IS_READ_ONLY | SYSTEM_DISK_IS_REMOVABLE));
    MUST(system_disk_information((uint32_t)memory, &cd) == -SYSTEM_ERROR_HANDLE);
    MUST(system_disk_information(DISK, NULL) == -SYSTEM_ERROR_ADDRESS);
    MUST(system_handle_duplicate(DISK, SYSTEM_RIGHTS_ALL) == -SYSTEM_ERROR_RIGHTS);
    MUST(system_handle_close((uint32_t)memory) == 0);
    return 0;
}

static int try_all(void)
{
    static int (*const tests[])(void) = {
        try_handles,           read_all, read_cd, try_memory, try_ranges, try_segments,
        complement_second_half};
    for (uint32_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        int line = tests[i]();
        if (line != 0)
            return line;
    }
    return 0;
}

/* --- To be killed --- */

static uint64_t shared; /* memory that threads read the disk to; atomic */

/* Reads the first chunks again and again, wherever the memory is now; what it reads to may be
 * unmapped at any time. */
static void read_for_ever(void *argument)
{
    for (uint64_t i = (uint64_t)argument;; i++) {
        uint64_t address = __atomic_load_n(&shared, __ATOMIC_RELAXED);
        struct system_disk_segment segments[2] = {{address + CHUNK, CHUNK}, {address, CHUNK}};
        system_disk_transfer(DISK, SYSTEM_DISK_READ, i % 16 * 2 * CHUNK / SECTOR, segments, 2);
    }
}

/* Writes the complement to the start of the second half, where it is already, from memory at
 * @argument: mapped before any is unmapped, lest it comes to lie where a thread is about to read.
 */
static void write_for_ever(void *argument)
{
    uint8_t *data = argument;
    struct system_disk_segment segment = {(uint64_t)data, CHUNK};
    for (uint32_t i = 0; i < CHUNK; i++)
        data[i] = (uint8_t)~pattern(half() + i);
    for (;;)
        system_disk_transfer(DISK, SYSTEM_DISK_WRITE, half() / SECTOR, &segment, 1);
}

static void start_thread(void (*entry)(void *argument), uint64_t argument)
{
    char *stack = malloc(STACK_SIZE);
    if (!stack || system_thread_start(entry, stack + STACK_SIZE, (void *)argument) < 0)
        system_exit(__LINE__);
}

static int run_for_ever(void)
{
    MUST(system_disk_information(DISK, &disk) == 0);
    shared = map_new(2 * CHUNK);
    for (uint64_t i = 0; i < THREADS; i++)
        start_thread(read_for_ever, i);
    start_thread(write_for_ever, map_new(CHUNK));
    for (;;) {
        uint64_t old = __atomic_exchange_n(&shared, map_new(2 * CHUNK), __ATOMIC_RELAXED);
        MUST(system_memory_unmap((void *)old) == 0);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "forever") == 0)
        return run_for_ever();
    return try_all();
}
