"""The rules of the house that a compiler does not enforce: who may know whom, and what is written where."""

import ast
import importlib.metadata
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import file_map
import metarl_fast
from building import ROOT, needs, run
from metarl_fast.families.combination import Combination
from metarl_fast.families.core_family import CoreFamily
from metarl_fast.learners import FEATURES, LEARNERS
from metarl_fast.learners.td_settings import TdSettings
from metarl_fast.listing import concrete

CPP = sorted([*ROOT.glob("cpp/**/*.?pp")])
PYTHON = sorted(ROOT.glob("python/metarl_fast/**/*.py"))


def name(path):
    return path.relative_to(ROOT).as_posix()


# --- C++ ---------------------------------------------------------------------------------------------------


def code(path):
    """A C++ file without its comments and without what its strings say; includes stay as they are."""
    parts = r'(#include[^\n]*)|("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/'
    text = path.read_text(encoding="utf-8")
    return re.sub(parts, lambda part: part[1] or ('""' if part[2] else ""), text, flags=re.S)


def offenders(pattern, allowed=()):
    """Files outside `allowed` (names or folders) whose code matches, with what was found."""
    found = {name(path): re.search(pattern, code(path)) for path in CPP}
    return {
        file: match.group()
        for file, match in found.items()
        if match and not any(file == place or file.startswith(f"{place}/") for place in allowed)
    }


def test_comments_and_strings_are_no_code(tmp_path):
    file = tmp_path / "a.cpp"
    file.write_text('#include "mdp.hpp"\nint a; // std::cout\n/* abort(\n) */ f("exit(\\" printf", b);\n')
    assert code(file) == '#include "mdp.hpp"\nint a; \n f("", b);\n'


def test_only_the_bindings_know_python():
    assert not offenders(r"pybind11|Python\.h|\bPy[A-Z_]\w*", allowed=["cpp/bindings"])


def test_only_one_file_makes_threads():
    makes = r"\bpthread_create\b|std::(?:jthread|thread|async)\b"
    assert set(offenders(makes)) == {"cpp/thread.cpp"}
    # OpenMP's threads may end the process; see cpp/parallel.hpp.
    assert not offenders(r"#\s*pragma omp (?!simd)\w+|omp\.h|\bomp_\w+")


def test_only_blocks_and_rows_run_on_threads():
    assert set(offenders(r'#include "(?:\.\./)?thread\.hpp"')) == {"cpp/parallel.cpp", "cpp/thread.cpp"}


def test_only_dispatch_asks_the_processor_and_the_environment():
    assert not offenders(r"__builtin_cpu_\w+|cpuid\.h|\bgetenv\b", allowed=["cpp/kernel/dispatch.cpp"])


def test_the_core_neither_prints_nor_ends_the_process():
    prints = "cout|cerr|clog|printf|fprintf|vprintf|puts|fputs|putchar|perror"
    ends = "abort|exit|_exit|_Exit|quick_exit|terminate|assert|raise"
    assert not offenders(rf"\b(?:{prints}|{ends})\b|<(?:iostream|fstream|cstdio|stdio\.h|cassert|assert\.h)>")


def test_nothing_draws_or_decides_with_the_systems_functions():
    """They differ between processors and versions; cpp/elementary.hpp has the core's own."""
    numbers = "log|log2|log10|log1p|exp|exp2|expm1|pow|sin|cos|tan|erf|erfc|tgamma|lgamma|cbrt|hypot"
    draws = r"<random>|std::(?:mt19937|random_device)"
    assert not offenders(rf"(?<![\w.>])(?:{numbers}|rand|srand|random)\s*\(|{draws}")


