import json

import numpy as np
import pandas as pd
import pytest
from specialization.report import results, scoreboard, scoreboard_page
from specialization.store import CHECKOUT, TABLES

BOOK = CHECKOUT / "book"


@pytest.fixture(scope="module")
def board():
    return scoreboard.stored()


def row(board, table, column, name):
    t = board[
        (board["table"] == table) & board["column"].str.startswith(column) & (board["row"] == name)
    ]
    assert len(t) == 1
    return t.iloc[0]


def test_every_printed_number_has_a_verdict_of_the_list(board):
    published = pd.read_csv(TABLES / "published.csv")
    assert len(board) == len(published) == 119
    assert board[scoreboard.KEYS].equals(published[scoreboard.KEYS])
    np.testing.assert_allclose(board["value"], published["value"])
    assert board["verdict"].isin(list(scoreboard.VERDICTS)).all()


def test_verdicts_follow_from_the_readings(board):
    for (_, line), (_, printed) in zip(
        board.iterrows(), scoreboard.printed().iterrows(), strict=True
    ):
        said = [
            r
            for source in [*scoreboard.SOURCES][1:]
            if isinstance(r := line[f"{source}: reading"], str)
        ]
        assert line["verdict"] == scoreboard.verdict(
            printed, said, scoreboard.model_numbers(printed)
        )


def test_synthetic_data_never_decide(board):
    public = [f"{source}: estimate" for source in [*scoreboard.SOURCES][1:]]
    alone = board["synthetic: estimate"].notna() & board[public].isna().all(axis=1)
    assert alone.sum() >= 20
    assert set(board.loc[alone, "verdict"]) == {"put in by construction", "not identified"}
    assert board["synthetic: reading"].isna().all()


def test_readings():
    def read(value, p, low, high, significant=True, se=0.1, estimate=None):
        middle = (low + high) / 2 if estimate is None else estimate
        return scoreboard.reading(
            value, se, significant, {"estimate": middle, "p": p, "low": low, "high": high}
        )

    assert read(-0.2, 0.01, -0.3, -0.1) == "reproduced"
    assert read(-0.2, 0.20, -0.3, 0.1) == "not identified"
    assert read(-0.5, 0.01, -0.3, -0.1) == "same sign"
    assert read(-0.5, 0.20, -0.3, 0.1) == "different"  # a tolerance of 4 se passes zero
    assert read(-0.5, 0.01, 0.1, 0.3) == "different"  # and the wrong sign
    assert read(0.1, 0.30, -0.1, 0.2, significant=False) == "reproduced"
    assert read(0.1, 0.30, -9.0, 9.0, significant=False) == "not identified"
    assert read(0.1, 0.01, 0.05, 0.2, significant=False) == "same sign"


def test_one_source_that_contradicts_is_enough():
    say = scoreboard.over_sources
    assert say(["reproduced", "different", "same sign"]) == "different"
    assert say(["reproduced", "not identified"]) == "reproduced"
    assert say([]) == say(["not identified"]) == "not identified"


def test_numbers_of_the_model_need_one_sign_in_every_reading():
    def model(*ends):
        return scoreboard.of_model(1.2, pd.DataFrame(ends, columns=["low", "high"]))

    assert model((1.17, 1.24)) == "reproduced"
    assert model((1.9, 2.3), (1.0, 4.0)) == "same sign"
    assert model((1.9, 2.3), (-0.02, -0.01)) == "not identified"
    assert model((0.0, 0.0), (1.0, 1.0)) == "not identified"
    assert model((-2.0, -1.0)) == "different"


