import re

from specialization.model.parameters import PUBLISHED, SMOOTH, Parameters
from specialization.report.tables import MEANINGS, parameters_table


def test_printed_and_used_parameters_side_by_side():
    table = parameters_table({"a": SMOOTH, "b": PUBLISHED.but(φ=(0.1, 4))}).set_index("parameter")
    assert list(table.index) == list(MEANINGS)
    assert table.loc["θ", ["published", "a", "b"]].tolist() == ["0.35", "0.1", "0.35"]
    assert table.loc["φ", ["published", "a", "b"]].tolist() == ["0.1 to 4", "1.0", "(0.1, 4.0)"]


def test_published_values_are_what_the_parameters_say_they_are():
    # the numbers stand in published.csv; the library's defaults lie among them
    table = parameters_table({"ours": Parameters()}).set_index("parameter")
    for name, row in table.iterrows():
        low, *high = map(float, re.findall(r"[\d.]+", row["published"]))
        assert low <= float(row["ours"]) <= (high or [low])[0], name
