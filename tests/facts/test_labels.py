import numpy as np
import pandas as pd
import pytest
from specialization.errors import DataError
from specialization.facts.labels import codes


@pytest.mark.parametrize("labels", [
    [30, 10, 20, 10], [3.5, 1.0, 2.0, 1.0], list("caba"), np.array(list("caba"), object),
    pd.Series(list("caba"), index=[7, 7, 8, 9]), pd.Categorical(list("caba"), ordered=False),
    pd.to_datetime(["2003", "2001", "2002", "2001"]), ["x9", 1, "x1", 1]])
def test_groups_are_numbered_in_order(labels):
    assert codes("zone", labels, 4).tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, float("nan")])
@pytest.mark.parametrize("others", [["a", "b", "c"], [1, 2, 3], [1.0, 2.0, 3.0]])
def test_a_missing_label_is_refused_by_name(others, missing):
    with pytest.raises(DataError, match="state: 4 labels, 1 of them missing; valid: 4 labels"):
        codes("state", [*others, missing], 4)


@pytest.mark.parametrize("labels, words", [
    ([1, 2], "zone: 2 labels, 0 of them missing; valid: 3 labels"), ([], "zone: 0 labels"),
    (["a", "a", "a"], "zone: 1 groups; valid: 2 or more")])
def test_too_few_labels_or_groups(labels, words):
    with pytest.raises(DataError, match=words):
        codes("zone", labels, 3)
