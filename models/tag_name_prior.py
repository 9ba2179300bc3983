"""What a genre's name says about its tags, before anybody has labelled a recording.

A name that is one of the backbone's tags means that tag, in whatever spelling; a well-known genre means the tags that
listeners commonly give to its recordings. Of a name that is in no table nothing is known, and nothing is assumed.
"""

import re
from collections.abc import Sequence

import numpy as np
from scipy.special import softmax

from models.musicnn_tags import MSD_TAGS

SHARPNESS = 2.0  # of a belief from tags: a standard deviation more of one genre's tags is e² times the odds

# Common names of genres without a tag of their own, or with more than one, and what MSD calls the like; written by hand
# from general knowledge. A name may be spelled in any way that differs in case, spaces and signs only.
TAGS_OF_GENRE: dict[str, tuple[str, ...]] = {
    "acid jazz": ("jazz", "funk", "chillout"),
    "baroque": ("instrumental", "beautiful"),
    "bebop": ("jazz", "instrumental"),
    "big band": ("jazz", "oldies"),
    "black metal": ("metal", "heavy metal"),
    "bluegrass": ("country", "folk", "acoustic"),
    "blues rock": ("blues", "rock", "classic rock"),
    "bossa nova": ("jazz", "easy listening", "chillout"),
    "breakbeat": ("electronic", "electronica"),
    "britpop": ("alternative", "indie rock", "90s"),
    "classical": ("instrumental", "beautiful", "ambient"),
    "death metal": ("metal", "heavy metal"),
    "disco": ("dance", "funk", "70s", "80s"),
    "downtempo": ("chillout", "electronica"),
    "drum and bass": ("electronic", "electronica", "dance"),
    "dubstep": ("electronic", "electro"),
    "easy listening": ("easy listening", "oldies"),
    "edm": ("dance", "electronic", "House"),
    "flamenco": ("guitar", "acoustic"),
    "folk rock": ("folk", "rock", "acoustic"),
    "gospel": ("soul",),
    "grunge": ("alternative rock", "rock", "90s"),
    "hip hop": ("Hip-Hop", "rnb"),
    "idm": ("electronic", "experimental"),
    "lounge": ("chillout", "easy listening"),
    "metal": ("metal", "heavy metal"),
    "new wave": ("80s",),
    "opera": ("beautiful", "female vocalists"),
    "orchestral": ("instrumental", "beautiful"),
    "pop": ("pop", "catchy"),
    "power metal": ("metal", "heavy metal"),
    "psychedelic rock": ("classic rock", "60s", "experimental"),
    "punk rock": ("punk",),
    "r&b": ("rnb", "soul"),
    "rap": ("Hip-Hop",),
    "reggae": ("chill", "soul"),
    "rhythm and blues": ("rnb", "soul"),
    "rock": ("rock", "classic rock"),
    "rock and roll": ("oldies", "60s"),
    "rockabilly": ("oldies", "rock"),
    "singer songwriter": ("acoustic", "folk", "Mellow"),
    "soundtrack": ("instrumental", "ambient"),
    "swing": ("jazz", "oldies"),
    "synth pop": ("80s", "electronic", "pop"),
    "techno": ("electronic", "electro", "dance"),
    "thrash metal": ("metal", "heavy metal"),
    "trance": ("dance", "electronic"),
    "trap": ("Hip-Hop",),
    "trip hop": ("chillout", "electronica"),
}


def genre_tags(genre: str, tags: Sequence[str] = MSD_TAGS) -> np.ndarray:
    """Which tags a genre's name means.

    Parameters
    ----------
    genre : str
        Any name, in any spelling.
    tags : sequence of str
        Names of the backbone's tags.

    Returns
    -------
    np.ndarray of int64
        Indices in `tags`, ascending; empty for a name of which nothing is known.
    """
    meant = {_plain(tag) for tag in (genre, *_TAGS_BY_PLAIN_NAME.get(_plain(genre), ()))} - {""}
    return np.array([index for index, tag in enumerate(tags) if _plain(tag) in meant], dtype=np.int64)


def name_beliefs(
    tag_features: np.ndarray, genres: Sequence[str], tags: Sequence[str] = MSD_TAGS
) -> tuple[np.ndarray, np.ndarray]:
    """Which genre each recording would be, were the names all there is to go by.

    Parameters
    ----------
    tag_features : np.ndarray, shape (n, n_tags)
        Of each recording, standardised over the recordings.
    genres : sequence of str
        Their names.
    tags : sequence of str
        Names of the tags.

    Returns
    -------
    beliefs : np.ndarray, shape (n, n_genres)
        Rows sum to 1; a genre of which nothing is known counts as one with average tags.
    known : np.ndarray of bool, shape (n_genres,)
        Of which genres something is known.
    """
    meant = [genre_tags(genre, tags) for genre in genres]
    scores = np.zeros((len(tag_features), len(genres)))
    for genre, columns in enumerate(meant):
        if columns.size:
            scores[:, genre] = tag_features[:, columns].mean(axis=1)
    return softmax(SHARPNESS * scores, axis=1), np.array([columns.size > 0 for columns in meant])


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


_TAGS_BY_PLAIN_NAME = {_plain(name): tags for name, tags in TAGS_OF_GENRE.items()}
