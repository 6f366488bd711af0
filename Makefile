# Digit Recognizer from the command line. `make help` lists what there is.
#
# Written for GNU make 3.81 (macOS) and later. Options reach the scripts through the environment, so
# that a path or message may hold any character; the clone's own path may hold spaces, so no rule
# names a file by its absolute path.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
# `make -j download train submit` must not train what is not downloaded yet.
.NOTPARALLEL:
.PHONY: help setup setup-dev setup-use setup-cluster setup-tune setup-shap download explore split train tune adopt submit validate report compare leaderboard kernel predict serve explain export cluster scaling bench test lint clean requirements

VENV ?= .venv
SOURCE ?= auto
UPLOAD ?= auto
WEIGHTS ?= equal
PUSH ?= auto
FORMAT ?= html
# Windows' Subsystem for Linux sets NAME to the computer's; it is an option on the command line only.
ifeq ($(origin NAME),environment)
NAME :=
endif

# A target's options are those that its `##` lines name: help shows them, and these lines read them.
HASHES := \#\#
TAKEN := $(shell awk '/^[a-z-]+:/ { target = $$1; sub(/:.*/, "", target) } \
    sub(/^(.*:.*)?$(HASHES) /, " ") { while (match($$0, / [A-Z]+=/)) { \
    print target "/" substr($$0, RSTART + 1, RLENGTH - 2); $$0 = substr($$0, RSTART + RLENGTH) } }' Makefile)
OPTIONS := $(sort VENV PYTHON $(notdir $(TAKEN)))
GOALS := $(if $(MAKECMDGOALS),$(MAKECMDGOALS),help)
# What the goals do not take would otherwise be ignored, and hours be spent on the wrong thing.
GIVEN := $(strip $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword \
    $(origin $(name)))),$(filter-out VENV PYTHON DEBUG -*,$(name)))))
REFUSED := $(strip $(foreach name,$(GIVEN),$(if $(filter $(addsuffix /$(name),$(GOALS)),$(TAKEN)),,$(name))))
UNKNOWN := $(filter-out $(OPTIONS),$(REFUSED))
OWN := $(sort $(notdir $(filter $(addsuffix /%,$(GOALS)),$(TAKEN))) VENV PYTHON)
ifneq ($(UNKNOWN),)
$(error There is no option $(UNKNOWN). The options of `make $(GOALS)`: $(OWN))
endif
ifneq ($(REFUSED),)
$(error `make $(GOALS)` does not take $(REFUSED).$(foreach name,$(REFUSED), $(name) is \
    for: $(sort $(patsubst %/,%,$(dir $(filter %/$(name),$(TAKEN))))).) The options of `make $(GOALS)`: $(OWN))
endif
# In somebody's environment it may mean another thing, and it replaces a virtual environment.
ifeq ($(filter setup,$(MAKECMDGOALS)),)
override GPU :=
endif
# Taken as typed: a dollar sign in a path is not a variable.
$(foreach name,$(OPTIONS),$(eval override $(name) := $$(value $(name))))
override VENV := $(patsubst ~/%,$(HOME)/%,$(VENV))
export $(OPTIONS)
export PYTHONUNBUFFERED := 1

RUN := "$$VENV/bin/python"

help:  ## this list
	@echo "make download train submit   does everything; the targets one by one:"
	@echo
	@awk -F ':.*## *' '/^[a-z-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }  /^## / { printf "%-13s   %s\n", "", substr($$0, 4) }' Makefile

setup:  ## the virtual environment; every other target does this first where needed
## VENV=.venv  PYTHON=python3.12  GPU=1 (for an NVIDIA card, Linux)
	@scripts/setup.sh "$$VENV" base

setup-dev:
	@scripts/setup.sh "$$VENV" dev

# A file that was exported needs neither TensorFlow nor anything else that trains.
setup-use:
	@scripts/setup.sh "$$VENV" $(if $(MODEL),use-alone,use)

# Training on other machines wants Dask.
setup-cluster:
	@scripts/setup.sh "$$VENV" cluster

# A search wants Optuna.
setup-tune:
	@scripts/setup.sh "$$VENV" tune

# One more way to explain.
setup-shap:
	@scripts/setup.sh "$$VENV" shap

download: setup  ## get the competition's CSVs and check them
## SOURCE=auto|kaggle|mnist|sample|<path of a folder or zip>
	@$(RUN) scripts/download.py --source="$$SOURCE"

explore: setup  ## a page on the data: reports/data.html
	@$(RUN) scripts/explore.py

split: setup  ## hold back a third of the labelled digits, to score a line-up on once
	@$(RUN) scripts/split.py

