/* The heap of a program: blocks of sizes that are powers of two, from 32 bytes on, cut from chunks
 * of memory that stay; what is larger than a chunk can hold has memory of its own, which goes back.
 * Safe with several threads. */
#include <stdbool.h>

#include "lib/string.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define CHUNK_SIZE 0x40000u
#define SMALLEST_SHIFT 5
#define LARGEST_SHIFT 16
#define LIST_COUNT (LARGEST_SHIFT - SMALLEST_SHIFT + 1)
#define OWN_MEMORY UINT32_MAX

/* In front of each block. */
struct header {
    uint64_t size; /* what the caller may use */
    uint32_t list; /* index of its free list, or OWN_MEMORY */
    uint32_t magic;
};

#define MAGIC_USED 0x64657375u
#define MAGIC_FREE 0x65657266u

struct free_block {
    struct header header;
    struct free_block *next;
};

static bool locked; /* protects what follows */
static struct free_block *free_lists[LIST_COUNT];
static char *chunk;
static size_t chunk_left;

static void lock(void)
{
    while (__atomic_exchange_n(&locked, true, __ATOMIC_ACQUIRE))
        system_yield();
}

static void unlock(void)
{
    __atomic_store_n(&locked, false, __ATOMIC_RELEASE);
}

/* New memory of @size bytes, or NULL. The mapping keeps it: no handle is needed. */
static void *map_memory(size_t size)
{
    void *address;
    int64_t handle = system_memory_create(size);
    if (handle < 0)
        return NULL;
    int64_t error = system_memory_map((uint32_t)handle, 0, size,
                                      SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE, &address);
    system_handle_close((uint32_t)handle);
    return error < 0 ? NULL : address;
}

/* A block of 1 << @shift bytes from the chunk, or NULL. The lock is held. */
static struct header *cut(unsigned shift)
{
    size_t size = (size_t)1 << shift;
    if (chunk_left < size) {
        char *fresh = map_memory(CHUNK_SIZE);
        if (!fresh)
            return NULL;
        /* What is left of the old chunk is lost; it is less than the largest block. */
        chunk = fresh;
        chunk_left = CHUNK_SIZE;
    }
    struct header *header = (struct header *)chunk;
    chunk += size;
    chunk_left -= size;
    return header;
}

static struct header *allocate_block(unsigned shift)
{
    uint32_t list = shift - SMALLEST_SHIFT;
    lock();
    struct header *header = &free_lists[list]->header;
    if (free_lists[list])
        free_lists[list] = free_lists[list]->next;
    else
        header = cut(shift);
    unlock();
    if (header)
        *header = (struct header){((uint64_t)1 << shift) - sizeof(*header), list, MAGIC_USED};
    return header;
}

static struct header *allocate_own(size_t size)
{
    struct header *header = map_memory(size + sizeof(*header));
    if (header)
        *header = (struct header){size, OWN_MEMORY, MAGIC_USED};
    return header;
}

void *malloc(size_t size)
{
    struct header *header;
    unsigned shift = SMALLEST_SHIFT;
    if (size > SIZE_MAX / 2)
        return NULL;
    while (shift <= LARGEST_SHIFT && ((size_t)1 << shift) - sizeof(*header) < size)
        shift++;
    header = shift <= LARGEST_SHIFT ? allocate_block(shift) : allocate_own(size);
    return header ? header + 1 : NULL;
}

void free(void *pointer)
{
    if (!pointer)
        return;
    struct header *header = (struct header *)pointer - 1;
    if (header->magic != MAGIC_USED) {
        printf("free: %p is no block, or was freed before\n", pointer);
        abort();
    }
    header->magic = MAGIC_FREE;
    if (header->list == OWN_MEMORY) {
        system_memory_unmap(header);
        return;
    }
    struct free_block *block = (struct free_block *)header;
    lock();
    block->next = free_lists[header->list];
    free_lists[header->list] = block;
    unlock();
}

void *calloc(size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *pointer = malloc(total);
    return pointer ? memset(pointer, 0, total) : NULL;
}

void *realloc(void *pointer, size_t size)
{
    if (!pointer)
        return malloc(size);
    struct header *header = (struct header *)pointer - 1;
    if (size <= header->size)
        return pointer;
    void *fresh = malloc(size);
    if (!fresh)
        return NULL;
    memcpy(fresh, pointer, header->size);
    free(pointer);
    return fresh;
}
