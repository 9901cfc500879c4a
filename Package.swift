// swift-tools-version: 6.2
import PackageDescription

// A module imports only from rows below its own; ARCHITECTURE.md draws them, and CI builds with
// --explicit-target-dependency-import-check error, so that what is not declared here does not compile.

let strict: [SwiftSetting] = [
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// The proof that a turn takes no lock and allocates nothing needs the bodies of sibling files, in debug builds too:
// hence one compilation a module.
let proven: [SwiftSetting] = strict + [.unsafeFlags(["-wmo", "-num-threads", "2"])]

// The door carries Swift's runtime and Foundation: packed relocations keep 2 MB of tables, read once by the loader, out of
// its memory (DT_RELR: glibc 2.36, Debian 12). The linker is the toolchain's own.
let packed: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"])]

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let numerics: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "gatehouse",
  products: [
    .executable(name: "gatehoused", targets: ["gatehoused"]),
    .executable(name: "gatehouse", targets: ["gatehouse"]),
    .executable(name: "gatehouse-sim", targets: ["gatehouse-sim"]),
    // For Benchmarks, which is a package of its own.
    .library(name: "Thinking", targets: ["Domain", "Rings", "Devices", "Rules", "Pipeline", "SampleSite"]),
    .executable(name: "race-check", targets: ["RaceCheck"]),
    .executable(name: "turn-check", targets: ["TurnCheck"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-numerics", exact: "1.1.1"),
  ],
  targets: [
    // Row 0
    .target(name: "Domain", swiftSettings: proven),
    .systemLibrary(name: "CLinux"),
    .target(name: "Rings", dependencies: ["CLinux"], swiftSettings: proven),
    // Row 1
    .target(name: "Devices", dependencies: ["Domain"], swiftSettings: proven),
    .target(name: "Rules", dependencies: ["Domain"], swiftSettings: proven),
    .target(name: "Analysis", dependencies: [numerics], swiftSettings: strict),
    // Row 2
    .target(name: "Pipeline", dependencies: ["Domain", "Devices", "Rules"], swiftSettings: proven),
    .systemLibrary(name: "CModbus", pkgConfig: "libmodbus", providers: [.apt(["libmodbus-dev"])]),
    .systemLibrary(name: "CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),
    .target(
      name: "Ports", dependencies: ["Domain", "Rings", "Devices", "CLinux", "CModbus", "CUdev"], swiftSettings: strict),
    .target(name: "EventLog", dependencies: ["Domain", "Rings", grdb, sqlite, crypto], swiftSettings: strict),
    .target(name: "Control", dependencies: ["Domain", "Rings"], swiftSettings: strict),
    // Row 3
    .target(name: "Settings", dependencies: ["Domain", "Devices", "Rules", "Pipeline", yams], swiftSettings: strict),
    .target(name: "Recorder", dependencies: ["Domain", "Rings", "Pipeline", "EventLog"], swiftSettings: strict),
    .target(name: "Records", dependencies: ["Domain", "EventLog", crypto], swiftSettings: strict),
    // Row 4
    .target(
      name: "Simulation", dependencies: ["Domain", "Rings", "Devices", "Rules", "Pipeline", "EventLog", "Control", "Settings"], path: "Simulators/Simulation",
      swiftSettings: strict),
    // Row 5
    .executableTarget(
      name: "gatehoused",
      dependencies: ["Domain", "Rings", "CLinux", "Devices", "Rules", "Pipeline", "Ports", "Settings", "EventLog", "Control", "Recorder"],
      swiftSettings: strict, linkerSettings: packed),
    .executableTarget(
      name: "gatehouse",
      dependencies: [
        "Domain", "Rings", "Devices", "Rules", "Analysis", "Pipeline", "Ports", "Settings", "EventLog", "Control", "Recorder",
        "Records", argumentParser,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "gatehouse-sim",
      dependencies: ["Domain", "Devices", "Rules", "Settings", "Simulation", argumentParser],
      path: "Simulators/gatehouse-sim", swiftSettings: strict),
    // Tests
    .target(
      name: "SampleSite", dependencies: ["Domain", "Devices", "Rules", "Pipeline"], path: "Tests/SampleSite", swiftSettings: strict),
    .target(
      name: "Measured", path: "Tests/Measured", exclude: ["README.md", "FLIR_groups1and2.csv", "office-1.csv", "meeting-1.csv"],
      swiftSettings: strict),
    .executableTarget(
      name: "RaceCheck", dependencies: ["Domain", "Rings", "Pipeline", "SampleSite"], path: "Tests/RaceCheck",
      swiftSettings: strict),
    .executableTarget(
      name: "TurnCheck", dependencies: ["Domain", "Pipeline", "SampleSite"], path: "Tests/TurnCheck", swiftSettings: strict),

    .testTarget(name: "DomainTests", dependencies: ["Domain", crypto], swiftSettings: strict),
    .testTarget(name: "RingsTests", dependencies: ["Rings"], swiftSettings: strict),
    .testTarget(name: "DevicesTests", dependencies: ["Devices", "Domain"], swiftSettings: strict),
    .testTarget(name: "RulesTests", dependencies: ["Rules", "Analysis", "Domain", "Measured"], swiftSettings: strict),
    .testTarget(name: "AnalysisTests", dependencies: ["Analysis", "Measured"], swiftSettings: strict),
    .testTarget(
      name: "PipelineTests", dependencies: ["Pipeline", "Domain", "Devices", "Rules", "SampleSite"], swiftSettings: strict),
    .testTarget(name: "PortsTests", dependencies: ["Ports", "Domain", "Rings", "CLinux"], swiftSettings: strict),
    .testTarget(name: "SettingsTests", dependencies: ["Settings", "Domain", "Devices", "Rules", yams], swiftSettings: strict),
    .testTarget(name: "EventLogTests", dependencies: ["EventLog", "Domain", "Rings", grdb, sqlite, crypto], swiftSettings: strict),
    .testTarget(name: "ControlTests", dependencies: ["Control", "Domain", "Rings"], swiftSettings: strict),
    .testTarget(
      name: "RecorderTests", dependencies: ["Recorder", "Domain"], swiftSettings: strict),
    .testTarget(name: "RecordsTests", dependencies: ["Records", "EventLog", "Domain"], swiftSettings: strict),
    .testTarget(
      name: "SimulationTests", dependencies: ["Simulation", "Domain", "Devices", "Rules", "EventLog", "Settings"], swiftSettings: strict),
    .testTarget(
      name: "GatehouseTests",
      dependencies: ["gatehouse", "Domain", "Rules", "Analysis", "Ports", "Settings", "Control", "Records", "Measured", argumentParser],
      swiftSettings: strict),
    .testTarget(name: "Tidy", path: "Tests/Tidy", swiftSettings: strict),
  ]
)
