/* Power cuts while a dynamic VHD is written: every prefix of what reached the device, with any
 * choice of the sectors that were not yet flushed, must be a whole disk in which each sector has
 * what it had at the last flush or something that was written to it later. */
#include <unistd.h>

#include "lib/big_endian.h"
#include "tests/unit/unit.h"
#include "tests/vdisk_store.h"

#define SECTOR 512u
#define BLOCK 4096u
#define SECTORS (48u * 8) /* of the virtual disk */
#define OLD_BLOCKS 14u    /* of some runs; qemu-img does not look at bitmaps */
#define STEPS 60u
#define CUTS_PER_EVENT 2u
#define QEMU_EVERY 900u /* cuts */
#define PATH "/a.vhd"

static const struct format formats[] = {
    {true, 512, 512, 1, 600, 2, 0, false}, /* the file grows once */
    {true, 512, 512, 1, 330, 2, 0, false}, /* block by block, until the store is full */
    {true, 512, 512, 4, 90, 2, 0, false},
};

/* Each write has a number from 1, and a sector says which one it is of. */
struct write {
    uint32_t first, count;
    size_t event; /* events of the device before it began */
    bool zeros;
};

static struct write writes[STEPS + 1];
static unsigned write_count, old_blocks;

/* When a flush had ended: the last write that each sector has for sure. */
struct durable {
    size_t event;
    unsigned last[SECTORS];
};

static struct durable durables[STEPS + 1];
static unsigned durable_count, last_write[SECTORS];

static void fill(uint8_t *sector, uint32_t index, unsigned number)
{
    for (uint32_t i = 0; i < SECTOR; i++)
        sector[i] =
            number == 0 || writes[number].zeros ? 0 : (uint8_t)(number * 31 + index * 7 + i);
}

static void now_durable(void)
{
    durables[durable_count].event = store_disk.event_count;
    memcpy(durables[durable_count++].last, last_write, sizeof(last_write));
}

/* One request that writes. */
static void write_step(struct vdisk *disk)
{
    static uint8_t buffer[20 * SECTOR];
    unsigned number = ++write_count;
    struct write *write = &writes[number];
    bool force = rand() % 4 == 0;
    enum vdisk_status status;

    write->event = store_disk.event_count;
    write->first = (unsigned)rand() % SECTORS;
    write->count = 1 + (unsigned)rand() % (rand() % 2 ? 3 : 20);
    write->zeros = rand() % 12 == 0;
    if (write->count > SECTORS - write->first)
        write->count = SECTORS - write->first;
    for (uint32_t i = 0; i < write->count; i++)
        fill(buffer + i * SECTOR, write->first + i, number);
    if (write->zeros)
        status = store_request(disk, &(struct vdisk_request){.operation = VDISK_ZERO,
                                                             .force_unit_access = force,
                                                             .sector = write->first,
                                                             .sector_count = write->count});
    else
        status = store_move(disk, VDISK_WRITE, write->first, write->count, buffer, force);
    CHECK(status == VDISK_OK || (status == VDISK_ERROR_NO_SPACE && !write->zeros));
    if (status != VDISK_OK)
        return;
    for (uint32_t i = 0; i < write->count; i++)
        last_write[write->first + i] = number;
    if (!force)
        return;
    durables[durable_count] =
        durable_count == 0 ? (struct durable){0} : durables[durable_count - 1];
    durables[durable_count].event = store_disk.event_count;
    for (uint32_t i = 0; i < write->count; i++)
        durables[durable_count].last[write->first + i] = number;
    durable_count++;
}

/* Whether the sector may have what is at @bytes after a cut at @event. */
static bool may_be(uint32_t index, const uint8_t *bytes, const struct durable *durable,
                   size_t event)
{
    uint8_t expected[SECTOR];

    for (unsigned number = write_count; number > durable->last[index]; number--) {
        const struct write *write = &writes[number];

        if (write->event > event || index < write->first || index >= write->first + write->count)
            continue;
        fill(expected, index, number);
        if (memcmp(bytes, expected, SECTOR) == 0)
            return true;
    }
    fill(expected, index, durable->last[index]);
    return memcmp(bytes, expected, SECTOR) == 0;
}