train: $(if $(CLUSTER),setup-cluster,setup)  ## k-fold training; run it again, and it continues where it was stopped
## LINEUP=quick  EXPERIMENTS="a b"  SET="epochs=20 seed=3" NAME=mine  JOBS=2  FOLDS="0 1"  FRESH=1
## DEVICE=cpu|gpu (otherwise a graphics card where there is one)
## CLUSTER=tcp://scheduler:8786 (on Dask's workers)  RESOURCES="GPU=1"  WAIT=60 (seconds, for a worker)
	@$(RUN) scripts/train.py $${LINEUP:+--lineup="$$LINEUP"} \
	    $${EXPERIMENTS:+--experiments="$$EXPERIMENTS"} $${SET:+--set="$$SET"} $${NAME:+--name="$$NAME"} \
	    $${JOBS:+--jobs="$$JOBS"} $${DEVICE:+--device="$$DEVICE"} $${FOLDS:+--folds="$$FOLDS"} \
	    $(if $(filter 1 yes true,$(FRESH)),--fresh) \
	    $${CLUSTER:+--cluster="$$CLUSTER" $${RESOURCES:+--resources="$$RESOURCES"} $${WAIT:+--wait="$$WAIT"}}

cluster: setup-cluster  ## a Dask cluster of this machine, to train on; or workers for one elsewhere
## WORKERS=2 (processes)  PORT=8786  LISTEN=127.0.0.1 (whoever reaches it can run code here: see docs)
## SCHEDULER=tcp://other-machine:8786 (only workers, for that one)
	@$(RUN) scripts/cluster.py $${WORKERS:+--workers="$$WORKERS"} $${PORT:+--port="$$PORT"} \
	    $${LISTEN:+--listen="$$LISTEN"} $${SCHEDULER:+--scheduler="$$SCHEDULER"}

scaling: setup  ## what a line-up would take on other machines: the tables of docs/scaling.md
	@$(RUN) scripts/scaling.py

tune: setup-tune  ## search for better values of an experiment: studies/, reports/tune-<study>.html
## EXPERIMENT=stages-short  TRIALS=20  PASSES=2000000  FOLDS="0 1"  STUDY=mine  JOBS=2
## DEVICE=cpu|gpu (otherwise a graphics card where there is one)
## SAMPLER=tpe|random  STORAGE=postgresql://...  JUDGE="1 2" (the best against it, on these seeds)
	@$(RUN) scripts/tune.py $${EXPERIMENT:+--experiment="$$EXPERIMENT"} $${STUDY:+--study="$$STUDY"} \
	    $${TRIALS:+--trials="$$TRIALS"} $${PASSES:+--passes="$$PASSES"} \
	    $${STORAGE:+--storage="$$STORAGE"} $${FOLDS:+--folds="$$FOLDS"} $${JOBS:+--jobs="$$JOBS"} \
	    $${DEVICE:+--device="$$DEVICE"} $${SAMPLER:+--sampler="$$SAMPLER"} $${JUDGE:+--judge="$$JUDGE"}

submit: setup  ## blend, write, check, record and, with credentials, upload submission.csv
## LINEUP=quick (top: what makes the fewest errors; nothing: what was trained last)
## EXPERIMENTS="a b"  WEIGHTS=equal|fitted  MESSAGE="..."  UPLOAD=auto|yes|no  FORCE=1
## WAIT=300 (seconds, for the score)
	@$(RUN) scripts/submit.py $${LINEUP:+--lineup="$$LINEUP"} \
	    $${EXPERIMENTS:+--experiments="$$EXPERIMENTS"} --weights="$$WEIGHTS" \
	    $${MESSAGE:+--message="$$MESSAGE"} --upload="$$UPLOAD" \
	    $${WAIT:+--wait="$$WAIT"} $(if $(filter 1 yes true,$(FORCE)),--force)

adopt: setup  ## make a run of predictions from elsewhere, to be blended and submitted with others
## NAME=unet OOF=oof.csv TEST=test.csv (ten probabilities an image; .npy, .npz)  FOLDS=folds.csv
## RUNS=<path of another clone's run folder or runs.zip>  FRESH=1
	@$(RUN) scripts/adopt.py $${NAME:+--name="$$NAME"} $${OOF:+--oof="$$OOF"} $${TEST:+--test="$$TEST"} \
	    $${FOLDS:+--folds="$$FOLDS"} $${RUNS:+--runs="$$RUNS"} $(if $(filter 1 yes true,$(FRESH)),--fresh)

validate: setup  ## load the saved networks and check that they predict the same
## LINEUP=  EXPERIMENTS="a b"
	@$(RUN) scripts/validate.py $${LINEUP:+--lineup="$$LINEUP"} \
	    $${EXPERIMENTS:+--experiments="$$EXPERIMENTS"}

