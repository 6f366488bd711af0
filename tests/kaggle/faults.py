"""What the made-up Kaggle can be told to do wrong, as the real one and the network between do.

In: a method, a kind of fault and how often. Out: `Fault`s. What always holds: a fault that could
never happen (a method or a kind that does not exist, or not together) is refused when it is made,
so that no test passes because its fault was misspelt.
"""

from dataclasses import dataclass

from tests.kaggle.contract import METHODS, PLACES

# Any request can meet these.
EVERYWHERE = {
    "status": "answers with the status `status`, and Retry-After where `retry_after` is given",
    "body-status": "answers 200, with the status only in the JSON",
    "html": "answers 200 with a page for browsers",
    "hang": "never answers",
    "drop": "closes the connection instead of doing anything",
    "lose-reply": "does the work, then closes the connection instead of saying so",
    "cut-reply": "does the work, then closes the connection in the middle of saying so",
    "echo": "refuses, and repeats the request's Authorization in the message",
}
ONLY_IN = {
    "Download": {
        "cut": "announces everything, sends `after` bytes, closes the connection",
        "stall": "announces everything, sends `after` bytes, then nothing more",
        "ignore-range": "answers a request for a part with the whole",
        "wrong-length": "announces `extra` bytes more than there are",
        "changed": "from now on says that the file is another one",
    },
    "CreateSubmission": {
        "scoring-error": "accepts the file; scoring it fails, with `text`",
        "pending": "accepts the file; it is never scored",
        "unlisted": "says it was submitted, and it never appears in the list",
    },
    "IntrospectToken": {"expired": "says that the token is no longer valid"},
}


@dataclass
class Fault:
    """One way to misbehave, for the next `times` requests of a method (None: for all)."""

    method: str
    kind: str
    times: int | None = 1
    status: int = 500
    # Seconds, or a date as HTTP writes it.
    retry_after: str | None = None
    # More than the client reads at once (1 MiB): it keeps whole pieces only.
    after: int = 5 << 20
    extra: int = 1_000
    text: str = "made to fail"

    def __post_init__(self) -> None:
        if self.method not in {*METHODS, *PLACES}:
            raise ValueError(f"there is no method {self.method!r}")
        kinds = {**EVERYWHERE, **ONLY_IN.get(self.method, {})}
        if self.kind not in kinds:
            raise ValueError(
                f"{self.method} has no fault {self.kind!r}; it has: {', '.join(kinds)}"
            )

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read METHOD:KIND[:TIMES]: a KIND of digits is a status, TIMES may be `always`."""
        method, kind, times = [*text.split(":"), "1"][:3]
        many = None if times == "always" else int(times)
        if kind.isdigit():
            return cls(method, "status", many, status=int(kind))
        return cls(method, kind, many)


def take_fault(faults: list[Fault], method: str) -> Fault | None:
    """Return the first fault that this request must meet, and count it."""
    for fault in faults:
        if fault.method == method and fault.times != 0:
            if fault.times is not None:
                fault.times -= 1
            return fault
    return None
