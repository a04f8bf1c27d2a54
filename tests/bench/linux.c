/* The peer's side of `make bench`: init of a Linux system that measures what
 * parent/user/programs/measure.c and parent/kernel/selftest_bench.c measure, and switches off. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "parent/user/cheapest.h"
#include "tests/bench/init.h"

#define REQUEST_SIZE 65536
#define DISK "/dev/sda"
#define DISK_PATIENCE 1000 /* tenths of a second */

/* See parent/kernel/selftest_bench.c. */
#define MARK(number) __asm__ volatile("nopl 0x564e5200 + %c0(%%rax)" : : "i"(number) : "memory")

/* The instruction itself: a wrapper of the C library would count for it. */
static long call_linux(long number)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number) : "rcx", "r11", "memory");
    return result;
}

static void call_getpid(void *argument)
{
    (void)argument;
    call_linux(SYS_getpid);
}

static void yield(void *argument)
{
    (void)argument;
    call_linux(SYS_sched_yield);
}

static void measure_yields(void)
{
    volatile uint64_t *count =
        mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (count == MAP_FAILED)
        stop("mmap");
    pid_t child = fork();
    if (child < 0)
        stop("fork");
    while (child == 0) {
        ++*count;
        yield(NULL);
    }
    while (*count == 0)
        yield(NULL);
    uint64_t least = UINT64_MAX;
    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t turns = *count;
        uint64_t start = read_tsc();
        for (int i = 0; i < CALLS; i++)
            yield(NULL);
        uint64_t ticks = read_tsc() - start;
        turns = *count - turns;
        /* A turn is a switch there and one back. Not each yield need have led to one. */
        if (turns > 0 && ticks / (2 * turns) < least)
            least = ticks / (2 * turns);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    printf("linux: switch.yield = %lu\n", least);
}

/* Two pipes, one for each direction. */
struct link {
    int read, write;
};

static void ask(void *argument)
{
    struct link *link = argument;
    char byte = 0;
    if (write(link->write, &byte, 1) != 1 || read(link->read, &byte, 1) != 1)
        stop("pipe");
}

static void measure_pipe(void)
{
    int there[2], back[2];
    char byte;
    if (pipe(there) != 0 || pipe(back) != 0)
        stop("pipe");
    pid_t child = fork();
    if (child < 0)
        stop("fork");
    if (child == 0) {
        close(there[1]);
        while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
            ;
        _exit(0);
    }
    struct link link = {back[0], there[1]};
    printf("linux: pipe.round_trip = %lu\n", cheapest(ask, &link));
    close(there[1]);
    waitpid(child, NULL, 0);
}

static int open_disk(void)
{
    for (int i = 0; i < DISK_PATIENCE; i++) {
        int disk = open(DISK, O_RDONLY | O_DIRECT);
        if (disk >= 0)
            return disk;
        usleep(100000);
    }
    stop(DISK);
}

static void read_disk(void)
{
    int disk = open_disk();
    uint64_t requests = (uint64_t)lseek(disk, 0, SEEK_END) / REQUEST_SIZE;
    void *buffer = aligned_alloc(REQUEST_SIZE, REQUEST_SIZE);
    if (buffer == NULL || lseek(disk, 0, SEEK_SET) != 0 ||
        pread(disk, buffer, REQUEST_SIZE, 0) != REQUEST_SIZE)
        stop("first read");
    sleep(1); /* what the new disk has set going ends */
    MARK(0);
    for (uint64_t i = 0; i < requests; i++) {
        if (read(disk, buffer, REQUEST_SIZE) != REQUEST_SIZE)
            stop("read");
    }
    MARK(1);
    printf("linux: disk.requests = %lu\n", requests);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    load_modules();
    printf("linux: syscall.null = %lu\n", cheapest(call_getpid, NULL));
    measure_yields();
    measure_pipe();
    read_disk();
    reboot(RB_POWER_OFF);
    return 0;
}
