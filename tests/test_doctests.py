"""The examples in public docstrings run and give what they say."""

import doctest
import importlib
import pkgutil
from types import ModuleType

import encoders
import gnnrec
import graphs


def modules() -> list[str]:
    found = []
    for package in (encoders, gnnrec, graphs):
        found += [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [name for name in found if not name.endswith("__main__")]


def test_examples_of_docstrings() -> None:
    tried, problems = 0, []
    for name in modules():
        module: ModuleType = importlib.import_module(name)
        for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
            if test.examples:
                result = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(test)
                tried += result.attempted
                problems += [test.name] if result.failed else []
    assert tried >= 27 and not problems
