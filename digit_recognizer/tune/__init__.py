"""Search for better values of an experiment: trials in a study, scored out of fold, pruned early.

Optuna proposes values and stores trials. Each trial trains with the same code as all experiments.
"""
