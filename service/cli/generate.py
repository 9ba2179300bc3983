"""`genrelab generate` and `genrelab reproduce`: clips out of wishes, and clips made again from their own account."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.exits import FAILED
from service.cli.options import Json, load_settings

if TYPE_CHECKING:
    from models.clip_wish import ClipWish
    from service.cli.progress import StageProgress
    from service.engine import Engine
    from service.usecases.generate import RankedTake

KEY = re.compile(r"(?P<tonic>[A-Ga-g])(?P<sign>[#b]?)\s*(?P<mode>m|min|minor|M|maj|major|)", re.ASCII)
SPAN = re.compile(r"(?P<start>\d+(\.\d+)?):(?P<end>\d+(\.\d+)?)")
SHOWN_SHARE = 0.05  # of a genre in what is printed
ANY_GENRE = "jazz"  # stands for one that is yet to be heard, while the rest of a wish is checked


def generate(
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Clip to write: .wav, .flac, .ogg or .mp3, by its name.", show_default=False),
    ],
    genre: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=SHARE]", help="Genre, such as reggae, or jazz=0.7; several make a blend."),
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Recording whose genre, tempo and key are followed where they are not given; "
            "shares of less than 1 leave it the rest: --genre jazz=0.5.",
        ),
    ] = None,
    continue_: Annotated[
        Path | None, typer.Option("--continue", metavar="FILE", help="Recording that is taken up and goes on.")
    ] = None,
    restyle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recording whose rhythm and harmony get another genre.")
    ] = None,
    inpaint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recording of which the --span is made anew.")
    ] = None,
    vary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recording of which a share, the --strength, is made anew.")
    ] = None,
    span: Annotated[
        str | None, typer.Option(metavar="START:END", help="Part of that recording in seconds, such as 2:4.5.")
    ] = None,
    strength: Annotated[float | None, typer.Option(help="Of --vary, 0 to 1; 0.5 by default.")] = None,
    seconds: Annotated[float, typer.Option(help="Length, 1 to 300.")] = 10.0,
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same clip; drawn and printed by default.")
    ] = None,
    tempo: Annotated[float | None, typer.Option(help="Beats per minute, 30 to 300.")] = None,
    key: Annotated[str | None, typer.Option(help='Such as "A minor", Am or Eb.')] = None,
    energy: Annotated[float | None, typer.Option(help="From 0, calm, to 1.")] = None,
    temperature: Annotated[float, typer.Option(help="How freely it plays, 0 to 2.")] = 0.8,
    top_k: Annotated[int, typer.Option(help="Draw among the k likeliest codes only; 0 allows all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Draw among the likeliest codes up to this probability.")] = 0.95,
    guidance: Annotated[float, typer.Option(help="How strongly the wish is followed, 0 to 10.")] = 2.0,
    loop: Annotated[bool, typer.Option("--loop", help="Whole bars, the end goes over into the beginning.")] = False,
    takes: Annotated[
        int, typer.Option(help="Make several, ranked: FILE-1 is the one in which the genre is heard best.")
    ] = 1,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file even if it is no clip that was made here.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a clip of music.

    The file carries how it was made: `genrelab reproduce` makes it again. Where takes are ranked, --json prints one
    object a line, the best first.
    """
    from contextlib import ExitStack, closing
    from secrets import randbelow

    from models.clip_wish import MAX_SEED, ClipWish
    from service.usecases.generate import make_takes

    uses = {"continue": continue_, "restyle": restyle, "inpaint": inpaint, "vary": vary}
    given_uses = {use: path for use, path in uses.items() if path is not None}
    start_s, end_s = _span(span)
    _check_uses(list(given_uses), span=span, strength=strength)
    use, source = next(iter(given_uses.items()), ("", None))
    if not genre and like is None:
        like = None if use == "restyle" else source
        if like is None:
            raise typer.BadParameter("neither --genre nor --like: give what it shall sound like")
    given: dict[str, Any] = {
        "genre": _shares(genre) if genre else None,
        "seconds": seconds,
        "seed": randbelow(MAX_SEED + 1) if seed is None else seed,
        "tempo_bpm": tempo,
        "key": _key(key),
        "energy": energy,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "guidance": guidance,
        "loop": loop,
    }
    ClipWish.from_dict({**given, "genre": given["genre"] or ANY_GENRE})
    paths = _paths(out, takes, force=force)
    for recording in (like, source):
        if recording is not None:
            _probe(recording)

    from models.generator import Generator
    from service.cli.progress import StageProgress
    from service.engine import Engine
    from service.usecases.generate import hearing, rank_takes, source_account, write_take

    with ExitStack() as stack:
        bar = stack.enter_context(StageProgress())
        engine = stack.enter_context(closing(Engine(load_settings(decode_workers=1))))  # empty until it is used
        wish = ClipWish.from_dict(given) if like is None else _wish_like(like, given, engine, bar)
        bar.share("loading the generator", 0.0)
        generator = Generator.load()
        all_settings = {"use": use, "start_s": start_s, "end_s": end_s, "strength": strength}
        settings: dict[str, Any] = {name: value for name, value in all_settings.items() if value is not None}
        started_from = None if source is None else generator.source_of(source, **settings)
        words = "making the clip" if takes == 1 else f"making {takes} takes"
        clips = make_takes(generator, wish, takes, source=started_from, progress=lambda share: bar.share(words, share))
        made = list(clips)
        bar.share("listening to the takes" if takes > 1 else "writing the clip", 0.0)
        hear = None if takes == 1 else hearing(engine.classifier)
        ranked = rank_takes(made, hear=hear)
        account = None if source is None else source_account(source, **settings)
        for take, path in zip(ranked, paths, strict=True):
            write_take(path, take, source=account)
    for take, path in zip(ranked, paths, strict=True):
        _print(take, path, as_json=as_json)


