import Doors
import Driver
import Glibc

@main struct Fuzz {
  static func main() {
    // Safe: the bytes are libFuzzer's and stay where they are until the callback returns.
    exit(unsafe runFuzzer { start, count in
      unsafe fuzzFrames(UnsafeBufferPointer(start: start, count: count).span)
      return 0
    })
  }
}
