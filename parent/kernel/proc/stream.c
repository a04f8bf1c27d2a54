#include "parent/include/stream.h"

#include "lib/string.h"
#include "parent/include/memory.h"
#include "parent/kernel/proc/pipe.h"

struct stream {
    struct object *own, *other; /* ends; @other: NULL when it has been given away */
    struct message *rest;       /* of which `done` bytes have been read; NULL: none */
    uint32_t done;
};

struct stream *stream_create(void)
{
    struct object *ends[2];
    struct stream *stream = heap_allocate(sizeof(*stream));
    struct job *job = job_create();
    bool good = stream && job && pipe_create(job, ends) == SYSTEM_OK;
    if (job)
        job_put(job); /* the pipe keeps it */
    if (!good) {
        heap_free(stream);
        return NULL;
    }
    *stream = (struct stream){.own = ends[0], .other = ends[1]};
    return stream;
}

void stream_destroy(struct stream *stream)
{
    stream_given(stream);
    if (stream->rest)
        message_destroy(stream->rest);
    object_put(stream->own);
    heap_free(stream);
}

struct object *stream_object(struct stream *stream)
{
    return stream->other;
}

void stream_given(struct stream *stream)
{
    if (stream->other)
        object_put(stream->other);
    stream->other = NULL;
}

int stream_read(struct stream *stream, void *data, size_t size, uint64_t deadline)
{
    if (!stream->rest) {
        enum system_error error =
            pipe_receive(stream->own, SYSTEM_MAX_MESSAGE, deadline, &stream->rest);
        stream->done = 0;
        if (error != SYSTEM_OK) {
            stream->rest = NULL;
            return error == SYSTEM_ERROR_CLOSED ? -1 : 0;
        }
    }
    uint32_t left = stream->rest->size - stream->done;
    uint32_t count = left < size ? left : (uint32_t)size;
    memcpy(data, stream->rest->data + stream->done, count);
    stream->done += count;
    if (count == left) {
        message_destroy(stream->rest);
        stream->rest = NULL;
    }
    return (int)count;
}

bool stream_write_object(struct stream *stream, const void *data, size_t size,
                         struct object *object, uint64_t deadline)
{
    struct message *message = message_create((uint32_t)size);
    if (!message)
        return false;
    memcpy(message->data, data, size);
    if (object) {
        object_get(object);
        message->handles[0] = (struct handle){object, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE};
        message->handle_count = 1;
    }
    if (pipe_send(stream->own, message, deadline) == SYSTEM_OK)
        return true;
    message_destroy(message);
    return false;
}

bool stream_write(struct stream *stream, const void *data, size_t size, uint64_t deadline)
{
    return stream_write_object(stream, data, size, NULL, deadline);
}
