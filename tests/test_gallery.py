"""The command `metarl-fast families`: the list, and one family in numbers and pictures."""

from __future__ import annotations

import pytest

import metarl_fast as mf
from metarl_fast import gallery
from metarl_fast.cli import main
from metarl_fast.families import FAMILIES


def run(capsys, *arguments, status=0):
    assert main(["families", *arguments]) == status
    printed = capsys.readouterr()
    return printed.err if status else printed.out


def test_every_family_is_listed_once_under_a_heading(capsys):
    text = run(capsys)
    for kind in FAMILIES:
        name = kind.__name__
        assert text.count(f"\n  {name} ") == 1
        assert gallery.first_line(kind).endswith(".")
        assert kind.group != mf.Family.group, f"{name} has no group"
    for preset in (".ad", ".dpt", ".rl2"):
        assert preset in text
    assert ".ad" not in next(line for line in text.splitlines() if "GridNavi" in line)


def test_a_family_in_numbers_and_pictures(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    target = tmp_path / "room.png"
    text = run(capsys, "Darkroom", "size=4", "horizon=6", "--show", "3", "--out", str(target))
    assert "planning content" in text
    assert "(4, 4)" in text
    assert target.read_bytes().startswith(b"\x89PNG")


def test_a_family_with_nothing_to_gain_can_still_be_looked_at(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    target = tmp_path / "walk.png"
    text = run(capsys, "RandomWalk", "--show", "1", "--out", str(target))
    assert "not measured: the random policy is optimal" in text
    assert target.read_bytes().startswith(b"\x89PNG")


def test_presets_and_families_inside():
    assert gallery.named("Darkroom.ad") == mf.Darkroom.ad()
    inside = gallery.named("Slippery", ['family={ type = "GoalGrid", size = 3 }', "probability=0.5"])
    assert inside == mf.Slippery(mf.GoalGrid(3), 0.5)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["Mixture"], "Mixture needs families: give settings such as"),
        (["TaskDistribution", "num_states=3"], "TaskDistribution needs num_actions"),
        (["TaskDistribution", "num_states=40", "num_actions=2", "--show", "2"], "states and no map"),
        (["Darkrom"], "did you mean Darkroom?"),
        (["Darkroom.AD"], "no preset 'AD'"),
        (["RiverSwim.ad"], "expected none"),
        (["Darkroom", "size"], "'size' is no setting such as size=5"),
        (["Darkroom", "sise=3"], "no setting 'sise'"),
        (["Darkroom", "size=0"], "size"),
        (["--show", "3"], "about one family"),
        (["Darkroom", "--show", "0"], "number is 0"),
        (["Darkroom", "--out", "room.xyz"], "expected a name that ends in"),
    ],
)
def test_what_there_is_not_is_refused(capsys, tmp_path, monkeypatch, arguments, text):
    monkeypatch.chdir(tmp_path)
    assert text in run(capsys, *arguments, status=1)
    assert not list(tmp_path.iterdir())
