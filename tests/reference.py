"""The core's algorithms in plain Python: slow, one function an equation, equal to the core bit for bit.

Numbers are Python integers and floats (IEEE doubles, as in C++), and NumPy's float32 scalars where the core
works in single precision: `real` is one of the types `np.float32` and `float`.

The golden file of random streams was written once, by `python tests/reference.py > tests/data/rng.csv`. A
change of it breaks the promise of cpp/rng.hpp.
"""

from __future__ import annotations

import math
import struct
import sys
from bisect import bisect_right
from dataclasses import dataclass
from itertools import product

import numpy as np

# --- cpp/rng.hpp -------------------------------------------------------------------------------------------

MASK = 2**32 - 1
TRANSITIONS, REWARDS, START, LAYOUT, LEARNING, PARTS = range(6)  # purposes

# Multipliers and Weyl constants of Philox4x32 and Philox4x64 (Salmon et al., SC 2011, table 2).
PHILOX_CONSTANTS = {
    32: (0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85),
    64: (0xD2E7470EE14C6C93, 0xCA5A826395121157, 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B),
}


def philox(counter, key, bits=32):
    """Philox4x{bits}-10."""
    mask = 2**bits - 1
    m0, m1, w0, w1 = PHILOX_CONSTANTS[bits]
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        p0, p1 = m0 * c0, m1 * c2
        c0, c1, c2, c3 = (p1 >> bits) ^ c1 ^ k0, p1 & mask, (p0 >> bits) ^ c3 ^ k1, p0 & mask
        k0, k1 = (k0 + w0) & mask, (k1 + w1) & mask
    return [c0, c1, c2, c3]


def rotate_left(x, k):
    return ((x << k) | (x >> (32 - k))) & MASK


class Stream:
    """xoshiro128++."""

    def __init__(self, state):
        self.state = list(state)

    def next(self):
        s0, s1, s2, s3 = self.state
        result = (rotate_left((s0 + s3) & MASK, 7) + s0) & MASK
        t = (s1 << 9) & MASK
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= t
        self.state = [s0, s1, s2, rotate_left(s3, 11)]
        return result

    @property
    def companion(self):
        """A second number beside the one just given."""
        return self.state[2]


def make_stream(key, task, purpose):
    counter = [0, 0, task & MASK, task >> 32 | purpose << 24]
    state = philox(counter, [key & MASK, key >> 32])
    return Stream(state if any(state) else [1, 0, 0, 0])


def key_of_part(key, part):
    low, high = philox([part & MASK, part >> 32, 1, MASK], [key & MASK, key >> 32])[:2]
    return high << 32 | low


def make_key(seed):
    """What `rng=seed` stands for."""
    return int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0])


def threefry(counter, key):
    """Threefry2x32-13."""
    k0, k1 = key
    keys = [k0, k1, k0 ^ k1 ^ 0x1BD11BDA]
    x0, x1 = (counter[0] + k0) & MASK, (counter[1] + k1) & MASK
    for n in range(13):
        x0 = (x0 + x1) & MASK
        x1 = rotate_left(x1, (13, 15, 26, 6, 17, 29, 16, 24)[n % 8]) ^ x0
        if n % 4 == 3:
            turn = n // 4 + 1
            x0 = (x0 + keys[turn % 3]) & MASK
            x1 = (x1 + keys[(turn + 1) % 3] + turn) & MASK
    return [x0, x1]


def make_index_key(key, task, purpose):
    return make_stream(key, task, purpose).state[:2]


def indexed(key, row, index):
    """The index'th number of row `row`: two neighbours share a block."""
    return threefry([index >> 1, row], key)[index & 1]


def below(x, n):
    return (x * n) >> 32


def unit(x, real=float):
    return np.float32(x >> 8) * np.float32(2.0**-24) if real is np.float32 else x * 2.0**-32


def unit_53(x, companion):
    return (x + (companion >> 11) * 2.0**-21) * 2.0**-32


def open_unit(x):
    return (x + 0.5) * 2.0**-32


def rng_csv():
    """First numbers of streams in every corner of the key, task and purpose ranges."""
    lines = ["key,task,purpose," + ",".join(f"n{k}" for k in range(8))]
    keys = [0, 1, 0x0123456789ABCDEF, 2**64 - 1]
    tasks = [0, 1, 2**32 - 1, 2**32, 2**55, 2**56 - 1]
    for key, task, purpose in product(keys, tasks, range(5)):
        stream = make_stream(key, task, purpose)
        lines.append(f"{key},{task},{purpose}," + ",".join(str(stream.next()) for _ in range(8)))
    return "\n".join(lines) + "\n"


