"""Tables of the Bureau of Economic Analysis, on texts in its format."""

import io

import numpy as np
import pytest
from specialization.data import bea
from specialization.errors import DataError

TEXT = """GeoFIPS,GeoName,TableName,LineCode,IndustryClassification,Description,Unit,1963,1964
 "00000","United States *",SAGDP2S,1,"...","All industry total","Millions of current dollars",10,11
 "01000","Alabama",SAGDP2S,7,"10","     Metal mining","Millions of current dollars",(L),-2.5
 "01001","Doña, AL",CAINC5S,20,"...","Population (persons) 3/","Number of persons",500,(NA)
 "01001","Doña, AL",CAINC5S,200,"B","     Mining 2/ 3/","Thousands of dollars",(D), 12
"Note: See the included footnote file."
"Last updated: November 18, 2010."
"""


def table():
    return bea.read_table(io.BytesIO(TEXT.encode("latin-1")))


def test_rows_names_and_units():
    found = table()
    assert found["place"].tolist() == [0, 1000, 1001, 1001]
    assert found["line"].tolist() == [1, 7, 20, 200]
    assert found["classification"].tolist() == ["...", "10", "...", "B"]
    assert found["description"].tolist() == [
        "All industry total",
        "Metal mining",
        "Population (persons)",
        "Mining",
    ]
    np.testing.assert_array_equal(found["scale"], [1e6, 1e6, np.nan, 1e3])
    assert found.columns[-2:].tolist() == [1963, 1964]


def test_cells_in_dollars_with_their_marks():
    found = bea.cells(table().dropna(subset="scale"), "made up").set_index(["place", "year"])
    value, mark = found["value"], found["mark"]
    assert value[0, 1964] == 11e6 and value[1000, 1964] == -2.5e6 and value[1001, 1964] == 12e3
    assert (value[1000, 1963], mark[1000, 1963]) == (25_000, "L")  # half of 50,000 dollars
    assert np.isnan(value[1001, 1963]) and mark[1001, 1963] == "D"
    assert (mark.loc[:, 1964] == "").all()


def test_persons_are_no_dollars():
    with pytest.raises(DataError, match="made up, column 'scale'.*line 20.*valid: millions or"):
        bea.cells(table(), "made up")


@pytest.mark.parametrize("text", ["(X)", "1,000", "n.a.", ""])
def test_other_marks_are_refused(text):
    rows = table().iloc[[0]].assign(**{"one": text}).rename(columns={"one": 1965})
    with pytest.raises(DataError, match="made up, column 'value'.*year 1965.*valid: a number"):
        bea.cells(rows, "made up")
