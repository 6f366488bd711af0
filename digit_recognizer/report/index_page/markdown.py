"""The index page as Markdown.

In: findings. Out: text. What always holds: names come from folders, so what Markdown or HTML would
take for its own is escaped in them.
"""

from collections.abc import Iterable

from digit_recognizer.pages.markdown import escape, format_table
from digit_recognizer.report.index_page.blends import BlendAnalysis
from digit_recognizer.report.index_page.candidates import Candidate
from digit_recognizer.report.index_page.findings import Findings
from digit_recognizer.report.index_page.pairs import Pair
from digit_recognizer.report.index_page.wording import (
    format_difference,
    format_folds,
    format_minutes,
    format_p,
    format_speed,
)

HEADINGS = (
    "experiment",
    "accuracy (95 % interval)",
    "errors",
    "folds",
    "published",
    "images/s",
    "minutes",
)


def format_candidates(candidates: list[Candidate]) -> str:
    """Return one table of all runs and line-ups, best first."""
    return _table(HEADINGS, (cells_of(each) for each in candidates))


def cells_of(candidate: Candidate) -> tuple[str, ...]:
    own = candidate.score
    return (
        candidate.name,
        own.percentage,
        f"{own.errors:,} of {own.images:,}",
        format_folds(candidate),
        candidate.published,
        format_speed(candidate),
        format_minutes(candidate),
    )


def format_findings(findings: Findings) -> str:
    """Return the table and all comparisons."""
    parts = ["# Runs and line-ups", format_candidates(findings.field.candidates)]
    parts += [escape(problem) for problem in findings.field.problems]
    if findings.pairs:
        parts += [
            "## Pairs on the same images",
            "Exact McNemar test; Holm's p is corrected for the number of pairs.",
            _table(
                ("first", "second", "images", "only first wrong", "only second", "p", "Holm's p"),
                (_cells_of_pair(pair, findings.compared) for pair in findings.pairs),
            ),
        ]
    if findings.best:
        parts += ["## What next?", *_describe_advice(findings)]
    for analysis in findings.analyses:
        parts += _describe_blend(analysis)
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _describe_advice(findings: Findings) -> list[str]:
    advice = findings.advice
    told = [
        f"{number}. {escape(each.what)} {escape(each.evidence)}\n\n       {each.command}"
        for number, each in enumerate(advice.suggestions, start=1)
    ]
    return [
        *(told or ["No suggestion follows from these runs."]),
        *map(escape, advice.notes),
    ]


def _cells_of_pair(pair: Pair, compared: list[Candidate]) -> tuple[str, ...]:
    comparison = pair.comparison
    return (
        compared[pair.first].name,
        compared[pair.second].name,
        f"{comparison.images:,}",
        f"{len(comparison.only_first_wrong):,}",
        f"{len(comparison.only_second_wrong):,}",
        format_p(comparison.p),
        format_p(pair.adjusted_p),
    )


def _describe_blend(analysis: BlendAnalysis) -> list[str]:
    fitted = analysis.fitted
    told = f"Equal weights: {analysis.candidate.score}."
    told += f" Cross-fitted weights: {fitted.score}." if fitted else f" {escape(analysis.note)}"
    return [
        f"## Blend {escape(analysis.candidate.name)}",
        told,
        _table(
            ("member", "errors", "equal weight", "fitted weight", "blend without it", "more", "p"),
            (
                (
                    member.name,
                    f"{member.score.errors:,}",
                    f"{member.weight:.3f}",
                    "" if member.fitted_weight is None else f"{member.fitted_weight:.3f}",
                    f"{member.without.errors:,}",
                    format_difference(-member.comparison.difference),
                    format_p(member.comparison.p),
                )
                for member in analysis.members
            ),
        ),
        _table(
            ("wrong in", "images", "the blend gets right"),
            (
                (
                    f"{overlap.members} of {len(analysis.members)}",
                    f"{overlap.images:,}",
                    f"{overlap.blend_right:,}",
                )
                for overlap in analysis.overlaps
            ),
        ),
    ]


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return format_table([headings, *(tuple(map(escape, row)) for row in rows)])
