"""Submissions side by side, as one page."""
