#include "parent/net/address.h"

#include "lib/printf.h"
#include "lib/string.h"

#define MAC_GROUP 0x01 /* in the first byte: multicast or broadcast */

const struct mac_address mac_broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

bool ipv4_unicast(ipv4_t address)
{
    uint8_t first = (uint8_t)(address >> 24);

    return first != 0 && first != 127 && first < 224;
}

bool ipv4_mask_valid(ipv4_t mask)
{
    ipv4_t hosts = ~mask;

    return (hosts & (hosts + 1)) == 0 && hosts >= 3 && hosts <= 0xffffff;
}

unsigned ipv4_prefix_length(ipv4_t mask)
{
    unsigned length = 0;

    for (; mask != 0; mask <<= 1)
        length++;
    return length;
}

bool ipv4_parse(const char *text, ipv4_t *address)
{
    ipv4_t result = 0;

    for (int i = 0; i < 4; i++) {
        unsigned number = 0, digits = 0;

        if (i > 0 && *text++ != '.')
            return false;
        for (; *text >= '0' && *text <= '9' && digits < 3; text++, digits++)
            number = number * 10 + (unsigned)(*text - '0');
        if (digits == 0 || number > 255)
            return false;
        result = result << 8 | number;
    }
    if (*text != '\0')
        return false;
    *address = result;
    return true;
}

void ipv4_format(ipv4_t address, char text[IPV4_TEXT_SIZE])
{
    snprintf(text, IPV4_TEXT_SIZE, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff,
             address >> 8 & 0xff, address & 0xff);
}

struct mac_address mac_load(const uint8_t *bytes)
{
    return (struct mac_address){{bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]}};
}

bool mac_equal(const struct mac_address *a, const struct mac_address *b)
{
    return memcmp(a->bytes, b->bytes, MAC_SIZE) == 0;
}

bool mac_unicast(const struct mac_address *mac)
{
    static const struct mac_address none;

    return !(mac->bytes[0] & MAC_GROUP) && !mac_equal(mac, &none);
}

void mac_format(const struct mac_address *mac, char text[MAC_TEXT_SIZE])
{
    const uint8_t *bytes = mac->bytes;

    snprintf(text, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
             bytes[3], bytes[4], bytes[5]);
}
