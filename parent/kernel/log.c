#include "parent/include/log.h"

#include <stdarg.h>

#include "lib/printf.h"
#include "lib/string.h"
#include "parent/include/spinlock.h"
#include "parent/include/time.h"
#include "parent/kernel/boot.h"
#include "parent/kernel/console.h"

#define RING_SIZE 65536

/* In the ring, followed by the text without an end. */
struct record {
    uint64_t time;
    uint8_t level;
    uint8_t length;
} __attribute__((packed));

_Static_assert(LOG_TEXT_SIZE <= UINT8_MAX, "the length of a text is one byte");

/* Positions count bytes since the start and never wrap; the byte at a position is in
 * ring[position % RING_SIZE]. */
static struct spinlock lock = SPINLOCK(LOCK_LEVEL_LOG); /* all below */
static uint8_t ring[RING_SIZE];
static uint64_t oldest, end;

/* Of an ANSI terminal (ECMA-48): to the line's start, and erase to its end. */
#define ERASE_LINE "\r\x1b[K"

static bool editing;
static uint32_t shown; /* atomic */

static const char *const level_texts[] = {
    [LOG_ERROR] = "error: ", [LOG_WARNING] = "warning: ", [LOG_INFO] = "", [LOG_DEBUG] = "debug: "};

static void put_bytes(const void *bytes, uint32_t count)
{
    const uint8_t *from = bytes;
    while (count-- > 0)
        ring[end++ % RING_SIZE] = *from++; /* NOLINT: all bytes of a packed record are set */
}

/* Returns the position behind them. */
static uint64_t get_bytes(uint64_t position, void *bytes, uint32_t count)
{
    uint8_t *to = bytes;
    while (count-- > 0)
        *to++ = ring[position++ % RING_SIZE];
    return position;
}

/* Drops the oldest lines until there is room for @size bytes. */
static void make_room(uint32_t size)
{
    while (end - oldest > RING_SIZE - size) {
        struct record record;
        oldest = get_bytes(oldest, &record, sizeof(record)) + record.length;
    }
}

static bool belongs_on_console(enum log_level level)
{
    char text[8];
    return level < LOG_DEBUG ||
           (boot_option("loglevel", text, sizeof(text)) && strcmp(text, "debug") == 0);
}

void log_print(enum log_level level, const char *format, ...)
{
    char text[LOG_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);

    struct record record = {.time = time_now(), .level = (uint8_t)level};
    record.length = (uint8_t)strlen(text);
    uint64_t flags = spin_lock(&lock);
    make_room(sizeof(record) + record.length);
    put_bytes(&record, sizeof(record));
    put_bytes(text, record.length);
    spin_unlock(&lock, flags);
    if (!belongs_on_console(level))
        return;
    print("%s[%5lu.%06lu] %s%s\n", editing ? ERASE_LINE : "", record.time / 1000000,
          record.time % 1000000, level_texts[level], text);
    __atomic_fetch_add(&shown, 1, __ATOMIC_RELEASE);
}

void log_set_editing(bool on)
{
    editing = on;
}

uint32_t log_shown(void)
{
    return __atomic_load_n(&shown, __ATOMIC_ACQUIRE);
}

bool log_read(uint64_t *position, struct log_line *line)
{
    struct record record;
    uint64_t flags = spin_lock(&lock);
    if (*position < oldest)
        *position = oldest;
    bool found = *position < end;
    if (found) {
        uint64_t text = get_bytes(*position, &record, sizeof(record));
        *position = get_bytes(text, line->text, record.length);
        line->text[record.length] = '\0';
        line->level = record.level;
        line->time = record.time;
    }
    spin_unlock(&lock, flags);
    return found;
}
