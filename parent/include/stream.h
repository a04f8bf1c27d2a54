/* Streams: bytes between the kernel and a process, in both directions, through a pipe of which the
 * process has one end as a handle. Thread. */
#ifndef VENEER_PARENT_INCLUDE_STREAM_H
#define VENEER_PARENT_INCLUDE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct object;
struct stream;

/* NULL: no memory. The caller's, until stream_destroy(), which the process sees as the end. */
struct stream *stream_create(void);
void stream_destroy(struct stream *stream);

/* The process's end, for struct process_program; without a new reference. Then stream_given() drops
 * the kernel's own reference to it, so that the process's end is the stream's. */
struct object *stream_object(struct stream *stream);
void stream_given(struct stream *stream);

/* Takes what comes next, at most @size bytes; waits for it until @deadline. 0: the deadline passed;
 * negative: the process has closed its end. */
int stream_read(struct stream *stream, void *data, size_t size, uint64_t deadline);

/* Sends @size bytes, at most SYSTEM_MAX_MESSAGE; waits for room until @deadline. False: they were
 * not taken. */
bool stream_write(struct stream *stream, const void *data, size_t size, uint64_t deadline);

/* The same, with a handle for @object, if that is not NULL, to read and write it. The reference
 * stays the caller's. */
bool stream_write_object(struct stream *stream, const void *data, size_t size,
                         struct object *object, uint64_t deadline);

#endif
