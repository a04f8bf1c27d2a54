/* The guest's end of a SCSI controller against the provider, with a disk in memory. */
#include "parent/include/log.h"
#include "parent/include/memory.h"
#include "parent/include/thread.h"
#include "tests/unit/unit.h"
#include "tests/vsc_client.h"
#include "vsc/storvsc.h"
#include "vsp/storvsp/storvsp.h"

#define RING_PAGE 1u
#define DATA_PAGE 20u /* for data, up to GUEST_GAP */
#define DATA_PAGES (GUEST_GAP - DATA_PAGE)
#define GUEST_PHYSICAL 0x100000u /* where guest_page() says that guest memory is */
#define SECTORS 2048u

static uint8_t medium[SECTORS * 512];
static struct vdisk disk = {
    .sector_size = 512, .physical_sector_size = 512, .sector_count = SECTORS, .name = "a.vhd"};
static struct storvsp *controller;
static struct vsc_storage storage;
static struct vdisk_request *held[256];
static uint32_t held_count, flushes;

void *heap_allocate(size_t size)
{
    return malloc(size);
}

void heap_free(void *pointer)
{
    free(pointer);
}

void log_print(enum log_level level, const char *format, ...)
{
    (void)level;
    (void)format;
}

/* Nothing here is at an odd address: no bounce buffer. */
uint64_t pages_allocate(uint64_t count, uint64_t alignment)
{
    (void)count;
    (void)alignment;
    return 0;
}

void pages_free(uint64_t address, uint64_t count)
{
    (void)address;
    (void)count;
}

void *physical_to_virtual(uint64_t address)
{
    (void)address;
    return NULL;
}

void mutex_init(struct mutex *mutex)
{
    (void)mutex;
}

void mutex_lock(struct mutex *mutex)
{
    (void)mutex;
}

void mutex_unlock(struct mutex *mutex)
{
    (void)mutex;
}

void thread_sleep(uint64_t microseconds)
{
    (void)microseconds;
}

const char *vdisk_status_text(enum vdisk_status status)
{
    return status == VDISK_OK ? "no error" : "an error";
}

/* Completed by finish(), the last one first. */
void vdisk_submit(struct vdisk *which, struct vdisk_request *request)
{
    CHECK(which == &disk && held_count < 256);
    held[held_count++] = request;
}

static void finish(void)
{
    while (held_count > 0) {
        struct vdisk_request *request = held[--held_count];
        uint8_t *place = medium + request->sector * 512;

        flushes += request->operation == VDISK_FLUSH;
        for (uint32_t i = 0; request->operation <= VDISK_WRITE && i < request->segment_count; i++) {
            uint8_t *data =
                (uint8_t *)guest_memory + (request->segments[i].address - GUEST_PHYSICAL);
            size_t size = request->segments[i].length;

            if (request->operation == VDISK_WRITE)
                memcpy(place, data, size);
            else
                memcpy(data, place, size);
            place += size;
        }
        request->status = VDISK_OK;
        request->done(request);
    }
}

static bool wait_with_disk(void *context)
{
    bool something = client_wait(context);

    something |= held_count > 0;
    finish();
    return client_wait(context) || something;
}

static const struct vsc_operations disk_operations = {
    .post = client_post,
    .signal = client_signal,
    .address = client_address,
    .wait = wait_with_disk,
    .log = client_log,
};

static void set_up(void)
{
    struct vmbus_offer offer;
    struct vmbus_guid instance = {{1}};

    create_host();
    controller = storvsp_create();
    CHECK(storvsp_add_lun(controller, 0, &disk, false));
    storvsp_offer(controller, &instance, &offer);
    CHECK(vmbus_host_offer(host, 1, &offer, "scsi 0"));
    CHECK(connect_up_to(VMBUS_VERSION(5, 3)));
    bus.operations = &disk_operations;
    CHECK(vsc_storage_open(&storage, scsi(0), pages + RING_PAGE, 8, 0));
}

static void tear_down(void)
{
    vsc_storage_close(&storage);
    destroy_host();
    storvsp_destroy(controller);
}

