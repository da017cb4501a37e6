# A thin front of Meson: `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help run build test unit e2e soak asan asan-unit tsan lint docs format fuzz bench install clean
BUILD ?= build
ARGS ?=
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
JOBS ?= 1

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

run: ## build, and serve the sandbox (ARGS="-c FILE" for more)
	@$(MAKE) --no-print-directory build TESTS=false
	$(BUILD)/milky serve $(ARGS)

build: ## install what is missing, and build build/milky
	@scripts/deps build
	@scripts/build $(BUILD) $(TESTS)

test: ## install what is missing, build, and run every test
	@scripts/deps test
	@scripts/build $(BUILD) true
	@scripts/test $(BUILD)

unit: ## the unit tests and the fuzz corpus alone
	@scripts/deps test
	@scripts/build $(BUILD) true
	@meson test -C $(BUILD) --print-errorlogs $(ARGS)

e2e: ## the end-to-end tests alone (ARGS="FILE ..." for some of them)
	@scripts/deps test
	@scripts/build $(BUILD) true
	@MILKY=$(BUILD)/milky TESTEE=$(BUILD)/tests/tools/testee tests/e2e/run $(ARGS)

soak: ## 10,000 clients for an hour, 500 crashes (ARGS="--minutes 5 --clients 2000", or FILE ...)
	@scripts/deps test
	@scripts/build $(BUILD) true
	@MILKY=$(BUILD)/milky TESTEE=$(BUILD)/tests/tools/testee tests/e2e/soak $(ARGS)

asan: ## every test under AddressSanitizer, UBSan and the leak check
	@scripts/deps test
	@scripts/build build-asan true -Db_sanitize=address,undefined -Dbuildtype=debugoptimized
	@scripts/test build-asan

asan-unit: ## the unit tests and the fuzz corpus alone, under the same
	@scripts/deps test
	@scripts/build build-asan true -Db_sanitize=address,undefined -Dbuildtype=debugoptimized
	@meson test -C build-asan --no-rebuild --print-errorlogs --suite unit --suite fuzz

tsan: ## what has threads (fetching media, names, outgoing HTTP) under ThreadSanitizer
	@scripts/deps test
	@scripts/build build-tsan true -Db_sanitize=thread -Dbuildtype=debugoptimized
	@scripts/tsan build-tsan

lint: ## no warning of the compiler's, who includes whom, formatting, clang-tidy
	@scripts/deps lint
	@scripts/build build-werror true -Dwerror=true
	@scripts/lint build-werror

docs: ## renew the tables in docs/ that are made of spec/sandbox.json and spec/qq-limits.json
	@python3 spec/generate_sandbox.py docs spec/milky-1.3.json spec/sandbox.json docs/SANDBOX.md docs/SANDBOX.zh-CN.md
	@python3 spec/generate_limits.py docs spec/qq-limits.json src/backend/sandbox/turn/limit_ids.h docs/SANDBOX.md docs/SANDBOX.zh-CN.md

format: ## put the code into the house style
	@scripts/deps lint
	@scripts/format

fuzz: ## run fuzz targets (ARGS="http1 url"; else all), FUZZ_SECONDS (60) of CPU time each, JOBS (1) at once
	@scripts/deps fuzz
	@CC=clang TARGETS=fuzz-targets scripts/build build-fuzz true -Dfuzzing=true
	@JOBS=$(JOBS) scripts/fuzz build-fuzz $(FUZZ_SECONDS) $(ARGS)

bench: ## measure beside other servers (ARGS="--quick"; ARGS=--write renews docs/PERFORMANCE.md)
	@scripts/deps bench
	@scripts/build $(BUILD) false
	@ninja -C $(BUILD) --quiet bench-programs
	@bench/run $(BUILD) $(ARGS)

install: ## install the program, the library and its headers below PREFIX (/usr/local); DESTDIR is put before it
	@scripts/deps build
	@scripts/build $(BUILD) false -Dprefix=$(PREFIX) $(ARGS)
	meson install -C $(BUILD) --no-rebuild
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

clean: ## remove what was built (what scripts/deps unpacked stays)
	rm -rf build-asan build-fuzz build-tsan build-werror
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} +
