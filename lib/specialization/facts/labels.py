"""Labels of zones and of groups as numbers."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..errors import DataError


def codes(name: str, labels: ArrayLike, n: int, least: int = 2) -> np.ndarray:
    """Groups by number, 0, 1, ... in the order of their labels.

    Parameters
    ----------
    name : str
        What they are, for messages.
    labels : array_like, shape (n,)
        Numbers, texts or any values that are equal within a group.
    n : int
        How many there must be.
    least : int
        How many groups there must be.

    Returns
    -------
    ndarray of int, shape (n,)

    Raises
    ------
    DataError
        A missing label, another number of labels, or too few groups.

    Examples
    --------
    >>> codes("state", ["Ohio", "Iowa", "Ohio"], 3)
    array([1, 0, 1])
    """
    # as pandas takes them: an array of texts would have "nan" for what is missing
    labels = pd.Index(labels if np.ndim(labels) == 1 else [], tupleize_cols=False)
    if len(labels) != n or labels.hasnans:
        raise DataError(f"{name}: {len(labels)} labels, {labels.isna().sum()} of them missing; "
                        f"valid: {n} labels, none missing")
    found, names = pd.factorize(labels, sort=True)
    if len(names) < least:
        raise DataError(f"{name}: {len(names)} groups; valid: {least} or more")
    return found
