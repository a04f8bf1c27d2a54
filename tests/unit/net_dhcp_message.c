#include "parent/net/dhcp_message.h"

#include <stdlib.h>

#include "tests/net/dhcp_server.h"
#include "tests/unit/unit.h"

#define TRANSACTION 0x11223344

/* A reply: everything up to the options is there. */
static uint8_t message[1500];
static size_t message_size;

static void begin(void)
{
    memset(message, 0, sizeof(message));
    memcpy(message, "\x02\x01\x06\x00\x11\x22\x33\x44", 8);
    memcpy(message + 16, "\x0a\x00\x00\x32", 4);
    memcpy(message + 28, OUR_MAC.bytes, 6);
    memcpy(message + 236, "\x63\x82\x53\x63", 4);
    message_size = 240;
}

static void add(const char *bytes, size_t size)
{
    memcpy(message + message_size, bytes, size);
    message_size += size;
}

#define ADD(bytes) add(bytes, sizeof(bytes) - 1)

/* Parses a copy of exactly its size. */
static enum dhcp_parse parse_size(size_t size, struct dhcp_reply *reply)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    enum dhcp_parse result;

    memcpy(copy, message, size);
    result = dhcp_parse_reply(copy, size, &OUR_MAC, TRANSACTION, reply);
    free(copy);
    return result;
}

static enum dhcp_parse parse(struct dhcp_reply *reply)
{
    return parse_size(message_size, reply);
}

static void test_build(void)
{
    const struct dhcp_request request = {
        .type = DHCP_DISCOVER,
        .transaction = TRANSACTION,
        .seconds = 0x0203,
        .mac = OUR_MAC,
        .requested = LEASED,
        .host_name = "pc",
    };
    struct dhcp_request release = {
        .type = DHCP_RELEASE,
        .transaction = TRANSACTION,
        .mac = OUR_MAC,
        .client = LEASED,
        .server = SERVER,
        .host_name = "pc",
    };
    uint8_t bytes[DHCP_MESSAGE_SIZE];

    memset(bytes, 0xaa, sizeof(bytes));
    dhcp_build_request(&request, bytes);
    CHECK(packet_is(bytes, 34,
                    "01 01 06 00 11223344 0203 8000 00000000 00000000 00000000"
                    "00000000 020000000002"));
    CHECK(packet_is(bytes + 34, 202, ""));
    CHECK(packet_is(bytes + 236, sizeof(bytes) - 236,
                    "63825363 350101 3d0701020000000002 32040a000032 390205dc"
                    "3706 01 03 06 33 3a 3b 0c027063 ff"));
    dhcp_build_request(&release, bytes);
    CHECK(packet_is(bytes, 34,
                    "01 01 06 00 11223344 0000 0000 0a000032 00000000 00000000"
                    "00000000 020000000002"));
    CHECK(packet_is(bytes + 236, sizeof(bytes) - 236,
                    "63825363 350107 3d0701020000000002 36040a000001 ff"));

    /* Everything at once. */
    release.type = DHCP_REQUEST;
    release.requested = LEASED;
    release.host_name = "12345678901234567890123456789012";
    dhcp_build_request(&release, bytes);
    CHECK(memcmp(bytes + 240 + 3 + 9 + 6 + 6 + 4 + 8 + 2, release.host_name, 32) == 0);
    CHECK_EQUAL(bytes[240 + 3 + 9 + 6 + 6 + 4 + 8 + 2 + 32], 0xff);
}

static void test_options(void)
{
    struct dhcp_reply reply;

    begin();
    ADD("\x00\x00\x35\x01\x05\x01\x04\xff\xff\xff\x00"); /* padding, type, mask */
    ADD("\x03\x08\x0a\x00\x00\x01\x0a\x00\x00\x02");     /* two routers */
    ADD("\x06\x10\x01\x01\x01\x01\x02\x02\x02\x02\x03\x03\x03\x03\x04\x04\x04\x04");
    ADD("\xfa\x03xyz"); /* unknown */
    ADD("\x33\x04\x00\x00\x0e\x10\x3a\x04\x00\x00\x00\x10\x3b\x04\x00\x00\x00\x20");
    ADD("\x36\x04\x0a\x00\x00\x01\xff");
    ADD("\x35\x01\x06"); /* behind the end */
    CHECK_EQUAL(parse(&reply), DHCP_GOOD);
    CHECK_EQUAL(reply.type, DHCP_ACK);
    CHECK_EQUAL(reply.address, LEASED);
    CHECK_EQUAL(reply.mask, 0xffffff00);
    CHECK_EQUAL(reply.router, IPV4(10, 0, 0, 1));
    CHECK_EQUAL(reply.dns[0], IPV4(1, 1, 1, 1));
    CHECK_EQUAL(reply.dns[2], IPV4(3, 3, 3, 3));
    CHECK_EQUAL(reply.lease_s, 3600);
    CHECK_EQUAL(reply.renewal_s, 16);
    CHECK_EQUAL(reply.rebinding_s, 32);
    CHECK_EQUAL(reply.server, SERVER);
}