report: setup  ## all runs compared, and a page for each, to open in a browser: reports/index.html
## EXPERIMENTS="a b" (only their pages)  FORMAT=md (print everything as Markdown, write nothing)
	@$(RUN) scripts/report.py $${EXPERIMENTS:+--experiments="$$EXPERIMENTS"} --format="$$FORMAT"

compare: setup  ## where submissions differ, and what that can mean: reports/compare.html
## FILES="a.csv b.csv" (also names from `make leaderboard`, runs, line-ups; nothing: the two newest)
	@$(RUN) scripts/compare.py $${FILES:+--files="$$FILES"}

leaderboard: setup  ## every submission: out-of-fold beside public score, and your rank
	@$(RUN) scripts/leaderboard.py

kernel: setup  ## train on Kaggle's machines, by one script in kernel/; RUNS=runs.zip installs its runs
## LINEUP=  EXPERIMENTS="a b"  SET="..." NAME=mine  PUSH=no  RUNS=<path of runs.zip>  FRESH=1
## WAIT=600 (seconds, for the kernel to end)
	@$(RUN) scripts/kernel.py $${LINEUP:+--lineup="$$LINEUP"} \
	    $${EXPERIMENTS:+--experiments="$$EXPERIMENTS"} $${SET:+--set="$$SET"} $${NAME:+--name="$$NAME"} \
	    --push="$$PUSH" $${RUNS:+--runs="$$RUNS"} $${WAIT:+--wait="$$WAIT"} $(if $(filter 1 yes true,$(FRESH)),--fresh)

predict: setup-use  ## predict the digits on pictures
## IMAGES="a.png b.jpg folder/ rows.csv"  OUT=digits.csv  SHOW=seen.png
## LINEUP=  EXPERIMENTS="a b"  BACKEND=onnx|keras  MODEL=<path of an exported .onnx: no TensorFlow>
	@$(RUN) scripts/predict.py $${LINEUP:+--lineup="$$LINEUP"} \
	    $${EXPERIMENTS:+--experiments="$$EXPERIMENTS"} $${MODEL:+--model="$$MODEL"} \
	    $${BACKEND:+--backend="$$BACKEND"} $${OUT:+--out="$$OUT"} $${SHOW:+--show="$$SHOW"} \
	    -- $$IMAGES

serve: setup-use  ## a page to draw digits on, at http://127.0.0.1:8028
## PORT=8028  LINEUP=  EXPERIMENTS="a b"  BACKEND=onnx|keras  MODEL=<path of an exported .onnx>
	@$(RUN) scripts/serve.py $${LINEUP:+--lineup="$$LINEUP"} \
	    $${EXPERIMENTS:+--experiments="$$EXPERIMENTS"} $${MODEL:+--model="$$MODEL"} \
	    $${BACKEND:+--backend="$$BACKEND"} $${PORT:+--port="$$PORT"}

explain: $(if $(filter 1 yes true,$(SHAP)),setup-shap,setup)  ## which ink decided on the hardest and on typical digits: reports/explain.html
## LINEUP=  EXPERIMENTS="a b"  SHAP=1 (one more column, by the package shap)
	@$(RUN) scripts/explain.py $${LINEUP:+--lineup="$$LINEUP"} \
	    $${EXPERIMENTS:+--experiments="$$EXPERIMENTS"}

export: setup-use  ## all networks of a line-up in one ONNX file (and LiteRT), with a model card
## LINEUP=  EXPERIMENTS="a b"  SPEED=1 (also measure how fast each file answers)
	@$(RUN) scripts/export.py $${LINEUP:+--lineup="$$LINEUP"} \
	    $${EXPERIMENTS:+--experiments="$$EXPERIMENTS"} $(if $(filter 1 yes true,$(SPEED)),--speed)

bench: setup  ## how fast this machine reads, trains and predicts, beside stock Keras and PyTorch
## QUICK=1 (three minutes instead of half an hour)
	@$(RUN) scripts/bench.py $(if $(filter 1 yes true,$(QUICK)),--quick)

test: setup-dev  ## the tests; a few minutes
## ALL=1 (the slow ones too, with coverage)
	@$(RUN) -m pytest -n 2 $(if $(filter 1 yes true,$(ALL)),--cov --cov-report=term:skip-covered --durations=20,-m "not slow")

lint: setup-dev  ## style, types and the direction of imports
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@"$$VENV/bin/lint-imports" --no-cache

requirements: setup-dev  ## pin anew, from the ranges in pyproject.toml
	@scripts/pin.sh

clean:  ## delete what commands made, except data, runs, submissions and the environment
	@rm -rf reports/*.html reports/*.png reports/report.md reports/bench.md .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache
	@find digit_recognizer scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +
