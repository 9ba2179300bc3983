"""Each figure in the documentation has a script here that prints it again."""
