/* The VHD format: what we build we read, every damaged field is found, and qemu-img's images are
 * read as qemu-img made them. */
#include <stdlib.h>
#include <unistd.h>

#include "lib/big_endian.h"
#include "parent/vdisk/vhd.h"
#include "tests/unit/unit.h"
#include "tests/vhd_sign.h"

#define DISK_SIZE (9ull << 20)
#define FILE_SIZE (64ull << 20)

static const struct vhd_footer dynamic = {VHD_DYNAMIC, 512, DISK_SIZE, 42, {1, 2, 3, [15] = 9}};
static const struct vhd_header sparse = {1536, 5, VHD_BLOCK_SIZE_DEFAULT};

static void test_footer(void)
{
    uint8_t bytes[VHD_FOOTER_SIZE];
    struct vhd_footer footer;

    vhd_build_footer(&dynamic, bytes);
    CHECK_EQUAL(vhd_parse_footer(bytes, &footer), VHD_OK);
    CHECK_EQUAL(footer.type, VHD_DYNAMIC);
    CHECK_EQUAL(footer.header_offset, 512);
    CHECK_EQUAL(footer.size, DISK_SIZE);
    CHECK_EQUAL(footer.timestamp, 42);
    CHECK(memcmp(footer.identity, dynamic.identity, 16) == 0);
    for (unsigned i = 0; i < VHD_FOOTER_SIZE; i++) {
        bytes[i] ^= 0x10;
        CHECK_EQUAL(vhd_parse_footer(bytes, &footer), i < 8 ? VHD_NO_COOKIE : VHD_BAD_CHECKSUM);
        bytes[i] ^= 0x10;
    }
}

static void test_footer_fields(void)
{
    static const struct {
        unsigned offset;
        uint32_t value;
        enum vhd_error error;
    } cases[] = {
        {12, 0x00020000, VHD_BAD_VERSION},
        {12, 0x00010001, VHD_OK},
        {60, VHD_DIFFERENCING, VHD_IS_DIFFERENCING},
        {60, 0, VHD_BAD_TYPE},
        {52, 0, VHD_BAD_SIZE},
        {52, 513, VHD_BAD_SIZE},
        {48, 0x200, VHD_BAD_SIZE},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t bytes[VHD_FOOTER_SIZE];
        struct vhd_footer footer;

        vhd_build_footer(&dynamic, bytes);
        store_be32(bytes + cases[i].offset, cases[i].value);
        vhd_sign(bytes, sizeof(bytes), 64);
        CHECK_EQUAL(vhd_parse_footer(bytes, &footer), cases[i].error);
    }
}

static void test_header(void)
{
    static const struct {
        unsigned offset;
        uint32_t value;
        enum vhd_error error;
    } cases[] = {
        {0, 0, VHD_NO_HEADER},
        {24, 0x00020000, VHD_BAD_VERSION},
        {28, 4, VHD_BAD_TABLE},
        {28, 6, VHD_OK},
        {28, UINT32_MAX, VHD_BAD_OFFSET},
        {32, 0, VHD_BAD_BLOCK_SIZE},
        {32, 2048, VHD_BAD_BLOCK_SIZE},
        {32, 3u << 20, VHD_BAD_BLOCK_SIZE},
        {32, 1u << 31, VHD_BAD_BLOCK_SIZE},
        {20, 1024, VHD_BAD_OFFSET},
        {20, 1537, VHD_BAD_OFFSET},
        {20, 0, VHD_BAD_OFFSET},
        {16, UINT32_MAX, VHD_BAD_OFFSET},
        {20, FILE_SIZE, VHD_BAD_OFFSET},
        {20, FILE_SIZE - 512, VHD_OK},
    };
    uint8_t bytes[VHD_HEADER_SIZE];
    struct vhd_header header;

    vhd_build_header(&sparse, bytes);
    CHECK_EQUAL(vhd_parse_header(bytes, &dynamic, FILE_SIZE, &header), VHD_OK);
    CHECK_EQUAL(header.table_offset, 1536);
    CHECK_EQUAL(header.table_entries, 5);
    CHECK_EQUAL(header.block_size, VHD_BLOCK_SIZE_DEFAULT);
    CHECK_EQUAL(vhd_parse_header(bytes, &dynamic, 1536, &header), VHD_BAD_OFFSET);
    bytes[1000] ^= 1;
    CHECK_EQUAL(vhd_parse_header(bytes, &dynamic, FILE_SIZE, &header), VHD_BAD_HEADER_CHECKSUM);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vhd_build_header(&sparse, bytes);
        store_be32(bytes + cases[i].offset, cases[i].value);
        vhd_sign(bytes, sizeof(bytes), 36);
        CHECK_EQUAL(vhd_parse_header(bytes, &dynamic, FILE_SIZE, &header), cases[i].error);
    }
}

