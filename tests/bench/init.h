/* What the programs have in common that `make bench` starts as init of a Linux system. */
#ifndef VENEER_TESTS_BENCH_INIT_H
#define VENEER_TESTS_BENCH_INIT_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline _Noreturn void stop(const char *what)
{
    perror(what);
    reboot(RB_POWER_OFF);
    exit(1);
}

/* Loads /0.ko, /1.ko, … */
static inline void load_modules(void)
{
    for (int i = 0;; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/%d.ko", i);
        int file = open(path, O_RDONLY);
        if (file < 0)
            break;
        if (syscall(SYS_finit_module, file, "", 0) != 0)
            stop(path);
        close(file);
    }
}

#endif
