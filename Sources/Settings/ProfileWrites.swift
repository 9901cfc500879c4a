// What a profile allows to be written.

import Devices
import Domain

func readWrites(_ section: Section, isModbus: Bool) -> [Write] {
  section.named("write").compactMap { name, entry in
    guard let write = entry.section() else { return nil }
    defer { write.close() }
    let needsPerson = write.optional("confirm")?.flag() ?? false
    let kind = isModbus ? readRegisterWrite(write, entry) : readByteWrite(write, entry)
    return kind.map { Write(name: name, kind: $0, needsPerson: needsPerson) }
  }
}

private func readRegisterWrite(_ write: Section, _ entry: Entry) -> WriteKind? {
  if let coil = write.optional("coil") {
    guard let address = coil.whole(0...65_535), let count = write.required("count")?.whole(1...32) else { return nil }
    return .coil(address: address, count: count)
  }
  if let pulse = write.optional("pulse") {
    guard let address = pulse.whole(0...65_535), let count = write.required("count")?.whole(1...32),
      let unit = write.required("unit_ms")?.interval(unit: 1e-3, 1...60_000, "ms")
    else { return nil }
    return .pulse(address: address, count: count, unit: unit)
  }
  if let holding = write.optional("holding") {
    guard let address = holding.whole(0...65_535) else { return nil }
    if let range = write.optional("range") {
      let scale = write.optional("scale")?.number(1e-9...1e9) ?? 1
      guard let ends = range.ends() else { return nil }
      guard ends.lowerBound / scale >= -32_768, ends.upperBound / scale <= 65_535 else {
        return range.expected("a range that fits a register: raw = value / scale", nil)
      }
      return .setting(address: address, range: ends, scale: scale)
    }
    return write.required("value")?.whole(0...65_535).map { .register(address: address, value: UInt16($0)) }
  }
  return entry.expected("one of coil, pulse or holding", nil)
}

private func readByteWrite(_ write: Section, _ entry: Entry) -> WriteKind? {
  let check = write.optional("check").map { readCheck($0, tail: 0, nil) } ?? Check.none
  if let onEntry = write.optional("on") {
    let on = onEntry.hex(1...64)
    let off = write.required("off")?.hex(1...64)
    let at = write.required("channel_at")?.whole(0...63)
    let count = write.required("count")?.whole(1...32)
    guard let on, let off, let at, let count, let check else { return nil }
    guard on.count == off.count, at < on.count else {
      return entry.expected("on and off of the same length, with room for the channel", nil)
    }
    if on == off { return entry.expected("on and off that differ", nil) }
    return .relay(RelayBytes(on: on, off: off, channelAt: at, count: count, check: check))
  }
  guard let bytes = write.required("send")?.hex(1...64), let check else { return nil }
  guard let number = write.optional("number")?.section() else { return .bytes(bytes) }
  defer { number.close() }
  let at = number.required("at")?.whole(0...63)
  let type = number.required("type").flatMap { $0.choice(numberTypes) }
  let range = number.required("range")?.ends()
  let scale = number.optional("scale")?.number(1e-9...1e9) ?? 1
  guard let at, let type, let range else { return nil }
  guard at + type.width <= bytes.count else { return entry.expected("bytes with room for the number", nil) }
  guard type.isWritable, type.room.contains(range.lowerBound / scale), type.room.contains(range.upperBound / scale) else {
    return entry.expected("a number of at most four bytes with room for the range: raw = value / scale", nil)
  }
  return .number(NumberBytes(bytes: bytes, at: at, type: type, range: range, scale: scale, check: check))
}

extension Entry {
  /// `[lowest, highest]`.
  func ends() -> ClosedRange<Double>? {
    let ends = list()?.compactMap { $0.number(-4_294_967_296...4_294_967_296) } ?? []
    guard ends.count == 2, ends[0] <= ends[1] else {
      note("expected [lowest, highest]")
      return nil
    }
    return ends[0]...ends[1]
  }
}