CPP_LAYERS = [
    {"cpp/aligned.hpp", "cpp/elementary.hpp", "cpp/interrupt.hpp", "cpp/rng.hpp"},
    {
        "cpp/carried.hpp",
        "cpp/history.hpp",
        "cpp/row_loop.hpp",
        "cpp/parameters.hpp",
        "cpp/sampling.hpp",
        "cpp/task_formula.hpp",
        "cpp/thread",
        "cpp/thresholds.hpp",
        "cpp/uniform_law.hpp",
        "cpp/variates.hpp",
    },
    {"cpp/mdp.hpp", "cpp/training.hpp"},
    {"cpp/task_checks"},
    {"cpp/mdp.cpp", "cpp/accept", "cpp/simulator.hpp", "cpp/repeated_tasks.hpp"},
    {"cpp/answer_table.hpp"},
    {"cpp/place_task.hpp"},
    {"cpp/vector_simulator.hpp"},
    {"cpp/learners", "cpp/solvers"},
    {"cpp/families"},  # a law may be about optimal values
    {"cpp/gradients"},
    {"cpp/generated_tasks.hpp"},
    {"cpp/kernel"},
    {"cpp/engine.hpp"},
    {"cpp/workers", "cpp/parallel"},
    {"cpp/ordered_sums.hpp"},
    {"cpp/rollout.hpp", "cpp/contexts.hpp"},
    {"cpp/engine/policies_of.hpp"},
    {
        "cpp/engine/contexts.cpp",
        "cpp/engine/relabel.cpp",
        "cpp/engine/long_run.cpp",
        "cpp/engine/rollout.cpp",
        "cpp/engine/train.cpp",
        "cpp/engine/plan.cpp",
        "cpp/engine/evaluate.cpp",
        "cpp/engine/replay.cpp",
        "cpp/engine/replay_linear.cpp",
        "cpp/engine/materialise.cpp",
        "cpp/engine/policy_gradient.cpp",
    },
    {"cpp/bindings"},
]


def layer_of(file, layers):
    ranks = [
        rank
        for rank, places in enumerate(layers)
        for place in places
        if file == place or file.startswith((f"{place}/", f"{place}."))
    ]
    assert len(ranks) == 1, f"{file} has no place in the layers of this test"
    return ranks[0]


def test_includes_point_down_the_layers_or_stay_in_the_folder():
    seen = 0
    for path in CPP:
        for included in re.findall(r'#include "([^"]+)"', path.read_text(encoding="utf-8")):
            target = (path.parent / included).resolve()
            assert target.is_file(), f"{name(path)} includes {included}"
            same = target.parent == path.parent != ROOT / "cpp" or target.stem == path.stem
            below = layer_of(name(target), CPP_LAYERS) < layer_of(name(path), CPP_LAYERS)
            assert same or below, f"{name(path)} includes {included}, which is not below it"
            seen += 1
    assert seen > 20


def test_installed_headers_include_installed_ones():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    text = "".join(re.findall(r"install\(FILES .*?\)|install\(DIRECTORY .*?\)", text, flags=re.S))
    named = [ROOT / place for place in re.findall(r"cpp(?:/\w+)+(?:\.hpp)?", text)]
    headers = {header for place in named for header in (place.glob("*.hpp") if place.is_dir() else [place])}
    assert len(headers) > 20
    for header in headers:
        for included in re.findall(r'#include "([^"]+)"', header.read_text(encoding="utf-8")):
            target = (header.parent / included).resolve()
            assert target in headers, f"{name(header)} is installed and includes {included}, which is not"


def test_no_two_headers_name_a_class_alike():
    """Their inline functions would be one to the linker, which takes either."""
    seen = {}
    for path in CPP:
        if path.suffix == ".hpp":
            for found in re.findall(r"^(?:class|struct) (\w+)[^;]*\{", code(path), flags=re.M):
                assert seen.setdefault(found, path) == path, f"{name(path)}, {name(seen[found])}: {found}"
    assert len(seen) > 100


@needs("cmake", "ninja", "nm")
@pytest.mark.parametrize("level", ["as built", "-O0"])
def test_kernels_share_no_symbols(core_build, level, tmp_path):
    """A weak symbol (W, V, u) of the AVX-512 kernel could be linked into what older processors run."""
    kernels = {}
    for command in core_build.compile_commands():
        isa = [word.partition("=")[2] for word in command if word.startswith("-DMETARL_FAST_KERNEL_ISA=")]
        if isa:
            kernels[isa[0], Path(command[-1]).stem] = command
    assert set(metarl_fast.build_info()["available_isas"]) <= {isa for isa, _ in kernels}
    exports = {"kernel": "kernels", "dense_solver": "dense_solver", "replay": "replay_kernel"}
    for (isa, text), command in kernels.items():
        output = command.index("-o") + 1
        compiled = core_build.folder / "core" / command[output]
        if level == "-O0":
            compiled = tmp_path / f"{isa}.o"
            run(*command[:output], compiled, level, *command[output + 1 :])
        symbols = [line.split() for line in run("nm", "-C", compiled)[0].splitlines()]
        assert not [symbol for symbol in symbols if symbol[-2] in "WVu"]
        exported = [" ".join(symbol[2:]) for symbol in symbols if symbol[1] in "TDRBC"]
        assert exported == [f"metarl_fast::{isa}::{exports[text]}"]


