"""Errors of the model layer."""


class ModelError(ValueError):
    """A model that cannot be used as asked."""


class BackboneMissing(ModelError):
    """The pretrained backbone weights are not on this machine yet."""


class IntegrityError(ModelError):
    """A weights file is not the one that its model card names."""


class TrainingDiverged(ModelError):
    """The loss of a fitting is no number any more."""


class UnknownModel(ModelError):
    """No registered model has that name."""


class BadWish(ModelError):
    """A clip cannot be made as it was wished for."""


class CopiesTraining(ModelError):
    """Every take of a wish repeats the training material for too long."""
