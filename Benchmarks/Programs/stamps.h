/* When a program handed bytes to the kernel: a ring of stamps in a file that the program under measurement (stamps.c,
 * preloaded) writes and player.c reads. */
#include <stdint.h>
#include <time.h>

enum { stamps_max = 1 << 14, stamp_bytes = 16 };

struct stamp {
  int64_t ns;
  uint32_t count;
  uint8_t bytes[stamp_bytes];
};

struct stamps {
  uint64_t next; /* how many were written; released after the stamp itself */
  struct stamp ring[stamps_max];
};

static inline int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
