// A room's measurements out of somebody's file: in order of time, each time once.

import Analysis
import Foundation

/// What a file says of a room, and in what order it was.
struct AirFile {
  var trace: RoomTrace
  var clock: FileClock
  /// Rows of the file.
  var count: Int
  /// Rows that came behind a later one.
  var unsorted: Int
  /// Rows whose time was there already: the first one counts.
  var repeated: Int
  var unused: [String]

  private static let open: [String: Double] = [
    "open": 1, "opened": 1, "on": 1, "true": 1, "yes": 1, "开": 1, "closed": 0, "shut": 0, "off": 0, "false": 0, "no": 0, "关": 0,
  ]

  static let columns = [
    MeasuredColumn(
      name: "co2_ppm", names: ["co2", "carbon_dioxide", "二氧化碳"], units: ["": (1, 0), "ppm": (1, 0), "percent": (10_000, 0)], isRequired: true),
    MeasuredColumn(name: "temperature_c", names: ["temperature", "temp", "t", "温度"], units: MeasuredColumn.celsius),
    MeasuredColumn(name: "humidity_percent", names: ["humidity", "relative_humidity", "rh", "湿度", "相对湿度"], units: MeasuredColumn.percent),
    MeasuredColumn(name: "occupants", names: ["occupants", "people", "persons", "occupancy", "head_count", "人数"]),
    MeasuredColumn(name: "window", names: ["window", "windows", "window_open", "ventilation", "窗", "窗户"], words: open),
  ]

  init(path: String) throws {
    let file = try MeasuredFile(path: path, columns: Self.columns, needsTime: true)
    count = file.count
    unused = file.unused
    let times = file.times
    unsorted = zip(times, times.dropFirst()).count { $1.seconds < $0.seconds }
    let isSorted = unsorted == 0
    // Of equal times the first of the file stays.
    let order = isSorted ? Array(times.indices) : times.indices.sorted { (times[$0].seconds, $0) < (times[$1].seconds, $1) }
    var kept: [Int] = []
    kept.reserveCapacity(order.count)
    for index in order where kept.last.map({ times[$0].seconds < times[index].seconds }) ?? true { kept.append(index) }
    repeated = order.count - kept.count
    clock = FileClock(kept.map { times[$0] })
    let clock = clock
    let hours = kept.map { clock.hours(times[$0]) }
    if let first = hours.first, let last = hours.last, last - first > Self.hoursMax {
      throw FileProblem(
        file: path, message: "found times from \(clock.text(first)) to \(clock.text(last)), expected ten years at most; is one of them wrong?")
    }
    func values(_ name: String) -> [Double]? { file.columns[name].map { column in kept.map { column[$0] } } }
    trace = RoomTrace(hours: hours, ppm: values("co2_ppm") ?? [], people: values("occupants"), isOpen: values("window"))
  }

  /// A slip in one date must not make a room of a thousand years.
  private static let hoursMax = 10 * 366.0 * 24
}
