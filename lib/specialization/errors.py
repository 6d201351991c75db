"""What goes wrong, in words for the user."""


class DataError(ValueError):
    """Input that cannot be used: says which file, column, value and valid range."""


class Unreachable(DataError):
    """A public file that could not be downloaded; the synthetic data need no network."""


class NotConverged(RuntimeError):
    """An iteration stopped short; `residuals` holds its changes by step."""

    def __init__(self, message, residuals=()):
        super().__init__(message)
        self.residuals = residuals