/* Cut at each place, a message is refused as soon as something is missing. */
static void test_cut(void)
{
    struct dhcp_reply reply;

    begin();
    ADD("\x35\x01\x05\x36\x04\x0a\x00\x00\x01");
    for (size_t size = 0; size < message_size; size++)
        CHECK_EQUAL(parse_size(size, &reply), DHCP_MALFORMED);
    CHECK_EQUAL(parse(&reply), DHCP_GOOD); /* the mark of the end may be missing */
    ADD("\x01");
    CHECK_EQUAL(parse(&reply), DHCP_MALFORMED);
    ADD("\xff");
    CHECK_EQUAL(parse(&reply), DHCP_MALFORMED);
}

static void test_wrong_lengths(void)
{
    static const uint8_t numbers[] = {1, 51, 54, 58, 59}, lists[] = {3, 6}, bytes[] = {52, 53};
    struct dhcp_reply reply;

    for (unsigned length = 0; length < 9; length++) {
        const struct {
            const uint8_t *options;
            size_t count;
            bool good;
        } groups[] = {
            {numbers, sizeof(numbers), length == 4},
            {lists, sizeof(lists), length == 4 || length == 8},
            {bytes, sizeof(bytes), length == 1},
        };

        for (size_t group = 0; group < 3; group++) {
            for (size_t i = 0; i < groups[group].count; i++) {
                begin();
                message[message_size++] = groups[group].options[i];
                message[message_size++] = (uint8_t)length;
                message_size += length;
                ADD("\x35\x01\x05\x36\x04\x0a\x00\x00\x01");
                CHECK_EQUAL(parse(&reply), groups[group].good ? DHCP_GOOD : DHCP_MALFORMED);
            }
        }
    }
}

/* Options may go on in the fields for a file's and a server's name. */
static void test_overload(void)
{
    struct dhcp_reply reply;

    begin();
    ADD("\x34\x01\x03\x36\x04\x0a\x00\x00\x01\xff");
    memcpy(message + 108, "\x35\x01\x02\x34\x01\x00\xff", 7); /* itself once more: no matter */
    memcpy(message + 44, "\x01\x04\xff\x00\x00\x00\xff", 7);
    CHECK_EQUAL(parse(&reply), DHCP_GOOD);
    CHECK_EQUAL(reply.type, DHCP_OFFER);
    CHECK_EQUAL(reply.mask, 0xff000000);
    message[242] = 1; /* only the file's name */
    CHECK_EQUAL(parse(&reply), DHCP_GOOD);
    CHECK_EQUAL(reply.mask, 0);
    message[242] = 2;
    CHECK_EQUAL(parse(&reply), DHCP_MALFORMED); /* no type */

    message[242] = 1;
    memset(message + 108, 0, 128);
    memcpy(message + 108, "\x35\x01\x02", 3);
    message[108 + 126] = 99;
    message[108 + 127] = 1; /* an option that leaves the field */
    CHECK_EQUAL(parse(&reply), DHCP_MALFORMED);
    message[108 + 127] = 0;
    CHECK_EQUAL(parse(&reply), DHCP_GOOD);
    message[108 + 126] = 0;
    message[108 + 127] = 99; /* one without its length */
    CHECK_EQUAL(parse(&reply), DHCP_MALFORMED);
    message[108 + 127] = 0;
    message[242] = 3;
    message[44 + 6] = 0; /* the same in the server's name */
    message[44 + 63] = 99;
    CHECK_EQUAL(parse(&reply), DHCP_MALFORMED);
    message[44 + 63] = 0;
    CHECK_EQUAL(parse(&reply), DHCP_GOOD);
}

static void test_header(void)
{
    static const size_t malformed[] = {0, 1, 2, 236, 239}, foreign[] = {4, 7, 28, 33};
    struct dhcp_reply reply;

    begin();
    ADD("\x35\x01\x05\x36\x04\x0a\x00\x00\x01\xff");
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        message[malformed[i]] ^= 0x10;
        CHECK_EQUAL(parse(&reply), DHCP_MALFORMED);
        message[malformed[i]] ^= 0x10;
    }
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        message[foreign[i]] ^= 0x10;
        CHECK_EQUAL(parse(&reply), DHCP_FOREIGN);
        message[foreign[i]] ^= 0x10;
    }
    CHECK_EQUAL(parse(&reply), DHCP_GOOD);
}

int main(void)
{
    test_build();
    test_options();
    test_cut();
    test_wrong_lengths();
    test_overload();
    test_header();
    return unit_result();
}
