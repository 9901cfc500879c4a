# Gatehouse. A newcomer needs two of these: `make demo` and `make test`.

.PHONY: demo test bench build packages clean

# How long the demo runs: `make demo FOR=60s`; without it, until Ctrl-C.
FOR ?=
# One group of benchmarks: `make bench ONLY=latency`.
ONLY ?=

demo: packages
	@scripts/demo $(FOR)

test: packages
	@scripts/test

bench: packages
	@scripts/bench $(ONLY)

# The three programs, as they are shipped: release, with Swift's runtime inside.
build: packages
	@scripts/build

# Installs the Debian packages that are missing; does nothing when all are there.
packages:
	@scripts/packages

clean:
	rm -rf .build .build-race .venv
