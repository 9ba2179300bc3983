"""Labelling projects: their pools, their queues, what is learned from the labels, and how labels come in and go out."""
