#include "parent/console/net_counters.h"

#include "parent/console/terminal.h"

void net_counters_print(const char *what, const struct net_statistics *s)
{
    terminal_print("      %s %llu packets, %llu bytes, %llu errors, %llu dropped\n", what,
                   (unsigned long long)s->packets, (unsigned long long)s->bytes,
                   (unsigned long long)s->errors, (unsigned long long)s->dropped);
}
