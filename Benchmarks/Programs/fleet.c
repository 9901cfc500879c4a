/* Many devices, or a plain epoll loop in C that serves as many: what the door is measured against.
 *
 *     fleet serve COUNT PORT     Modbus TCP sensors, a connection each; at its end: polls, fewest and most of a connection,
 *                                and how late they were, p50, p99 and most, in us, each against its own grid of a second
 *     fleet pester COUNT PORT    Modbus TCP gateways that misbehave, each in one of five ways; addresses begin at 127.2.0.1
 *     fleet poll COUNT PORT      asks COUNT sensors each second and reads their replies; at its end, of those since a line came on its
 *                                input: replies, and how long they took, p50, p99 and most, in us
 *     fleet play COUNT RATE DIR  thermometers on pseudo-terminals DIR/line-1 …, RATE frames a second in all; at its end: frames
 *     fleet read COUNT DIR       reads such lines and checks each frame's sum; at its end: frames since a line came on its input
 *
 * Says "ready", waits for a line on its input (serve and play), works until its input ends. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { most = 8192, polls_most = 128, control = most, timer = most + 1, listener = most + 2 };

static int fds[most], filled[most];
static uint8_t bytes[most][512];
static int64_t polls[most][polls_most];
static int poll_count[most];
static int epoll;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void watch(int fd, uint32_t what) {
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.u32 = what})) fail("epoll_ctl");
}

static void ready(void) {
  printf("ready\n");
  fflush(stdout);
}

/* What is ready next; waits when nothing is. */
static uint32_t next(void) {
  static struct epoll_event ready[256];
  static int count, at;
  while (at >= count) {
    at = 0;
    count = epoll_wait(epoll, ready, 256, -1);
  }
  return ready[at++].data.u32;
}

/* Ends the loop when the input has ended. */
static int is_over(void) {
  char line[64];
  return read(0, line, sizeof line) <= 0;
}

static int by_value(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

/* Each sensor has an address of its own: 127.1.0.1 to 127.1.0.250, 127.1.1.1 … */
static struct sockaddr_in address_of(int sensor, int port) {
  uint32_t host = 0x7f010000 + (sensor / 250 << 8) + sensor % 250 + 1;
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host)};
}

static void serve(int count, int port) {
  static int listening[most];
  int one = 1, accepted = 0;
  for (int c = 0; c < count; c++) {
    struct sockaddr_in address = address_of(c, port);
    listening[c] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listening[c], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listening[c], (void *)&address, sizeof address) || listen(listening[c], 1)) fail("listen");
    watch(listening[c], listener + c);
  }
  watch(0, control);
  ready();
  int counting = 0;
  for (;;) {
    uint32_t who = next();
    if (who == control) {
      if (is_over()) goto end;
      counting = 1;
    } else if (who >= listener) {
      int fd;
      while ((fd = accept4(listening[who - listener], 0, 0, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fds[accepted] = fd;
        watch(fd, accepted);
        if (++accepted == count) {
          printf("all\n");
          fflush(stdout);
        }
      }
    } else {
      uint8_t request[260], reply[260] = {0};
      ssize_t got = read(fds[who], request, sizeof request);
      if (got <= 0) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, fds[who], 0);
        close(fds[who]);
        continue;
      }
      if (got < 12) continue;
      if (counting && poll_count[who] < polls_most) polls[who][poll_count[who]++] = now_ns();
      int registers = request[11];
      memcpy(reply, request, 8);
      reply[5] = 3 + 2 * registers;
      reply[8] = 2 * registers;
      reply[9] = 2;
      if (write(fds[who], reply, 9 + 2 * registers) < 0) fail("reply");
    }
  }
end:;
  int64_t *late = malloc(sizeof *late * most * polls_most);
  int samples = 0, fewest = polls_most, highest = 0;
  for (int c = 0; c < accepted; c++) {
    int64_t first = INT64_MAX;
    for (int k = 0; k < poll_count[c]; k++) {
      int64_t at = polls[c][k] - k * 1000000000LL;
      if (at < first) first = at;
    }
    for (int k = 0; k < poll_count[c]; k++) late[samples++] = polls[c][k] - k * 1000000000LL - first;
    if (poll_count[c] < fewest) fewest = poll_count[c];
    if (poll_count[c] > highest) highest = poll_count[c];
  }
  qsort(late, samples, sizeof *late, by_value);
  if (!samples) late[samples++] = 0;
  printf("%d %d %d %lld %lld %lld\n", samples, fewest, highest, late[samples / 2] / 1000LL, late[samples * 99LL / 100] / 1000LL,
         late[samples - 1] / 1000LL);
}

