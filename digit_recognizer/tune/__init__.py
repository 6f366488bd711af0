"""Search for better values of an experiment: trials of a study, judged out of fold, pruned early.

Optuna proposes and stores; each trial trains here, with the training that all experiments have.
"""
