"""The budget of a study: a number of trials, or of image passes.

In: the trials so far. Out: whether another one may start, and how far the study is.
"""

from dataclasses import dataclass

from digit_recognizer.tune.study import Trial
from digit_recognizer.workspace import ProjectError

_USUAL_TRIALS = 20


@dataclass(frozen=True)
class Budget:
    trials: int | None
    passes: int | None

    @classmethod
    def of(cls, trials: int | None, passes: int | None) -> "Budget":
        if trials is not None and trials < 0:
            raise ProjectError(f"TRIALS={trials}; expected 0 or more.")
        if passes is not None and passes < 1:
            raise ProjectError(f"PASSES={passes}; expected 1 or more image passes.")
        if trials is None and passes is None:
            trials = _USUAL_TRIALS
        return cls(trials, passes)

    def allows(self, known: list[Trial], passes_of_one: int) -> bool:
        """Whether one more trial may start.

        A running trial counts with all the passes that it may use, so that several processes do not
        start more trials than one process would. The last trial may exceed the budget.
        """
        if self.trials is not None and sum(trial.counts for trial in known) >= self.trials:
            return False
        used = sum(
            max(trial.passes, passes_of_one) if trial.state == "running" else trial.passes
            for trial in known
        )
        return self.passes is None or used < self.passes

    def trials_left(self, known: list[Trial], passes_of_one: int) -> int:
        """Return how many more trials are possible, if each is as long as the experiment."""
        left = []
        if self.trials is not None:
            left.append(self.trials - sum(trial.counts for trial in known))
        if self.passes is not None:
            used = sum(trial.passes for trial in known)
            left.append(-(-(self.passes - used) // passes_of_one))
        return max(1, min(left))

    def done_part(self, known: list[Trial]) -> float:
        """Return which part of the budget the finished trials have used."""
        finished = [trial for trial in known if trial.state in ("done", "pruned")]
        parts = [1.0 if self.trials == 0 else 0.0]
        if self.trials:
            parts.append(len(finished) / self.trials)
        if self.passes:
            parts.append(sum(trial.passes for trial in known) / self.passes)
        return min(1.0, max(parts))

    def __str__(self) -> str:
        parts = [f"{self.trials:,} trials"] if self.trials is not None else []
        parts += [f"{self.passes:,} image passes"] if self.passes is not None else []
        return " or ".join(parts)