static void complain(size_t event, const char *what, const char *detail)
{
    fprintf(stderr, "power cut after %zu events: %s: %s\n", event, what, detail);
    unit_failures++;
}

/* What qemu-img makes of the file is what we have read. */
static void ask_qemu(size_t event, const uint8_t *content)
{
    char name[] = "/tmp/vdisk-power-XXXXXX", command[200];
    int descriptor = mkstemp(name);
    size_t size;
    uint8_t *bytes = store_read_file(PATH, &size), seen[SECTORS * SECTOR];

    CHECK_EQUAL(write(descriptor, bytes, size), size);
    snprintf(command, sizeof(command),
             "qemu-img convert -f vpc -O raw %s %s.raw && cat %s.raw && rm %s.raw", name, name,
             name, name);

    FILE *pipe = popen(command, "r");

    if (fread(seen, 1, sizeof(seen), pipe) != sizeof(seen) ||
        memcmp(seen, content, sizeof(seen)) != 0)
        complain(event, "qemu-img", "reads something else");
    pclose(pipe);
    close(descriptor);
    unlink(name);
    free(bytes);
}

/* Opens what is left, compares, writes something, and looks again. */
static void check_disk(const struct durable *durable, size_t event, bool asks_qemu)
{
    static uint8_t content[SECTORS * SECTOR], again[SECTORS * SECTOR];
    const char *error;
    struct vdisk *disk = vdisk_open(PATH, 0, &error);

    if (disk == NULL) {
        complain(event, "opening", error);
        return;
    }
    CHECK_EQUAL(store_move(disk, VDISK_READ, 0, SECTORS, content, false), VDISK_OK);
    for (uint32_t i = 0; i < SECTORS && unit_failures == 0; i++)
        if (!may_be(i, content + i * SECTOR, durable, event)) {
            fprintf(stderr, "sector %u has %02x %02x..., write %u is durable\n", i,
                    content[i * SECTOR], content[i * SECTOR + 1], durable->last[i]);
            complain(event, "content", "neither old nor new");
        }
    uint32_t at = (unsigned)rand() % (SECTORS - 16);
    memset(again, 0x77, 16 * SECTOR);
    if (store_move(disk, VDISK_WRITE, at, 16, again, false) == VDISK_OK)
        memset(content + at * SECTOR, 0x77, 16 * SECTOR);
    CHECK_EQUAL(store_move(disk, VDISK_READ, 0, SECTORS, again, false), VDISK_OK);
    CHECK(memcmp(content, again, sizeof(content)) == 0);
    vdisk_close(disk);
    if (asks_qemu && old_blocks == 0)
        ask_qemu(event, content);
    disk = vdisk_open(PATH, 0, &error);
    if (disk == NULL) {
        complain(event, "opening again", error);
        return;
    }
    CHECK_EQUAL(store_move(disk, VDISK_READ, 0, SECTORS, again, false), VDISK_OK);
    CHECK(memcmp(content, again, sizeof(content)) == 0);
    vdisk_close(disk);
}

/* The device after @event events: @base and all since the last flush, or any choice of it. */
static void cut_power(const struct disk *source, const uint8_t *base, size_t last_flush,
                      size_t event, const struct durable *durable, bool all, bool asks_qemu)
{
    size_t size = (size_t)source->sector_count * source->sector_size;
    int percent = rand() % 101;

    store_disk = (struct disk){
        .bytes = malloc(size),
        .sector_size = source->sector_size,
        .sector_count = source->sector_count,
        .calls_until_failure = -1,
    };
    memcpy(store_disk.bytes, base, size);
    for (size_t i = last_flush; i < event; i++) {
        const struct disk_event *e = &source->events[i];

        if (!e->is_flush && (all || e->is_forced || rand() % 100 < percent))
            memcpy(store_disk.bytes + (size_t)e->sector * SECTOR, e->data, SECTOR);
    }
    store_mount_disk();
    check_disk(durable, event, asks_qemu);
    store_end();
    free(store_disk.bytes);
}

static void cut_everywhere(uint8_t *base)
{
    static const struct durable nothing = {0};
    struct disk source = store_disk;
    size_t last_flush = 0, cuts = 0;
    unsigned durable = 0;

    for (size_t event = 1; event <= source.event_count && unit_failures == 0; event++) {
        if (source.events[event - 1].is_flush) {
            for (size_t i = last_flush; i < event; i++)
                if (!source.events[i].is_flush)
                    memcpy(base + (size_t)source.events[i].sector * SECTOR, source.events[i].data,
                           SECTOR);
            last_flush = event;
        }
        while (durable < durable_count && durables[durable].event <= event)
            durable++;
        for (unsigned i = 0; i < CUTS_PER_EVENT && unit_failures == 0; i++)
            cut_power(&source, base, last_flush, event,
                      durable == 0 ? &nothing : &durables[durable - 1], i == 0,
                      cuts++ % QEMU_EVERY == 0);
    }
    store_disk = source;
}

/* An empty disk, of which some blocks are there, with something old in them and bitmaps that say
 * that it is not to be read. */
static void put_disk(void)
{
    size_t size, block = (size_t)vhd_block_bytes(BLOCK);
    uint8_t *bytes = store_make_vhd(SECTORS * SECTOR, BLOCK, &size), footer[VHD_FOOTER_SIZE];

    memcpy(footer, bytes, sizeof(footer));
    bytes = realloc(bytes, size + old_blocks * block);
    for (uint32_t i = 0; i < old_blocks; i++) {
        uint8_t *at = bytes + size - VHD_FOOTER_SIZE + i * block;

        store_be32(bytes + VHD_FOOTER_SIZE + VHD_HEADER_SIZE + 4 * (3 * i + 2),
                   (uint32_t)((size_t)(at - bytes) / SECTOR));
        memset(at, 0, SECTOR);
        memset(at + SECTOR, 0xdd, BLOCK);
    }
    size += old_blocks * block;
    memcpy(bytes + size - sizeof(footer), footer, sizeof(footer));
    store_write_file(PATH, bytes, size);
    free(bytes);
}

static void run(const struct format *format, unsigned seed)
{
    const char *error;

    srand(seed);
    old_blocks = seed % 2 == 0 ? OLD_BLOCKS : 0;
    write_count = durable_count = 0;
    memset(last_write, 0, sizeof(last_write));
    store_start(format);
    put_disk();
    CHECK_EQUAL(fat_sync(store_volume), FS_OK);

    size_t medium = (size_t)store_disk.sector_count * SECTOR;
    uint8_t *base = malloc(medium);

    memcpy(base, store_disk.bytes, medium);
    disk_record(&store_disk);

    struct vdisk *disk = vdisk_open(PATH, 0, &error);

    CHECK(disk != NULL);
    for (unsigned step = 0; step < STEPS && unit_failures == 0; step++) {
        if (rand() % 5 != 0) {
            write_step(disk);
        } else {
            CHECK_EQUAL(store_flush(disk), VDISK_OK);
            now_durable();
        }
    }
    vdisk_close(disk);
    now_durable();
    store_end();
    cut_everywhere(base);
    free(base);
    disk_destroy(&store_disk);
    if (unit_failures > 0)
        fprintf(stderr, "with seed %u\n", seed);
}

int main(int argument_count, char **arguments)
{
    unsigned rounds = argument_count > 1 ? (unsigned)atoi(arguments[1]) : 1;

    for (unsigned round = 0; round < rounds; round++)
        for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]) && unit_failures == 0; i++)
            run(&formats[i], 100 * round + i + 1);
    return unit_result();
}
