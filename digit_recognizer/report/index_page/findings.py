"""Everything that the index page shows, before it is put into words.

In: the workspace. Out: `Findings`. What always holds: everything is computed once, whichever form
it is then shown in.
"""

from dataclasses import dataclass

from digit_recognizer.compete.ledger import Entry, list_entries
from digit_recognizer.report.index_page.blends import BlendAnalysis, analyse_blend
from digit_recognizer.report.index_page.candidates import Candidate, Field, gather
from digit_recognizer.report.index_page.pairs import (
    MOST,
    Pair,
    choose_compared,
    compare_all,
    level_with,
)
from digit_recognizer.report.index_page.suggestions import Advice, advise
from digit_recognizer.workspace import ProjectError, Workspace


@dataclass(frozen=True)
class Findings:
    field: Field
    compared: list[Candidate]
    pairs: list[Pair]
    best: Candidate | None  # the best of those that every image of the data was judged by
    level: list[Candidate]  # those without a significant difference from it
    analyses: list[BlendAnalysis]
    timed: list[Candidate]  # the best of the complete ones of the same data
    submissions: list[Entry]  # those with a public score
    ledger_problem: str
    advice: Advice

    @property
    def left_out(self) -> int:
        """How many could be compared, but are too many."""
        return sum(each.predictions is not None for each in self.field.candidates) - len(
            self.compared
        )


def find_all(workspace: Workspace) -> Findings:
    entries, ledger_problem = _read_ledger(workspace)
    field = gather(workspace, entries)
    compared = choose_compared(field.candidates)
    pairs = compare_all(compared)
    place = next((place for place, each in enumerate(compared) if each.is_complete), None)
    analyses = []
    if field.train is not None and field.train.labels is not None:
        labels = field.train.labels
        analyses = [analyse_blend(each, labels) for each in field.candidates if each.is_lineup]
    best = None if place is None else compared[place]
    level = [] if place is None else level_with(place, compared, pairs)
    return Findings(
        field=field,
        compared=compared,
        pairs=pairs,
        best=best,
        level=level,
        analyses=analyses,
        timed=_choose_timed(field),
        submissions=[entry for entry in entries if entry.public_score is not None],
        ledger_problem=ledger_problem,
        advice=advise(workspace, field, best, level),
    )


def _choose_timed(field: Field) -> list[Candidate]:
    """Return the complete candidates of the data in data/, or of the only data there are."""
    complete = [each for each in field.candidates if each.is_complete and each.is_trained_here]
    data = {field.data} if field.data else {each.data for each in complete}
    return [each for each in complete if len(data) == 1 and each.data in data][:MOST]


def _read_ledger(workspace: Workspace) -> tuple[list[Entry], str]:
    try:
        return list_entries(workspace), ""
    except ProjectError as error:
        return [], str(error)
