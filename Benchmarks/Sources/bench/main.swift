// bench ring | pipeline | turns       one JSON object a line for scripts/bench

let group = CommandLine.arguments.dropFirst().first ?? ""
switch group {
case "ring": measureRings()
case "pipeline": measurePipeline()
case "turns": playChosenTurns()
default: print("usage: bench ring|pipeline|turns")
}
