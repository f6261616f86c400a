"""The key: which words a pseudonym stands for, in an encrypted file outside the study."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, ConfigDict, ValidationError

from belonging_llm.deidentification.kinds import Kind
from belonging_llm.deidentification.spelling import same
from belonging_llm.errors import InputError

# scrypt with 32 MiB: about 0.1 s for the owner, and as much for every guess.
_COST, _BLOCK, _LANES = 2**15, 8, 1
_LEAST = 8


class Entry(BaseModel):
    """Words and the pseudonym that stands for them in the study."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    written: str
    kind: Kind
    replacement: str


class _Sealed(BaseModel):
    """The file: how the passphrase becomes a key, and what is encrypted with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = "belonging-key-1"
    salt: str
    content: str


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: tuple[Entry, ...]


class Key:
    """An opened key file; nothing of it is on disk but encrypted."""

    def __init__(self, path: Path, salt: bytes, cipher: Fernet, entries: Sequence[Entry] = ()) -> None:
        """Hold what `open_key` found."""
        self.path = path
        self._salt = salt
        self._cipher = cipher
        self.entries = tuple(entries)

    @property
    def originals(self) -> Path:
        """The folder beside the key that holds encrypted raw files."""
        return self.path.with_name(self.path.name + ".originals")

    def add(self, entries: Sequence[Entry]) -> None:
        """Keep more words, on disk when this returns; those that are there already stay.

        Raises:
            InputError: the file cannot be written.
        """
        self.entries = tuple(dict.fromkeys((*self.entries, *entries)))
        content = _Content(entries=self.entries).model_dump_json().encode()
        sealed = _Sealed(salt=base64.b64encode(self._salt).decode(), content=self.encrypt(content).decode())
        write_private(self.path, sealed.model_dump_json().encode())

    def encrypt(self, raw: bytes) -> bytes:
        """Bytes that only the passphrase opens."""
        return self._cipher.encrypt(raw)

    def decrypt(self, token: bytes, place: Path) -> bytes:
        """What was encrypted.

        Raises:
            InputError: it was encrypted with another key, or damaged.
        """
        try:
            return self._cipher.decrypt(token)
        except InvalidToken as error:
            raise InputError(f"{place}: does not belong to this key, or is damaged") from error

    def known(self) -> dict[str, str]:
        """Replacements by spelling (`same`)."""
        return {same(entry.written): entry.replacement for entry in self.entries}

    def behind(self, replacement: str) -> list[str]:
        """The words that a pseudonym stands for, sorted."""
        return sorted({e.written for e in self.entries if e.replacement.strip("[]") == replacement.strip("[]")})


def open_key(path: Path, passphrase: str, study: Path, *, new: bool = False) -> Key:
    """Open a key file.

    Args:
        study: The study's folder, in which no key may lie.
        new: Whether a file that is not there is a new key.

    Raises:
        InputError: inside the study, readable by others, damaged, missing, or the passphrase is another.
    """
    check_place(path, study)
    if not path.exists():
        if not new:
            raise InputError(f"{path}: no such key file; name the one that `--apply` wrote")
        if len(passphrase) < _LEAST:
            raise InputError(f"the passphrase is too short; take at least {_LEAST} characters, better several words")
        salt = secrets.token_bytes(16)
        return Key(path, salt, _cipher(passphrase, salt))
    _check_private(path)
    sealed = _read(path)
    try:
        salt = base64.b64decode(sealed.salt, validate=True)
        cipher = _cipher(passphrase, salt)
        content = _Content.model_validate_json(cipher.decrypt(sealed.content.encode()))
    except InvalidToken:
        raise InputError(f"{path}: the passphrase does not open it, or the file is damaged") from None
    except (binascii.Error, ValueError):
        raise InputError(f"{path}: is damaged; take a copy of it") from None
    return Key(path, salt, cipher, content.entries)


def check_place(path: Path, study: Path) -> None:
    """Refuse a place inside the study's folder.

    Raises:
        InputError: it is inside, also by way of a link.
    """
    if path.resolve().is_relative_to(study.resolve()):
        raise InputError(f"{path}: lies in the study; keep the key elsewhere, where the study is never copied with it")


def write_private(path: Path, raw: bytes) -> None:
    """Write a file that only its owner can read; whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def _read(path: Path) -> _Sealed:
    try:
        return _Sealed.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError:
        raise InputError(f"{path}: is no key file, or is damaged") from None


def _check_private(path: Path) -> None:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise InputError(f"{path}: others can read it; `chmod 600` it first")


def _cipher(passphrase: str, salt: bytes) -> Fernet:
    derived = Scrypt(salt=salt, length=32, n=_COST, r=_BLOCK, p=_LANES).derive(passphrase.encode("utf-8"))
    return Fernet(base64.urlsafe_b64encode(derived))
