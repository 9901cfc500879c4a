/* Makes a disk that hangs: while the file named by GATEHOUSE_HOLD exists, every sync and write of a file in the log's
 * folder waits. Preloaded into the door by a test; nothing of the door knows of it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/types.h>
#include <unistd.h>

static int in_log(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return strstr(path, ".gatehouse-log") != NULL || strstr(path, "/log/") != NULL;
}

static void hold(int fd) {
  const char *name = getenv("GATEHOUSE_HOLD");
  if (name == NULL || !in_log(fd)) return;
  // Told by the kernel when the file goes. The file is looked at after the watch stands, so that nothing is missed.
  int told = inotify_init1(IN_CLOEXEC);
  while (inotify_add_watch(told, name, IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) >= 0 && access(name, F_OK) == 0) {
    char events[4096];
    if (read(told, events, sizeof events) < 0) break;
  }
  if (told >= 0) close(told);
}

int fdatasync(int fd) {
  static int (*next)(int);
  if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  hold(fd);
  return next(fd);
}

int fsync(int fd) {
  static int (*next)(int);
  if (!next) next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  hold(fd);
  return next(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  static ssize_t (*next)(int, const void *, size_t, off64_t);
  if (!next) next = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
  hold(fd);
  return next(fd, bytes, count, offset);
}
