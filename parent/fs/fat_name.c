/* Names: long ones in UTF-16, short ones of 8 and 3 characters in a code page. */
#include "lib/crc32.h"
#include "lib/string.h"
#include "lib/unicode.h"
#include "parent/fs/fat_internal.h"

#define BASE_LENGTH 8
#define EXTENSION_LENGTH 3
#define PLAIN_ATTEMPTS 4 /* with ~1 to ~4; afterwards with a hash */
#define HASH_DIGITS 4
#define DELETE 0x7f
#define OEM_REPLACEMENT '_'

static bool is_one_of(uint16_t unit, const char *characters)
{
    for (; *characters != '\0'; characters++)
        if (unit == (uint8_t)*characters)
            return true;
    return false;
}

bool fat_name_is_valid(const uint16_t *units, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        if (units[i] < ' ' || units[i] == DELETE || is_one_of(units[i], "\"*/:<>?\\|"))
            return false;
    return length > 0 && units[length - 1] != ' ' && units[length - 1] != '.';
}

int fat_name_parse(const char *text, size_t size, uint16_t units[FAT_NAME_UNITS], unsigned *length)
{
    int count = utf8_to_utf16(text, size, units, FAT_NAME_UNITS);

    if (count < 0 || !fat_name_is_valid(units, (unsigned)count))
        return FS_BAD_NAME;
    *length = (unsigned)count;
    return FS_OK;
}

bool fat_names_equal(const uint16_t *a, unsigned a_length, const uint16_t *b, unsigned b_length)
{
    if (a_length != b_length)
        return false;
    for (unsigned i = 0; i < a_length; i++)
        if (unicode_upper(a[i]) != unicode_upper(b[i]))
            return false;
    return true;
}

uint8_t fat_short_checksum(const uint8_t name[11])
{
    uint8_t sum = 0;

    for (int i = 0; i < BASE_LENGTH + EXTENSION_LENGTH; i++)
        sum = (uint8_t)((sum & 1) << 7 | sum >> 1) + name[i];
    return sum;
}

/* Code page 437 is what systems write into short names unless told otherwise. */
static uint16_t from_oem(uint8_t character)
{
    if (character >= 0x80)
        return unicode_from_code_page_437(character);
    return character < ' ' || character == DELETE || is_one_of(character, "\"*/:<>?\\|")
               ? OEM_REPLACEMENT
               : character;
}

/* Length of a text that is filled up with spaces. */
static unsigned padded_length(const uint8_t *text, unsigned length)
{
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return length;
}

void fat_oem_to_utf8(const uint8_t *text, unsigned length, char *utf8, size_t size)
{
    uint16_t units[BASE_LENGTH + EXTENSION_LENGTH];

    length = padded_length(text, length);
    for (unsigned i = 0; i < length; i++)
        units[i] = from_oem(text[i]);
    utf16_to_utf8(units, length, utf8, size);
}

static uint16_t to_lower_ascii(uint16_t unit)
{
    return unit >= 'A' && unit <= 'Z' ? unit + ('a' - 'A') : unit;
}

unsigned fat_short_name(const struct fat_entry *entry, uint16_t units[FAT_SHORT_UNITS])
{
    unsigned base = padded_length(entry->name, BASE_LENGTH);
    unsigned extension = padded_length(entry->name + BASE_LENGTH, EXTENSION_LENGTH);
    unsigned length = 0;

    for (unsigned i = 0; i < base; i++) {
        uint8_t character = entry->name[i];

        if (i == 0 && character == FAT_ENTRY_E5)
            character = FAT_ENTRY_DELETED;
        units[length] = from_oem(character);
        if ((entry->case_flags & FAT_CASE_LOWER_BASE) != 0)
            units[length] = to_lower_ascii(units[length]);
        length++;
    }
    if (base == 0)
        units[length++] = OEM_REPLACEMENT;
    if (extension > 0)
        units[length++] = '.';
    for (unsigned i = 0; i < extension; i++) {
        units[length] = from_oem(entry->name[BASE_LENGTH + i]);
        if ((entry->case_flags & FAT_CASE_LOWER_EXTENSION) != 0)
            units[length] = to_lower_ascii(units[length]);
        length++;
    }
    return length;
}

/* Whether a short name may have the character as it is (with small letters as capitals). */
static bool is_short_character(uint16_t unit)
{
    return (unit >= '0' && unit <= '9') || (unit >= 'A' && unit <= 'Z') ||
           (unit >= 'a' && unit <= 'z') || is_one_of(unit, "$%'-_@~`!(){}^#&");
}

