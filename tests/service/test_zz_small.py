import pytest, time
from models.generator import Generator
from service.generation import Generation
from tests.support import small_generator as sg
from tests.support.clips import make, heard_track
def test_small(parts, tone, tmp_path):
    print([n for n in dir(sg) if not n.startswith("_")])
    g = sg.small_generator()

    parts.generation = Generation(lambda: g, lambda: g.card)
    t=time.time()
    clip = make(parts, seconds=3.0, takes=1, tempo_bpm=120.0)
    print(clip.state, clip.problem, time.time()-t)
    print(clip.takes[0].report)
    import soundfile
    f = parts.clips.file(clip.id, 0)
    with parts.blobs.local(f.blob) as p:
        y, sr = soundfile.read(p, dtype="float32")
    s = g.source_of(y, sr=sr, use="vary")
    print("codes", parts.clips.codes(clip.id,0).shape, s.codes.shape, len(y))
    v = make(parts, vary={"clip": clip.id, "take":0}); print(v.state, v.problem)
    tr = heard_track(parts, tone(4.0))
    for use in ("continue","restyle","inpaint"):
        v = make(parts, genre="jazz", seconds=4.0, source={"track": tr, "use": use, "start_s":1.0, "end_s":3.0}); print(use, v.state, v.problem, v.takes and v.takes[0].seconds)
        v = make(parts, genre="jazz", seconds=4.0, source={"clip": clip.id, "use": use, "start_s":0.0, "end_s":1.8}); print(use, v.state, v.problem, v.takes and v.takes[0].seconds)
    v = make(parts, loop=True, seconds=3.0); print(v.state, v.problem)
    assert 0
