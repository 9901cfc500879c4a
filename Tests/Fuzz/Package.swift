// swift-tools-version: 6.2
import PackageDescription

// libFuzzer over what decodes bytes from devices: scripts/fuzz builds and runs it. A package of its own, so that nothing
// of it is part of an ordinary build; it needs no other package. Its modules are the door's, by links.

let strict: [SwiftSetting] = [
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
let proven: [SwiftSetting] = strict + [.unsafeFlags(["-wmo", "-num-threads", "2"])]

let package = Package(
  name: "fuzz",
  targets: [
    .target(name: "Domain", swiftSettings: proven),
    .target(name: "Devices", dependencies: ["Domain"], swiftSettings: proven),
    .target(name: "Doors", dependencies: ["Devices", "Domain"], swiftSettings: strict),
    .executableTarget(name: "fuzz-serial", dependencies: ["Doors"], swiftSettings: strict),
    .executableTarget(name: "fuzz-tcp", dependencies: ["Doors"], swiftSettings: strict),
    .executableTarget(name: "fuzz-rtu", dependencies: ["Doors"], swiftSettings: strict),
    .executableTarget(name: "fuzz-frames", dependencies: ["Doors"], swiftSettings: strict),
    .executableTarget(name: "fuzz-reports", dependencies: ["Doors"], swiftSettings: strict),
  ]
)
