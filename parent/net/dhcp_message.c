#include "parent/net/dhcp_message.h"

#include "lib/big_endian.h"
#include "lib/string.h"

/* RFC 2131, 2 */
#define BOOTP_OPERATION 0
#define BOOTP_HARDWARE 1
#define BOOTP_HARDWARE_SIZE 2
#define BOOTP_TRANSACTION 4
#define BOOTP_SECONDS 8
#define BOOTP_FLAGS 10
#define BOOTP_CLIENT 12
#define BOOTP_YOUR_ADDRESS 16
#define BOOTP_MAC 28
#define BOOTP_SERVER_NAME 44
#define BOOTP_SERVER_NAME_SIZE 64
#define BOOTP_FILE 108
#define BOOTP_FILE_SIZE 128
#define BOOTP_COOKIE 236
#define BOOTP_OPTIONS 240

#define OPERATION_REQUEST 1
#define OPERATION_REPLY 2
#define HARDWARE_ETHERNET 1
#define FLAG_BROADCAST 0x8000
#define MAGIC_COOKIE 0x63825363u

/* RFC 2132 */
enum option {
    OPTION_PAD = 0,
    OPTION_MASK = 1,
    OPTION_ROUTERS = 3,
    OPTION_DNS = 6,
    OPTION_HOST_NAME = 12,
    OPTION_REQUESTED_ADDRESS = 50,
    OPTION_LEASE_TIME = 51,
    OPTION_OVERLOAD = 52,
    OPTION_TYPE = 53,
    OPTION_SERVER = 54,
    OPTION_PARAMETERS = 55,
    OPTION_MESSAGE_SIZE = 57,
    OPTION_RENEWAL_TIME = 58,
    OPTION_REBINDING_TIME = 59,
    OPTION_CLIENT = 61,
    OPTION_END = 255,
};

/* Values of OPTION_OVERLOAD: where options go on. */
#define OVERLOAD_FILE 1
#define OVERLOAD_SERVER_NAME 2

/* What we take: an unfragmented packet of 1500 bytes. */
#define MESSAGE_SIZE_MAX 1500

struct reader {
    struct dhcp_reply *reply;
    uint8_t overload;
};

static bool read_number(const uint8_t *value, size_t length, uint32_t *number)
{
    if (length != sizeof(*number))
        return false;
    *number = load_be32(value);
    return true;
}

/* Up to @count addresses; those behind are left out. */
static bool read_addresses(const uint8_t *value, size_t length, ipv4_t *addresses, size_t count)
{
    if (length == 0 || length % sizeof(ipv4_t) != 0)
        return false;
    for (size_t i = 0; i < count && i * sizeof(ipv4_t) < length; i++)
        addresses[i] = load_be32(value + i * sizeof(ipv4_t));
    return true;
}

/* False if the option's length is wrong. */
static bool read_option(struct reader *reader, uint8_t option, const uint8_t *value, size_t length)
{
    struct dhcp_reply *reply = reader->reply;

    switch (option) {
    case OPTION_MASK:
        return read_number(value, length, &reply->mask);
    case OPTION_ROUTERS:
        return read_addresses(value, length, &reply->router, 1);
    case OPTION_DNS:
        return read_addresses(value, length, reply->dns, DHCP_DNS_MAX);
    case OPTION_LEASE_TIME:
        return read_number(value, length, &reply->lease_s);
    case OPTION_RENEWAL_TIME:
        return read_number(value, length, &reply->renewal_s);
    case OPTION_REBINDING_TIME:
        return read_number(value, length, &reply->rebinding_s);
    case OPTION_SERVER:
        return read_number(value, length, &reply->server);
    case OPTION_TYPE:
        reply->type = length == 1 ? value[0] : 0;
        return length == 1;
    case OPTION_OVERLOAD:
        reader->overload = length == 1 ? value[0] : 0;
        return length == 1;
    default:
        return true;
    }
}

static bool read_options(struct reader *reader, const uint8_t *options, size_t size)
{
    size_t offset = 0;

    while (offset < size && options[offset] != OPTION_END) {
        uint8_t option = options[offset++];
        size_t length;

        if (option == OPTION_PAD)
            continue;
        if (offset == size)
            return false;
        length = options[offset++];
        if (length > size - offset || !read_option(reader, option, options + offset, length))
            return false;
        offset += length;
    }
    return true;
}

static bool is_server_type(enum dhcp_type type)
{
    return type == DHCP_OFFER || type == DHCP_ACK || type == DHCP_NAK;
}

