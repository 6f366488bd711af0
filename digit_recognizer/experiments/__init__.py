"""What can be trained: experiments, by name, from text and from searches."""
