#include "parent/kernel/proc/job.h"

#include "parent/include/memory.h"
#include "parent/include/system_call.h"

/* All fields are atomic. */
struct job {
    uint32_t references;
    uint64_t processes_left;
    uint64_t pages_left;
};

struct job *job_create(void)
{
    struct memory_statistics memory;
    struct job *job = heap_allocate(sizeof(*job));
    if (!job)
        return NULL;
    memory_get_statistics(&memory);
    *job = (struct job){
        .references = 1,
        .processes_left = SYSTEM_MAX_PROCESSES,
        .pages_left = memory.pages_total / SYSTEM_MAX_MEMORY_PART,
    };
    return job;
}

void job_get(struct job *job)
{
    __atomic_fetch_add(&job->references, 1, __ATOMIC_RELAXED);
}

void job_put(struct job *job)
{
    if (__atomic_sub_fetch(&job->references, 1, __ATOMIC_ACQ_REL) == 0)
        heap_free(job);
}

static bool take(uint64_t *left, uint64_t count)
{
    uint64_t old = __atomic_load_n(left, __ATOMIC_RELAXED);
    do {
        if (count > old)
            return false;
    } while (!__atomic_compare_exchange_n(left, &old, old - count, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_RELAXED));
    return true;
}

static void give(uint64_t *left, uint64_t count)
{
    __atomic_fetch_add(left, count, __ATOMIC_RELEASE);
}

bool job_take_process(struct job *job)
{
    return take(&job->processes_left, 1);
}

void job_give_process(struct job *job)
{
    give(&job->processes_left, 1);
}

bool job_take_pages(struct job *job, uint64_t count)
{
    return take(&job->pages_left, count);
}

void job_give_pages(struct job *job, uint64_t count)
{
    give(&job->pages_left, count);
}
