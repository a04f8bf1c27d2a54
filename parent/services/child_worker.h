/* A child's worker process: the words and handles that it is started with (worker/main.c). */
#ifndef VENEER_PARENT_SERVICES_CHILD_WORKER_H
#define VENEER_PARENT_SERVICES_CHILD_WORKER_H

struct child_plan;
struct guest_console;
struct machine_pipe;
struct process;

/* Starts a worker for the child that @plan describes, with its ends of @console and @pipe (NULL:
 * its machine is not emulated). The result is a reference; NULL: *@error says why. Thread. */
struct process *child_worker_start(const struct child_plan *plan, struct guest_console *console,
                                   struct machine_pipe *pipe, const char **error);

#endif
