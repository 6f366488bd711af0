import pytest

# The helpers' assertions, too, show the values that differ.
pytest.register_assert_rewrite("tests.data.sources.files")
