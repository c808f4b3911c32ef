"""Fixtures of the trainer's tests."""

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Small tensors gain nothing from threads, and beside other work these wait for each other."""
    torch.set_num_threads(1)
