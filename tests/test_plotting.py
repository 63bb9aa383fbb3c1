"""The adaptation picture."""

import errno
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

import metarl_fast as mf
from metarl_fast.plotting import adaptation

EPISODES = (0, 1, 5, 50)


def interval(mean, half=0.02):
    values = np.asarray(mean, float)
    return mf.Interval(values, values - half, values + half)


def shows(picture, colour):
    """Whether some pixels have a colour, given as #rrggbb."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return (np.abs(picture[..., :3] - wanted).max(axis=-1) < 0.01).sum() > 50


def test_each_start_is_a_line_with_its_interval(tmp_path):
    path = tmp_path / "made" / "by it" / "a.png"
    scores = {"scratch": interval([0, 0.1, 0.2, 0.5]), "reptile": interval([0.1, 0.4, 0.6, 0.9], 0.1)}
    adaptation(scores, EPISODES, path, title="two starts")
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    both = imread(path)
    height, width = both.shape[:2]
    assert 800 <= width <= 2000
    assert 500 <= height <= 1500
    assert shows(both, "#000000")
    assert shows(both, "#D55E00")
    assert not shows(both, "#009E73")

    pale = np.array([0xD5, 0x5E, 0x00]) / 255 * 0.18 + (1 - 0.18)
    assert shows(both, "#" + "".join(f"{round(255 * part):02x}" for part in pale))


def test_a_start_of_ones_own_is_drawn_too(tmp_path):
    adaptation({"scratch": interval([0, 0, 0, 0])}, EPISODES, tmp_path / "one.png")
    adaptation(
        {"scratch": interval([0, 0, 0, 0]), "mine": interval([1, 1, 1, 1])}, EPISODES, tmp_path / "two.png"
    )
    assert imread(tmp_path / "one.png").tobytes() != imread(tmp_path / "two.png").tobytes()


def test_the_ending_names_the_format(tmp_path):
    adaptation({"optimal": interval([1, 1, 1, 1])}, EPISODES, tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()


@pytest.mark.parametrize(
    ("scores", "error", "message"),
    [
        ({}, ValueError, "scores is empty"),
        ({"mine": [0, 0, 0, 0]}, TypeError, r"scores\['mine'\] is a list, expected what `interval\(\)`"),
        (
            {"mine": interval([0, 0, 0])},
            ValueError,
            r"scores\['mine'\].mean has shape \(3,\), expected \(4,\)",
        ),
    ],
)
def test_scores_that_cannot_be_drawn_are_refused(scores, error, message, tmp_path):
    with pytest.raises(error, match=message):
        adaptation(scores, EPISODES, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_a_picture_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    adaptation({"scratch": interval([0, 0, 0, 0])}, EPISODES, path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match=r"No space left on device: .*a\.png"):
        adaptation({"scratch": interval([1, 1, 1, 1])}, EPISODES, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a", "a.", "a.docx", ".png"])
def test_a_name_that_ends_otherwise_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"expected a name that ends in .*png"):
        adaptation({"scratch": interval([0, 0, 0, 0])}, EPISODES, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        ImportError, match=r"needs matplotlib: install it with `pip install 'metarl-fast\[plot\]'`"
    ):
        adaptation({"scratch": interval([0, 0, 0, 0])}, EPISODES, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
