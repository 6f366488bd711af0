"""Figures in words, the same on pages, terminals and in Markdown."""

from digit_recognizer.report.index_page.candidates import Candidate


def format_p(p: float) -> str:
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.4f}" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def relate_p(p: float) -> str:
    """Return the same for a sentence."""
    figure = format_p(p)
    return figure if figure.startswith("<") else f"= {figure}"


def format_difference(errors: int) -> str:
    """Return a whole number with its sign, as typographers write it."""
    return f"−{-errors:,}" if errors < 0 else f"+{errors:,}" if errors else "0"


def format_folds(candidate: Candidate) -> str:
    if candidate.folds == 1:
        return "not known"  # of adopted predictions
    if candidate.is_complete:
        return f"all {candidate.folds}"
    return f"only {candidate.finished_folds} of {candidate.folds}"


def format_minutes(candidate: Candidate) -> str:
    return f"{candidate.seconds / 60:.1f}" if candidate.is_trained_here else ""


def format_speed(candidate: Candidate) -> str:
    speed = candidate.images_per_second
    return "" if speed is None else f"{speed:,.0f}"