def test_oddities_of_print(board):
    odd = board[board["odd"] != ""].set_index("column")["odd"]
    assert odd.index.to_list() == ["(4) log_income_1950", "50-year", "60-year", "60-year"]
    t = scoreboard.oddities().set_index("printed")["computed"]
    assert t["1007"] == "722 pairs of the seven census years"
    assert t["0.408"] == "it can fall by at most 0.0016 from 0.433"
    assert t["-0.142 **"] == "t = 9.7, which deserves ***"
    assert t["-0.152 **"] == "t = 4.4, which deserves ***"
    assert "printed with a minus sign" in t.index
    # one equation of the omitted-variable formula holds at the slopes: column (1) from (2)
    slopes = scoreboard.auxiliary_slopes()
    assert -0.021 - 0.154 * slopes["tradable"] + 0.433 * slopes["nontradable"] == pytest.approx(
        -0.188
    )
    assert slopes.round(2).to_list() == [-1.06, -0.76]


def test_estimates_are_those_of_the_stored_results(board):
    line = row(board, "tradeoff_controls", "(1)", "total_specialization")
    stored = (
        results.stored("tradeoff_columns")
        .query(
            "base == 1980 and end == 2018 and controls == 'base year' and shift_share == 'none' "
            "and column == '(1)' and row == 'total'"
        )
        .iloc[0]
    )
    assert line["industries 1980: estimate"] == pytest.approx(stored["estimate"], rel=1e-3)
    assert line["industries 1980: se"] == pytest.approx(stored["clustered"], rel=1e-3)
    distance = (stored["estimate"] + 0.188 * 38 / 70) / stored["clustered"]
    assert line["industries 1980: distance"] == pytest.approx(distance, rel=1e-3)
    assert line["industries 1980: same sign"] == "no"
    level = row(board, "tradeoff_controls", "(3)", "total_specialization")
    assert level["verdict"] == "different"


def test_controls_that_mean_something_else_are_left_out(board):
    skill = row(board, "tradeoff_controls", "(3)", "high_skill_share")
    without = ("1960", "1960, from 1969", "states 1963")
    assert skill[[f"{source}: estimate" for source in without]].isna().all()
    assert skill["industries 1990: reading"] == "same sign"


def test_the_page_is_what_the_code_writes(board):
    text = (BOOK / "tables" / "scoreboard.md").read_text(encoding="utf-8")
    assert text == scoreboard_page.page(board)
    parts = [scoreboard_page.written(board, part) for part in scoreboard_page.PARTS]
    inputs = (board["verdict"] == "an input").sum()
    model = sum(len(scoreboard.model_numbers(line)) > 0 for _, line in board.iterrows())
    assert sum(map(len, parts)) + inputs + model == 119


@pytest.mark.slow
def test_the_scoreboard_is_what_the_code_computes(board):
    computed = scoreboard.scoreboard()
    pd.testing.assert_frame_equal(computed.fillna(np.nan), board, check_dtype=False, rtol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(scoreboard.all_model_numbers())))
def test_numbers_of_the_model_are_those_of_its_chapters(number):
    line = scoreboard.all_model_numbers().iloc[number]
    path = BOOK / "notebooks" / f"{line['chapter']}.ipynb"
    if not path.exists():
        pytest.skip("the book is not built: make book")
    outputs = [
        o
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        for o in cell.get("outputs", [])
    ]
    kept = {
        o["metadata"]["scrapbook"]["name"]: next(
            "".join(text) for kind, text in o["data"].items() if kind.endswith("text/plain")
        )
        for o in outputs
        if "scrapbook" in o.get("metadata", {})
    }
    for end in ("low", "high"):
        assert float(kept[line[f"{end}_key"]]) == pytest.approx(line[end], rel=1e-3, abs=1e-3)


def test_a_chapter_shows_the_sources_of_its_vintages(board):
    def show(vintage, part="tradeoff_horizons"):
        return scoreboard_page.beside(part, results.choose(vintage))

    both = scoreboard_page.written(board, "tradeoff_horizons")
    assert set(show("all")) >= set(both)
    assert list(show("synthetic")) == ["number", "printed", "synthetic", "verdict"]
    assert "synthetic" not in show("public")
    assert show("public")["verdict"].equals(both["verdict"])
