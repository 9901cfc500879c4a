// The ring of Sources/Rings in C++ with std::atomic: the same algorithm (each side keeps a copy of the other's counter),
// the same padding, the same memory orders. What Swift's ring is measured against.

#include "include/reference.h"

#include <atomic>
#include <cstddef>
#include <ctime>
#include <new>
#include <pthread.h>
#include <sched.h>
#include <thread>

namespace {

template <typename Slot> class Ring {
  struct alignas(128) Side {
    std::atomic<int64_t> counter{0};
    int64_t seen = 0;
  };
  Side consumer, producer;
  alignas(128) const int64_t capacity;
  Slot *const slots;

public:
  explicit Ring(int64_t capacity) : capacity(capacity), slots(static_cast<Slot *>(::operator new(sizeof(Slot) * capacity))) {}
  ~Ring() { ::operator delete(slots); }

  bool push(const Slot &slot) {
    const int64_t tail = producer.counter.load(std::memory_order_relaxed);
    if (tail - producer.seen >= capacity) {
      producer.seen = consumer.counter.load(std::memory_order_acquire);
      if (tail - producer.seen >= capacity) return false;
    }
    slots[tail & (capacity - 1)] = slot;
    producer.counter.store(tail + 1, std::memory_order_release);
    return true;
  }

  bool pop(Slot &slot) {
    const int64_t head = consumer.counter.load(std::memory_order_relaxed);
    if (head == consumer.seen) {
      consumer.seen = producer.counter.load(std::memory_order_acquire);
      if (head == consumer.seen) return false;
    }
    slot = slots[head & (capacity - 1)];
    consumer.counter.store(head + 1, std::memory_order_release);
    return true;
  }
};

struct Slot64 {
  uint64_t numbers[8];
};

uint64_t number(uint64_t slot) { return slot; }
uint64_t number(const Slot64 &slot) { return slot.numbers[7]; }
void fill(uint64_t &slot, uint64_t value) { slot = value; }
void fill(Slot64 &slot, uint64_t value) {
  for (auto &number : slot.numbers) number = value;
}

template <typename Slot> int64_t bulk(int64_t count, int64_t capacity) {
  Ring<Slot> ring(capacity);
  std::atomic<bool> go{false};
  std::thread producer([&] {
    reference_pin(1);
    while (!go.load()) {}
    for (int64_t i = 0; i < count; i++) {
      Slot slot;
      fill(slot, i);
      while (!ring.push(slot)) {}
    }
  });
  reference_pin(0);
  const int64_t start = reference_now();
  go.store(true);
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; i++) {
    Slot slot;
    while (!ring.pop(slot)) {}
    sum += number(slot);
  }
  const int64_t took = reference_now() - start;
  producer.join();
  return sum == uint64_t(count) * uint64_t(count - 1) / 2 ? took : -1;
}

}  // namespace

void reference_pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

int64_t reference_now(void) {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t(time.tv_sec) * 1000000000 + time.tv_nsec;
}

int64_t reference_round_trips(int64_t count) {
  Ring<uint64_t> there(64), back(64);
  std::atomic<bool> go{false};
  std::thread other([&] {
    reference_pin(1);
    while (!go.load()) {}
    for (int64_t i = 0; i < count; i++) {
      uint64_t number;
      while (!there.pop(number)) {}
      while (!back.push(number)) {}
    }
  });
  reference_pin(0);
  const int64_t start = reference_now();
  go.store(true);
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; i++) {
    uint64_t number;
    while (!there.push(i)) {}
    while (!back.pop(number)) {}
    sum += number;
  }
  const int64_t took = reference_now() - start;
  other.join();
  return sum == uint64_t(count) * uint64_t(count - 1) / 2 ? took : -1;
}

int64_t reference_bulk8(int64_t count, int64_t capacity) { return bulk<uint64_t>(count, capacity); }
int64_t reference_bulk64(int64_t count, int64_t capacity) { return bulk<Slot64>(count, capacity); }
