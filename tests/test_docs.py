"""What the documents point to is there, and what they say of reloading is so."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.roster import SECTIONS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "systemd/README.md", *sorted(ROOT.glob("docs/*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE = re.compile(r"^```.*?^```|`[^`]*`", re.DOTALL | re.MULTILINE)


def links(text: str) -> Iterator[tuple[str, str]]:
    """Where the text's links lead within the project: a file and a heading; other sites are left out."""
    for target in _LINK.findall(_CODE.sub("", text)):
        if "://" not in target and not target.startswith("mailto:"):
            file, _, heading = target.partition("#")
            yield file, heading


def headings(text: str) -> set[str]:
    """As links name them."""
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in _HEADING.findall(text))
    return {title.replace(" ", "-") for title in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_relative_link_leads_to_something(document: Path) -> None:
    lost = []
    for file, heading in links(document.read_text()):
        target = document.parent / file if file else document
        if not target.exists() or (heading and heading not in headings(target.read_text())):
            lost.append(f"{file}#{heading}")
    assert not lost, f"{document.relative_to(ROOT)} points to {', '.join(lost)}: not there"


def test_links_are_found() -> None:
    text = "[a](b.md#c) and [`d`](../e), not `[f](g)`, https://h or [i](https://j)\n```\n[k](l)\n```\n[m](#n)"
    assert list(links(text)) == [("b.md", "c"), ("../e", ""), ("", "n")]
    assert ("config/example.yaml", "") in links((ROOT / "README.md").read_text())
    assert headings("# Who, when: why?\n## Not there yet\n") == {"who-when-why", "not-there-yet"}


def test_the_unit_s_page_names_what_a_reload_does_not_change() -> None:
    text = " ".join((ROOT / "systemd/README.md").read_text().split())
    named = re.search(r"What changed under (.*?) takes effect with `sudo systemctl restart", text)
    assert named is not None
    assert re.findall(r"`(\w+)`", named[1]) == list(SECTIONS)
