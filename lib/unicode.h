/* UTF-8 and UTF-16, and letters regardless of case. Text from outside is hostile: nothing here
 * reads or writes beyond the sizes given, and malformed text is refused or replaced as each
 * function says. */
#ifndef VENEER_LIB_UNICODE_H
#define VENEER_LIB_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#define UNICODE_REPLACEMENT 0xfffd

/* Bytes of UTF-8 that one unit of UTF-16 needs at most (a pair of surrogates needs 4 together). */
#define UTF8_BYTES_PER_UTF16 3

/* Converts the @size bytes of UTF-8 at @text into at most @limit units at @units. Returns their
 * number, or -1 if the text is malformed (also: overlong forms, surrogates) or does not fit. */
int utf8_to_utf16(const char *text, size_t size, uint16_t *units, size_t limit);

/* Converts the @count units at @units into UTF-8, cut to fit between characters, in @text of
 * @size > 0 bytes with a terminating NUL; a lone surrogate becomes U+FFFD. Returns the length. */
size_t utf16_to_utf8(const uint16_t *units, size_t count, char *text, size_t size);

/* The capital letter for a small one of the Latin, Greek, Cyrillic and Armenian alphabets, others
 * unchanged. Nothing but a to z becomes an ASCII letter. */
uint16_t unicode_upper(uint16_t unit);

/* What @character of code page 437, a PC's, is in UTF-16; below 80h it is ASCII. */
uint16_t unicode_from_code_page_437(uint8_t character);

#endif
