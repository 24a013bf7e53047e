# SPDX-License-Identifier: Apache-2.0
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build test check format lint bench conformance clean

help: ## print these words
	@printf 'make WORD, where WORD is one of\n'
	@sed -nE 's/^([a-z]+):.*## (.*)/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r word text; do printf '  %-13s %s\n' $$word "$$text"; done

run: ## install what is missing, build in release and serve on http://127.0.0.1:5000
	@scripts/bootstrap server
	@scripts/build release
	@exec .build/release/magpie serve $(ARGS)

build: ## debug build of the server and its tests, warnings in our own files are errors
	@scripts/bootstrap server
	@scripts/build debug

test: ## every test: Swift, scripts, real clients, short crash and large-object runs; the last line is the count
	@scripts/bootstrap tests
	@scripts/test all

check: ## what a change must pass before review: format, layers, texts, documents, scripts, build
	@scripts/bootstrap server
	@scripts/lint
	@scripts/build debug

format: ## rewrite the Swift sources in the project's format
	@swift format --in-place --parallel --recursive --configuration .swift-format Package.swift Sources Tests

lint: ## the checks of `make check` that need no build
	@scripts/lint

bench: ## compare with nginx, SeaweedFS and rclone; BENCH_ARGS='--help' lists the options
	@scripts/bootstrap bench
	@scripts/build release
	@.venv/bin/python Benchmarks/bench.py $(BENCH_ARGS)

conformance: ## a running server driven by unmodified clients and by raw HTTP
	@scripts/bootstrap tests
	@scripts/test conformance

clean: ## remove everything that make made, but never a data directory
	@rm -rf .build .venv Benchmarks/results
