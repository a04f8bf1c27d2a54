/* The host side of VMBus with a hostile guest: messages of all types in any order, with fields from
 * a small set so that they meet, rings written to at random while channels run, devices coming and
 * going. Nothing may be touched but the guest's memory; everything is given back; a guest that then
 * connects properly is served. */
#include "tests/fuzz/fuzz.h"
#include "tests/vmbus_guest.h"

#define CHANNELS 4u
#define STEPS 400u

static struct echo echo;
static struct vmbus_host *host;

static uint64_t small(struct fuzz_input *input)
{
    uint8_t byte = fuzz_byte(input);
    return byte < 240 ? byte % 8 : fuzz_number(input, 8);
}

static void put(uint8_t *message, uint32_t offset, uint64_t value, size_t size)
{
    memcpy(message + offset, &value, size);
}

/* Page numbers for what is left of the message. */
static void put_pages(struct fuzz_input *input, uint8_t *message, uint32_t offset, uint32_t size)
{
    uint32_t first = fuzz_byte(input);
    for (uint32_t i = 0; offset + 8 <= size; i++, offset += 8)
        put(message, offset, first + i, 8);
}

static void send_message(struct fuzz_input *input)
{
    uint8_t message[VMBUS_MESSAGE_MAX] = {0};
    uint32_t type = fuzz_byte(input) % 26;
    uint32_t size = fuzz_byte(input) % (VMBUS_MESSAGE_MAX + 1);
    put(message, 0, type, 4);
    for (uint32_t offset = 8; offset < 32; offset += 4)
        put(message, offset, small(input), 4);
    if (type == VMBUS_MESSAGE_INITIATE_CONTACT)
        put(message, 8, VMBUS_VERSION(5, 3), 4);
    if (type == VMBUS_MESSAGE_GPADL_HEADER) {
        uint32_t count = fuzz_byte(input) % 64;
        put(message, 16, 8 + 8 * count, 2);
        put(message, 18, 1, 2);
        put(message, 20, count * 4096, 4);
        put(message, 24, 0, 4);
        put_pages(input, message, 28, size);
    }
    if (type == VMBUS_MESSAGE_GPADL_BODY)
        put_pages(input, message, 16, size);
    if (vmbus_host_can_receive(host))
        vmbus_host_receive(host, VMBUS_CONNECTION_NEW, message, size);
}

static void step(struct fuzz_input *input)
{
    uint32_t relid = 1 + fuzz_byte(input) % CHANNELS;
    const struct vmbus_offer offer = {.provider = &echo_provider, .context = &echo};
    switch (fuzz_byte(input) % 8) {
    case 0:
        if (running[relid])
            guest_schedule(NULL, relid);
        break;
    case 1: /* a word of memory, control pages more often than others */
        put(guest_memory[fuzz_byte(input) % GUEST_PAGES], fuzz_byte(input) % 32 * 4,
            fuzz_number(input, 4), 4);
        break;
    case 2:
        vmbus_host_offer(host, relid, &offer, "echo");
        break;
    case 3:
        vmbus_host_remove(host, relid);
        break;
    case 4:
        echo.gpadl = fuzz_byte(input) % 8;
        refusals = fuzz_byte(input) % 16 == 0;
        break;
    default:
        send_message(input);
        break;
    }
    message_room += fuzz_byte(input) % 4;
    vmbus_host_send(host);
    guest_turn(host, 8);
}

static void check_service(void)
{
    struct vmbus_initiate_contact contact = {.header.type = VMBUS_MESSAGE_INITIATE_CONTACT,
                                             .version = VMBUS_VERSION(5, 3)};
    message_room = POSTED_MAX;
    vmbus_host_send(host);
    FUZZ_CHECK(vmbus_host_can_receive(host));
    vmbus_host_receive(host, VMBUS_CONNECTION_NEW, &contact, sizeof(contact));
    FUZZ_CHECK(vmbus_host_version(host) == VMBUS_VERSION(5, 3));
    FUZZ_CHECK(echo.opened == echo.closed && blocks == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    memset(&echo, 0, sizeof(echo));
    memset(guest_memory, 0, sizeof(guest_memory));
    posted_count = scheduled = failed = refusals = 0;
    message_room = 8;
    host = vmbus_host_create(&guest_operations, NULL, "VM");
    for (uint32_t i = 0; i < STEPS && input.size > 0; i++)
        step(&input);
    check_service();
    vmbus_host_destroy(host);
    FUZZ_CHECK(blocks == 0);
    return 0;
}
