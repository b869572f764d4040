"""What Prometheus is told of uploads: by folder, and never by file."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from daemon.upload_folder import UploadFolder


def upload_metrics(folders: Mapping[str, UploadFolder]) -> Iterable[Metric]:
    """Every family, afresh."""
    files = CounterMetricFamily(
        "framewarden_upload_files",
        "What became of files: fine, alarming, cannot_tell, unreadable, too_large, known, quarantined ...",
        labels=["stream", "outcome"],
    )
    events = CounterMetricFamily(
        "framewarden_upload_events",
        "What happened to the frames of files.",
        labels=["stream", "event"],
    )
    waiting = GaugeMetricFamily(
        "framewarden_upload_waiting", "Files that lie there and are not judged yet.", labels=["stream"]
    )
    judging = GaugeMetricFamily(
        "framewarden_upload_judging", "Files that are being judged.", labels=["stream"]
    )
    up = GaugeMetricFamily("framewarden_upload_up", "1 while files are taken.", labels=["stream"])
    for name, folder in folders.items():
        uploads = folder.uploads
        for outcome, count in sorted(folder.counts.items()):
            files.add_metric([name, outcome], count)
        now = uploads.judging.get(name, {}).values()
        counts = Counter(uploads.events.get(name, Counter()))
        for event, count in chain.from_iterable(watch.recording.counts.items() for watch in list(now)):
            counts[event] += count
        for event, count in sorted(counts.items()):
            events.add_metric([name, event], count)
        waiting.add_metric([name], folder.waiting)
        judging.add_metric([name], len(now))
        up.add_metric([name], float(not folder.problem))
    return files, events, waiting, judging, up
