// Opens a tty for one program alone, raw, and checks that the settings took.
//
// Runs on the keeper's thread only: open, tcsetattr and close can block for seconds on a bad adapter. VMIN is 1, so that
// a read of nothing is EAGAIN and a read of zero bytes means a hang-up; with VMIN 0 the two cannot be told apart.

import CLinux
import Domain
import Glibc

/// Why something could not be opened.
struct OpenFailure: Error {
  var failure: PortFailure
  var code: Int32
  /// What a person needs to know.
  var explanation: String
}

enum SerialLine {
  /// Opens, locks, sets and flushes. The caller owns the descriptor.
  static func open(_ path: String, _ line: Line) throws(OpenFailure) -> Int32 {
    let descriptor = unsafe Glibc.open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw unopened(path, errno) }
    do {
      try claim(descriptor, path)
      try set(descriptor, path, line)
    } catch {
      close(descriptor)
      throw error
    }
    do throws(OpenFailure) {
      try setModemLines(descriptor, path, line)
      if line.rs485 { try switchByRTS(descriptor, path) }
    } catch {
      close(descriptor)
      throw error
    }
    askLowLatency(descriptor)
    tcflush(descriptor, TCIOFLUSH)
    return descriptor
  }

  /// Gives the tty back. Closing may block, so this too is the keeper's.
  static func release(_ descriptor: Int32) {
    if !isPseudoTerminal(descriptor) { _ = ioctl(descriptor, UInt(TIOCNXCL)) }
    close(descriptor)
  }

  /// The lock keeps out programs that ask for it; TIOCEXCL all others but root. A pseudo-terminal only gets the lock:
  /// its flag outlives a killed holder for as long as the other end is open, and no strange program looks for it.
  private static func claim(_ descriptor: Int32, _ path: String) throws(OpenFailure) {
    guard isatty(descriptor) == 1 else {
      throw OpenFailure(failure: .refused, code: ENOTTY, explanation: "\(path) is not a serial line.")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw unopened(path, errno) }
    if !isPseudoTerminal(descriptor), ioctl(descriptor, UInt(TIOCEXCL)) != 0 { throw unopened(path, errno) }
  }

  private static func set(_ descriptor: Int32, _ path: String, _ line: Line) throws(OpenFailure) {
    guard let wanted = terminalSettings(line) else {
      throw OpenFailure(
        failure: .refused, code: EINVAL, explanation: "\(path): a line of \(line.baud) baud is not possible.")
    }
    var asked = wanted
    // A pseudo-terminal has no parity and always 8 bits: asked for nothing but these, it would say no.
    let isPseudo = isPseudoTerminal(descriptor)
    if isPseudo { asked.c_cflag = wanted.c_cflag & ~controlMask | tcflag_t(CREAD | CLOCAL) | tcflag_t(CS8) }
    var found = termios()
    guard unsafe tcsetattr(descriptor, TCSANOW, &asked) == 0, unsafe tcgetattr(descriptor, &found) == 0 else {
      throw unopened(path, errno)
    }
    // tcsetattr succeeds when any of its settings took.
    let kept = isPseudo ? tcflag_t(CREAD | CLOCAL) : controlMask
    guard found.c_cflag & kept == wanted.c_cflag & kept, found.c_iflag == wanted.c_iflag,
      found.c_lflag == wanted.c_lflag, found.c_oflag == wanted.c_oflag,
      unsafe cfgetispeed(&found) == cfgetispeed(&asked), unsafe cfgetospeed(&found) == cfgetospeed(&asked)
    else {
      throw OpenFailure(
        failure: .refused, code: EINVAL,
        explanation: "\(path) does not take \(line.baud) baud, \(line.dataBits)\(line.parity.rawValue)\(line.stopBits).")
    }
  }

  private static func setModemLines(_ descriptor: Int32, _ path: String, _ line: Line) throws(OpenFailure) {
    for (wanted, bit, name) in [(line.rts, TIOCM_RTS, "RTS"), (line.dtr, TIOCM_DTR, "DTR")] {
      guard let wanted else { continue }
      var bits = Int32(bit)
      guard unsafe ioctl(descriptor, UInt(wanted ? TIOCMBIS : TIOCMBIC), &bits) == 0 else {
        throw OpenFailure(failure: .refused, code: errno, explanation: "\(path) has no \(name) that can be set: \(describe(errno)).")
      }
    }
  }

  /// `struct serial_rs485` (linux/serial.h): 32 bytes, flags first; enabled is bit 0, RTS on while sending bit 1.
  private static func switchByRTS(_ descriptor: Int32, _ path: String) throws(OpenFailure) {
    var facts = [UInt32](repeating: 0, count: 8)
    facts[0] = 0b11
    guard unsafe ioctl(descriptor, UInt(TIOCSRS485), &facts) == 0 else {
      throw OpenFailure(
        failure: .refused, code: errno,
        explanation: "\(path): its driver cannot switch RS-485 (\(describe(errno))). Most USB adapters do it themselves: leave rs485 out.")
    }
  }

  /// FTDI adapters hold bytes for up to 16 ms unless the line asks for low latency, which any user may; others ignore
  /// it. `struct serial_struct` (linux/serial.h): 72 bytes, flags at 16; ASYNC_LOW_LATENCY is bit 13.
  private static func askLowLatency(_ descriptor: Int32) {
    var facts = [UInt32](repeating: 0, count: 32)
    guard unsafe ioctl(descriptor, UInt(TIOCGSERIAL), &facts) == 0 else { return }
    facts[4] |= 1 << 13
    _ = unsafe ioctl(descriptor, UInt(TIOCSSERIAL), &facts)
  }

  private static var controlMask: tcflag_t {
    tcflag_t(CSIZE | CSTOPB | CREAD | PARENB | PARODD | CLOCAL) | tcflag_t(CRTSCTS)
  }

  /// All flags written, none inherited: no echo, no translation, no flow control, no signals.
  static func terminalSettings(_ line: Line) -> termios? {
    guard let speed = speed(line.baud) else { return nil }
    var settings = termios()
    settings.c_cflag = tcflag_t(CREAD | CLOCAL) | tcflag_t(line.dataBits == 7 ? CS7 : CS8)
    if line.stopBits == 2 { settings.c_cflag |= tcflag_t(CSTOPB) }
    switch line.parity {
    case .none: break
    case .even: settings.c_cflag |= tcflag_t(PARENB)
    case .odd: settings.c_cflag |= tcflag_t(PARENB | PARODD)
    }
    settings.c_cc.6 = 1  // VMIN
    settings.c_cc.5 = 0  // VTIME
    guard unsafe cfsetispeed(&settings, speed) == 0, unsafe cfsetospeed(&settings, speed) == 0 else { return nil }
    return settings
  }

  private static func speed(_ baud: Int) -> speed_t? {
    let known: [(Int, Int32)] = [
      (1200, B1200), (1800, B1800), (2400, B2400), (4800, B4800), (9600, B9600), (19_200, B19200), (38_400, B38400),
      (57_600, B57600), (115_200, B115200), (230_400, B230400), (460_800, B460800), (500_000, B500000),
      (576_000, B576000), (921_600, B921600), (1_000_000, B1000000), (1_152_000, B1152000), (1_500_000, B1500000),
      (2_000_000, B2000000), (2_500_000, B2500000), (3_000_000, B3000000), (3_500_000, B3500000), (4_000_000, B4000000),
    ]
    return known.first { $0.0 == baud }.map { speed_t($0.1) }
  }

  /// Slaves of /dev/ptmx have the majors 136 to 143.
  private static func isPseudoTerminal(_ descriptor: Int32) -> Bool {
    var facts = stat()
    guard unsafe fstat(descriptor, &facts) == 0 else { return false }
    return (136...143).contains(gnu_dev_major(facts.st_rdev))
  }

  static func unopened(_ path: String, _ code: Int32) -> OpenFailure {
    let failure = failureToOpen(code)
    let explanation =
      switch failure {
      case .denied: denied(path)
      case .busy: "\(path) is held by another program."
      case .notFound: "\(path) is not there."
      default: "\(path): \(describe(code))."
      }
    return OpenFailure(failure: failure, code: code, explanation: explanation)
  }

  /// Path, owner, group, mode and the fix.
  static func denied(_ path: String) -> String {
    var facts = stat()
    guard unsafe stat(path, &facts) == 0 else { return "\(path) may not be opened: a folder above it is closed to us." }
    let owner = unsafe getpwuid(facts.st_uid).map { unsafe String(cString: $0.pointee.pw_name) } ?? "\(facts.st_uid)"
    let group = unsafe getgrgid(facts.st_gid).map { unsafe String(cString: $0.pointee.gr_name) } ?? "\(facts.st_gid)"
    let mode = String(facts.st_mode & 0o7777, radix: 8)
    let fix =
      facts.st_mode & 0o060 == 0o060
      ? "Add this program's user to the group \(group), or install the udev rules."
      : "Its group may not open it either: chmod g+rw \(path), or a udev rule with MODE=\"0660\"; and add this program's user to the group \(group)."
    return "\(path) belongs to \(owner):\(group), mode \(mode), and may not be opened by us. \(fix)"
  }
}
