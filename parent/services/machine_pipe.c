#include "parent/services/machine_pipe.h"

#include <stddef.h>

#include "parent/include/memory.h"
#include "parent/include/stream.h"
#include "parent/include/time.h"

struct machine_pipe {
    struct stream *stream;
    uint32_t last_id;
};

struct machine_pipe *machine_pipe_create(void)
{
    struct machine_pipe *pipe = heap_allocate(sizeof(*pipe));
    if (!pipe)
        return NULL;
    pipe->stream = stream_create();
    if (pipe->stream)
        return pipe;
    heap_free(pipe);
    return NULL;
}

void machine_pipe_destroy(struct machine_pipe *pipe)
{
    stream_destroy(pipe->stream);
    heap_free(pipe);
}

struct object *machine_pipe_object(struct machine_pipe *pipe)
{
    return stream_object(pipe->stream);
}

void machine_pipe_given(struct machine_pipe *pipe)
{
    stream_given(pipe->stream);
}

bool machine_pipe_ask(struct machine_pipe *pipe, struct machine_control_request *request,
                      struct object *object, struct machine_control_answer *answer)
{
    uint64_t deadline = time_now() + MACHINE_PIPE_PATIENCE_US;
    request->id = ++pipe->last_id;
    if (!stream_write_object(pipe->stream, request, sizeof(*request), object, deadline))
        return false;
    /* What else comes is late, or nonsense, of which there may be any amount. */
    while (time_now() < deadline) {
        int count = stream_read(pipe->stream, answer, sizeof(*answer), deadline);
        if (count < 0)
            return false;
        if (count == sizeof(*answer) && answer->id == request->id)
            return true;
    }
    return false;
}

const char *machine_pipe_status_text(uint32_t status)
{
    static const char *const texts[] = {
        [MACHINE_CONTROL_DONE] = "done",
        [MACHINE_CONTROL_INVALID] = "the machine does not understand the request",
        [MACHINE_CONTROL_NO_DRIVE] = "the machine has no such drive for media",
        [MACHINE_CONTROL_NOT_EMPTY] = "there is a medium in the drive",
        [MACHINE_CONTROL_NO_MEDIUM] = "there is no medium in the drive, or it does not fit",
        [MACHINE_CONTROL_UNAVAILABLE] = "the machine has no such device",
        [MACHINE_CONTROL_NO_TEXT] = "the screen shows graphics",
        [MACHINE_CONTROL_TOO_LARGE] = "the screen is too large",
    };
    return status < sizeof(texts) / sizeof(texts[0]) ? texts[status] : "its answer is nonsense";
}