def reproduce(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Clip that was made here.", show_default=False)],
    source: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The recording that it started from, where it did from one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a clip again from its own account, and compare.

    Exit code 0 when it is the same: its codes, and in WAV and FLAC every sample; 1 when something differs.
    """
    from service.usecases.generate import account_of, software
    from service.usecases.generate import reproduce as make_again

    account = account_of(file)

    from models.generator import Generator
    from service.cli.progress import StageProgress

    with StageProgress() as bar:
        bar.share("loading the generator", 0.0)
        found = make_again(
            file,
            account,
            Generator.load(),
            source=source,
            progress=lambda share: bar.share("making the clip again", share),
        )
    if as_json:
        answer = {"path": str(file), "same": found.same, "same_codes": found.same_codes}
        typer.echo(json.dumps(answer | {"same_samples": found.same_samples, "provenance": found.provenance}))
    else:
        typer.echo(f"{file}: seed {account['wish'].get('seed')}, {account['model']}")
        typer.echo(f"codes:   {'the same' if found.same_codes else 'others'}")
        typer.echo(f"samples: {_SAMPLES[found.same_samples]}")
        if not found.same:
            typer.echo(_why_not_the_same(found.provenance.get("software"), software()))
    if not found.same:
        raise typer.Exit(FAILED)


def _why_not_the_same(made_by: object, here: str) -> str:
    if made_by != here:
        return f"it was made by {made_by}, and this is {here}, which may make it otherwise"
    return "on another kind of processor numbers may round otherwise, and a file may have been edited since"


_SAMPLES = {
    True: "the same, every one",
    False: "others",
    None: "not compared: this format does not keep them exactly",
}


def _check_uses(uses: list[str], *, span: str | None, strength: float | None) -> None:
    if len(uses) > 1:
        raise typer.BadParameter(f"--{' and --'.join(uses)} exclude each other: choose one")
    if uses == ["inpaint"] and span is None:
        raise typer.BadParameter("--inpaint without --span: say which part is made anew, such as --span 2:4")
    if span is not None and not uses:
        raise typer.BadParameter("--span is about --continue, --restyle, --inpaint or --vary, which are missing")
    if strength is not None and uses != ["vary"]:
        raise typer.BadParameter("--strength is about --vary, which is missing")


def _shares(genres: list[str]) -> dict[str, float]:
    """Shares by genre, of values such as "jazz" and "blues=0.3"."""
    shares: dict[str, float] = {}
    for each in genres:
        name, given, share = (part.strip() for part in each.partition("="))
        try:
            value = float(share) if given else 1.0
        except ValueError:
            raise typer.BadParameter(f"--genre {each}: expected a name and a share, such as {name}=0.5") from None
        if name in shares:
            raise typer.BadParameter(f"--genre {name} is given twice: add its shares up")
        shares[name] = value
    return shares


def _span(span: str | None) -> tuple[float | None, float | None]:
    if span is None:
        return None, None
    found = SPAN.fullmatch(span.strip())
    if not found or float(found["start"]) >= float(found["end"]):
        raise typer.BadParameter(f"--span {span}: expected the start and a later end in seconds, such as 2:4.5")
    return float(found["start"]), float(found["end"])


def _key(key: str | None) -> str | None:
    """The key as it is written in full; what is none is left for whoever checks it."""
    if key is None or not (found := KEY.fullmatch(key.strip())):
        return key
    mode = "minor" if found["mode"] in ("m", "min", "minor") else "major"
    return f"{found['tonic'].upper()}{found['sign']} {mode}"


def _paths(out: Path, takes: int, *, force: bool) -> list[Path]:
    """Files of the takes, best first, none of which may be lost by being written."""
    from features.clip_file import format_of, read_provenance
    from features.errors import AudioError
    from models.errors import BadWish
    from service.errors import Conflict
    from service.usecases.generate import MAX_TAKES

    format_of(out)
    if not 1 <= takes <= MAX_TAKES:
        raise BadWish(f"takes={takes}: expected 1 to {MAX_TAKES}")
    if not out.parent.is_dir():
        raise Conflict(f"{out.parent}: no such folder; make it first")
    paths = [out] if takes == 1 else [out.with_stem(f"{out.stem}-{k}") for k in range(1, takes + 1)]
    for path in paths:
        if path.exists() and not force:
            try:
                read_provenance(path)
            except AudioError:
                raise Conflict(f"{path} exists and is no clip that was made here: --force replaces it") from None
    return paths


def _probe(recording: Path) -> None:
    """Refuse what is no recording before anything is loaded."""
    from features.audio import probe
    from features.errors import AudioError

    try:
        probe(recording)
    except AudioError as error:
        raise type(error)(f"{recording}: {error}" if str(recording) not in str(error) else str(error)) from None


def _wish_like(like: Path, given: dict[str, Any], engine: "Engine", bar: "StageProgress") -> "ClipWish":
    from service.cli.listening import answering_models
    from service.usecases.generate import wish_like
    from service.usecases.library import classify_file

    words = f"listening to {like.name}"
    bar.share(words, 0.0)
    heard = classify_file(
        like, engine=engine, model=answering_models(None), progress=lambda share: bar.share(words, share)
    )
    return wish_like(heard.answer, given=given)


def _print(take: "RankedTake", path: Path, *, as_json: bool) -> None:
    report = take.clip.report
    if as_json:
        record = {"path": str(path), "take": take.index, "rank": take.rank, "genre_agreement": take.genre_agreement}
        typer.echo(json.dumps(record | report, allow_nan=False))
        return
    wish, originality = take.clip.wish, report["originality"]
    typer.echo(f"{path}: {report['seconds']:.1f} s, seed {wish.seed}, {report['model']}")
    largest = sorted(wish.genre.items(), key=lambda item: -item[1])
    genres = " + ".join(f"{name} {share:.0%}" for name, share in largest if share >= SHOWN_SHARE)
    agreement = "" if take.genre_agreement is None else f", heard as that with {take.genre_agreement:.0%}"
    typer.echo(f"    genre        {genres}{agreement}")
    tempo_bpm = report["tempo_bpm"]
    typer.echo(
        f"    tempo        {'none heard' if tempo_bpm is None else f'{tempo_bpm:.1f} bpm'}{_asked(wish.tempo_bpm)}"
    )
    typer.echo(f"    key          {report['key'] or 'none heard'}{_asked(wish.key)}")
    lufs = report["loudness_lufs"]
    typer.echo(f"    loudness     {'silence' if lufs is None else f'{lufs:.1f} LUFS'}")
    typer.echo(
        f"    originality  longest run shared with the training material {originality['longest_run_s']:.1f} s "
        f"(limit {originality['limit_s']:g} s), {originality['shared_ngrams']:.1%} of n-grams"
    )
    for retry in report["retries"]:
        typer.echo(f"    thrown away  seed {retry['seed']}: {retry['reason']}")


def _asked(value: float | str | None) -> str:
    if value is None:
        return ""
    return f" (asked: {value if isinstance(value, str) else f'{value:.1f}'})"