enum dhcp_parse dhcp_parse_reply(const uint8_t *message, size_t size, const struct mac_address *mac,
                                 uint32_t transaction, struct dhcp_reply *reply)
{
    struct reader reader = {.reply = reply};
    uint8_t overload;

    if (size < BOOTP_OPTIONS || message[BOOTP_OPERATION] != OPERATION_REPLY ||
        message[BOOTP_HARDWARE] != HARDWARE_ETHERNET || message[BOOTP_HARDWARE_SIZE] != MAC_SIZE ||
        load_be32(message + BOOTP_COOKIE) != MAGIC_COOKIE)
        return DHCP_MALFORMED;
    if (load_be32(message + BOOTP_TRANSACTION) != transaction ||
        memcmp(message + BOOTP_MAC, mac->bytes, MAC_SIZE) != 0)
        return DHCP_FOREIGN;

    *reply = (struct dhcp_reply){.address = load_be32(message + BOOTP_YOUR_ADDRESS)};
    if (!read_options(&reader, message + BOOTP_OPTIONS, size - BOOTP_OPTIONS))
        return DHCP_MALFORMED;
    /* Taken now: the option means nothing where it leads to. */
    overload = reader.overload;
    if ((overload & OVERLOAD_FILE) && !read_options(&reader, message + BOOTP_FILE, BOOTP_FILE_SIZE))
        return DHCP_MALFORMED;
    if ((overload & OVERLOAD_SERVER_NAME) &&
        !read_options(&reader, message + BOOTP_SERVER_NAME, BOOTP_SERVER_NAME_SIZE))
        return DHCP_MALFORMED;
    return is_server_type(reply->type) && ipv4_unicast(reply->server) ? DHCP_GOOD : DHCP_MALFORMED;
}

/* Writes an option at *@at and moves that behind it. */
static void put_option(uint8_t **at, enum option option, const void *value, size_t length)
{
    *(*at)++ = (uint8_t)option;
    *(*at)++ = (uint8_t)length;
    memcpy(*at, value, length);
    *at += length;
}

static void put_address(uint8_t **at, enum option option, ipv4_t address)
{
    uint8_t value[sizeof(address)];

    store_be32(value, address);
    if (address != 0)
        put_option(at, option, value, sizeof(value));
}

/* What the client wants to know, for messages that are answered with it. */
static void put_wishes(uint8_t **at, const struct dhcp_request *request)
{
    static const uint8_t parameters[] = {
        OPTION_MASK,       OPTION_ROUTERS,      OPTION_DNS,
        OPTION_LEASE_TIME, OPTION_RENEWAL_TIME, OPTION_REBINDING_TIME,
    };
    uint8_t message_size[2];
    size_t name_length = strlen(request->host_name);

    store_be16(message_size, MESSAGE_SIZE_MAX);
    put_option(at, OPTION_MESSAGE_SIZE, message_size, sizeof(message_size));
    put_option(at, OPTION_PARAMETERS, parameters, sizeof(parameters));
    if (name_length > 0 && name_length < DHCP_HOST_NAME_SIZE)
        put_option(at, OPTION_HOST_NAME, request->host_name, name_length);
}

void dhcp_build_request(const struct dhcp_request *request, uint8_t message[DHCP_MESSAGE_SIZE])
{
    bool answered = request->type == DHCP_DISCOVER || request->type == DHCP_REQUEST;
    uint8_t type = (uint8_t)request->type;
    uint8_t client[1 + MAC_SIZE] = {HARDWARE_ETHERNET};
    uint8_t *at = message + BOOTP_OPTIONS;

    memset(message, 0, DHCP_MESSAGE_SIZE);
    message[BOOTP_OPERATION] = OPERATION_REQUEST;
    message[BOOTP_HARDWARE] = HARDWARE_ETHERNET;
    message[BOOTP_HARDWARE_SIZE] = MAC_SIZE;
    store_be32(message + BOOTP_TRANSACTION, request->transaction);
    store_be16(message + BOOTP_SECONDS, request->seconds);
    if (answered && request->client == 0)
        store_be16(message + BOOTP_FLAGS, FLAG_BROADCAST);
    store_be32(message + BOOTP_CLIENT, request->client);
    memcpy(message + BOOTP_MAC, request->mac.bytes, MAC_SIZE);
    store_be32(message + BOOTP_COOKIE, MAGIC_COOKIE);

    memcpy(client + 1, request->mac.bytes, MAC_SIZE);
    put_option(&at, OPTION_TYPE, &type, sizeof(type));
    put_option(&at, OPTION_CLIENT, client, sizeof(client));
    put_address(&at, OPTION_REQUESTED_ADDRESS, request->requested);
    put_address(&at, OPTION_SERVER, request->server);
    if (answered)
        put_wishes(&at, request);
    *at = OPTION_END;
}

/* type, client, requested address, server, message size, parameters, host name, end */
_Static_assert(BOOTP_OPTIONS + 3 + 9 + 6 + 6 + 4 + 8 + 2 + DHCP_HOST_NAME_SIZE - 1 + 1 <=
                   DHCP_MESSAGE_SIZE,
               "all options fit at once");
