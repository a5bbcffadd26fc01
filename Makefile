# Two commands do everything: `make demo` and `make test`. Both set the machine up first.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test bench campaign soak guards

ARGS ?=
ONLY ?=
POSTS ?= 10000
SEEDS ?= 200000
GUARD_SEEDS ?= 3000
KILLS ?= 200
IMAGES ?= 1000
API_SECONDS ?= 600

help:
	@echo "make demo [ARGS=...]   the main job on this machine: article in, four channels out, reach back"
	@echo "make test              every check there is"
	@echo "make bench [ONLY=web]  figures as ratios, release build, writes target/bench.json"
	@echo "make campaign [POSTS=N]  N posts on each of four channels under faults and kills, counted by the platforms"
	@echo "make soak [SEEDS=N] [IMAGES=N] [KILLS=N]  the model with wider bounds; seeds of the simulation, optimised, stops at"
	@echo "                       the first that fails and prints it; disks after a power loss; rounds of kill -9 of the binary"
	@echo "make guards            takes each guard out of a copy in turn; the simulation must notice"
	@echo "make setup             only install what the others need"

setup:
	@.ci/setup

demo: setup
	@echo "demo: building (minutes the first time) / đang biên dịch, lần đầu mất vài phút"
	@cargo build --quiet --workspace --bins
	@target/debug/loa demo $(ARGS)

test:
	@.ci/setup test
	@.ci/suite format cargo fmt --all --check
	@.ci/suite build cargo build --workspace --tests --examples
	@.ci/suite tests $(if $(shell command -v cargo-nextest),cargo nextest run --workspace --profile ci,cargo test --workspace --lib --bins --tests)
	@.ci/suite browser node --test tests/browser/pages.test.mjs tests/browser/people.test.mjs tests/browser/setup.test.mjs
	@.ci/suite api python3 tests/api/check.py
	@.ci/suite tour target/debug/examples/one_article
	@.ci/suite doc-tests cargo test --workspace --doc --quiet
	@.ci/suite clippy cargo clippy --workspace --all-targets -- -D warnings
	@.ci/suite docs env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@.ci/suite without-ffmpeg cargo check --workspace --no-default-features

bench: setup
	@.ci/bench $(ONLY)

campaign: setup
	@POSTS=$(POSTS) .ci/suite campaign cargo nextest run --release --workspace --test campaign --profile campaign --no-capture

soak: setup
	@.ci/suite model cargo test --workspace --test protocol -- --ignored
	@.ci/setup test && cargo build -p loa-web --example pages
	@.ci/suite api python3 tests/api/check.py soak $(API_SECONDS)
	@SIM_SEEDS=$(SEEDS) .ci/suite soak cargo test --profile soak -p loa-delivery --test simulation -- seeds --nocapture
	@POWER_IMAGES=$(IMAGES) .ci/suite power cargo nextest run --profile campaign -p loa-store -E 'binary(power)' --no-capture
	@KILL_ROUNDS=$(KILLS) .ci/suite kills cargo nextest run --workspace --profile campaign -E 'package(loa) and binary(publish) and test(killed_at_random_moments)' --no-capture

guards: setup
	@.ci/suite guards .ci/guards $(GUARD_SEEDS)
