#include "parent/services/child_end.h"

#include "include/child_start.h"
#include "lib/printf.h"
#include "parent/include/system_call.h"
#include "parent/kernel/exception.h"

bool child_end_failed(const struct system_process_end *end, char *text, size_t size)
{
    if (end->cause == SYSTEM_END_FAULT)
        snprintf(text, size, "its worker made an exception, %s at %lx; log has the report",
                 exception_name(end->fault.vector), end->fault.rip);
    else if (end->cause == SYSTEM_END_KILLED)
        snprintf(text, size, "its worker was killed");
    else if (end->status == CHILD_STATUS_TRIPLE_FAULT)
        snprintf(text, size, "its system made triple faults again and again");
    else if (end->status != 0)
        snprintf(text, size, "its worker ended with status %d", end->status);
    else
        return false;
    return true;
}
