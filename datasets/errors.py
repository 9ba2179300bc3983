"""Errors of the dataset layer."""


class DatasetError(ValueError):
    """A folder or file that is not laid out as its corpus should be."""
