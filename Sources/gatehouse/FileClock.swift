// The clock of a file of measurements: its rows in order of time, as hours since the midnight before the first, and back again
// to what people read.

import Foundation

/// Which moment an hour of a file is.
struct FileClock {
  let kind: MeasuredTime.Kind
  /// Seconds, of the file's times, of the midnight before the first row.
  private let base: Double
  /// From an hour on, seconds east of UTC; never empty.
  private let offsets: [(from: Double, seconds: Int32)]

  /// - Parameter times: in order.
  init(_ times: [MeasuredTime]) {
    let first = times.first ?? MeasuredTime(label: 0)
    kind = first.kind
    let offset = Double(first.offset)
    let base = kind == .elapsed ? 0 : ((first.seconds + offset) / 86_400).rounded(.down) * 86_400 - offset
    self.base = base
    offsets = times.reduce(into: [(-Double.infinity, first.offset)]) { all, time in
      if time.offset != all[all.count - 1].1 { all.append(((time.seconds - base) / 3600, time.offset)) }
    }
  }

  func hours(_ time: MeasuredTime) -> Double { (time.seconds - base) / 3600 }

  private func offset(_ hours: Double) -> Int32 { offsets.last { $0.from <= hours }?.seconds ?? 0 }

  /// Hours on the wall since the midnight before the first row.
  func wall(_ hours: Double) -> Double { hours + Double(offset(hours) - offsets[0].seconds) / 3600 }

  /// The hour of a time of day on the wall; of two, as in the night when clocks go back, the first.
  func hours(day: Int, timeOfDay: Double) -> Double {
    let wall = Double(day) * 24 + timeOfDay
    let candidates = offsets.map { wall - Double($0.seconds - offsets[0].seconds) / 3600 }
    return candidates.filter { abs(self.wall($0) - wall) < 1e-6 }.min() ?? wall
  }

  private func civil(_ hours: Double, seconds: Bool) -> (day: String, time: String) {
    let local = (base + hours * 3600 + Double(offset(hours))).rounded()
    let days = Int((local / 86_400).rounded(.down))
    let second = Int(local) - days * 86_400
    let date = civilDate(daysSince1970: days)
    let time = String(format: "%02d:%02d", second / 3600, second / 60 % 60) + (seconds ? String(format: ":%02d", second % 60) : "")
    return (String(format: "%04d-%02d-%02d", date.year, date.month, date.day), time)
  }

  /// `2026-11-23 14:47`, `14.78 h`.
  func text(_ hours: Double) -> String {
    if kind == .elapsed { return "\(decimal(hours)) h" }
    let civil = civil(hours, seconds: false)
    return "\(civil.day) \(civil.time)"
  }

  /// `2026-11-23`, `day 1`.
  func dayText(_ day: Int) -> String { kind == .elapsed ? "day \(day + 1)" : civil(hours(day: day, timeOfDay: 12), seconds: false).day }

  /// For programs: RFC 3339, with an offset where the file has one; a number of hours.
  func moment(_ hours: Double) -> FileMoment {
    if kind == .elapsed { return .hours((hours * 1e6).rounded() / 1e6) }
    let civil = civil(hours, seconds: true)
    guard kind == .moment else { return .text("\(civil.day)T\(civil.time)") }
    let minutes = Int(offset(hours)) / 60
    return .text("\(civil.day)T\(civil.time)" + String(format: "%@%02d:%02d", minutes < 0 ? "-" : "+", abs(minutes) / 60, abs(minutes) % 60))
  }
}

extension MeasuredTime {
  init(label seconds: Double) {
    kind = .label
    self.seconds = seconds
  }
}

/// A moment of a file in JSON.
enum FileMoment: Encodable, Equatable {
  case hours(Double), text(String)

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .hours(let hours): try container.encode(hours)
    case .text(let text): try container.encode(text)
    }
  }
}