/* Puts one part of a short name in capitals to @part, @limit characters with spaces at the end;
 * *@has_small and *@has_capital say what there was. False if it does not fit. */
static bool put_part(const uint16_t *units, unsigned length, uint8_t *part, unsigned limit,
                     bool *has_small, bool *has_capital)
{
    memset(part, ' ', limit);
    *has_small = *has_capital = false;
    if (length > limit)
        return false;
    for (unsigned i = 0; i < length; i++) {
        if (!is_short_character(units[i]))
            return false;
        *has_small |= units[i] >= 'a' && units[i] <= 'z';
        *has_capital |= units[i] >= 'A' && units[i] <= 'Z';
        part[i] = (uint8_t)unicode_upper(units[i]);
    }
    return true;
}

/* Where the last full stop is, or @length if there is none. */
static unsigned find_extension(const uint16_t *units, unsigned length)
{
    for (unsigned i = length; i > 0; i--)
        if (units[i - 1] == '.')
            return i - 1;
    return length;
}

/* As fat_name_to_short(); *@has_mixed says that a part has both small letters and capitals. */
static bool split_short(const uint16_t *units, unsigned length, uint8_t name[11],
                        uint8_t *case_flags, bool *has_mixed)
{
    unsigned base = find_extension(units, length);
    unsigned extension = base < length ? length - base - 1 : 0;
    bool small[2], capital[2];

    if (base == 0 || !put_part(units, base, name, BASE_LENGTH, &small[0], &capital[0]) ||
        !put_part(units + length - extension, extension, name + BASE_LENGTH, EXTENSION_LENGTH,
                  &small[1], &capital[1]))
        return false;
    *case_flags = (small[0] ? FAT_CASE_LOWER_BASE : 0) | (small[1] ? FAT_CASE_LOWER_EXTENSION : 0);
    *has_mixed = (small[0] && capital[0]) || (small[1] && capital[1]);
    return true;
}

bool fat_name_to_short(const uint16_t *units, unsigned length, struct fat_entry *entry)
{
    uint8_t name[11], case_flags;
    bool has_mixed;

    if (!split_short(units, length, name, &case_flags, &has_mixed) || has_mixed)
        return false;
    memcpy(entry->name, name, sizeof(name));
    entry->case_flags = case_flags;
    return true;
}

bool fat_name_to_short_upper(const uint16_t *units, unsigned length, uint8_t name[11])
{
    uint8_t case_flags;
    bool has_mixed;

    return split_short(units, length, name, &case_flags, &has_mixed);
}

/* Adds what of @units fits a short name to the @count characters of @part; returns their number. */
static unsigned squeeze(const uint16_t *units, unsigned length, uint8_t *part, unsigned limit)
{
    unsigned count = 0;

    for (unsigned i = 0; i < length && count < limit; i++) {
        if (units[i] == ' ' || units[i] == '.')
            continue;
        part[count++] =
            is_short_character(units[i]) ? (uint8_t)unicode_upper(units[i]) : OEM_REPLACEMENT;
    }
    return count;
}

/* Digits that differ for names with the same beginning, and for each @attempt. */
static void put_hash(const uint16_t *units, unsigned length, unsigned attempt,
                     uint8_t digits[HASH_DIGITS])
{
    uint32_t hash = crc32(attempt, units, length * sizeof(units[0]));

    hash ^= hash >> 16;
    for (int i = 0; i < HASH_DIGITS; i++)
        digits[i] = (uint8_t) "0123456789ABCDEF"[hash >> (4 * i) & 15];
}

/* As Windows does it: the beginning of the name with ~1 to ~4, then two characters of it with a
 * hash. */
void fat_short_candidate(const uint16_t *units, unsigned length, unsigned attempt, uint8_t name[11])
{
    unsigned dot = find_extension(units, length);
    unsigned count;
    char digit = '1';

    memset(name, ' ', BASE_LENGTH + EXTENSION_LENGTH);
    /* A full stop at the beginning does not start an extension. */
    if (squeeze(units, dot, name, 1) == 0)
        dot = length;
    if (dot < length)
        squeeze(units + dot + 1, length - dot - 1, name + BASE_LENGTH, EXTENSION_LENGTH);
    if (attempt < PLAIN_ATTEMPTS) {
        count = squeeze(units, dot, name, BASE_LENGTH - 2);
        digit = (char)('1' + attempt);
    } else {
        count = squeeze(units, dot, name, BASE_LENGTH - 2 - HASH_DIGITS);
        put_hash(units, length, attempt, name + count);
        count += HASH_DIGITS;
    }
    name[count] = '~';
    name[count + 1] = (uint8_t)digit;
}
