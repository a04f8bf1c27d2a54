/* The control pipe of a worker with an emulated machine (include/machine_control.h). A worker that
 * does not answer, or answers nonsense, costs its administrator a few seconds and nothing else.
 * Thread. */
#ifndef VENEER_PARENT_SERVICES_MACHINE_PIPE_H
#define VENEER_PARENT_SERVICES_MACHINE_PIPE_H

#include <stdbool.h>

#include "include/machine_control.h"

struct machine_pipe;
struct object;

/* NULL: no memory. Ends with machine_pipe_destroy(). */
struct machine_pipe *machine_pipe_create(void);
void machine_pipe_destroy(struct machine_pipe *pipe);

/* The worker's end, for struct process_program; call machine_pipe_given() when the worker has it,
 * or will not be started. */
struct object *machine_pipe_object(struct machine_pipe *pipe);
void machine_pipe_given(struct machine_pipe *pipe);

/* Sends @request, whose id is set here, with a handle for @object, if that is not NULL; waits for
 * its answer for MACHINE_PIPE_PATIENCE_US. False: none has come. One caller at a time. */
#define MACHINE_PIPE_PATIENCE_US 3000000u
bool machine_pipe_ask(struct machine_pipe *pipe, struct machine_control_request *request,
                      struct object *object, struct machine_control_answer *answer);

/* For people. */
const char *machine_pipe_status_text(uint32_t status);

#endif
