#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/timex.h>

/* Glibc shows these only with _GNU_SOURCE, which Swift's module is built without. */
#include <pthread.h>
#include <sched.h>
int pthread_setname_np(pthread_t thread, const char *name);
int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set);
