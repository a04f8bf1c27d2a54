#include "parent/services/guest_console.h"

#include "parent/console/terminal.h"
#include "parent/include/memory.h"
#include "parent/include/stream.h"
#include "parent/include/thread.h"
#include "parent/include/time.h"

#define BACKLOG_SIZE 16384u /* bytes that are kept; a power of two */
#define CHUNK_SIZE 512u
#define KEY_PATIENCE_US 100000u

struct guest_console {
    struct stream *stream;
    struct thread *thread;
    struct guest_console_listener listener;
    struct completion drained;
    struct mutex lock; /* all below */
    bool attached;
    bool returned; /* a carriage return was the last byte: it waits for the next */
    uint64_t end;  /* bytes so far, of which the last are in the backlog */
    uint64_t shown;
    char backlog[BACKLOG_SIZE];
};

/* Writes what has not been shown. With the lock. */
static void show(struct guest_console *console)
{
    if (console->end - console->shown > BACKLOG_SIZE)
        console->shown = console->end - BACKLOG_SIZE;
    while (console->shown < console->end) {
        uint64_t from = console->shown % BACKLOG_SIZE;
        uint64_t count = console->end - console->shown;
        if (count > BACKLOG_SIZE - from)
            count = BACKLOG_SIZE - from;
        terminal_write(console->backlog + from, count);
        console->shown += count;
    }
}

static void add(struct guest_console *console, char c)
{
    console->backlog[console->end++ % BACKLOG_SIZE] = c;
}

/* Our terminal returns at a new line by itself, and NUL is nothing to show. */
static void keep(struct guest_console *console, const char *bytes, int count)
{
    mutex_lock(&console->lock);
    for (int i = 0; i < count; i++) {
        if (console->returned && bytes[i] != '\n')
            add(console, '\r');
        console->returned = bytes[i] == '\r';
        if (!console->returned && bytes[i] != '\0')
            add(console, bytes[i]);
    }
    if (console->attached)
        show(console);
    mutex_unlock(&console->lock);
}

static int drain(void *argument)
{
    struct guest_console *console = argument;
    char bytes[CHUNK_SIZE];
    int count;
    while ((count = stream_read(console->stream, bytes, sizeof(bytes), WAIT_FOREVER)) >= 0) {
        keep(console, bytes, count);
        if (console->listener.hear)
            console->listener.hear(console->listener.context, bytes, (size_t)count);
    }
    completion_signal(&console->drained);
    return 0;
}

struct guest_console *guest_console_create(const struct guest_console_listener *listener)
{
    struct guest_console *console = heap_allocate(sizeof(*console));
    if (!console)
        return NULL;
    *console = (struct guest_console){.stream = stream_create(), .listener = *listener};
    completion_init(&console->drained);
    mutex_init(&console->lock);
    if (console->stream)
        console->thread =
            thread_create("guest console", drain, console, PRIORITY_NORMAL, THREAD_ANY_CPU);
    if (console->thread)
        return console;
    if (console->stream)
        stream_destroy(console->stream);
    heap_free(console);
    return NULL;
}

struct object *guest_console_object(struct guest_console *console)
{
    return stream_object(console->stream);
}

void guest_console_given(struct guest_console *console)
{
    stream_given(console->stream);
}

void guest_console_attach(struct guest_console *console, bool attached)
{
    mutex_lock(&console->lock);
    console->attached = attached;
    if (attached)
        show(console);
    mutex_unlock(&console->lock);
}

void guest_console_settle(struct guest_console *console, uint64_t deadline)
{
    completion_wait(&console->drained, deadline);
}

void guest_console_key(struct guest_console *console, char key)
{
    stream_write(console->stream, &key, 1, time_now() + KEY_PATIENCE_US);
}

void guest_console_destroy(struct guest_console *console)
{
    thread_join(console->thread);
    stream_destroy(console->stream);
    heap_free(console);
}
