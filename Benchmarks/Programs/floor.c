/* The floor that the door's latency is measured against: one epoll loop that reads frames, checks their sums, compares with
 * a threshold and writes the gate's bytes. No log, no timers, no devices that come and go, no second person.
 * Usage: floor FOLDER LANES TCP_PORT. Four lanes share a board (unit 1 on the first connection, 2 on the second …). */
#define _GNU_SOURCE
#include "stamps.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { lanes_max = 64 };

static struct lane {
  int fd, warm, decided, filled;
  int64_t since;
  uint8_t bytes[64];
} lanes[lanes_max];
static int boards[lanes_max];
static uint16_t transaction;

static void open_gate(int lane) {
  uint8_t m[12] = {transaction >> 8, transaction, 0, 0, 0, 6, 1 + lane / 4, 5, 2, lane % 4, 0, 1};
  transaction++;
  if (send(boards[lane / 4], m, sizeof m, MSG_NOSIGNAL) != sizeof m) exit(1);
}

static void frame(int lane, const uint8_t *f) {
  struct lane *l = &lanes[lane];
  double object = (int16_t)(f[4] << 8 | f[5]) * 0.01, ambient = (int16_t)(f[6] << 8 | f[7]) * 0.01;
  if (object < 30.0 || object < ambient + 3.0) {
    l->warm = l->decided = 0;
    return;
  }
  int64_t now = now_ns();
  if (++l->warm == 3) l->since = now;
  if (l->warm < 3 || l->decided || now - l->since < 500000000 || object + 1.6 >= 37.3) return;
  l->decided = 1;
  open_gate(lane);
}

static void received(int lane) {
  struct lane *l = &lanes[lane];
  ssize_t n = read(l->fd, l->bytes + l->filled, sizeof l->bytes - l->filled);
  if (n <= 0) return;
  l->filled += n;
  int at = 0;
  while (l->filled - at >= 9) {
    uint8_t *f = l->bytes + at, sum = 0;
    for (int i = 0; i < 8; i++) sum += f[i];
    if (f[0] == 0x5a && f[1] == 0x5a && f[2] == 0x45 && f[3] == 4 && f[8] == sum) {
      frame(lane, f);
      at += 9;
    } else {
      at++;
    }
  }
  memmove(l->bytes, l->bytes + at, l->filled -= at);
}

int main(int argc, char **argv) {
  if (argc != 4) return 64;
  int count = atoi(argv[2]), epoll = epoll_create1(0);
  prctl(PR_SET_NAME, "real-time");
  for (int i = 0; i < count; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/thermometer-%d", argv[1], i + 1);
    lanes[i].fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    struct termios raw;
    if (lanes[i].fd < 0 || tcgetattr(lanes[i].fd, &raw)) return 1;
    cfmakeraw(&raw);
    tcsetattr(lanes[i].fd, TCSANOW, &raw);
    tcflush(lanes[i].fd, TCIOFLUSH);
    epoll_ctl(epoll, EPOLL_CTL_ADD, lanes[i].fd, &(struct epoll_event){.events = EPOLLIN, .data.u32 = i});
  }
  for (int i = 0; i * 4 < count; i++) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[3])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    boards[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(boards[i], (struct sockaddr *)&to, sizeof to)) return 1;
    setsockopt(boards[i], IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    epoll_ctl(epoll, EPOLL_CTL_ADD, boards[i], &(struct epoll_event){.events = EPOLLIN, .data.u32 = lanes_max + i});
  }
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[16];
    int n = epoll_wait(epoll, events, 16, -1);
    for (int i = 0; i < n; i++) {
      uint32_t who = events[i].data.u32;
      uint8_t answer[256];
      if (who < lanes_max) {
        received(who);
      } else if (recv(boards[who - lanes_max], answer, sizeof answer, 0) <= 0) {
        return 0;
      }
    }
  }
}
