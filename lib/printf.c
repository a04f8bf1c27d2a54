#include "lib/printf.h"

#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"

enum length { LENGTH_INT, LENGTH_LONG, LENGTH_LONG_LONG, LENGTH_SIZE };

/* One conversion: what stands between the % and its letter. */
struct conversion {
    bool left;     /* flag -: padding goes to the right */
    bool zero;     /* flag 0: numbers are padded with zeros */
    int width;     /* characters, at least */
    int precision; /* characters of a string, at most; negative: all */
    enum length length;
};

struct output {
    print_put_t put;
    void *context;
    size_t count;
};

/* For 64-bit numbers in decimal, which have at most 20 digits. */
#define DIGITS_MAX 20

/* Widths and precisions are cut here, so that a wrong argument cannot print for ever. */
#define WIDTH_MAX 4095

static void put_char(struct output *output, char c)
{
    output->put(output->context, c);
    output->count++;
}

static void put_repeated(struct output *output, char c, int count)
{
    for (; count > 0; count--)
        put_char(output, c);
}

static void put_text(struct output *output, const char *text, int length)
{
    for (int i = 0; i < length; i++)
        put_char(output, text[i]);
}

static void put_padded(struct output *output, const struct conversion *conversion, const char *text,
                       int length)
{
    int padding = conversion->width - length;

    if (!conversion->left)
        put_repeated(output, ' ', padding);
    put_text(output, text, length);
    if (conversion->left)
        put_repeated(output, ' ', padding);
}

/* Puts @prefix (a sign, 0x or nothing) and @value; zeros of the padding go between them. */
static void put_number(struct output *output, const struct conversion *conversion,
                       const char *prefix, uint64_t value, unsigned base, bool upper)
{
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[DIGITS_MAX];
    int first = DIGITS_MAX;

    do {
        digits[--first] = alphabet[value % base];
        value /= base;
    } while (value != 0);

    int prefix_length = (int)strlen(prefix);
    int digit_count = DIGITS_MAX - first;
    int padding = conversion->width - prefix_length - digit_count;
    bool zeros = conversion->zero && !conversion->left;

    if (!conversion->left && !zeros)
        put_repeated(output, ' ', padding);
    put_text(output, prefix, prefix_length);
    if (zeros)
        put_repeated(output, '0', padding);
    put_text(output, digits + first, digit_count);
    if (conversion->left)
        put_repeated(output, ' ', padding);
}

static void put_string(struct output *output, const struct conversion *conversion, const char *text)
{
    int length = 0;

    if (text == NULL)
        text = "(null)";
    while (length != conversion->precision && length < INT32_MAX && text[length] != '\0')
        length++;
    put_padded(output, conversion, text, length);
}

static int cut_width(long value)
{
    return value > WIDTH_MAX ? WIDTH_MAX : (int)value;
}

/* Reads digits at *@format and moves it behind them. */
static int read_width(const char **format)
{
    int value = 0;

    for (; **format >= '0' && **format <= '9'; (*format)++)
        value = cut_width(value * 10l + (**format - '0'));
    return value;
}

/* va_list may be an array, which changes its type as a parameter: hence the structure. */
struct arguments {
    va_list list;
};

/* Reads flags, width, precision and length at @format; returns where the letter stands. */
static const char *read_conversion(const char *format, struct conversion *conversion,
                                   struct arguments *arguments)
{
    *conversion = (struct conversion){.precision = -1, .length = LENGTH_INT};

    for (; *format == '0' || *format == '-'; format++) {
        conversion->zero |= *format == '0';
        conversion->left |= *format == '-';
    }
    if (*format == '*') {
        long width = va_arg(arguments->list, int);

        conversion->left |= width < 0;
        conversion->width = cut_width(width < 0 ? -width : width);
        format++;
    } else {
        conversion->width = read_width(&format);
    }
    if (*format == '.') {
        format++;
        if (*format == '*') {
            conversion->precision = va_arg(arguments->list, int);
            format++;
        } else {
            conversion->precision = read_width(&format);
        }
    }
    if (*format == 'z') {
        conversion->length = LENGTH_SIZE;
        format++;
    }
    for (; *format == 'l' && conversion->length < LENGTH_LONG_LONG; format++)
        conversion->length++;
    return format;
}

static uint64_t unsigned_argument(struct arguments *arguments, enum length length)
{
    switch (length) {
    case LENGTH_LONG:
        return va_arg(arguments->list, unsigned long);
    case LENGTH_LONG_LONG:
        return va_arg(arguments->list, unsigned long long);
    case LENGTH_SIZE:
        return va_arg(arguments->list, size_t);
    default:
        return va_arg(arguments->list, unsigned int);
    }
}

static int64_t signed_argument(struct arguments *arguments, enum length length)
{
    if (length == LENGTH_INT)
        return va_arg(arguments->list, int);
    return (int64_t)unsigned_argument(arguments, length);
}

/* Puts the argument that @letter asks for; false if the letter means nothing to us. */
static bool put_argument(struct output *output, struct conversion *conversion, char letter,
                         struct arguments *arguments)
{
    switch (letter) {
    case 'd':
    case 'i': {
        int64_t value = signed_argument(arguments, conversion->length);
        uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

        put_number(output, conversion, value < 0 ? "-" : "", magnitude, 10, false);
        return true;
    }
    case 'u':
        put_number(output, conversion, "", unsigned_argument(arguments, conversion->length), 10,
                   false);
        return true;
    case 'x':
    case 'X':
        put_number(output, conversion, "", unsigned_argument(arguments, conversion->length), 16,
                   letter == 'X');
        return true;
    case 'p':
        *conversion = (struct conversion){.zero = true, .width = 18};
        put_number(output, conversion, "0x", (uintptr_t)va_arg(arguments->list, void *), 16, false);
        return true;
    case 's':
        put_string(output, conversion, va_arg(arguments->list, const char *));
        return true;
    case 'c': {
        char c = (char)va_arg(arguments->list, int);

        put_padded(output, conversion, &c, 1);
        return true;
    }
    case '%':
        put_char(output, '%');
        return true;
    default:
        return false;
    }
}

size_t print_format(print_put_t put, void *context, const char *format, va_list list)
{
    struct output output = {put, context, 0};
    struct arguments arguments;

    va_copy(arguments.list, list);
    while (*format != '\0') {
        struct conversion conversion;

        if (*format != '%') {
            put_char(&output, *format++);
            continue;
        }
        const char *letter = read_conversion(format + 1, &conversion, &arguments);

        /* What is not understood appears as it stands, so that the mistake shows. */
        if (put_argument(&output, &conversion, *letter, &arguments))
            format = letter + 1;
        else
            put_char(&output, *format++);
    }
    va_end(arguments.list);
    return output.count;
}

struct buffer {
    char *text;
    size_t size, used;
};

static void put_to_buffer(void *context, char c)
{
    struct buffer *buffer = context;

    if (buffer->used + 1 < buffer->size)
        buffer->text[buffer->used++] = c;
}

int vsnprintf(char *text, size_t size, const char *format, va_list arguments)
{
    struct buffer buffer = {text, size, 0};
    size_t length = print_format(put_to_buffer, &buffer, format, arguments);

    if (size > 0)
        text[buffer.used] = '\0';
    return (int)length;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(buffer, size, format, arguments);

    va_end(arguments);
    return length;
}
