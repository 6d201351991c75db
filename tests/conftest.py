import pytest


@pytest.fixture(scope="session")
def panel():
    from specialization.data import synthetic

    return synthetic.panel()
