#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Pins the calling thread to this CPU, if it may.
void reference_pin(int cpu);
/// Monotonic nanoseconds.
int64_t reference_now(void);

/// Nanoseconds of `count` round trips of a number over two rings, between CPU 0 (this thread) and CPU 1.
int64_t reference_round_trips(int64_t count);
/// Nanoseconds in which `count` slots of 8 or 64 bytes cross one ring of `capacity` slots.
int64_t reference_bulk8(int64_t count, int64_t capacity);
int64_t reference_bulk64(int64_t count, int64_t capacity);

#ifdef __cplusplus
}
#endif
