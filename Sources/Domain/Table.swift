// `Table` owns fixed memory for rows of one trivially copyable type. It is the only unsafe storage of the
// thinking modules: arrays are refused inside a function that promises neither locks nor allocation, since
// reading an element may retain. A `Table` is sized once, at start; its bounds are checked in release too.
//
// The accessors are always inlined and therefore carry no annotation of their own: a generic function cannot
// promise anything before it is specialised, while the annotated caller it is inlined into is checked whole.
//
// Memory: one block, `capacity` rows, initialised. Safe because rows are `BitwiseCopyable`, the block lives as
// long as the table, the table cannot be copied, and every index is checked.

/// A fixed number of rows, allocated once.
///
///     var lanes = Table(capacity: 4, filledWith: Lane())
///     lanes[2].state = .free
@safe public struct Table<Row: BitwiseCopyable>: ~Copyable {
  @usableFromInline let base: UnsafeMutablePointer<Row>
  /// How many rows there are; every index is below it.
  public let capacity: Int

  public init(capacity: Int, filledWith row: Row) {
    precondition(capacity >= 0, "A table cannot have a negative number of rows.")
    unsafe base = UnsafeMutablePointer<Row>.allocate(capacity: max(capacity, 1))
    unsafe base.initialize(repeating: row, count: max(capacity, 1))
    self.capacity = capacity
  }

  /// One row an element of `rows`.
  public init(_ rows: [Row], filler: Row) {
    self.init(capacity: rows.count, filledWith: filler)
    for (index, row) in rows.enumerated() { self[index] = row }
  }

  deinit { unsafe base.deallocate() }

  @inlinable @inline(__always)
  public subscript(index: Int) -> Row {
    _read {
      precondition(index >= 0 && index < capacity, "A table was read outside its rows.")
      yield unsafe base[index]
    }
    nonmutating _modify {
      precondition(index >= 0 && index < capacity, "A table was written outside its rows.")
      yield unsafe &base[index]
    }
  }

  /// The bytes of all rows: what a snapshot stores.
  public var byteCount: Int { capacity * MemoryLayout<Row>.stride }

  /// Copies all rows to `bytes[offset...]` and returns the offset behind them.
  @inlinable @inline(__always)
  public func copyBytes(to bytes: borrowing Table<UInt8>, at offset: Int) -> Int {
    let count = capacity &* MemoryLayout<Row>.stride
    precondition(offset >= 0 && count <= bytes.capacity &- offset, "A snapshot is larger than its buffer.")
    unsafe UnsafeMutableRawPointer(bytes.base + offset).copyMemory(from: UnsafeRawPointer(base), byteCount: count)
    return offset &+ count
  }

  /// Replaces all rows by what `copyBytes` wrote, and returns the offset behind them. Only for bytes whose checksum
  /// and layout were checked: any bit pattern is taken as it is.
  @inlinable @inline(__always)
  public func replaceBytes(from bytes: borrowing Table<UInt8>, at offset: Int) -> Int {
    let count = capacity &* MemoryLayout<Row>.stride
    precondition(offset >= 0 && count <= bytes.capacity &- offset, "A snapshot is smaller than its tables.")
    unsafe UnsafeMutableRawPointer(base).copyMemory(from: UnsafeRawPointer(bytes.base + offset), byteCount: count)
    return offset &+ count
  }

  /// The rows as a buffer for a C call of a doing module, valid only inside `body`.
  @unsafe @inlinable @inline(__always)
  public func withUnsafeBuffer<R>(_ body: (UnsafeMutableBufferPointer<Row>) -> R) -> R {
    unsafe body(UnsafeMutableBufferPointer(start: base, count: capacity))
  }

  /// All rows, read only, as long as the table is not written.
  @inlinable
  public var span: Span<Row> {
    @inline(__always) @_lifetime(borrow self)
    get { unsafe _overrideLifetime(Span(_unsafeStart: base, count: capacity), borrowing: self) }
  }
}

extension Table: @unchecked Sendable where Row: Sendable {}
