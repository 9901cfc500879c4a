// "Did you mean": the candidate with the smallest edit distance, if it is near enough to be a slip of the fingers; or else
// the only one that goes on where the word ends, as `volume_m3` does for `volume`.

/// The nearest of `candidates`, or `nil` when none is near: at most a third of the letters differ, and at least one may.
func nearest(to word: String, in candidates: [String]) -> String? {
  guard word.utf8.count <= 64 else { return nil }
  let scored = candidates.map { ($0, editDistance(word, $0)) }
  guard let best = scored.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }) else { return nil }
  if best.1 <= max(2, word.count / 3), best.1 < max(word.count, 2) { return best.0 }
  let longer = candidates.filter { word.count >= 3 && $0.hasPrefix(word) }
  return longer.count == 1 ? longer[0] : nil
}

/// Insertions, deletions, replacements and swaps of neighbours, each counted 1.
func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a.utf8)
  let b = Array(b.utf8)
  var twoAgo: [Int] = []
  var last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, twoAgo[j - 1] + 1) }
      row.append(cost)
    }
    twoAgo = last
    last = row
  }
  return last[b.count]
}
