import pytest


@pytest.fixture(scope="session")
def panel():
    from data import synthetic

    return synthetic.panel()
