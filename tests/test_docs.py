"""What the documents point to is there, and what they say of reloading is so."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.roster import SECTIONS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "systemd/README.md", *sorted(ROOT.glob("docs/*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`]*`", re.DOTALL | re.MULTILINE)


def links(text: str) -> Iterator[str]:
    """Where the text's links lead within the project, the heading taken off; other sites are left out."""
    for target in _LINK.findall(_CODE.sub("", text)):
        if "://" not in target and not target.startswith("mailto:"):
            yield target.partition("#")[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_relative_link_leads_to_something(document: Path) -> None:
    lost = [link for link in links(document.read_text()) if not (document.parent / link).exists()]
    assert not lost, f"{document.relative_to(ROOT)} points to {', '.join(lost)}: not there"


def test_links_are_found() -> None:
    text = "[a](b.md#c) and [`d`](../e), not `[f](g)`, https://h or [i](https://j)\n```\n[k](l)\n```\n[m](#n)"
    assert list(links(text)) == ["b.md", "../e", ""]
    assert "config/example.yaml" in links((ROOT / "README.md").read_text())


def test_the_unit_s_page_names_what_a_reload_does_not_change() -> None:
    text = " ".join((ROOT / "systemd/README.md").read_text().split())
    named = re.search(r"What changed under (.*?) takes effect with `sudo systemctl restart", text)
    assert named is not None
    assert re.findall(r"`(\w+)`", named[1]) == list(SECTIONS)
