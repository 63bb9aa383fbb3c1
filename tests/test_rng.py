"""Random streams: published answers, the golden file, and no sharing of numbers."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import metarl_fast as mf
import reference
from metarl_fast import _core
from metarl_fast.seeding import child, make_key

GOLDEN = Path(__file__).parent / "data" / "rng.csv"

# kat_vectors of Random123 (Salmon et al.): counter, key, output of philox4x32-10.
PHILOX_KNOWN_ANSWERS = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "output"), PHILOX_KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter, key, output):
    assert _core.philox4x32(counter, key) == output
    assert reference.philox(counter, key) == output


def test_philox_text_with_64_bit_words_is_numpys_generator():
    # NumPy has Philox4x64 only. The twin has one text for both widths, so this ties ours to NumPy's.
    random = np.random.default_rng(0)
    for _ in range(20):
        counter, key = random.integers(0, 2**63, 4, np.uint64), random.integers(0, 2**64, 2, np.uint64)
        theirs = np.random.Philox(counter=counter, key=key).random_raw(4)
        counter[0] += np.uint64(1)  # NumPy counts before it draws
        assert reference.philox(counter.tolist(), key.tolist(), bits=64) == theirs.tolist()


def test_philox_agrees_with_the_twin():
    words = np.random.default_rng(1).integers(0, 2**32, (200, 6)).tolist()
    for *counter, key0, key1 in words:
        assert _core.philox4x32(counter, [key0, key1]) == reference.philox(counter, [key0, key1])


# kat_vectors of Random123: counter, key, output of threefry2x32 with 13 rounds.
THREEFRY_KNOWN_ANSWERS = [
    ([0] * 2, [0] * 2, [0x9D1C5EC6, 0x8BD50731]),
    ([0xFFFFFFFF] * 2, [0xFFFFFFFF] * 2, [0xFD36D048, 0x2D17272C]),
    ([0x243F6A88, 0x85A308D3], [0x13198A2E, 0x03707344], [0xBA3E4725, 0xF27D669E]),
]


@pytest.mark.parametrize(("counter", "key", "output"), THREEFRY_KNOWN_ANSWERS)
def test_threefry_gives_the_published_answers(counter, key, output):
    assert _core.threefry2x32(counter, key) == output
    assert reference.threefry(counter, key) == output


def test_threefry_agrees_with_the_twin():
    for x0, x1, key0, key1 in np.random.default_rng(2).integers(0, 2**32, (200, 4)).tolist():
        assert _core.threefry2x32([x0, x1], [key0, key1]) == reference.threefry([x0, x1], [key0, key1])


def test_xoshiro_gives_the_published_answers():
    # State 1, 2, 3, 4 in the code of Blackman and Vigna; Rust's rand_xoshiro tests the same numbers.
    known = [641, 1573767, 3222811527, 3517856514, 836907274]
    known += [4247214768, 3867114732, 1355841295, 495546011, 621204420]
    assert _core.xoshiro128pp([1, 2, 3, 4], 10).tolist() == known
    twin = reference.Stream([1, 2, 3, 4])
    assert [twin.next() for _ in range(10)] == known


def test_streams_are_those_of_the_golden_file():
    with GOLDEN.open(encoding="ascii") as file:
        rows = [[int(number) for number in row] for row in list(csv.reader(file))[1:]]
    assert len(rows) == 4 * 6 * 5
    for key, task, purpose, *numbers in rows:
        assert _core.stream(key, task, purpose, len(numbers)).tolist() == numbers


def test_the_twin_writes_the_golden_file():
    assert reference.rng_csv() == GOLDEN.read_text(encoding="ascii")


def test_keys_are_numpys_seed_sequence():
    assert make_key(7) == reference.make_key(7) == make_key(np.random.SeedSequence(7))
    assert make_key(np.random.default_rng(7)) == int(
        np.random.default_rng(7).integers(0, 2**64, dtype=np.uint64)
    )
    assert make_key(None) != make_key(None)
    assert make_key(child(7, 1)) == make_key(np.random.SeedSequence(7).spawn(2)[1])


def test_a_generator_moves_on_between_calls():
    generator = np.random.default_rng(0)
    first, second = (mf.TaskDistribution(3, 2).sample(1, rng=generator) for _ in range(2))
    assert not np.array_equal(first.transitions, second.transitions)


def test_streams_share_no_numbers():
    # 160 streams of neighbouring names, 2,000 numbers each: no pair of successive numbers occurs twice
    # anywhere. By chance that happens once in 10^8 such tests.
    names = product([0, 1, 2**63, 2**64 - 1], [0, 1, 2, 3, 2**24, 2**32, 2**55, 2**56 - 1], range(5))
    pairs = []
    for name in names:
        numbers = _core.stream(*name, 2000).astype(np.uint64)
        pairs.append(numbers[:-1] << np.uint64(32) | numbers[1:])
    together = np.concatenate(pairs)
    assert len(np.unique(together)) == len(together)


@pytest.mark.parametrize("purpose", range(5))
@pytest.mark.parametrize("place", [0, 1, 7])
def test_the_same_place_of_neighbouring_tasks_is_uniform(purpose, place):
    numbers = np.array([_core.stream(11, task, purpose, place + 1)[place] for task in range(20_000)])
    unit = numbers * 2.0**-32
    assert stats.kstest(unit, "uniform").pvalue > 1e-4
    low_byte = np.bincount(numbers & 0xFF, minlength=256)
    assert stats.chisquare(low_byte).pvalue > 1e-4
    grid = np.histogram2d(unit[:-1], unit[1:], bins=10, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(grid.ravel()).pvalue > 1e-4


def test_one_stream_is_uniform_in_pairs():
    unit = _core.stream(5, 3, reference.LEARNING, 200_000) * 2.0**-32
    assert stats.kstest(unit, "uniform").pvalue > 1e-4
    grid = np.histogram2d(unit[:-1], unit[1:], bins=16, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(grid.ravel()).pvalue > 1e-4
