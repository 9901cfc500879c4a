// Lets one read fail as it does when an adapter is gone: for tests of the door, which is started with LD_PRELOAD.
//
// The file that FAIL_READS names holds an error number (0: nothing was read) and a tty: the next read of that tty fails so,
// and the file is gone.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t read(int descriptor, void *bytes, size_t count) {
  static ssize_t (*real)(int, void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "read");
  const char *order = getenv("FAIL_READS");
  if (order && access(order, R_OK) == 0) {
    char link[64], place[256] = "", wanted[256] = "";
    int number = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    if (readlink(link, place, sizeof place - 1) > 0 && strncmp(place, "/dev/pts/", 9) == 0) {
      FILE *file = fopen(order, "re");
      if (file) {
        int found = fscanf(file, "%d %255s", &number, wanted);
        fclose(file);
        if (found == 2 && strcmp(place, wanted) == 0 && unlink(order) == 0) {
          errno = number;
          return number ? -1 : 0;
        }
      }
    }
  }
  return real(descriptor, bytes, count);
}
