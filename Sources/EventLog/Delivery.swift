// The form in which an event leaves the log: its body, with the members that are known only then. The body's bytes are
// never rewritten; the delivered form is made anew each time.

public import Foundation

extension FormattedEvent {
  /// The CloudEvent with its personal values, before any log has it.
  public var whole: Data { joined(Data(body), personal.map { Data($0.content) }) { _ in } }
}

/// The CloudEvent as it is delivered. `personal` are the contents of the personal rows that are still there.
func delivered(_ body: Data, seq: Int64?, personal: [Data]) -> Data {
  joined(body, personal) { event in
    event["durable"] = seq != nil
    if let seq { event["seq"] = seq }
  }
}

private func joined(_ body: Data, _ personal: [Data], _ change: (inout [String: Any]) -> Void) -> Data {
  guard var event = object(body) else { return body }
  change(&event)
  if !personal.isEmpty, var data = event["data"] as? [String: Any] {
    for row in personal { for (key, value) in object(row) ?? [:] { data[key] = value } }
    event["data"] = data
  }
  return (try? JSONSerialization.data(withJSONObject: event, options: [.sortedKeys, .withoutEscapingSlashes])) ?? body
}

private func object(_ json: Data) -> [String: Any]? {
  (try? JSONSerialization.jsonObject(with: json)) as? [String: Any]
}
