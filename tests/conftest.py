import pytest


@pytest.fixture(scope="session")
def panel():
    from specialization import synthetic

    return synthetic.panel()
