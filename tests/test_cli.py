"""The command line: documented, and its errors are messages with exit codes, not tracebacks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from belonging_llm.cli import main

ROOT = Path(__file__).parent.parent


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(args))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def commands(group: click.Group, prefix: str = "belonging") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        found[f"{prefix} {name}"] = command
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix} {name}")
    return found


def test_every_command_is_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, command in commands(main).items():
        assert command.help, name
        # A group may take its study before the command's name: `belonging themes STUDY list`.
        assert re.search("( [A-Z]+)? ".join(name.split()), readme), f"README does not mention `{name}`"


def test_lists_in_help_keep_their_lines() -> None:
    for name, command in commands(main).items():
        assert r"\b" not in (command.help or ""), name
    assert "\n  seed      the request's seed, at --temperature\n" in run("stability", "--help")[1]
    assert "\n  belonging analyse STUDY " in run("--help")[1]


def test_readme_names_no_command_that_does_not_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    known = commands(main)
    for name in re.findall(r"^(belonging [a-z]+)", readme, re.MULTILINE):
        assert name in known


def test_readme_s_make_targets_exist() -> None:
    readme, makefile = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile"))
    for target in set(re.findall(r"(?:^|`)make ([a-z]+)", readme, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; from belonging_llm import cli; print([m for m in {} if m in sys.modules])"
    heavy = ["numpy", "pandas", "torch", "prefect", "openai", "langchain", "sqlalchemy", "pydantic", "umap"]
    done = subprocess.run([sys.executable, "-c", code.format(heavy)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["analyse", "status", "report"])
def test_a_folder_that_is_no_study_is_a_message(command: str, tmp_path: Path) -> None:
    code, output = run(command, str(tmp_path / "nothing"))
    assert code == 1
    assert "belonging init" in output
    assert "Traceback" not in output


def test_wrong_usage_is_2() -> None:
    assert run("analyse")[0] == 2
    assert run("nonsense")[0] == 2


def test_a_second_init_is_refused(tmp_path: Path) -> None:
    assert run("init", str(tmp_path / "s"))[0] == 0
    code, output = run("init", str(tmp_path / "s"))
    assert (code, "already a study" in output) == (1, True)


def test_settings_with_a_typo_name_the_field(tmp_path: Path) -> None:
    run("init", str(tmp_path / "s"))
    with (tmp_path / "s" / "study.toml").open("a") as stream:
        stream.write("min_wrods = 3\n")
    code, output = run("status", str(tmp_path / "s"))
    assert (code, "min_wrods" in output) == (1, True)


def test_analysing_nothing_says_what_to_do(tmp_path: Path) -> None:
    run("init", str(tmp_path / "s"))
    code, output = run("analyse", str(tmp_path / "s"), "--llm", "none")
    assert code == 1
    assert "belonging import" in output or "belonging models pull" in output


@pytest.mark.parametrize("spec", ["nonsense", "openai:", "http://127.0.0.1:1/v1", "langchain:openai"])
def test_malformed_model_specs_are_refused(spec: str) -> None:
    from belonging_llm.adapters.factory import chat_model
    from belonging_llm.errors import InputError

    with pytest.raises(InputError, match="not a model spec"):
        chat_model(spec, allow_remote=True)


@pytest.mark.parametrize("spec", ["openai:gpt-x", "https://models.example/v1#m", "http://10.0.0.5:8000/v1#m"])
def test_remote_models_need_leave(spec: str) -> None:
    from belonging_llm.adapters.factory import chat_model
    from belonging_llm.errors import ModelRefused

    with pytest.raises(ModelRefused, match="allow_remote"):
        chat_model(spec, allow_remote=False)
