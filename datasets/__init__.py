"""What there is to learn from: readers of corpora, and splits that keep an artist on one side."""