# --- cpp/elementary.hpp ------------------------------------------------------------------------------------

LN2_HIGH = float.fromhex("0x1.62e42feep-1")
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
INVERSE_LN2 = float.fromhex("0x1.71547652b82fep+0")
ROUND_TO_INTEGER = 1.5 * 2.0**52


def horner(coefficients, x, value=0.0):
    """Polynomial with the highest coefficient first."""
    for c in coefficients:
        value = value * x + c
    return value


def portable_log(x):
    (bits,) = struct.unpack("<q", struct.pack("<d", x))
    exponent = (bits - 0x3FE6A09E667F3BCD) >> 52
    (m,) = struct.unpack("<d", struct.pack("<q", bits - (exponent << 52)))
    z = (m - 1.0) / (m + 1.0)
    w = z * z
    series = horner([1.0 / odd for odd in range(23, 1, -2)], w)
    return exponent * LN2_HIGH + (2.0 * z + (2.0 * z * w * series + exponent * LN2_LOW))


def portable_exp(x):
    if x < -708.0:
        return 0.0
    x = min(x, 709.0)
    k = (x * INVERSE_LN2 + ROUND_TO_INTEGER) - ROUND_TO_INTEGER
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    return horner([1.0 / math.factorial(n) for n in range(13, -1, -1)], r) * 2.0 ** int(k)


# Algorithm AS 241, PPND16 (Wichura 1988): numerator and denominator, highest coefficient first.
CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
MIDDLE = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590,
     1.42343711074968357734),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940,
     2.05319162663775882187, 1.0),
)  # fmt: skip
TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580,
     5.46378491116411436990, 6.65790464350110377720),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def inverse_power(x, w):
    return portable_exp(-w * portable_log(x))


def normal_quantile(p):
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * horner(CENTRE[0], r) / horner(CENTRE[1], r)
    r = math.sqrt(-portable_log(p if q < 0.0 else 1.0 - p))
    (numerator, denominator), r = (MIDDLE, r - 1.6) if r <= 5.0 else (TAIL, r - 5.0)
    x = horner(numerator, r) / horner(denominator, r)
    return -x if q < 0.0 else x


# --- cpp/mdp.hpp: a task, and how an outcome is drawn ------------------------------------------------------


@dataclass
class Model:
    """One task in the core's layout; a dense one has no next_state."""

    probability: np.ndarray  # [S, A, S] or [S, A, K]
    next_state: np.ndarray | None  # [S, A, K]
    reward: np.ndarray  # [S, A] or [S, A, K]
    terminated: np.ndarray  # [S] or [S, A, K]
    start: np.ndarray  # [S]
    reward_noise: float = 0.0
    weights: list | None = None  # [S][A][S], integers below 2^24: next states are drawn by rejection
    terminal: np.ndarray | None = None  # [S]; if None the dense `terminated`, or no state

    def is_terminal(self, state):
        if self.terminal is not None:
            return bool(self.terminal[state])
        return self.next_state is None and bool(self.terminated[state])

    def available(self):
        """Which actions are there to be taken [S, A]: those with a possible outcome."""
        return np.any(self.probability != 0.0, axis=-1)

    def outcome(self, state, action, k):
        """(next state, expected reward, terminated)."""
        if self.next_state is None:
            return k, self.reward[state, action], self.terminated[k]
        place = (state, action, k)
        return int(self.next_state[place]), self.reward[place], self.terminated[place]


def thresholds(probability, real):
    """Cumulative probabilities, without those from the last possible outcome on: nothing exceeds them."""
    last = max((k for k, p in enumerate(probability) if p > 0.0), default=0)
    cumulative, found = 0.0, []
    for p in probability[:last]:
        cumulative += float(p)
        found.append(real(cumulative))
    return found


def sample(row, u):
    """The first outcome whose threshold exceeds u."""
    return bisect_right(row, u)


def sample_by_rejection(weights, stream):
    """A state, drawn evenly, is accepted with the probability of its weight."""
    for _ in range(4096):
        proposed = below(stream.next(), len(weights))
        if stream.next() >> 8 < weights[proposed]:
            break
    return proposed


if __name__ == "__main__":
    sys.stdout.write(rng_csv())


def time_of(family, task, segment):
    """Return (segment, task): which task of a family that changes in time it is, and when."""
    if family.along == "tasks":
        return (task // family.every if family.segment is None else family.segment), 0
    return (segment if family.segment is None else family.segment), task
