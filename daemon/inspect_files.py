"""A verdict on files, once and for whoever asks: as a folder's files are judged, and nothing is kept."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from alerts import file_report
from alerts.file_facts import Facts, curves_of, facts_of
from alerts.file_verdict import FileVerdict, unreadable
from alerts.judge import Judge
from alerts.rulebook import rules_of
from alerts.verdict import UploadedFile, Verdict
from config.detectors import DetectorName
from config.printable import printable
from config.settings import Settings, StreamSettings
from daemon.detector_for import detector_for
from daemon.file_watch import FileWatch, NotNowError, UnreadableError, settings_of
from detectors.detection import Detector
from detectors.examiner import Examiner
from detectors.objects.view import View
from streams.digest import ChangedError, sha256_of
from streams.frame import Frame
from streams.recording import Recording

NAME: Final = "inspect"
# Of a file from anywhere no normal is known.
DETECTORS: Final[tuple[DetectorName, ...]] = ("quality", "deepfake", "objects")
BY_DEFAULT: Final[tuple[DetectorName, ...]] = ("quality", "deepfake")  # that something moves is no fault


@dataclass(frozen=True, slots=True)
class Inspected:
    """What came of one file."""

    path: Path
    facts: Facts
    verdict: FileVerdict

    @property
    def good(self) -> bool:
        """Somebody could look at it, whatever came of it."""
        return self.verdict.pictures > 0

    def to_json(self) -> dict[str, Any]:
        """One JSON object: the facts of an upload's report."""
        return {"path": str(self.path), **self.facts, "curves": curves_of(self.verdict)}

    def words(self) -> str:
        """Lines for a person."""
        answer = self.facts["verdict"].replace("_", " ").upper()
        lines = [f"{printable(str(self.path))}: {answer}", f"  {self.facts['reason']}"]
        if report := (self.facts.get("evidence") or {}).get("report"):
            lines.append(f"  report: {report}")
        return "\n".join(lines)


class _Nobody:
    """Nobody is told of alerts: the verdict says what there were."""

    async def announce_all(
        self, stream: str, verdicts: Sequence[Verdict], at: datetime, frame: Frame | None
    ) -> None:
        """Nothing to do."""


async def inspect_files(
    paths: Sequence[Path], settings: Settings | None, names: Sequence[DetectorName], reports: Path | None
) -> list[Inspected]:
    """`reports`: where each report is to be written. Raises OSError where it cannot be."""
    stream = StreamSettings(name=NAME, folder=Path("/"), detectors=tuple(names))
    settings = settings or Settings(streams=(stream,))
    with tempfile.TemporaryDirectory(prefix="framewarden-inspect-") as state:
        none: Mapping[str, str] = {}
        everywhere: Mapping[str, View] = {}
        detectors: dict[str, Detector] = {
            name: await asyncio.to_thread(detector_for, name, settings, Path(state), none, everywhere)
            for name in names
        }
        plan: dict[str, Sequence[str]] = {}
        async with Examiner(detectors, plan, settings.service.stale_after) as examiner:
            width = max(each.width for each in detectors.values())
            found = []
            for number, path in enumerate(paths):
                name = f"{NAME}/{number}"
                plan[name] = names
                found.append(await _inspect(path, name, settings, stream, examiner, width, reports))
                del plan[name]
                await examiner.forget(name)
            return found


async def _inspect(
    path: Path,
    name: str,
    settings: Settings,
    stream: StreamSettings,
    examiner: Examiner,
    width: int,
    reports: Path | None,
) -> Inspected:
    rules = rules_of(settings, stream)
    digest, size = "", 0
    try:
        size = path.stat().st_size  # noqa: ASYNC240 - nobody waits for us
        digest = await asyncio.to_thread(sha256_of, path)
    except ChangedError as error:
        verdict = unreadable(str(error))
    except OSError as error:
        verdict = unreadable(f"{path} cannot be read: {error.strerror or error}")
    else:
        recording = Recording(settings_of(stream, name, str(path)), settings.sample_fps(stream), width)
        watch = FileWatch(
            recording=recording,
            examiner=examiner,
            judge=Judge(name, rules),
            gatekeeper=_Nobody(),
            rules=rules,
            file=UploadedFile(path.name, digest),
            longest=settings.uploads.hours * 3600,
        )
        try:
            verdict = await watch.run()
        except (UnreadableError, NotNowError) as error:
            verdict = unreadable(str(error))
    facts = facts_of(verdict, UploadedFile(path.name, digest), size, NAME, datetime.now(UTC))
    if reports is not None:
        await asyncio.to_thread(file_report.write, reports / facts["id"], facts, verdict)
    return Inspected(path, facts, verdict)
