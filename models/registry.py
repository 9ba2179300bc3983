"""Models on disk: those shipped with the code, those of this user, and which one of each kind answers.

A model is a folder named like its card (`models.model_folder`). Which one is active is kept in `active.json` in the
user's folder: per kind the names that were activated, the last one active. It is replaced as a whole, under a lock, so
that a crash or two processes leave the old choice or the new one.
"""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from models.errors import ModelError, UnknownModel
from models.model_folder import CARD_FILE, NAME, WEIGHTS_FILE, check_weights, load_weights, read_card
from models.paths import PRETRAINED_DIR, models_dir

ACTIVE_FILE = "active.json"
DRAFT = ".new-"
README_FILE = "README.md"
SHIPPED_ACTIVE = {"genre": "gtzan-musicnn-1", "gate": "music-gate-1"}
MAX_HISTORY = 100
MAX_FILE_BYTES = 2_000_000_000
History = dict[str, list[str]]  # by kind of model: the names that were activated, the active one last


@dataclass(frozen=True)
class ModelEntry:
    """One model: what its card says, where it lies, and whether it answers for its kind."""

    name: str
    version: str
    kind: str
    created: str
    active: bool
    path: Path
    card: dict[str, Any]


class ModelRegistry:
    """The models of this machine.

    Parameters
    ----------
    folder : Path, optional
        The user's models; `models.paths.models_dir()` by default. Created when something is written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = models_dir() if folder is None else folder

    def list(self) -> "list[ModelEntry]":
        """Every model, by kind and name. A user's folder without a readable card of its name is passed over."""
        active = self._active_names()
        entries = []
        for path in self._folders().values():
            try:
                entries.append(self._entry(path, active))
            except ModelError:  # a user's broken model costs itself only; `get` says what is wrong with it
                if path.parent == PRETRAINED_DIR:
                    raise
        return sorted(entries, key=lambda entry: (entry.kind, entry.name))

    def get(self, name: str) -> ModelEntry:
        """The model of this name.

        Raises
        ------
        UnknownModel
            If there is none; the message lists those that there are.
        ModelError
            If its card cannot be read.
        """
        folders = self._folders()
        if name not in folders:
            raise UnknownModel(f"no model {name!r}; there are {', '.join(entry.name for entry in self.list())}")
        return self._entry(folders[name], self._active_names())

    def path(self, name: str) -> Path:
        """Folder of a model. Raises UnknownModel."""
        return self.get(name).path

    def active(self, kind: str = "genre") -> ModelEntry:
        """The model that answers.

        Raises
        ------
        UnknownModel
            If no model of this kind was ever active, or the active one has been removed.
        """
        name = self._active_names().get(kind)
        if name is None:
            raise UnknownModel(f"no active model of kind {kind!r}; kinds are {', '.join(sorted(SHIPPED_ACTIVE))}")
        return self.get(name)

    def activate(self, name: str) -> ModelEntry:
        """Let this model answer for its kind, after its weights have been checked.

        Raises
        ------
        UnknownModel
            If there is none of this name.
        IntegrityError
            If its weights are not those of its card.
        """
        entry = self.get(name)
        check_weights(entry.path, entry.card)
        with self._locked():
            history = self._history()
            names = history.get(entry.kind) or [SHIPPED_ACTIVE[k] for k in (entry.kind,) if k in SHIPPED_ACTIVE]
            if not names or names[-1] != name:
                self._write(history | {entry.kind: [*names, name][-MAX_HISTORY:]})
        return self.get(name)

    def rollback(self, kind: str = "genre") -> ModelEntry:
        """Let the model answer that did before; models that are gone since are passed over.

        Raises
        ------
        ModelError
            If there is none before.
        """
        with self._locked():
            history = self._history()
            known = self._folders()
            names = [name for name in history.get(kind, [])[:-1] if name in known]
            if not names:
                raise ModelError(f"no model of kind {kind!r} answered before the active one: nothing to go back to")
            check_weights(known[names[-1]], read_card(known[names[-1]]))
            self._write(history | {kind: names})
        return self.get(names[-1])

    def register(self, folder: Path) -> ModelEntry:
        """Copy a model into the user's folder, checked; it answers only when it is activated.

        Parameters
        ----------
        folder : Path
            Holds `card.json` and `weights.npz`; a `README.md` is copied too, anything else stays where it is.

        Raises
        ------
        ModelError
            If the card or the arrays cannot be read, a file is a link, or another model has the name already.
        IntegrityError
            If the weights are not those of the card.
        """
        files = [folder / CARD_FILE, folder / WEIGHTS_FILE, folder / README_FILE]
        if linked := [path for path in (folder, *files) if path.is_symlink()]:
            raise ModelError(f"{linked[0]}: a link; a model is a folder with files of its own")
        if large := [path for path in files if path.is_file() and path.stat().st_size > MAX_FILE_BYTES]:
            raise ModelError(f"{large[0]}: larger than {MAX_FILE_BYTES} bytes")
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked(), tempfile.TemporaryDirectory(dir=self.folder, prefix=DRAFT) as draft:
            for stale in self.folder.glob(f"{DRAFT}*"):
                if stale != Path(draft):  # of a process that was killed
                    shutil.rmtree(stale, ignore_errors=True)
            copy = Path(draft) / "model"
            copy.mkdir()
            for path in files:
                if path.is_file():
                    shutil.copyfile(path, copy / path.name)
            # What is checked is the copy: the original may change under our hands.
            card, _ = load_weights(copy)
            known = self._folders()
            if card["name"] in known:
                if read_card(known[card["name"]])["weights"] == card["weights"]:
                    return self.get(card["name"])
                raise ModelError(f"a model {card['name']!r} exists already with other weights: give it a new name")
            target = self.folder / card["name"]
            try:
                copy.rename(target)  # all of it or nothing
            except OSError as error:
                raise ModelError(f"{target}: is in the way ({error.strerror}); remove it and try again") from error
        return self.get(card["name"])

    def _folders(self) -> dict[str, Path]:
        """Folder by name; a shipped model is never hidden by a user's."""
        folders = {}
        for root in (self.folder, PRETRAINED_DIR):
            for card in sorted(root.glob(f"*/{CARD_FILE}")):
                if NAME.fullmatch(card.parent.name):
                    folders[card.parent.name] = card.parent
        return folders

    def _entry(self, path: Path, active: dict[str, str]) -> ModelEntry:
        card = read_card(path)
        if card["name"] != path.name:
            raise ModelError(f"{path}: its card is of {card['name']!r}; folder and card must have one name")
        return ModelEntry(
            name=card["name"],
            version=card["version"],
            kind=card["kind"],
            created=card["created"],
            active=active.get(card["kind"]) == card["name"],
            path=path,
            card=card,
        )

    def _active_names(self) -> dict[str, str]:
        """Name of the active model of each kind that has one."""
        return SHIPPED_ACTIVE | {kind: names[-1] for kind, names in self._history().items() if names}

    def _history(self) -> History:
        path = self.folder / ACTIVE_FILE
        try:
            history = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"{path}: cannot be read ({error}); remove it to use the shipped models") from error
        if not isinstance(history, dict) or not all(
            isinstance(names, list) and all(isinstance(name, str) for name in names) for names in history.values()
        ):
            raise ModelError(f"{path}: not a list of names per kind; remove it to use the shipped models")
        return history

    def _write(self, history: History) -> None:
        draft = self.folder / f".{ACTIVE_FILE}.{os.getpid()}"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(history, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.folder / ACTIVE_FILE)

    def _locked(self) -> FileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / ".lock")
