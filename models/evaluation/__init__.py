"""How right the models are: metrics and the reports that the documentation quotes."""
