"""One alert as a page for people: a single HTML file that needs no network."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, Final

from alerts.curve import Point, to_svg
from alerts.plain_words import advice, what_happened

# Nothing is fetched from anywhere, and no script runs, whatever a name holds.
POLICY: Final = "default-src 'none'; img-src data:; media-src 'self' file:; style-src 'unsafe-inline'"
STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c1e21;--soft:#5b626b;--paper:#fff;--line:#d9dde2;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a2a9b2;--paper:#16181b;--line:#34383e;
--bad:#ff8a80}}
*{box-sizing:border-box}body{margin:0 auto;max-width:60rem;padding:1.5rem 1rem 3rem;background:var(--paper);
color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.25rem 0}.soft,dt,figcaption{color:var(--soft)}.critical{color:var(--bad)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:1.25rem 0}dd{margin:0}
figure{margin:0 0 1rem}img,video,svg{display:block;width:100%;height:auto;border:1px solid var(--line)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:1rem}
code{font-size:.85em}
"""


def render(
    facts: Mapping[str, Any],
    pictures: Sequence[tuple[str, bytes]],
    points: Sequence[Point],
    clip: str = "",
) -> bytes:
    """The page. `facts` are the manifest's; `pictures`: captions, JPEGs; `clip`: a file beside the page."""
    alert, judged = facts["alert"], facts["judged"] or {}
    closed = facts.get("closed")
    first, opened = (datetime.fromisoformat(alert[name]) for name in ("first_frame_at", "captured_at"))
    what = what_happened(alert["kind"], alert["label"])
    title = f"{alert['stream']}: {what}"
    rows = [
        ("What", " ".join(filter(None, [alert["kind"], alert["label"], alert["subject"]]))),
        ("Where", alert["stream"]),
        ("Since", _clock(first)),
        ("Until", _until(first, closed)),
        ("How bad", alert["severity"]),
        ("How sure", _how_sure(alert, judged)),
        ("What to do", advice(alert["kind"], alert["label"])),
        ("Judged by", _judged_by(facts["detector"])),
        ("Alert", alert["alert_id"]),
    ]
    marks = [(opened, "told")] + ([(datetime.fromisoformat(closed["at"]), "closed")] if closed else [])
    graph = to_svg(points, marks)
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width,initial-scale=1">',
        f'<meta http-equiv=Content-Security-Policy content="{POLICY}">',
        f"<title>{_text(title)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{_text(title)}</h1>",
        f"<p class={'critical' if alert['severity'] == 'critical' else 'soft'}>{_text(alert['reason'])}</p>",
        "<dl>",
        *(f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in rows),
        "</dl>",
        "<div class=pair>",
        *(figure(caption, jpeg) for caption, jpeg in pictures),
        "</div>",
    ]
    if graph:
        parts.append(
            f"<h2>The score over time</h2><figure>{graph}<figcaption>Blue: the score. Dashed: the threshold "
            "from which it is alarming. A gap: the detector could not tell. Times: UTC.</figcaption></figure>"
        )
    if clip:
        parts.append(f'<h2>The moment</h2><video controls preload=metadata src="{_text(clip)}"></video>')
    parts.append(
        "<p class=soft><code>framewarden inspect FOLDER</code> tells whether the files in this "
        "folder are as they were written, and scores the picture again.</p></body></html>"
    )
    return "\n".join(parts).encode("utf-8", "replace")


def figure(caption: str, jpeg: bytes) -> str:
    """A picture with words under it, in the page itself."""
    data = base64.b64encode(jpeg).decode()
    words = _text(caption)
    return (
        f'<figure><img alt="{words}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _text(value: object) -> str:
    return escape(str(value), quote=True)


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _until(first: datetime, closed: Mapping[str, str] | None) -> str:
    if closed is None:
        return "it was going on when this was written"
    at = datetime.fromisoformat(closed["at"])
    lasted = timedelta(seconds=round(max(0.0, (at - first).total_seconds())))
    return f"{_clock(at)}, after {lasted}. {closed['reason']}"


def _how_sure(alert: Mapping[str, Any], judged: Mapping[str, Any]) -> str:
    score, threshold = judged.get("score"), judged.get("threshold")
    if score is None or threshold is None:
        return "the score is no number"
    words = f"score {score:.3g}, alarming from {threshold:.3g}"
    if threshold > 0:
        words += f": {score / threshold:.2g} times the threshold"
    return words + (". The threshold stands on little footage yet." if alert["provisional"] else "")


def _judged_by(detector: Mapping[str, str]) -> str:
    weights = detector["model_sha256"]
    return f"{detector['name']}, {detector['model']}" + (f", weights {weights[:12]}" if weights else "")
