/* Preloaded into the door and into floor.c alike: notes when their thread "real-time" calls write or send, and with what.
 * A decision is made when its bytes are handed over; what comes after belongs to the kernel. */
#define _GNU_SOURCE
#include "stamps.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct stamps *stamps;
static ssize_t (*next_write)(int, const void *, size_t);
static ssize_t (*next_send)(int, const void *, size_t, int);

__attribute__((constructor)) static void open_stamps(void) {
  next_write = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  next_send = (ssize_t(*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");
  const char *path = getenv("STAMPS");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *stamps, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) stamps = mapped;
  close(fd);
}

static void note(const void *bytes, size_t count) {
  static __thread int is_real_time = -1;
  if (!stamps) return;
  if (is_real_time < 0) {
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    is_real_time = strcmp(name, "real-time") == 0;
  }
  if (!is_real_time) return;
  struct stamp *stamp = &stamps->ring[stamps->next % stamps_max];
  stamp->ns = now_ns();
  stamp->count = count;
  memcpy(stamp->bytes, bytes, count < stamp_bytes ? count : stamp_bytes);
  __atomic_store_n(&stamps->next, stamps->next + 1, __ATOMIC_RELEASE);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  note(bytes, count);
  return next_write(fd, bytes, count);
}

ssize_t send(int fd, const void *bytes, size_t count, int flags) {
  note(bytes, count);
  return next_send(fd, bytes, count, flags);
}
