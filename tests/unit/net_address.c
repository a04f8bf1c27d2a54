#include "parent/net/address.h"
#include "parent/net/checksum.h"
#include "parent/net/rate_limit.h"

#include "tests/net/packet.h"
#include "tests/net/station.h"
#include "tests/unit/unit.h"

static void test_parse(void)
{
    static const char *const wrong[] = {
        "",         ".",          "1.2.3",   "1.2.3.",    "1.2.3.4.",  "1.2.3.4 ",  " 1.2.3.4",
        "1..3.4",   "256.1.1.1",  "1.2.3.x", "-1.2.3.4",  "1.2.3.+4",  "1.2.3.0x4", "1234.1.1.1",
        "1.2.3.4a", "0001.2.3.4", "1,2,3,4", "1.2.3.4.5", "1.2.3.999", "....",
    };
    ipv4_t address = 7;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(!ipv4_parse(wrong[i], &address));
    CHECK_EQUAL(address, 7);
    CHECK(ipv4_parse("10.0.2.15", &address));
    CHECK_EQUAL(address, IPV4(10, 0, 2, 15));
    CHECK(ipv4_parse("255.255.255.255", &address));
    CHECK_EQUAL(address, IPV4_BROADCAST);
    CHECK(ipv4_parse("0.0.0.0", &address));
    CHECK_EQUAL(address, 0);
}

static void test_format(void)
{
    char text[IPV4_TEXT_SIZE], mac[MAC_TEXT_SIZE];

    ipv4_format(IPV4(192, 168, 1, 20), text);
    CHECK_TEXT(text, "192.168.1.20");
    ipv4_format(IPV4_BROADCAST, text);
    CHECK_TEXT(text, "255.255.255.255");
    mac_format(&(struct mac_address){{0x52, 0x54, 0, 0xab, 0xcd, 0x0f}}, mac);
    CHECK_TEXT(mac, "52:54:00:ab:cd:0f");
}

static void test_kinds(void)
{
    CHECK(ipv4_unicast(IPV4(1, 0, 0, 0)));
    CHECK(ipv4_unicast(IPV4(223, 255, 255, 255)));
    CHECK(!ipv4_unicast(0));
    CHECK(!ipv4_unicast(IPV4(0, 0, 0, 1)));
    CHECK(!ipv4_unicast(IPV4(127, 0, 0, 1)));
    CHECK(!ipv4_unicast(IPV4(224, 0, 0, 1)));
    CHECK(!ipv4_unicast(IPV4(240, 0, 0, 1)));
    CHECK(!ipv4_unicast(IPV4_BROADCAST));
    CHECK(mac_unicast(&OUR_MAC));
    CHECK(!mac_unicast(&mac_broadcast));
    CHECK(!mac_unicast(&(struct mac_address){{1, 0, 0x5e, 0, 0, 1}}));
    CHECK(!mac_unicast(&(struct mac_address){{0}}));
}

static void test_masks(void)
{
    CHECK(ipv4_mask_valid(IPV4(255, 255, 255, 0)));
    CHECK(ipv4_mask_valid(IPV4(255, 255, 255, 252)));
    CHECK(ipv4_mask_valid(IPV4(255, 0, 0, 0)));
    CHECK(!ipv4_mask_valid(IPV4(254, 0, 0, 0)));
    CHECK(!ipv4_mask_valid(IPV4(255, 255, 255, 254)));
    CHECK(!ipv4_mask_valid(IPV4_BROADCAST));
    CHECK(!ipv4_mask_valid(0));
    CHECK(!ipv4_mask_valid(IPV4(255, 0, 255, 0)));
    CHECK(!ipv4_mask_valid(IPV4(0, 0, 0, 255)));
    CHECK_EQUAL(ipv4_prefix_length(IPV4(255, 255, 240, 0)), 20);
    CHECK_EQUAL(ipv4_prefix_length(IPV4(255, 0, 0, 0)), 8);
}

static void test_checksum(void)
{
    /* The example of RFC 1071, 3. */
    static const uint8_t example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    uint8_t data[999];
    uint64_t random = 1;

    CHECK_EQUAL(checksum_finish(checksum_add(0, example, sizeof(example))), 0xffff - 0xddf2);
    CHECK_EQUAL(checksum_finish(checksum_add(0, NULL, 0)), 0xffff);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)station_random(&random);
    for (size_t size = 0; size < sizeof(data); size++) {
        size_t split = station_random(&random) % (size / 2 + 1) * 2;
        uint32_t sum = checksum_add(0, data, split);

        CHECK_EQUAL(checksum_finish(checksum_add(sum, data + split, size - split)),
                    packet_checksum(data, size));
    }
}

static void test_rate_limit(void)
{
    struct rate_limit limit = {0};
    unsigned allowed = 0;

    for (unsigned i = 0; i < 100; i++)
        allowed += rate_limit_allows(&limit, 5000000, 1000, 10);
    CHECK_EQUAL(allowed, 10);
    CHECK(!rate_limit_allows(&limit, 5000000, 1000, 10));
    CHECK(rate_limit_allows(&limit, 5001000, 1000, 10));
    CHECK(!rate_limit_allows(&limit, 5001000, 1000, 10));
    for (uint64_t now = 6000000; now < 7000000; now += 100)
        allowed += rate_limit_allows(&limit, now, 1000, 10);
    CHECK(allowed >= 1010 && allowed <= 1021);
}

int main(void)
{
    test_parse();
    test_format();
    test_kinds();
    test_masks();
    test_checksum();
    test_rate_limit();
    return unit_result();
}
