/* The guest's end of VMBus on the host's end: what its kernel would do. For unit tests, which
 * include it once. */
#ifndef VENEER_TESTS_VSC_CLIENT_H
#define VENEER_TESTS_VSC_CLIENT_H

#include "tests/vmbus_guest.h"
#include "vsc/bus.h"

#define FIRST_PAGE 1u

static struct vmbus_host *host;
static struct vsc_bus bus;
static uint32_t signals_to_host, contacts;
static uint8_t *pages[GUEST_PAGES];

static bool client_post(void *context, uint32_t connection, const void *message, uint32_t size)
{
    const struct vmbus_header *header = message;

    (void)context;
    contacts += header->type == VMBUS_MESSAGE_INITIATE_CONTACT;
    vmbus_host_receive(host, connection, message, size);
    vmbus_host_send(host);
    return true;
}

static void client_signal(void *context, uint32_t connection)
{
    (void)context;
    signals_to_host++;
    for (uint32_t relid = 1; relid <= VMBUS_HOST_MAX_CHANNELS; relid++) {
        if (connection == VMBUS_EVENT_CONNECTION(relid))
            guest_schedule(NULL, relid);
    }
}

static uint64_t client_address(void *context, const void *page)
{
    (void)context;
    return (uint64_t)((const uint8_t *)page - guest_memory[0]);
}

static bool client_wait(void *context)
{
    bool something = posted_taken < posted_count || scheduled || failed;

    (void)context;
    guest_turn(host, 10);
    vmbus_host_send(host);
    while (posted_taken < posted_count) {
        const struct posted *message = &posted[posted_taken++];

        vsc_bus_receive(&bus, message->data, message->size);
    }
    posted_taken = posted_count = 0;
    return something;
}

static void client_log(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
    log_lines++;
}

static const struct vsc_operations operations = {
    .post = client_post,
    .signal = client_signal,
    .address = client_address,
    .wait = client_wait,
    .log = client_log,
};

static bool connect_up_to(uint32_t newest)
{
    const struct vsc_bus_pages old_pages = {guest_memory[120],
                                            {guest_memory[121], guest_memory[122]}};

    return vsc_bus_connect(&bus, &operations, NULL, &old_pages, newest, 0, VMBUS_SINT);
}

static void create_host(void)
{
    memset(guest_memory, 0, sizeof(guest_memory));
    posted_count = posted_taken = scheduled = failed = signals_to_host = contacts = 0;
    message_room = 1u << 30;
    for (unsigned i = 0; i < GUEST_PAGES; i++)
        pages[i] = guest_memory[i];
    host = vmbus_host_create(&guest_operations, NULL, "test");
}

static void destroy_host(void)
{
    vmbus_host_destroy(host);
    CHECK_EQUAL(blocks, 0);
}

static inline struct vsc_channel *scsi(unsigned index)
{
    return vsc_bus_find(&bus, &(const struct vmbus_guid)VMBUS_CLASS_SCSI, index);
}

#endif
