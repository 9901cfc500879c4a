// A table is fixed memory with checked bounds; its bytes survive a round trip, as a snapshot needs.

import Domain
import Testing

private struct Row: BitwiseCopyable, Equatable {
  var number: Int64 = 0
  var flag = false
}

@Suite struct TableTests {
  @Test func rowsAreWrittenInPlace() {
    let table = Table(capacity: 3, filledWith: Row())
    table[1].number = 7
    table[2].flag = true
    #expect(table[0] == Row())
    #expect(table[1] == Row(number: 7))
    #expect(table[2].flag)
  }

  @Test func bytesComeBack() {
    let table = Table([Row(number: 1), Row(number: -2, flag: true)], filler: Row())
    let bytes = Table<UInt8>(capacity: table.byteCount + 5, filledWith: 0)
    #expect(table.copyBytes(to: bytes, at: 5) == bytes.capacity)
    let other = Table(capacity: 2, filledWith: Row())
    #expect(other.replaceBytes(from: bytes, at: 5) == bytes.capacity)
    #expect(other[0] == table[0] && other[1] == table[1])
  }

  @Test func anIndexOutsideStopsTheProcess() async {
    await #expect(processExitsWith: .failure) {
      let table = Table<UInt8>(capacity: 2, filledWith: 0)
      table[2] = 1
    }
    await #expect(processExitsWith: .failure) {
      let table = Table<UInt8>(capacity: 2, filledWith: 0)
      _ = table[-1]
    }
  }

  @Test func aTableWithoutRowsIsAllowed() {
    let table = Table<UInt8>(capacity: 0, filledWith: 0)
    #expect(table.capacity == 0)
    let empty = table.span.isEmpty
    #expect(empty)
  }
}
