# Gatehouse. A newcomer needs two of these: `make demo` and `make test`.

.PHONY: demo test torture bench fuzz build packages clean

# How long the demo runs: `make demo FOR=60s`; without it, until Ctrl-C.
FOR ?=
# One group of benchmarks, or one part of the torture: `make bench ONLY=latency`, `make torture ONLY=plugging`.
ONLY ?=

demo: packages
	@scripts/demo $(FOR)

test:
	@scripts/packages gcc patch python3-venv strace umockdev gir1.2-umockdev-1.0 python3-gi qemu-system-x86 busybox-static udev
	@scripts/guest-kernel
	@scripts/test

# The tests that can go on for a night, in that size.
torture:
	@scripts/packages gcc patch python3-venv
	@scripts/torture $(ONLY)

bench:
	@scripts/packages g++ valgrind
	@scripts/bench $(ONLY)

# Lets libFuzzer try bytes on what decodes devices and reads settings: make fuzz SECONDS=600 for each target.
SECONDS ?= 60
fuzz: packages
	@scripts/fuzz $(SECONDS)

# The three programs, as they are shipped: release, with Swift's runtime inside.
build: packages
	@scripts/build

# Installs the Debian packages that a build needs and that are missing; does nothing when all are there.
packages:
	@scripts/packages

clean:
	rm -rf .build .build-race .build-fuzz .venv .guest Benchmarks/.build
