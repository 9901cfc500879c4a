/* Plays every device of a site and measures from the outside: writes thermometer frames to pseudo-terminals, answers as
 * relay boards over Modbus TCP or RTU and as CO2 probes over RTU, and prints for each person who is let in, in ns,
 *
 *     decision GATE   from just before a frame's last byte was written to when the door handed the gate's bytes over
 *     gate            … to when the gate's bytes had been read here
 *
 * Usage: player FOLDER LANES PEOPLE BOARDS PROBES REPLY_US STAMPS
 *   PEOPLE  1: people walk up, a lane after the other; 0: nobody comes
 *   BOARDS  a TCP port to listen on (a unit for four lanes), or 0: an RTU bus a lane, with a board as unit 1
 *   PROBES  CO2 probes on each RTU bus, as units 2 …
 *   REPLY_US  how long a board or probe on an RTU bus takes to answer
 * Says "ready", waits for a line on its input, plays until its input ends. */
#define _GNU_SOURCE
#include "stamps.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { lanes_max = 64, frame_every = 72000000, warm_frames = 12, cycle_frames = 32 };
enum kind { thermometer, bus, listener, connection, control };

static struct end {
  enum kind kind;
  int fd, index, filled;
  uint8_t bytes[512];
} ends[4 * lanes_max];
static int end_count, lane_count, probes;
static int thermometers[lanes_max], buses[lanes_max];
static int64_t last_byte_at[lanes_max], reply_after;
static struct { int64_t at; int count; uint8_t bytes[64]; } replies[lanes_max];
static struct stamps *stamps;
static int epoll;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void watch(enum kind kind, int fd, int index) {
  ends[end_count] = (struct end){.kind = kind, .fd = fd, .index = index};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.u32 = end_count++});
}

/* The far end stays open here, so that the door may come and go. */
static int terminal(const char *folder, const char *name, int number) {
  char link[4096];
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (master < 0 || grantpt(master) || unlockpt(master)) fail("pseudo-terminal");
  const char *path = ptsname(master);
  int far = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct termios raw;
  tcgetattr(far, &raw);
  cfmakeraw(&raw);
  tcsetattr(far, TCSANOW, &raw);
  snprintf(link, sizeof link, "%s/%s-%d", folder, name, number + 1);
  unlink(link);
  if (symlink(path, link)) fail(link);
  return master;
}

/* What came out of the door for this lane's gate: the stamp at or after the frame's last byte. */
static void measured(int lane, const uint8_t *gate, int count) {
  int64_t now = now_ns(), from = last_byte_at[lane];
  uint64_t end = __atomic_load_n(&stamps->next, __ATOMIC_ACQUIRE);
  int64_t decided = 0;
  for (uint64_t i = end > 512 ? end - 512 : 0; i < end; i++) {
    struct stamp *s = &stamps->ring[i % stamps_max];
    /* Over TCP the message itself; over RTU the bell that wakes the bus's thread. */
    int is_it = gate ? s->count == (uint32_t)count && memcmp(s->bytes, gate, count) == 0 : s->count == 8;
    if (s->ns >= from && is_it) {
      decided = s->ns;
      break;
    }
  }
  if (from && decided) printf("%lld %lld\n", (long long)(decided - from), (long long)(now - from));
}

/* The answer to a request of unit, function and address, from the unit on; how long it is. */
static int answer(const uint8_t *request, uint8_t *reply) {
  int words = request[5];
  memcpy(reply, request, 6);
  if (request[1] == 1 || request[1] == 2) {
    reply[2] = 1;
    reply[3] = 0;
    return 4;
  }
  if (request[1] != 3 || words > 16) return 6;
  reply[2] = 2 * words;
  for (int i = 0; i < words; i++) {
    /* 800 ppm and 22 degrees as floats, low word first; no bit of the status words is set. */
    int address = (request[2] << 8 | request[3]) + i;
    int word = address >= 0x800 || address % 2 == 0 ? 0 : address == 1 ? 0x4448 : 0x41b0;
    reply[3 + 2 * i] = word >> 8;
    reply[4 + 2 * i] = word;
  }
  return 3 + 2 * words;
}

static uint16_t crc16(const uint8_t *bytes, int count) {
  uint16_t crc = 0xffff;
  for (int i = 0; i < count; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
  }
  return crc;
}

static int is_pulse(const uint8_t *request) { return request[1] == 5 && request[2] == 2; }

static void bus_spoke(struct end *end) {
  ssize_t n = read(end->fd, end->bytes + end->filled, sizeof end->bytes - end->filled);
  if (n > 0) end->filled += n;
  if (end->filled < 8) return;
  uint8_t *request = end->bytes;
  int count = answer(request, replies[end->index].bytes);
  if (is_pulse(request)) measured(end->index, NULL, 0);
  uint16_t crc = crc16(replies[end->index].bytes, count);
  replies[end->index].bytes[count] = crc;
  replies[end->index].bytes[count + 1] = crc >> 8;
  replies[end->index].count = count + 2;
  replies[end->index].at = now_ns() + reply_after;
  end->filled = 0;
}

