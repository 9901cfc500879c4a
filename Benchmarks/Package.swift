// swift-tools-version: 6.2
import PackageDescription

// What `make bench` measures inside one process: rings and turns. Latency and idle cost are measured by scripts/bench
// with the shipped door and the C programs in Programs/.

let strict: [SwiftSetting] = [
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "Benchmarks",
  dependencies: [.package(name: "gatehouse", path: "..")],
  targets: [
    // The same ring in C++: compiled by the same clang and LLVM.
    .target(name: "Reference", cxxSettings: [.unsafeFlags(["-O3"])]),
    .executableTarget(
      name: "bench", dependencies: ["Reference", .product(name: "Thinking", package: "gatehouse")], swiftSettings: strict),
  ],
  cxxLanguageStandard: .cxx20
)