/* In turn: never answers; sends a byte each 60 ms; sends 4 KB of noise; answers another transaction; hangs up when asked. */
static void pester(int count, int port) {
  static int listening[most], owner[most], sent[most];
  static uint8_t noise[4096];
  int one = 1, accepted = 0, tick = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  for (size_t i = 0; i < sizeof noise; i++) noise[i] = i * 2654435761u >> 13;
  struct itimerspec each = {.it_value = {0, 60000000}, .it_interval = {0, 60000000}};
  timerfd_settime(tick, 0, &each, 0);
  for (int c = 0; c < count; c++) {
    struct sockaddr_in address = address_of(c, port);
    address.sin_addr.s_addr = htonl(ntohl(address.sin_addr.s_addr) + 0x10000);
    listening[c] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listening[c], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listening[c], (void *)&address, sizeof address) || listen(listening[c], 8)) fail("listen");
    watch(listening[c], listener + c);
  }
  watch(tick, timer);
  watch(0, control);
  ready();
  for (;;) {
    uint32_t who = next();
    if (who == control) {
      if (is_over()) return;
    } else if (who == timer) {
      uint64_t times;
      if (read(tick, &times, sizeof times) < 0) continue;
      static const uint8_t reply[] = {0, 1, 0, 0, 0, 5, 1, 4, 2, 2, 0};
      for (int c = 0; c < accepted; c++) {
        if (fds[c] < 0 || owner[c] % 5 != 1 || sent[c] < 0) continue;
        if (send(fds[c], &reply[sent[c]++ % sizeof reply], 1, MSG_NOSIGNAL) < 0) sent[c] = -1;
      }
    } else if (who >= listener) {
      int fd;
      while ((fd = accept4(listening[who - listener], 0, 0, SOCK_NONBLOCK)) >= 0) {
        int place = accepted < most ? accepted++ : 0;
        fds[place] = fd;
        owner[place] = who - listener;
        sent[place] = -1;
        watch(fd, place);
      }
    } else {
      uint8_t request[260];
      ssize_t got = fds[who] < 0 ? 0 : read(fds[who], request, sizeof request);
      int kind = owner[who] % 5;
      if (got > 0 && kind == 1) sent[who] = 0;
      if (got > 0 && kind == 2) send(fds[who], noise, sizeof noise, MSG_NOSIGNAL);
      if (got >= 12 && kind == 3) {
        uint8_t reply[] = {request[0] + 1, request[1], 0, 0, 0, 5, request[6], request[7], 2, 2, 0};
        send(fds[who], reply, sizeof reply, MSG_NOSIGNAL);
      }
      if (fds[who] >= 0 && (got <= 0 || kind == 4)) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, fds[who], 0);
        close(fds[who]);
        fds[who] = -1;
      }
    }
  }
}

static void tell_replies(int count) {
  int64_t *took = malloc(sizeof *took * most * polls_most);
  int samples = 0;
  for (int c = 0; c < count; c++)
    for (int k = 0; k < poll_count[c]; k++) took[samples++] = polls[c][k];
  qsort(took, samples, sizeof *took, by_value);
  if (!samples) took[samples++] = 0;
  printf("%d %lld %lld %lld\n", samples, took[samples / 2] / 1000LL, took[samples * 99LL / 100] / 1000LL, took[samples - 1] / 1000LL);
}

static void poll_all(int count, int port) {
  int one = 1, tick = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  static int64_t due[most];
  static int64_t asked[most];
  int64_t start = now_ns();
  int counting = 0;
  for (int c = 0; c < count; c++) {
    struct sockaddr_in address = address_of(c, port);
    fds[c] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fds[c], (void *)&address, sizeof address)) fail("connect");
    setsockopt(fds[c], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fds[c], F_SETFL, O_NONBLOCK);
    watch(fds[c], c);
    due[c] = start + 1000000000LL * c / count;
  }
  watch(tick, timer);
  watch(0, control);
  ready();
  long values = 0;
  int next = 0;
  for (;;) {
    int64_t now = now_ns();
    while (due[next] <= now) {
      uint8_t request[12] = {0, 1, 0, 0, 0, 6, 1, 4, 0, 3, 0, 1};
      if (write(fds[next], request, 12) != 12) fail("request");
      asked[next] = now;
      due[next] += 1000000000LL;
      next = (next + 1) % count;
    }
    struct itimerspec at = {.it_value = {due[next] / 1000000000LL, due[next] % 1000000000LL}};
    timerfd_settime(tick, TFD_TIMER_ABSTIME, &at, 0);
    struct epoll_event events[256];
    int n = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < n; i++) {
      uint32_t who = events[i].data.u32;
      if (who == control) {
        if (is_over()) return tell_replies(count);
        counting = 1;
      } else if (who == timer) {
        uint64_t times;
        if (read(tick, &times, sizeof times) < 0) continue;
      } else {
        uint8_t reply[260];
        ssize_t got = read(fds[who], reply, sizeof reply);
        if (got <= 0) fail("reply");
        if (got >= 11 && reply[7] == 4) values += reply[9] << 8 | reply[10];
        if (counting && poll_count[who] < polls_most) polls[who][poll_count[who]++] = now_ns() - asked[who];
      }
    }
  }
}

