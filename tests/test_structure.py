import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("api", "datasets", "loaders", "openapi")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION = 300, 45
CODE_MAP = ROOT / "docs" / "architecture.md"


def name_of(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


def functions(module: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            yield node.name, (node.end_lineno or first) - first + 1


def test_the_code_map_names_every_module() -> None:
    named = CODE_MAP.read_text("utf-8")
    unnamed = [name_of(module) for module in MODULES if f"`{name_of(module)}`" not in named]

    assert unnamed == []


def test_the_code_map_names_no_module_that_is_gone() -> None:
    named = re.findall(rf"`((?:{'|'.join(PACKAGES)})/[\w/]*\.py)`", CODE_MAP.read_text("utf-8"))

    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_dependency_owns_the_name_of_a_package_of_ours(package: str) -> None:
    assert set(packages_distributions().get(package, [])) <= {"lansdata"}


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_modules_and_functions_fit_the_eye(module: Path) -> None:
    lines = len(module.read_text("utf-8").splitlines())
    long = [(name, length) for name, length in functions(module) if length > LONGEST_FUNCTION]

    assert lines <= LONGEST_MODULE
    assert long == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_says_first_what_it_is_for(module: Path) -> None:
    said = ast.get_docstring(ast.parse(module.read_text("utf-8"))) or ""

    assert said.split("\n")[0].endswith((".", ":"))


def test_a_process_of_ours_does_not_import_pandas_only_because_the_tests_brought_it() -> None:
    script = (
        "import sys; from datasets.lean import leave_out; leave_out(); import pyarrow; pyarrow.array(['a']);"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"
