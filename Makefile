# Digit Recognizer from the command line. `make help` lists what there is.
#
# Written for GNU make 3.81 (macOS) and later. Options reach the scripts through the environment, so
# that a path or message may hold any character; the clone's own path may hold spaces, so no rule
# names a file by its absolute path.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help setup setup-dev download train submit report leaderboard bench test lint clean requirements

VENV ?= .venv
SOURCE ?= auto
UPLOAD ?= auto
WEIGHTS ?= equal
export VENV SOURCE LINEUP EXPERIMENTS SET NAME JOBS FOLDS FRESH WEIGHTS MESSAGE UPLOAD PYTHON
export PYTHONUNBUFFERED := 1

RUN := "$$VENV/bin/python"

help:  ## this list
	@echo "make download train submit   does everything; the targets one by one:"
	@echo
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

setup:  ## the virtual environment (VENV=.venv; GPU=1 for the CUDA build); the others do it first
	@scripts/setup.sh "$$VENV" $(if $(GPU),requirements-gpu.txt,requirements.txt)

setup-dev: setup
	@scripts/setup.sh "$$VENV" requirements-dev.txt

download: setup  ## the CSVs, verified. SOURCE=auto|kaggle|mnist|sample|path of a folder or zip
	@$(RUN) scripts/download.py --source "$$SOURCE"

train: setup  ## k-fold training, resumable. LINEUP= EXPERIMENTS="a b" SET="k=v" NAME= JOBS= FOLDS= FRESH=1
	@$(RUN) scripts/train.py $${LINEUP:+--lineup "$$LINEUP"} \
	    $${EXPERIMENTS:+--experiments $$EXPERIMENTS} $${SET:+--set $$SET} $${NAME:+--name "$$NAME"} \
	    $${JOBS:+--jobs "$$JOBS"} $${FOLDS:+--folds $$FOLDS} $${FRESH:+--fresh}

submit: setup  ## blend, write, check, record. LINEUP= EXPERIMENTS="a b" WEIGHTS=equal|fitted MESSAGE= UPLOAD=no
	@$(RUN) scripts/submit.py $${LINEUP:+--lineup "$$LINEUP"} \
	    $${EXPERIMENTS:+--experiments $$EXPERIMENTS} --weights "$$WEIGHTS" \
	    $${MESSAGE:+--message "$$MESSAGE"} --upload "$$UPLOAD"

report: setup  ## the table of all runs, and learning curves: reports/
	@$(RUN) scripts/report.py

leaderboard: setup  ## every submission written so far, with its out-of-fold score
	@$(RUN) scripts/leaderboard.py

bench: setup  ## how fast this machine reads, trains and predicts
	@$(RUN) scripts/bench.py

test: setup-dev  ## all tests, with coverage
	@$(RUN) -m pytest -n 2 --cov --cov-report=term:skip-covered

lint: setup-dev  ## style, types and the direction of imports
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@"$$VENV/bin/lint-imports" --no-cache

requirements: setup-dev  ## pin anew, from the ranges in pyproject.toml
	@scripts/pin.sh

clean:  ## delete what commands made, but for data, runs, submissions and the environment
	@rm -rf reports/*.png reports/*.md .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache
	@find digit_recognizer scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +
