"""Labelling projects: their taxonomies, settings and pools. Every change is an event of the project."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, cast, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.errors import Conflict, Invalid, NotFound
from service.project_settings import ProjectSettings, settings_of
from service.storage.database import Database
from service.storage.ids import check_cursor, is_id, new_id
from service.storage.label_events import Event, read_events, record
from service.storage.labelling_tables import ActRow, GenreRow, ItemRow, ProjectRow, VersionRow
from service.storage.pages import Page, iso, utc_now
from service.storage.pool_items import Item, in_state, item_of, new_items, refresh, tracks_of

MAX_NAME = 100
MAX_FOLDED = 200  # a few letters become up to three
MAX_GENRES = 500
ADDED_AT_ONCE = 500  # items that one event and one transaction add


@dataclass(frozen=True)
class Genre:
    """A genre of a taxonomy."""

    id: str
    name: str


@dataclass(frozen=True)
class Counts:
    """How far a project is.

    Attributes
    ----------
    items : int
        Items of the pool.
    open : int
        Of them, those that more annotators are wanted for.
    labelled : int
        Those with as many labels as were wanted.
    set_aside : int
        Those that were flagged, or whose track was deleted.
    labels : int
        Labels in force.
    annotators : int
        Who gave them.
    """

    items: int
    open: int
    labelled: int
    set_aside: int
    labels: int
    annotators: int


@dataclass(frozen=True)
class Project:
    """A labelling project; `genres` are those in use, in their order."""

    id: str
    name: str
    created_at: datetime
    closed: bool
    settings: ProjectSettings
    genres: tuple[Genre, ...]
    merged: Mapping[str, str] = field(repr=False)  # id of a genre that was merged, to the one that it is now
    version: int | None

    def genre_named(self, name: str) -> Genre:
        """The genre of this name, in any case.

        Raises
        ------
        Invalid
            If the taxonomy has none; the message lists its genres.
        """
        wanted = fold(name)
        for genre in self.genres:
            if fold(genre.name) == wanted:
                return genre
        known = ", ".join(genre.name for genre in self.genres) or "none yet"
        raise Invalid(f"The project {self.name!r} has no genre {name!r}: it has {known}.")

    def shares_of(self, probabilities: Mapping[str, float]) -> dict[str, float]:
        """Probabilities by name of genre, from those by id; those of merged genres add up."""
        names = {genre.id: genre.name for genre in self.genres}
        shares: dict[str, float] = {}
        for genre, probability in probabilities.items():
            if (name := names.get(self.merged.get(genre, genre))) is not None:
                shares[name] = min(1.0, shares.get(name, 0.0) + probability)
        return shares

    def names_of(self, genre_ids: Iterable[str]) -> list[str]:
        """Names of genres by id; what was merged has the name of what it is now, once."""
        names = {genre.id: genre.name for genre in self.genres}
        return list(dict.fromkeys(names[self.merged.get(genre, genre)] for genre in genre_ids))


class ProjectStore:
    """The labelling projects of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, *, genres: Sequence[str], settings: ProjectSettings, actor: str) -> Project:
        """Begin a project.

        Raises
        ------
        Conflict
            If there is a project of that name.
        Invalid
            If the name or a genre's name is none, or a genre comes twice.
        """
        name = checked_name(name, "project")
        if len(genres) > MAX_GENRES:
            raise Invalid(f"{len(genres)} genres, a project has {MAX_GENRES} at most.")
        names = [checked_name(genre, "genre") for genre in genres]
        if len({fold(genre) for genre in names}) < len(names):
            raise Invalid("A genre comes twice: each is named once, in any case of letters.")
        project_id = new_id()
        chosen = [Genre(new_id(), genre) for genre in names]
        with _name_taken(name), self._database.writing() as session:
            session.add(
                ProjectRow(
                    id=project_id,
                    name=name,
                    folded_name=fold(name),
                    created_at=utc_now(),
                    closed=False,
                    settings=settings.model_dump(),
                    version=None,
                )
            )
            session.flush()
            session.add_all(_genre_row(project_id, genre, position) for position, genre in enumerate(chosen))
            content = {
                "name": name,
                "settings": settings.model_dump(),
                "genres": [{"id": genre.id, "name": genre.name} for genre in chosen],
            }
            record(session, project_id, "created", actor=actor, content=content)
        return self.get(project_id)

    def get(self, project: str | None) -> Project:
        """A project by its id or name; where there is only one that is open, it need not be named.

        Raises
        ------
        NotFound
            If there is none, or none was named and there are several.
        """
        with self._database.reading() as session:
            return read_project(session, project)

    def list(self) -> "list[Project]":
        """The projects, newest first."""
        with self._database.reading() as session:
            ids = session.scalars(select(ProjectRow.id).order_by(ProjectRow.id.desc())).all()
            return [read_project(session, project_id) for project_id in ids]

    def change(
        self,
        project_id: str,
        *,
        actor: str,
        name: str | None = None,
        closed: bool | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Project:
        """Change a name, close or open a project, change some of its settings.

        Raises
        ------
        Conflict
            If another project has the name.
        Invalid
            If a value is none that can be set.
        """
        with _name_taken(name), self._database.writing() as session:
            project = hold_project(session, project_id)
            values: dict[str, Any] = {}
            if name is not None and (named := checked_name(name, "project")) != project.name:
                values |= {"name": named, "folded_name": fold(named)}
                record(session, project.id, "renamed", actor=actor, content={"name": named})
            if closed is not None and closed != project.closed:
                values["closed"] = closed
                record(session, project.id, "closed" if closed else "reopened", actor=actor)
            if settings:
                chosen = settings_of(project.settings.model_dump() | dict(settings))
                if chosen != project.settings:
                    values["settings"] = chosen.model_dump()
                    record(session, project.id, "settings", actor=actor, content=chosen.model_dump())
                    self._want(session, project, chosen.overlap)
            if values:
                session.execute(update(ProjectRow).where(ProjectRow.id == project.id).values(**values))
        return self.get(project_id)

    def add_genre(self, project_id: str, name: str, *, actor: str) -> Project:
        """Add a genre at the end of the taxonomy.

        Raises
        ------
        Conflict
            If there is one of that name.
        Invalid
            If the name is none, or there are too many genres.
        """
        with self._database.writing() as session:
            project = hold_project(session, project_id)
            genre = Genre(new_id(), checked_name(name, "genre"))
            _refuse_taken(project, genre.name)
            if len(project.genres) >= MAX_GENRES:
                raise Invalid(f"A project has {MAX_GENRES} genres at most: merge some.")
            last = session.scalar(select(func.max(GenreRow.position)).where(GenreRow.project_id == project.id))
            session.add(_genre_row(project.id, genre, 0 if last is None else last + 1))
            content = {"id": genre.id, "name": genre.name}
            record(session, project.id, "genre_added", actor=actor, content=content)
        return self.get(project_id)

    def rename_genre(self, project_id: str, genre_id: str, name: str, *, actor: str) -> Project:
        """Rename a genre; labels follow, for they speak of its id.

        Raises
        ------
        Conflict
            If another genre has that name.
        NotFound
            If the taxonomy has no such genre.
        """
        with self._database.writing() as session:
            project = hold_project(session, project_id)
            genre = _genre(project, genre_id)
            name = checked_name(name, "genre")
            if fold(name) != fold(genre.name):
                _refuse_taken(project, name)
            session.execute(update(GenreRow).where(GenreRow.id == genre_id).values(name=name, folded_name=fold(name)))
            content = {"id": genre_id, "name": name}
            record(session, project.id, "genre_renamed", actor=actor, content=content)
        return self.get(project_id)

    def merge_genres(self, project_id: str, genre_id: str, into: str, *, actor: str) -> Project:
        """Take a genre for another one from now on, its labels included.

        Raises
        ------
        Invalid
            If both are the same.
        NotFound
            If the taxonomy lacks one of them.
        """
        with self._database.writing() as session:
            project = hold_project(session, project_id)
            _genre(project, genre_id)
            _genre(project, into)
            if genre_id == into:
                raise Invalid("A genre cannot be merged into itself.")
            follow = GenreRow.merged_into == genre_id
            session.execute(update(GenreRow).where(GenreRow.project_id == project.id, follow).values(merged_into=into))
            session.execute(update(GenreRow).where(GenreRow.id == genre_id).values(merged_into=into))
            record(session, project.id, "genre_merged", actor=actor, content={"id": genre_id, "into": into})
        return self.get(project_id)

    def add_items(self, project_id: str, track_ids: Iterable[str], *, actor: str, artists: Mapping[str, str]) -> int:
        """Take tracks into the pool; those that are there already stay as they are.

        Parameters
        ----------
        project_id : str
            The project.
        track_ids : iterable of str
            Tracks of the library.
        actor : str
            Who adds them.
        artists : mapping of str to str
            Artist by track, where it is known.

        Returns
        -------
        int
            How many were added.

        Raises
        ------
        NotFound
            If one of them is no track; none is added then.
        """
        wanted = list(dict.fromkeys(track_ids))
        batches = [wanted[start : start + ADDED_AT_ONCE] for start in range(0, len(wanted), ADDED_AT_ONCE)]
        with self._database.reading() as session:
            for batch in batches:
                tracks_of(session, batch)
        added = 0
        for batch in batches:
            with self._database.writing() as session:
                project = hold_project(session, project_id)
                added += _add_items(session, project, batch, actor, artists)
        return added

    def items(
        self, project_id: str, *, cursor: str | None = None, limit: int = 50, state: str | None = None
    ) -> Page[Item]:
        """Items of a pool, newest first."""
        query = select(ItemRow).where(ItemRow.project_id == project_id)
        if check_cursor(cursor):
            query = query.where(ItemRow.id < cursor)
        if state is not None:
            query = query.where(in_state(state))
        with self._database.reading() as session:
            rows = session.scalars(query.order_by(ItemRow.id.desc()).limit(limit + 1)).all()
        items = [item_of(row) for row in rows[:limit]]
        return Page(items, items[-1].id if len(rows) > limit else None)

    def items_of(self, project_id: str, item_ids: Iterable[str]) -> dict[str, Item]:
        """Items of a pool by their ids."""
        wanted = list(item_ids)
        found: dict[str, Item] = {}
        with self._database.reading() as session:
            for start in range(0, len(wanted), ADDED_AT_ONCE):
                batch = ItemRow.id.in_(wanted[start : start + ADDED_AT_ONCE])
                rows = session.scalars(select(ItemRow).where(ItemRow.project_id == project_id, batch))
                found |= {row.id: item_of(row) for row in rows}
        return found

    def all_items(self, project_id: str) -> Sequence[Item]:
        """Every item of a pool, oldest first."""
        query = select(ItemRow).where(ItemRow.project_id == project_id).order_by(ItemRow.id)
        with self._database.reading() as session:
            return [item_of(row) for row in session.scalars(query)]

    def counts(self, project_id: str) -> Counts:
        """How far a project is."""
        columns = (
            func.count(),
            *(func.sum(cast(in_state(state), Integer)) for state in ("open", "labelled", "set_aside")),
        )
        labels = select(func.count(), func.count(func.distinct(ActRow.annotator))).where(
            ActRow.project_id == project_id, ActRow.kind == "label"
        )
        with self._database.reading() as session:
            numbers = session.execute(select(*columns).where(ItemRow.project_id == project_id)).one()
            n_labels, annotators = session.execute(labels).one()
        items, opened, labelled, set_aside = (int(number or 0) for number in numbers)
        return Counts(items, opened, labelled, set_aside, n_labels, annotators)

    def events(self, project_id: str, *, after: int = 0, limit: int = 100) -> Sequence[Event]:
        """What happened in a project after an event, oldest first."""
        with self._database.reading() as session:
            return [*read_events(session, project_id, after=after, limit=limit)]

    def to_dict(self, project: Project) -> dict[str, Any]:
        """The JSON object of the HTTP contract."""
        counts = self.counts(project.id)
        return {
            "id": project.id,
            "name": project.name,
            "created_at": iso(project.created_at),
            "closed": project.closed,
            "settings": project.settings.model_dump(),
            "genres": [{"id": genre.id, "name": genre.name} for genre in project.genres],
            "counts": vars(counts),
            "model": self._model(project),
        }

    def _model(self, project: Project) -> dict[str, Any] | None:
        if project.version is None:
            return None
        query = select(VersionRow).where(VersionRow.project_id == project.id, VersionRow.version == project.version)
        with self._database.reading() as session:
            row = session.scalars(query).one()
        return {
            "version": row.version,
            "labels": row.n_labels,
            "accuracy": row.accuracy,
            "low": row.low,
            "high": row.high,
        }

    def _want(self, session: Session, project: Project, overlap: int) -> None:
        """Ask for another number of annotators; where a second opinion was asked for, it still is."""
        if overlap == project.settings.overlap:
            return
        items = select(ItemRow.id).where(ItemRow.project_id == project.id).order_by(ItemRow.id)
        session.execute(items.with_for_update(key_share=True)).all()
        more = ItemRow.wanted - project.settings.overlap + overlap
        session.execute(update(ItemRow).where(ItemRow.project_id == project.id).values(wanted=more))
        refresh(session, ItemRow.project_id == project.id)


def read_project(session: Session, project: str | None) -> Project:
    """A project by id or name, or the only open one. Raises NotFound."""
    if project is None:
        rows = session.scalars(select(ProjectRow).where(~ProjectRow.closed).limit(2)).all()
        if len(rows) != 1:
            raise NotFound(
                "There is no open labelling project: create one first."
                if not rows
                else "There are several labelling projects: name the one that you mean."
            )
        row = rows[0]
    else:
        found = session.get(ProjectRow, project, populate_existing=True) if is_id(project) else None
        if found is None and project.isprintable():  # no other text is a name, and not every one can be asked for
            found = session.scalars(select(ProjectRow).where(ProjectRow.folded_name == fold(project))).one_or_none()
        if found is None:
            raise NotFound(f"There is no labelling project {project!r}.")
        row = found
    genres = session.scalars(select(GenreRow).where(GenreRow.project_id == row.id).order_by(GenreRow.position)).all()
    return Project(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        closed=row.closed,
        settings=ProjectSettings(**row.settings),
        genres=tuple(Genre(genre.id, genre.name) for genre in genres if genre.merged_into is None),
        merged={genre.id: genre.merged_into for genre in genres if genre.merged_into is not None},
        version=row.version,
    )


def hold_project(session: Session, project_id: str) -> Project:
    """A project that no other transaction changes until this one ends. Raises NotFound."""
    session.scalar(select(ProjectRow.id).where(ProjectRow.id == project_id).with_for_update(key_share=True))
    return read_project(session, project_id)


def checked_name(name: str, what: str) -> str:
    """A name as it is kept: trimmed, 1 to 100 printable characters. Raises Invalid."""
    shown = unicodedata.normalize("NFC", " ".join(name.split()))
    if not shown or len(shown) > MAX_NAME or len(fold(shown)) > MAX_FOLDED or not shown.isprintable():
        raise Invalid(f"{name[:MAX_NAME]!r} is no name of a {what}: it has 1 to {MAX_NAME} printable characters.")
    return shown


def fold(name: str) -> str:
    """What two names must differ in; file systems write the same letters in different ways."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", " ".join(name.split())).casefold())


def _add_items(
    session: Session, project: Project, track_ids: Sequence[str], actor: str, artists: Mapping[str, str]
) -> int:
    overlap = project.settings.overlap
    rows = new_items(session, project.id, track_ids, wanted=overlap, artists=artists)
    if rows:
        session.add_all(rows)
        session.flush()
        content = {"items": {row.id: row.track_id for row in rows}, "wanted": overlap}
        record(session, project.id, "items_added", actor=actor, content=content)
    return len(rows)


def _genre(project: Project, genre_id: str) -> Genre:
    for genre in project.genres:
        if genre.id == genre_id:
            return genre
    raise NotFound(f"The project {project.name!r} has no genre with the id {genre_id!r}.")


def _refuse_taken(project: Project, name: str) -> None:
    if fold(name) in {fold(genre.name) for genre in project.genres}:
        raise Conflict(f"The project {project.name!r} has a genre {name!r} already.")


def _genre_row(project_id: str, genre: Genre, position: int) -> GenreRow:
    return GenreRow(
        id=genre.id,
        project_id=project_id,
        name=genre.name,
        folded_name=fold(genre.name),
        position=position,
        merged_into=None,
    )


@contextmanager
def _name_taken(name: str | None) -> Iterator[None]:
    """The database knows best whether a name is taken, whoever else takes it at the same moment."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"There is a project {name!r} already: take another name.") from error
