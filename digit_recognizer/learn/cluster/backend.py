"""joblib's backend for Dask, adapted to tasks that take minutes or hours.

In: a client of a cluster. Out: a backend for `joblib.parallel_config`. What always holds: each
call that it was given ends, with a result or with an error.
"""

from collections.abc import Callable
from functools import cache
from typing import Any


def make_backend(client: Any, resources: dict[str, float]) -> Any:
    return _backend_class()(client=client, **({"resources": resources} if resources else {}))


@cache
def _backend_class() -> type:
    from joblib._dask import DaskDistributedBackend

    class LongTrainings(DaskDistributedBackend):
        """joblib's own (1.6), except for two faults that were observed.

        Where the cluster is one worker of one thread, it takes that for no cluster and trains in
        the calling process. And where Dask gives a call up, because one worker after another was
        killed by it, it does not tell joblib, which then waits forever.
        """

        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self._unanswered: set[Callable[[Any], None]] = set()

        def effective_n_jobs(self, n_jobs: int) -> int:
            return max(2, super().effective_n_jobs(n_jobs))

        def submit(self, func: Any, callback: Callable[[Any], None]) -> Any:
            def answer(outcome: Any) -> None:
                self._unanswered.discard(callback)
                callback(outcome)

            self._unanswered.add(callback)
            future = super().submit(func, answer)

            def answer_failure(done: Any) -> None:
                if error := done.exception():
                    answer(error)

            future.add_done_callback(answer_failure)
            return future

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, BaseException):
                raise out
            return super().retrieve_result_callback(out)

        def give_up(self, error: Exception) -> None:
            """End all calls with this error; any thread may say so."""
            for callback in list(self._unanswered):
                callback(error)

    return LongTrainings
