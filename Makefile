# What people type; the work is done by Meson (meson.build) and the scripts in tools/.
# WERROR=true makes warnings errors, as .ci/run does.
PREFIX ?= /usr/local
DESTDIR ?=
WERROR ?= false
FUZZ_SECONDS ?= 600
CLANG ?= $(shell command -v clang-14 || echo clang)

MAIN_OPTIONS = -Dwerror=$(WERROR) -Dprefix=$(PREFIX)
SANITIZE_OPTIONS = -Dwerror=false -Db_lundef=false

.DEFAULT_GOAL := all
.PHONY: all deps deps-test deps-bench run test tests unit asan tsan coverage interop bench fuzz soak check format install clean

all:
	@tools/build-web
	@tools/build build sotto $(MAIN_OPTIONS)

deps:
	@tools/install-deps

deps-test:
	@tools/install-deps --test

deps-bench:
	@tools/install-deps --bench

run: deps
	@tools/build-web
	@tools/build build sotto $(MAIN_OPTIONS)
	@exec build/sotto serve -d ./data

# Everything that needs no long time: unit tests plain and sanitized, then the scripts.
test: deps-test
	@tools/build-web
	@tools/build build all $(MAIN_OPTIONS)
	@tools/build build-asan all $(SANITIZE_OPTIONS) -Db_sanitize=address,undefined
	@tools/run-tests --unit build --unit build-asan --scripts

tests: test

# For the working day: no packages, no sanitizer, no scripts.
unit:
	@tools/build build all $(MAIN_OPTIONS)
	@tools/run-tests --unit build

asan:
	@tools/build build-asan all $(SANITIZE_OPTIONS) -Db_sanitize=address,undefined
	@tools/run-tests --unit build-asan

tsan:
	@tools/build build-tsan all $(SANITIZE_OPTIONS) -Db_sanitize=thread
	@tools/run-tests --unit build-tsan

# Line coverage of the unit tests; the layers that have a floor are named in tools/coverage.
coverage: deps-test
	@tools/build build-cov all $(SANITIZE_OPTIONS) -Db_coverage=true -Doptimization=0
	@tools/run-tests --unit build-cov
	@tools/coverage build-cov

# Every real peer, and the table of them in docs/INTEROP.md.
interop: deps-test
	@tools/build-web
	@tools/build build all $(MAIN_OPTIONS)
	@interop/table.py --run --write

bench: deps-test deps-bench
	@tools/build build all $(MAIN_OPTIONS)
	@exec bench/run

fuzz: deps
	@CC=$(CLANG) tools/build build-fuzz all $(SANITIZE_OPTIONS) -Dfuzz=true
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tools/fuzz

soak: deps-test
	@tools/build build sotto $(MAIN_OPTIONS)
	@if [ -x tests/soak ]; then exec tests/soak; else echo "no tests/soak yet"; fi

check: deps-test
	@tools/check

# What the check called `format` asks for.
format: deps-test
	@find src tests bench tools -name '*.[ch]' -print0 2>/dev/null | xargs -0r clang-format -i
	@tools/build-web --need && npm --prefix web run --silent format

install:
	@tools/build-web
	@tools/build build sotto $(MAIN_OPTIONS)
	@DESTDIR="$(DESTDIR)" /usr/bin/meson install -C build --no-rebuild

clean:
	rm -rf build build-asan build-tsan build-fuzz build-cov web/dist
