#!/bin/sh
# Compile the ranges of pyproject.toml into exact pins that hold on every platform and Python version.
set -eu
compile() {
    "$VENV/bin/uv" pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
        --no-emit-index-url --annotation-style line \
        --custom-compile-command "make requirements" "$@"
}
compile --upgrade pyproject.toml --output-file requirements.txt
compile --upgrade --group pyproject.toml:use --constraint requirements.txt --output-file requirements-use.txt
compile --upgrade --group pyproject.toml:cluster --constraint requirements.txt --constraint requirements-use.txt --output-file requirements-cluster.txt
compile --upgrade --group pyproject.toml:tune --constraint requirements.txt --constraint requirements-use.txt --constraint requirements-cluster.txt --output-file requirements-tune.txt
compile --upgrade --group pyproject.toml:shap --constraint requirements.txt --constraint requirements-use.txt --constraint requirements-cluster.txt --constraint requirements-tune.txt --output-file requirements-shap.txt
compile --upgrade pyproject.toml --extra gpu --constraint requirements.txt --output-file requirements-gpu.txt \
    --no-emit-package tensorflow --no-emit-package tensorflow-cpu
# TensorFlow comes with requirements.txt, so it is left out here.
compile pyproject.toml --extra dev --constraint requirements.txt --constraint requirements-use.txt --constraint requirements-cluster.txt --constraint requirements-tune.txt --constraint requirements-gpu.txt --output-file requirements-dev.txt \
    --no-emit-package tensorflow --no-emit-package tensorflow-cpu