static void test_commands(void)
{
    struct vsc_storage_request request;
    struct vsc_storage_capacity capacity;
    uint8_t *data = (uint8_t *)guest_memory + DATA_PAGE * VMBUS_PAGE_SIZE;

    set_up();
    CHECK_EQUAL(storage.version, VSTOR_VERSION(6, 2));
    CHECK(storage.max_transfer >= 128 * 1024);
    CHECK(vsc_storage_capacity(&storage, 0, data, &capacity));
    CHECK_EQUAL(capacity.sectors, SECTORS);
    CHECK_EQUAL(capacity.sector_size, 512);
    CHECK(!vsc_storage_capacity(&storage, 1, data, &capacity));
    vsc_storage_inquiry(&request, 0, data, 36);
    CHECK(vsc_storage_run(&storage, &request));
    CHECK_EQUAL(data[0], 0);
    vsc_storage_inquiry(&request, 5, data, 36);
    CHECK(vsc_storage_run(&storage, &request));
    CHECK_EQUAL(data[0], 0x7f); /* no unit there */
    vsc_storage_flush(&request, 5);
    CHECK(!vsc_storage_run(&storage, &request));
    CHECK(request.done);
    CHECK_EQUAL(request.srb_status, SRB_STATUS_INVALID_LUN);
    vsc_storage_transfer(&request, 0, false, SECTORS - 1, 2, 512, data);
    CHECK(!vsc_storage_run(&storage, &request));
    CHECK(request.done && request.sense_length > 12);
    CHECK_EQUAL(request.sense[12], 0x21); /* the block address is out of range */
    vsc_storage_flush(&request, 0);
    CHECK(vsc_storage_run(&storage, &request));
    CHECK_EQUAL(flushes, 1);
    /* Too large for this client, or for the host. */
    vsc_storage_transfer(&request, 0, false, 0, 4096, 512, data);
    CHECK(!vsc_storage_queue(&storage, &request));
    tear_down();
}

/* All places of the queue, twice; the disk completes in reverse order. */
static void test_queue(void)
{
    static struct vsc_storage_request requests[VSC_STORAGE_DEPTH];
    struct vsc_storage_request extra;
    uint32_t queued = 0, done = 0;

    set_up();
    for (unsigned pass = 0; pass < 2; pass++) {
        queued = done = 0;
        for (unsigned i = 0; i < VSC_STORAGE_DEPTH; i++) {
            vsc_storage_transfer(&requests[i], 0, pass == 0, i * 7, 1, 512,
                                 guest_memory[DATA_PAGE + i % DATA_PAGES]);
            queued += vsc_storage_queue(&storage, &requests[i]);
        }
        CHECK_EQUAL(queued, VSC_STORAGE_DEPTH);
        vsc_storage_transfer(&extra, 0, false, 0, 1, 512, guest_memory[DATA_PAGE]);
        CHECK(!vsc_storage_queue(&storage, &extra));
        vsc_storage_submit(&storage);
        for (unsigned turns = 0; done < queued && turns < 100; turns++) {
            wait_with_disk(NULL);
            done += vsc_storage_poll(&storage);
        }
        CHECK_EQUAL(done, queued);
        for (unsigned i = 0; i < VSC_STORAGE_DEPTH; i++) {
            CHECK(requests[i].done && requests[i].srb_status == SRB_STATUS_SUCCESS);
            CHECK_EQUAL(requests[i].moved, 512);
        }
    }
    tear_down();
}

/* 100 KB in one request, in pages that are many segments. */
static void test_large(void)
{
    struct vsc_storage_request request;
    uint8_t *data = (uint8_t *)guest_memory + DATA_PAGE * VMBUS_PAGE_SIZE;
    const uint32_t size = 100 * 1024;

    set_up();
    for (uint32_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + i / 512);
    vsc_storage_transfer(&request, 0, true, 100, size / 512, 512, data);
    CHECK(vsc_storage_run(&storage, &request));
    CHECK_EQUAL(request.moved, size);
    CHECK(memcmp(medium + 100 * 512, data, size) == 0);
    memset(data, 0, size);
    vsc_storage_transfer(&request, 0, false, 100, size / 512, 512, data);
    CHECK(vsc_storage_run(&storage, &request));
    CHECK(memcmp(medium + 100 * 512, data, size) == 0);
    tear_down();
}

/* A host that answers what was not asked. */
static void test_bad_answer(void)
{
    struct vstor_packet answer = {.operation = VSTOR_OPERATION_COMPLETE_IO};
    struct vmbus_ring_piece piece = {&answer, sizeof(answer)};
    struct vmbus_ring ring;

    set_up();
    CHECK(vmbus_ring_init(&ring, pages + RING_PAGE + 4, 4, false));
    ring.index = ring.published = ring.control->write_index;
    vmbus_ring_write(&ring, VMBUS_PACKET_COMPLETION, 0, 3, 0, &piece, 1);
    vmbus_ring_publish(&ring);
    CHECK_EQUAL(vsc_storage_poll(&storage), 1);
    CHECK(storage.failed);
    tear_down();
}

int main(void)
{
    test_commands();
    test_queue();
    test_large();
    test_bad_answer();
    return unit_result();
}