static void connection_spoke(struct end *end) {
  ssize_t n = recv(end->fd, end->bytes + end->filled, sizeof end->bytes - end->filled, 0);
  if (n <= 0) {
    close(end->fd);
    return;
  }
  end->filled += n;
  while (end->filled >= 12) {
    uint8_t *m = end->bytes, reply[64];
    if (is_pulse(m + 6)) measured((m[6] - 1) * 4 + m[9], m, 12);
    int count = answer(m + 6, reply + 6);
    memcpy(reply, m, 6);
    reply[5] = count;
    if (send(end->fd, reply, 6 + count, MSG_NOSIGNAL) < 0) return;
    memmove(m, m + 12, end->filled -= 12);
  }
}

static void frame(int lane, long number, int people, uint8_t *f) {
  long phase = (number + (long)lane * cycle_frames / lane_count) % cycle_frames;
  int object = people && number >= cycle_frames && phase < warm_frames ? 3500 : 2450, ambient = 2400;
  memcpy(f, (uint8_t[]){0x5a, 0x5a, 0x45, 4, object >> 8, object, ambient >> 8, ambient, 0}, 9);
  for (int i = 0; i < 8; i++) f[8] += f[i];
}

int main(int argc, char **argv) {
  if (argc != 8) return 64;
  const char *folder = argv[1];
  int people = atoi(argv[3]), port = atoi(argv[4]);
  lane_count = atoi(argv[2]);
  probes = atoi(argv[5]);
  reply_after = atol(argv[6]) * 1000;
  epoll = epoll_create1(0);
  int file = open(argv[7], O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || ftruncate(file, sizeof *stamps)) fail(argv[7]);
  stamps = mmap(NULL, sizeof *stamps, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  for (int i = 0; i < lane_count; i++) {
    thermometers[i] = terminal(folder, "thermometer", i);
    watch(thermometer, thermometers[i], i);
    if (!port) {
      buses[i] = terminal(folder, "bus", i);
      watch(bus, buses[i], i);
    }
  }
  /* A gateway a board: 127.0.0.1, 127.0.0.2, … */
  for (int board = 0; port && board * 4 < lane_count; board++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK + board)};
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 64)) fail("listen");
    watch(listener, fd, 0);
  }
  setvbuf(stdout, NULL, _IOFBF, 1 << 20);
  puts("ready");
  fflush(stdout);
  watch(control, 0, 0);

  /* A frame's first eight bytes go out a millisecond before its last, as on a line of 9600 baud. */
  int64_t begin = 0, half = 0;
  uint8_t next[9];
  for (int ended = 0; !ended;) {
    int64_t due = begin ? begin + half / 2 * frame_every / lane_count + (half % 2 ? 1000000 : 0) : INT64_MAX;
    int64_t wake = due;
    for (int i = 0; i < lane_count; i++)
      if (replies[i].at && replies[i].at < wake) wake = replies[i].at;
    struct epoll_event events[16];
    int64_t left = wake - now_ns();
    if (left < 0) left = 0;
    struct timespec timeout = {left / 1000000000, left % 1000000000};
    int n = epoll_pwait2(epoll, events, 16, wake == INT64_MAX ? NULL : &timeout, NULL);
    for (int i = 0; i < n; i++) {
      struct end *end = &ends[events[i].data.u32];
      char line[64];
      switch (end->kind) {
      case thermometer: if (read(end->fd, line, sizeof line) < 0) {} break;
      case bus: bus_spoke(end); break;
      case connection: connection_spoke(end); break;
      case listener: {
        int fd = accept4(end->fd, NULL, NULL, SOCK_CLOEXEC);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        if (fd >= 0) watch(connection, fd, 0);
        break;
      }
      case control:
        ended = read(0, line, sizeof line) <= 0;
        if (!begin) begin = now_ns();
        break;
      }
    }
    int64_t now = now_ns();
    for (int i = 0; i < lane_count; i++) {
      if (!replies[i].at || replies[i].at > now) continue;
      replies[i].at = 0;
      if (write(buses[i], replies[i].bytes, replies[i].count) < 0) fail("reply");
    }
    if (now < due) continue;
    int lane = half / 2 % lane_count;
    if (half % 2 == 0) {
      frame(lane, half / 2 / lane_count, people, next);
      if (write(thermometers[lane], next, 8) != 8) {}
    } else {
      last_byte_at[lane] = now_ns();
      if (write(thermometers[lane], next + 8, 1) != 1) {}
    }
    half++;
  }
  fflush(stdout);
  return 0;
}
