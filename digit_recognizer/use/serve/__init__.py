"""A page to draw digits on, and the small web service behind it, for this machine only."""
