"""What test files share: one build of the core for the whole session."""

import pytest

from building import CoreBuild


@pytest.fixture(scope="session")
def core_build(tmp_path_factory):
    build = CoreBuild(tmp_path_factory.mktemp("core"))
    build.configure()
    build.build()
    return build