static void test_table(void)
{
    uint32_t block = (VHD_BLOCK_SIZE_DEFAULT + 512) / 512, none = VHD_NOT_ALLOCATED;
    uint32_t end = FILE_SIZE / 512 - block;
    const struct {
        uint32_t table[5];
        enum vhd_error error;
    } cases[] = {
        {{none, none, none, none, none}, VHD_OK},
        {{4 + block, 4, none, 4 + 3 * block, 4 + 2 * block}, VHD_OK},
        {{4 + block, 4, none, 4 + 2 * block - 1, none}, VHD_BAD_ENTRY},
        {{4, none, none, none, 4}, VHD_BAD_ENTRY},
        {{end, none, none, none, 4}, VHD_OK},
        {{end + 1, none, none, none, 4}, VHD_BAD_ENTRY},
        {{none - 1, none, none, none, 4}, VHD_BAD_ENTRY},
        {{0, none, none, none, none}, VHD_BAD_ENTRY},
        {{3, none, none, none, none}, VHD_BAD_ENTRY},
    };

    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint32_t scratch[5];

        CHECK_EQUAL(vhd_check_table(&dynamic, &sparse, FILE_SIZE, cases[i].table, 5, scratch),
                    cases[i].error);
    }
    CHECK_EQUAL(vhd_data_end(&dynamic, &sparse, cases[0].table, 5), 2048);
    CHECK_EQUAL(vhd_data_end(&dynamic, &sparse, cases[1].table, 5), (4 + 4 * block) * 512ull);
    CHECK_EQUAL(vhd_data_end(&dynamic, &sparse, cases[1].table, 3), (4 + 2 * block) * 512ull);
    CHECK_EQUAL(vhd_check_table(&dynamic, &sparse, FILE_SIZE, cases[3].table, 4, (uint32_t[4]){0}),
                VHD_OK);
}

/* Reads the structures of an image that qemu-img makes with @options. */
static void check_qemu(const char *options, enum vhd_type type)
{
    char path[] = "/tmp/vhd-XXXXXX", command[300];
    uint8_t bytes[VHD_HEADER_SIZE];
    struct vhd_footer footer;
    struct vhd_header header;
    int descriptor = mkstemp(path);

    snprintf(command, sizeof(command), "qemu-img create -q -f vpc -o %s %s 100M", options, path);
    CHECK_EQUAL(system(command), 0);

    off_t end = lseek(descriptor, 0, SEEK_END);

    CHECK_EQUAL(pread(descriptor, bytes, 512, end - 512), 512);
    CHECK_EQUAL(vhd_parse_footer(bytes, &footer), VHD_OK);
    CHECK_EQUAL(footer.type, type);
    CHECK_EQUAL(footer.size, 100 << 20);
    if (type == VHD_DYNAMIC) {
        CHECK_EQUAL(pread(descriptor, bytes, 1024, (off_t)footer.header_offset), 1024);
        CHECK_EQUAL(vhd_parse_header(bytes, &footer, (uint64_t)end - 512, &header), VHD_OK);
        CHECK_EQUAL(header.block_size, VHD_BLOCK_SIZE_DEFAULT);
    }
    close(descriptor);
    unlink(path);
}

/* qemu-img accepts what we build, and sees the same size. */
static void check_ours(const struct vhd_footer *footer)
{
    char path[] = "/tmp/vhd-XXXXXX", command[300];
    uint8_t bytes[VHD_HEADER_SIZE];
    int descriptor = mkstemp(path);
    off_t end = (off_t)footer->size;

    vhd_build_footer(footer, bytes);
    if (footer->type == VHD_DYNAMIC) {
        CHECK_EQUAL(pwrite(descriptor, bytes, 512, 0), 512);
        vhd_build_header(&sparse, bytes);
        CHECK_EQUAL(pwrite(descriptor, bytes, 1024, 512), 1024);
        memset(bytes, 0xff, 512);
        CHECK_EQUAL(pwrite(descriptor, bytes, 512, 1536), 512);
        vhd_build_footer(footer, bytes);
        end = 2048;
    }
    CHECK_EQUAL(pwrite(descriptor, bytes, 512, end), 512);
    snprintf(command, sizeof(command),
             "qemu-img info -f vpc %s | grep -q '(%llu bytes)' &&"
             "qemu-img convert -f vpc -O raw %s %s.raw && test $(stat -c %%s %s.raw) = %llu",
             path, (unsigned long long)footer->size, path, path, path,
             (unsigned long long)footer->size);
    CHECK_EQUAL(system(command), 0);
    close(descriptor);
    unlink(path);
    strcat(strcpy(command, path), ".raw");
    unlink(command);
}

int main(void)
{
    struct vhd_footer fixed = dynamic;

    fixed.type = VHD_FIXED;
    test_footer();
    test_footer_fields();
    test_header();
    test_table();
    check_qemu("subformat=dynamic,force_size=on", VHD_DYNAMIC);
    check_qemu("subformat=fixed,force_size=on", VHD_FIXED);
    check_ours(&dynamic);
    check_ours(&fixed);
    return unit_result();
}
