/* A job: the processes that descend from one that the kernel started, and what they may use
 * together. So a process that starts others without end, or its children, comes to an end of its
 * own. Any context. */
#ifndef VENEER_PARENT_PROC_JOB_H
#define VENEER_PARENT_PROC_JOB_H

#include <stdbool.h>
#include <stdint.h>

struct job;

/* With the limits of parent/include/system_call.h. NULL: no memory. */
struct job *job_create(void);

void job_get(struct job *job);
void job_put(struct job *job);

/* Takes from what is left; false: there is not so much. */
bool job_take_process(struct job *job);
void job_give_process(struct job *job);
bool job_take_pages(struct job *job, uint64_t count);
void job_give_pages(struct job *job, uint64_t count);

#endif
