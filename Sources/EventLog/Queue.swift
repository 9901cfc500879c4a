// A queue whose front is taken away in large pieces while its back grows. An array's own `removeFirst` moves everything
// behind: with 65,536 events behind a disk that comes back, that is seconds of copying under a lock.

/// First in, first out. Taking an element away costs the same however many wait; what is taken away is freed at once,
/// and an empty queue holds no memory worth naming.
struct Queue<Element> {
  private var slots: [Element?] = []
  private var front = 0

  var count: Int { slots.count - front }
  var first: Element? { count > 0 ? slots[front] : nil }

  /// From the front; `nil` behind the end.
  subscript(index: Int) -> Element? { index >= 0 && index < count ? slots[front + index] : nil }

  mutating func append(_ element: Element) { slots.append(element) }

  func prefix(_ length: Int) -> [Element] { slots[front..<front + min(max(0, length), count)].compactMap(\.self) }

  mutating func removeFirst(_ length: Int) {
    let end = front + min(max(0, length), count)
    for index in front..<end { slots[index] = nil }
    front = end
    if front == slots.count {
      slots.removeAll(keepingCapacity: slots.capacity <= 1024)
      front = 0
    } else if front > slots.count / 2 {
      slots.removeFirst(front)
      front = 0
    }
  }
}

extension Queue: Sendable where Element: Sendable {}
