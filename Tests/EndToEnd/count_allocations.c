/* Counts heap allocations of the calling thread. Preloaded into `turn-check`, which reads the count before and after a
 * hundred thousand turns through gatehouse_allocations(). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

static __thread unsigned long allocations;

unsigned long gatehouse_allocations(void) { return allocations; }

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t n) {
  allocations++;
  return __libc_malloc(n);
}

void *calloc(size_t n, size_t size) {
  allocations++;
  return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n) {
  allocations++;
  return __libc_realloc(p, n);
}

int posix_memalign(void **p, size_t alignment, size_t n) {
  allocations++;
  *p = __libc_memalign(alignment, n);
  return *p ? 0 : 12;
}

void *aligned_alloc(size_t alignment, size_t n) {
  allocations++;
  return __libc_memalign(alignment, n);
}