# --- Python ------------------------------------------------------------------------------------------------

PYTHON_LAYERS = [
    {"_core"},
    {"checks", "listing", "result", "when_imported"},
    {
        "archive",
        "distributed",
        "executors",
        "files",
        "progress_bar",
        "runtime",
        "torch_data",
        "scratch",
        "seeding",
        "settings",
    },
    {"store", "figures", "part_files", "shard_files"},
    {"pictures"},
    {"written_out"},
    {"recipes"},
    {"tasks", "statistics"},
    {"simulator", "robust_statistics", "conjugate"},
    {"forms", "joining", "outcome_tables", "shards"},
    {"jobs"},
    {"run_state", "history"},
    {"result_rooms"},
    {"training_jobs"},
    {"train_result"},
    {"sparse"},
    {"data", "policies"},
    {"families", "learners"},
    {"factors", "noise", "episode_contexts"},
    {"engine"},
    {"replay"},
    {"criterion"},
    {"adaptation_jobs", "solutions"},
    {"planning"},
    {"optimum"},
    {"modified_policy_iteration", "average_reward"},
    {"occupancy", "policy_gradient"},
    {"evaluate"},
    {"dynamic_regret"},
    {"meta"},
    {"plotting", "config"},
    {"comparison"},
    {"envs"},
    {"compat"},
    {"diameter", "effective_horizon"},
    {"compare", "stay_probabilities", "tuning", "citation", "describe", "contexts", "relabelling"},
    {"history_recipe", "known_tasks", "queries"},
    {"history_files", "history_jobs"},
    {"splits", "gallery", "histories", "in_context", "diagnosis"},
    {"contenders"},
    {"experiment", "benchmark", "reproduce", "diagnose"},
    {"side_by_side"},
    {"cli"},
    {"__main__"},
]


def module_name(path):
    """`tasks`, `families.base`, or `families` for a package's __init__."""
    parts = path.relative_to(ROOT / "python" / "metarl_fast").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in PYTHON if module_name(path)}


