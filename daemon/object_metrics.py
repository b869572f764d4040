"""What Prometheus is told of objects: how many are where, who crossed which line, and what is restored."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from daemon.object_counts import Counts
from detectors.denoising.gate import Way
from detectors.detection import Detector
from detectors.objects.denoised import Denoised


def object_metrics(detectors: Mapping[str, Detector]) -> Iterable[Metric]:
    """Every family, afresh. Files of folders are left out: each would be a stream of its own."""
    there = GaugeMetricFamily(
        "framewarden_objects",
        "Objects in the last picture, by label; zone '': anywhere in it.",
        labels=["stream", "label", "zone"],
    )
    crossed = CounterMetricFamily(
        "framewarden_line_crossings",
        "Objects that crossed a line, to its left or right.",
        labels=["stream", "line", "label", "side"],
    )
    restored = GaugeMetricFamily(
        "framewarden_denoising",
        "1 for what is done now to a camera's pictures before objects are looked for.",
        labels=["stream", "way"],
    )
    done = CounterMetricFamily(
        "framewarden_denoising_pictures",
        "Pictures by what was done to them, looked at in every way (compared), and ways changed (switched).",
        labels=["event"],
    )
    for detector in detectors.values():
        if not isinstance(detector, Counts):
            continue
        for stream, objects in sorted(detector.there.items()):
            for (label, zone), count in sorted(objects.items()):
                if "/" not in stream:
                    there.add_metric([stream, label, zone], count)
        for stream, crossings in sorted(detector.crossed.items()):
            for (line, label, side), count in sorted(crossings.items()):
                if "/" not in stream:
                    crossed.add_metric([stream, line, label, side], count)
        if isinstance(detector.finder, Denoised):
            for stream, now in sorted(detector.finder.ways.items()):
                for way in Way if "/" not in stream else ():
                    restored.add_metric([stream, way], way is now)
            for event, count in sorted(detector.finder.counts.items()):
                done.add_metric([event], count)
    return there, crossed, restored, done
