// A value in an event's data, of whatever type: readers show and count events of types they do not know.

/// A value in an event's data.
public enum Fact: Decodable, Hashable, Sendable {
  case none, text(String), number(Double), truth(Bool), list([Fact]), object([String: Fact])

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .none
    } else if let value = try? container.decode(Bool.self) {
      self = .truth(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([Fact].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: Fact].self))
    }
  }
}
