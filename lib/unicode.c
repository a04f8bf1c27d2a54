#include "lib/unicode.h"

#define SURROGATE_FIRST 0xd800
#define SURROGATE_LOW 0xdc00
#define SURROGATE_LAST 0xdfff
#define SUPPLEMENTARY_FIRST 0x10000
#define CODE_POINT_LAST 0x10ffff

/* Decodes one character of the @size > 0 bytes at @text; returns its bytes, or 0 if malformed
 * (Unicode Standard, table 3-7). */
static size_t decode_utf8(const uint8_t *text, size_t size, uint32_t *code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, SUPPLEMENTARY_FIRST};
    size_t length = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    uint32_t value = length == 1 ? text[0] : text[0] & (0x7fu >> length);

    if ((text[0] & 0xc0) == 0x80 || text[0] >= 0xf8 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3f);
    }
    if (value < smallest[length] || value > CODE_POINT_LAST ||
        (value >= SURROGATE_FIRST && value <= SURROGATE_LAST))
        return 0;
    *code_point = value;
    return length;
}

int utf8_to_utf16(const char *text, size_t size, uint16_t *units, size_t limit)
{
    size_t count = 0;

    while (size > 0) {
        uint32_t code_point;
        size_t length = decode_utf8((const uint8_t *)text, size, &code_point);
        size_t needed = length > 0 && code_point >= SUPPLEMENTARY_FIRST ? 2 : 1;

        if (length == 0 || limit - count < needed)
            return -1;
        if (needed == 2) {
            code_point -= SUPPLEMENTARY_FIRST;
            units[count++] = (uint16_t)(SURROGATE_FIRST | code_point >> 10);
            units[count++] = (uint16_t)(SURROGATE_LOW | (code_point & 0x3ff));
        } else {
            units[count++] = (uint16_t)code_point;
        }
        text += length;
        size -= length;
    }
    return (int)count;
}

static size_t encode_utf8(uint32_t code_point, uint8_t bytes[4])
{
    size_t length = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;

    if (length == 1) {
        bytes[0] = (uint8_t)code_point;
        return length;
    }
    for (size_t i = length - 1; i > 0; i--) {
        bytes[i] = (uint8_t)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    bytes[0] = (uint8_t)(0xf00u >> length | code_point);
    return length;
}

size_t utf16_to_utf8(const uint16_t *units, size_t count, char *text, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t code_point = units[i];
        uint8_t bytes[4];

        if (code_point >= SURROGATE_FIRST && code_point < SURROGATE_LOW && i + 1 < count &&
            units[i + 1] >= SURROGATE_LOW && units[i + 1] <= SURROGATE_LAST) {
            i++;
            code_point = SUPPLEMENTARY_FIRST + ((code_point & 0x3ff) << 10 | (units[i] & 0x3ff));
        } else if (code_point >= SURROGATE_FIRST && code_point <= SURROGATE_LAST) {
            code_point = UNICODE_REPLACEMENT;
        }
        size_t bytes_used = encode_utf8(code_point, bytes);

        if (size - length <= bytes_used)
            break;
        for (size_t b = 0; b < bytes_used; b++)
            text[length++] = (char)bytes[b];
    }
    text[length] = '\0';
    return length;
}

/* Every @stride-th from @first to @last becomes a capital letter by adding @offset. */
struct case_range {
    uint16_t first, last;
    uint8_t stride;
    int16_t offset;
};

/* Ascending and disjoint. From the Unicode Character Database's simple mappings. */
static const struct case_range case_ranges[] = {
    {0x0061, 0x007a, 1, -32}, {0x00e0, 0x00f6, 1, -32}, {0x00f8, 0x00fe, 1, -32},
    {0x00ff, 0x00ff, 1, 121}, {0x0101, 0x012f, 2, -1},  {0x0133, 0x0137, 2, -1},
    {0x013a, 0x0148, 2, -1},  {0x014b, 0x0177, 2, -1},  {0x017a, 0x017e, 2, -1},
    {0x01a1, 0x01a5, 2, -1},  {0x01b0, 0x01b0, 1, -1},  {0x01ce, 0x01dc, 2, -1},
    {0x01df, 0x01ef, 2, -1},  {0x01f5, 0x01f5, 1, -1},  {0x01f9, 0x021f, 2, -1},
    {0x0223, 0x0233, 2, -1},  {0x03ac, 0x03ac, 1, -38}, {0x03ad, 0x03af, 1, -37},
    {0x03b1, 0x03c1, 1, -32}, {0x03c2, 0x03c2, 1, -31}, {0x03c3, 0x03cb, 1, -32},
    {0x03cc, 0x03cc, 1, -64}, {0x03cd, 0x03ce, 1, -63}, {0x0430, 0x044f, 1, -32},
    {0x0450, 0x045f, 1, -80}, {0x0461, 0x0481, 2, -1},  {0x048b, 0x04bf, 2, -1},
    {0x04c2, 0x04ce, 2, -1},  {0x04d1, 0x052f, 2, -1},  {0x0561, 0x0586, 1, -48},
    {0x1e01, 0x1e95, 2, -1},  {0x1ea1, 0x1eff, 2, -1},  {0x2170, 0x217f, 1, -16},
    {0x24d0, 0x24e9, 1, -26}, {0xff41, 0xff5a, 1, -32},
};

uint16_t unicode_upper(uint16_t unit)
{
    for (size_t i = 0; i < sizeof(case_ranges) / sizeof(case_ranges[0]); i++) {
        const struct case_range *range = &case_ranges[i];

        if (unit < range->first)
            break;
        if (unit <= range->last)
            return (unit - range->first) % range->stride == 0 ? (uint16_t)(unit + range->offset)
                                                              : unit;
    }
    return unit;
}

uint16_t unicode_from_code_page_437(uint8_t character)
{
    static const uint16_t characters[128] = {
        0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8,
        0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2,
        0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1,
        0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd,
        0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562,
        0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534,
        0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560,
        0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
        0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393,
        0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6,
        0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0,
        0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
    };

    return character < 0x80 ? character : characters[character - 0x80];
}
