"""`make export`: all networks of a line-up in one file that works without this project."""
