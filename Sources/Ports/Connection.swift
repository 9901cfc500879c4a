// Starts and finishes connections of Modbus TCP without ever blocking. Names are looked up elsewhere (Lookup.swift);
// here are numeric addresses only.

import CLinux
import Domain
import Glibc

/// A peer's address, ready to connect to.
struct Address: Sendable {
  var bytes: [UInt8]
  var family: Int32
}

enum Connection {
  /// Begins to connect. The descriptor is writable when it is done; then `finish` tells how it went.
  static func begin(_ address: Address) throws(OpenFailure) -> Int32 {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let made = socket(address.family, kind, 0)
    guard made >= 0 else { throw failed(errno) }
    let descriptor = raiseDescriptor(made)
    setOptions(descriptor)
    let result = unsafe address.bytes.withUnsafeBytes { raw in
      unsafe connect(
        descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
    }
    if result != 0 && errno != EINPROGRESS {
      let code = errno
      close(descriptor)
      throw failed(code)
    }
    return descriptor
  }

  /// The outcome of a connect that was begun: 0, or its error number.
  static func outcome(_ descriptor: Int32) -> Int32 {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno
  }

  static func failed(_ code: Int32) -> OpenFailure {
    OpenFailure(failure: failureToOpen(code), code: code, explanation: "No connection: \(describe(code)).")
  }

  /// Requests are small and answered one by one: no delay. A peer that vanished is noticed within about 25 s even when
  /// nothing is sent, within 10 s when something is.
  private static func setOptions(_ descriptor: Int32) {
    set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, 10)
    set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, 5)
    set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, 10_000)
  }

  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}

/// Why a host of a connection is not known; `nil`: it is. It may ask the network, so it is for tools.
public func whyUnknown(host: String) -> String? {
  switch Address.resolve(host: host, port: 502, numericOnly: false) {
  case .success: nil
  case .failure(let failure): failure.explanation
  }
}

extension Address {
  /// Asks the resolver for all addresses of a host. With `numericOnly` it never looks anything up and never blocks.
  static func resolve(host: String, port: Int, numericOnly: Bool) -> Result<[Address], OpenFailure> {
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_NUMERICSERV | (numericOnly ? AI_NUMERICHOST : 0)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = unsafe getaddrinfo(host, String(port), &hints, &list)
    defer { if let list = unsafe list { unsafe freeaddrinfo(list) } }
    guard code == 0, unsafe list != nil else {
      let said = unsafe String(cString: gai_strerror(code))
      return .failure(
        OpenFailure(failure: .unreachable, code: EHOSTUNREACH, explanation: "The host \(host) is not known: \(said)."))
    }
    var addresses: [Address] = []
    var entry = unsafe list
    while let one = unsafe entry?.pointee {
      if let address = unsafe one.ai_addr {
        let bytes = unsafe UnsafeRawBufferPointer(start: address, count: Int(one.ai_addrlen))
        addresses.append(Address(bytes: unsafe Array(bytes), family: unsafe one.ai_family))
      }
      unsafe entry = unsafe one.ai_next
    }
    return .success(addresses)
  }
}
