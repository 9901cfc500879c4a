// swift-tools-version: 6.2
import PackageDescription

// libFuzzer over what decodes bytes from devices, and over what reads profiles and settings: scripts/fuzz builds and runs
// it. A package of its own, so that nothing of it is part of an ordinary build. Its modules are the door's, by links.

let strict: [SwiftSetting] = [
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
let proven: [SwiftSetting] = strict + [.unsafeFlags(["-wmo", "-num-threads", "2"])]

let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
  name: "fuzz",
  dependencies: [.package(url: "https://github.com/jpsim/Yams", exact: "6.2.2")],
  targets: [
    .target(name: "Domain", swiftSettings: proven),
    .target(name: "Devices", dependencies: ["Domain"], swiftSettings: proven),
    .target(name: "Rules", dependencies: ["Domain"], swiftSettings: proven),
    .target(name: "Pipeline", dependencies: ["Domain", "Devices", "Rules"], swiftSettings: proven),
    .target(name: "Settings", dependencies: ["Domain", "Devices", "Rules", "Pipeline", yams], swiftSettings: strict),
    .target(name: "Driver", swiftSettings: strict),
    .target(name: "Doors", dependencies: ["Devices", "Domain"], swiftSettings: strict),
    .target(name: "TextDoors", dependencies: ["Settings", "Devices", "Domain"], swiftSettings: strict),
  ]
    + ["serial", "tcp", "rtu", "frames", "reports"].map {
      .executableTarget(name: "fuzz-\($0)", dependencies: ["Doors", "Driver"], swiftSettings: strict)
    }
    + ["profile", "settings"].map {
      .executableTarget(name: "fuzz-\($0)", dependencies: ["TextDoors", "Driver"], swiftSettings: strict)
    }
)
