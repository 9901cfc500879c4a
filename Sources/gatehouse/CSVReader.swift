// Tables of text, row by row (RFC 4180): other people's files, of any length, with what spreadsheets and loggers make of
// them: a byte order mark, either end of line, commas, semicolons or tabs. Only one piece and one row are in memory.

import Foundation

/// What is wrong with somebody's file, and where.
struct FileProblem: Error, Equatable, CustomStringConvertible {
  var file: String
  /// From 1; 0: the file itself.
  var line = 0
  /// The first letter of the cell, from 1, in bytes.
  var column = 0
  var message: String

  /// As compilers say it, so that editors find the place.
  var description: String { (line > 0 ? "\(file):\(line):\(column)" : file) + "  \(message)" }
}

/// Reads rows until there are none.
struct CSVReader {
  /// More is no table, or a quote that is not closed.
  static let rowBytesMax = 1 << 20
  static let cellsMax = 4096

  let file: String
  /// Between cells: a comma, a semicolon or a tab, whichever the first line has most of.
  private(set) var separator = UInt8(ascii: ",")
  /// Where the row that was read begins, from 1.
  private(set) var line = 0

  private let read: () throws -> [UInt8]
  private var piece: [UInt8] = []
  private var place = 0
  private var isAtEnd = false
  /// The line and the column of the next byte.
  private var nextLine = 1
  private var nextColumn = 1
  private var bytes: [UInt8] = []
  private var cells: [(end: Int, line: Int, column: Int)] = []

  /// - Parameter read: the next piece of the file; empty: there is no more.
  init(file: String, read: @escaping () throws -> [UInt8]) throws {
    self.file = file
    self.read = read
    try fill()
    if piece.starts(with: [0xFF, 0xFE]) || piece.starts(with: [0xFE, 0xFF]) {
      throw problem("found text in UTF-16, expected UTF-8: save it as \"CSV UTF-8\"")
    }
    if piece.starts(with: [0xEF, 0xBB, 0xBF]) { place = 3 }
    separator = likelySeparator()
  }

  init(path: String) throws {
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw FileProblem(file: path, message: "there is no such file")
    }
    if isFolder.boolValue { throw FileProblem(file: path, message: "found a folder, expected a file") }
    do {
      let handle = try FileHandle(forReadingFrom: URL(filePath: path))
      try self.init(file: path) { Array(try handle.read(upToCount: 1 << 16) ?? Data()) }
    } catch let problem as FileProblem {
      throw problem
    } catch {
      throw FileProblem(file: path, message: "cannot be read: \(error.localizedDescription)")
    }
  }

  /// Cells of the row that was read.
  var count: Int { cells.count }

  /// A cell without blanks around it; what is not UTF-8 in it becomes U+FFFD.
  func text(_ index: Int) -> String { String(decoding: trimmed(index), as: UTF8.self) }

  /// The bytes of a cell without blanks around it; none beyond the last.
  func trimmed(_ index: Int) -> ArraySlice<UInt8> {
    guard cells.indices.contains(index) else { return [] }
    var slice = bytes[(index == 0 ? 0 : cells[index - 1].end)..<cells[index].end]
    while let first = slice.first, first == 0x20 || first == 0x09 { slice.removeFirst() }
    while let last = slice.last, last == 0x20 || last == 0x09 { slice.removeLast() }
    return slice
  }

  /// What is wrong with a cell of this row; beyond the last: with the row.
  func problem(_ message: String, cell: Int? = nil) -> FileProblem {
    let place = cell.flatMap { cells.indices.contains($0) ? cells[$0] : nil }
    return FileProblem(file: file, line: place?.line ?? max(line, 1), column: place?.column ?? 1, message: message)
  }

  /// Reads the next row that is not blank; `false`: there is none.
  mutating func next() throws -> Bool {
    while true {
      bytes.removeAll(keepingCapacity: true)
      cells.removeAll(keepingCapacity: true)
      line = nextLine
      guard try readRow() else { return false }
      if cells.count > 1 || !trimmed(0).isEmpty { return true }
    }
  }

  private mutating func fill() throws {
    piece = isAtEnd ? [] : try read()
    place = 0
    isAtEnd = piece.isEmpty
  }

  private mutating func peek() throws -> UInt8? {
    if place == piece.count { try fill() }
    return isAtEnd ? nil : piece[place]
  }

  private mutating func step() {
    place += 1
    nextColumn += 1
  }

  private mutating func endLine(_ byte: UInt8) throws {
    step()
    if byte == 0x0D, try peek() == 0x0A { step() }
    nextLine += 1
    nextColumn = 1
  }

  private mutating func readRow() throws -> Bool {
    guard try peek() != nil else { return false }
    while true {
      let start = (line: nextLine, column: nextColumn)
      if try peek() == UInt8(ascii: "\"") { try readQuoted() }
      let isQuoted = nextColumn != start.column || nextLine != start.line
      var isLast = false
      cell: while true {
        guard let byte = try peek() else {
          isLast = true
          break
        }
        switch byte {
        case separator:
          step()
          break cell
        case 0x0A, 0x0D:
          try endLine(byte)
          isLast = true
          break cell
        case 0:
          throw FileProblem(file: file, line: nextLine, column: nextColumn, message: "found a zero byte, expected a table of text")
        default:
          if isQuoted, byte != 0x20 {
            throw FileProblem(
              file: file, line: nextLine, column: nextColumn,
              message: "found text behind a closing quote, expected the next cell; a quote within quotes is written twice")
          }
          try keep(byte, start)
          step()
        }
      }
      guard cells.count < Self.cellsMax else {
        throw FileProblem(file: file, line: line, column: 1, message: "found more than \(Self.cellsMax) cells in a row")
      }
      cells.append((bytes.count, start.line, start.column))
      if isLast { return true }
    }
  }

  private mutating func readQuoted() throws {
    let start = (line: nextLine, column: nextColumn)
    step()
    while true {
      guard let byte = try peek() else {
        throw FileProblem(file: file, line: start.line, column: start.column, message: "found a quote that is not closed")
      }
      if byte == UInt8(ascii: "\"") {
        step()
        guard try peek() == UInt8(ascii: "\"") else { return }
      }
      try keep(byte, start)
      if byte == 0x0A || byte == 0x0D { try endLine(byte) } else { step() }
    }
  }

  private mutating func keep(_ byte: UInt8, _ start: (line: Int, column: Int)) throws {
    guard bytes.count < Self.rowBytesMax else {
      throw FileProblem(
        file: file, line: start.line, column: start.column,
        message: "found a row of more than \(Self.rowBytesMax) bytes, expected a table; is a quote not closed?")
    }
    bytes.append(byte)
  }

  private func likelySeparator() -> UInt8 {
    var counts: [UInt8: Int] = [:]
    var isQuoted = false
    for byte in piece[place...] {
      if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
      if isQuoted { continue }
      if byte == 0x0A || byte == 0x0D { break }
      counts[byte, default: 0] += 1
    }
    return [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09].max { counts[$0, default: 0] < counts[$1, default: 0] } ?? UInt8(ascii: ",")
  }
}