def imported_modules(path):
    """(module imported, whether at the top level) of this package and of others."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} has a relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                known = full.removeprefix("metarl_fast.") in {*MODULES, "_core"}
                yield (full if known else node.module), node in top


def inner_imports(module):
    """Which modules of this package a module imports."""
    for imported, _ in imported_modules(MODULES[module]):
        if imported.startswith("metarl_fast."):
            yield imported.removeprefix("metarl_fast.")


def test_imports_point_down_the_layers_or_stay_in_the_package():
    for module in MODULES:
        for imported in inner_imports(module):
            same = imported.partition(".")[0] == module.partition(".")[0]
            places = (layer_of(part.replace(".", "/"), PYTHON_LAYERS) for part in (imported, module))
            below, own = places
            assert same or below < own, f"{module} imports {imported}, which is not below it"


def test_no_module_imports_itself_in_a_circle():
    graph = {module: set(inner_imports(module)) for module in MODULES}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert order.index("tasks") < order.index("engine") < order.index("cli")


def test_importing_needs_numpy_alone():
    """Everything else is imported inside functions, when it is used."""
    allowed = {*sys.stdlib_module_names, "metarl_fast", "numpy"}
    for path in PYTHON:
        foreign = {imported for imported, at_top in imported_modules(path) if at_top}
        foreign = {imported for imported in foreign if imported.partition(".")[0] not in allowed}
        assert not foreign, f"{name(path)} imports {foreign} at the top"


def module_of(kind):
    return kind.__module__.removeprefix("metarl_fast.")


def test_the_core_is_called_by_few():
    """Who calls the extension module decides what its arguments mean: a short list is easy to check."""
    callers = {module for module in MODULES if "_core" in inner_imports(module)}
    drawn = [  # each names its parameters
        kind for base in (CoreFamily, Combination) for kind in concrete(vars(metarl_fast.families), base)
    ]
    # Families that are another one with other defaults call nothing themselves.
    drawn = [kind for kind in drawn if not set(drawn) & set(kind.__mro__[1:])]
    shared = {"families.base", "families.python_recipe", "families.core_family", "families.combination"}
    families = {*shared, "families.fixed_task", "families.sharing", *map(module_of, drawn)}
    shared_settings = {kind for kind in LEARNERS if issubclass(kind, TdSettings)}
    agents = set(LEARNERS) - shared_settings  # each names its parameters, too
    learners = {"learners.base", "learners.agent", "learners.td_settings", "learners.expected_sarsa"}
    learners |= {"learners.linear", "learners.features", *map(module_of, FEATURES)}
    learners |= set(map(module_of, agents))
    assert callers == {
        *(
            "simulator",
            "runtime",
            "recipes",
            "replay",
            "shards",
            "tasks",
            "written_out",
            "conjugate",
            "contexts",
            "data",
            "engine",
            "in_context",
            "noise",
            "planning",
            "policies",
            "policy_gradient",
            "relabelling",
            "modified_policy_iteration",
            "average_reward",
            "occupancy",
            "scratch",
            "envs.places",
            "envs.tabular",
            "envs.trial",
            "envs.trial_vector",
            "envs.places_vector",
            "envs.vector",
        ),
        *families,
        *learners,
    }


def test_nothing_in_python_decides_with_the_systems_functions():
    """As in C++; products of matrices sum in another order on another processor, too."""
    names = "exp|exp2|expm1|log|log2|log10|log1p|logaddexp|power|float_power|sin|cos|tan|tanh|cbrt|hypot"
    products = "dot|matmul|inner|outer|einsum|tensordot|vecdot|linalg"
    pattern = re.compile(rf"\b(?:np|numpy|math)\.(?:{names}|pow|erf|{products})\b|\s@\s|\*\*\s*[0-9.-]*\.")
    # The loops that `bench` compares with, and pictures, decide nothing; a learner's own `update`,
    # step by step, is not what `train` runs.
    for module in MODULES.keys() - {"benchmark", "plotting", "pictures"}:
        assert not pattern.search(MODULES[module].read_text(encoding="utf-8")), module


@needs("stubtest")
def test_the_stub_agrees_with_the_core():
    run(sys.executable, "-m", "mypy.stubtest", "metarl_fast._core")


# --- the tree ----------------------------------------------------------------------------------------------


def tree():
    """Every text file of the project, whether git is here or not."""
    folders = [".ci", "bench", "cmake", "cpp", "docs", "examples", "python", "tests"]
    files = [path for folder in folders for path in ROOT.glob(f"{folder}/**/*")]
    files = [path for path in files if ROOT / "docs" / "generated" not in path.parents]
    for path in sorted([*files, *ROOT.glob("*")]):
        binary = path.suffix in (".npz", ".png", ".pyc", ".so")
        if path.is_file() and path.name != ".git" and not binary:
            yield path, path.read_text(encoding="utf-8")


def test_the_map_is_what_the_files_say_of_themselves():
    assert file_map.split()[1] == file_map.section(), "write it anew: nox -s map"


def test_every_file_begins_with_its_one_idea():
    for part in file_map.PARTS:
        for line in file_map.lines(part):
            assert not line.endswith(": ."), f"{line} says nothing: begin the file with its idea"


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "bench/README.md"])
def test_documents_name_files_that_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/.])(?:\.ci|bench|cmake|cpp|docs|python|tests)/[\w./-]*\w", text)
    assert named
    assert not [file for file in named if "NAME" not in file and not (ROOT / file).exists()]


def test_the_version_is_the_same_everywhere():
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), flags=re.M)[1]
    changes = (ROOT / "CHANGELOG.md").read_text()
    assert metarl_fast.__version__ == declared
    assert importlib.metadata.version("metarl-fast") == declared
    assert metarl_fast.build_info()["version"] == declared
    assert re.search(r"^## (\S+)", changes, flags=re.M)[1] == declared


def test_nothing_names_the_machine_it_was_written_on_or_a_package_registry():
    places = re.compile(r"(?<![\w.])/(?:work|root|farm|home|opt|Users)/|\bpypi\.|python[h]osted|ana[c]onda\.")
    for path, text in tree():
        found = places.search(text)
        assert not found, f"{name(path)} holds {found.group()}"


def test_every_source_file_in_c_begins_with_its_licence():
    for path in CPP:
        assert path.read_text().startswith("// SPDX-License-Identifier: MIT\n"), name(path)


def test_no_source_file_is_long():
    """What is longer holds more than one idea."""
    sources = [*CPP, *PYTHON, *ROOT.glob("bench/**/*.?pp"), *ROOT.glob("bench/**/*.py")]
    long = {name(path): len(path.read_text().splitlines()) for path in sources}
    assert not {file: lines for file, lines in long.items() if lines > 400}