static void play(int count, int rate, const char *folder) {
  for (int c = 0; c < count; c++) {
    char link[4096];
    fds[c] = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (fds[c] < 0 || grantpt(fds[c]) || unlockpt(fds[c])) fail("pseudo-terminal");
    const char *path = ptsname(fds[c]);
    int far = open(path, O_RDWR | O_NOCTTY);
    struct termios raw;
    tcgetattr(far, &raw);
    cfmakeraw(&raw);
    tcsetattr(far, TCSANOW, &raw);
    snprintf(link, sizeof link, "%s/line-%d", folder, c + 1);
    unlink(link);
    if (symlink(path, link)) fail(link);
  }
  ready();
  char line[64];
  if (read(0, line, sizeof line) <= 0) return;
  int tick = timerfd_create(CLOCK_MONOTONIC, 0);
  int every = 5000000;
  timerfd_settime(tick, 0, &(struct itimerspec){.it_interval = {0, every}, .it_value = {0, every}}, 0);
  watch(tick, timer);
  watch(0, control);
  long frames = 0;
  int64_t start = now_ns();
  for (;;) {
    if (next() == control) {
      printf("%ld\n", frames);
      return;
    }
    uint64_t times;
    if (read(tick, &times, sizeof times) < 0) continue;
    long wanted = (now_ns() - start) * rate / 1000000000LL;
    for (; frames < wanted; frames++) {
      uint8_t frame[9] = {0x5a, 0x5a, 0x45, 4, 8, 0x98, 8, 0x98};
      for (int b = 0; b < 8; b++) frame[8] += frame[b];
      if (write(fds[frames % count], frame, 9) != 9) fail("frame");
    }
  }
}

static void read_all(int count, const char *folder) {
  for (int c = 0; c < count; c++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/line-%d", folder, c + 1);
    fds[c] = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (fds[c] < 0) fail(path);
    watch(fds[c], c);
  }
  watch(0, control);
  ready();
  long frames = 0;
  for (;;) {
    uint32_t who = next();
    if (who == control && !is_over()) {
      frames = 0;
      continue;
    }
    if (who == control) {
      printf("%ld\n", frames);
      return;
    }
    ssize_t got = read(fds[who], bytes[who] + filled[who], sizeof bytes[who] - filled[who]);
    if (got <= 0) continue;
    filled[who] += got;
    int at = 0;
    while (filled[who] - at >= 9) {
      uint8_t *frame = bytes[who] + at, sum = 0;
      for (int b = 0; b < 8; b++) sum += frame[b];
      if (frame[0] == 0x5a && frame[1] == 0x5a && sum == frame[8]) {
        frames++;
        at += 9;
      } else {
        at++;
      }
    }
    memmove(bytes[who], bytes[who] + at, filled[who] - at);
    filled[who] -= at;
  }
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "fleet serve|poll|pester COUNT PORT, fleet play COUNT RATE DIR, fleet read COUNT DIR\n");
    return 64;
  }
  struct rlimit limit = {65536, 65536};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  epoll = epoll_create1(0);
  int count = atoi(argv[2]);
  if (count < 1 || count > most) return 64;
  if (!strcmp(argv[1], "serve")) serve(count, atoi(argv[3]));
  else if (!strcmp(argv[1], "poll")) poll_all(count, atoi(argv[3]));
  else if (!strcmp(argv[1], "pester")) pester(count, atoi(argv[3]));
  else if (!strcmp(argv[1], "play") && argc > 4) play(count, atoi(argv[3]), argv[4]);
  else if (!strcmp(argv[1], "read")) read_all(count, argv[3]);
  else return 64;
}
