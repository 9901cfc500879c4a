// Functions of libm that rules need. A C function is refused under the promise of no lock and no allocation unless it is
// declared with it here; those of libm keep it. The standard library's own go through them without the promise.

@_silgen_name("log") @_noLocks @_noAllocation
func logarithm(_ x: Double) -> Double

@_silgen_name("sqrt") @_noLocks @_noAllocation
func squareRoot(_ x: Double) -> Double
