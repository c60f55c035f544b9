"""The command line as a process of its own: what is imported, where output goes, and what is left behind."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.processes import ROOT, processes_of_group, running, wait_until


def python(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done


def test_module_prints_one_json_object() -> None:
    done = python("-m", "vmap_theory", "clip", "crelu", "--sparsity", "0.85", "--target", "0.5", "--json")
    assert json.loads(done.stdout)["m"] == pytest.approx(0.8095, abs=5e-5)


def test_error_is_one_line_on_standard_error() -> None:
    done = python("-m", "vmap_theory", "derive", "crelo", status=2)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: unknown activation 'crelo'")


def test_help_imports_no_sympy() -> None:
    done = python("-X", "importtime", "-m", "vmap_theory", "--help")
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "vmap_theory" in imported, "the list of imports was read"
    assert not imported & {"sympy", "numpy", "scipy", "mpmath", "matplotlib", "torch", "jax"}


def test_importing_the_package_is_light() -> None:
    heavy = ("torch", "matplotlib", "jax", "sympy", "numpy", "scipy", "typer", "pydantic", "jinja2")
    done = python("-c", f"import sys, vmap_theory; print([n for n in {heavy} if n in sys.modules])")
    assert done.stdout.strip() == "[]"


def test_computing_needs_no_optional_packages() -> None:
    # With the extras blocked, everything but pictures and the report works.
    program = (
        "import sys\n"
        # Not by sys.modules[name] = None: SciPy looks there for torch and asks what it finds for its Tensor.
        "class Blocked:\n"
        "    names = {'torch', 'matplotlib', 'jax', 'jinja2', 'latex2mathml', 'sklearn', 'pyarrow', 'flint'}\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in self.names:\n"
        "            raise ImportError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import vmap_theory as vt\n"
        "clip = vt.clipping_level('crelu', 0.85)\n"
        "vt.fixed_points(clip.variance_map)\n"
        "vt.verify(vt.activation('relu'), 10, points=1)\n"
        "vt.eoc_table(['crelu'], [0.85], [0.5], digits=5).to_csv()\n"
        "from vmap_theory.plots import plot_activations\n"
        "from vmap_theory.report import write_demo_report\n"
        "for job in (lambda: plot_activations([vt.activation('relu')]), lambda: write_demo_report('nowhere')):\n"
        "    try:\n"
        "        job()\n"
        "    except ImportError as error:\n"
        "        assert isinstance(error, vt.VmapTheoryError), error\n"
        "        print(error)\n"
    )
    lines = python("-c", program).stdout.splitlines()
    assert "vmap-theory[plot]" in lines[0]
    assert "vmap-theory[demo]" in lines[1]


def test_closed_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m vmap_theory list | head -n 0"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="process groups are of POSIX")
@pytest.mark.parametrize("after", [0.0, 1.5], ids=["while workers start", "while workers compute"])
def test_ctrl_c_stops_verification_of_the_catalogue_at_once(after: float) -> None:
    with running("verify", "--all", "--workers", 2, "--digits", 200) as process:
        # This process, the tracker of shared resources, two workers.
        assert wait_until(lambda: processes_of_group(process.pid) >= 4, 60), "the workers started"
        time.sleep(after)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert wait_until(lambda: processes_of_group(process.pid) == 0, 10), "no worker is left behind"
