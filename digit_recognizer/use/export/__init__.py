"""`make export`: all networks of a line-up in one file that needs nothing of this project."""
