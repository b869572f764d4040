"""What Prometheus scrapes: the floors' own counts, read when asked, and the age of what was judged."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts.blind_time import CAUSES
from daemon.house import House
from daemon.object_metrics import object_metrics
from daemon.upload_metrics import upload_metrics
from detectors.anomaly.life import Life
from streams.frame import Frame

AGES: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)


class Ages:
    """How old a live frame was when its verdict stood: capture to announced, in seconds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._histogram = Histogram(
            "framewarden_judged_frame_age_seconds",
            "From capturing a live frame to its verdict being announced.",
            ["stream"],
            buckets=AGES,
            registry=registry,
        )

    def note(self, frame: Frame) -> None:
        """Notes one frame that was judged just now."""
        if frame.live:
            self._histogram.labels(frame.stream).observe(time.monotonic() - frame.captured)


_OF_A_NORMAL: Final[Sequence[tuple[str, str, Callable[[Life], float]]]] = (
    (
        "framewarden_normal_learned_ratio",
        "How far learning is; 1 once it judges.",
        lambda life: life.progress,
    ),
    ("framewarden_normals", "Normals that are known of the camera.", lambda life: life.normals),
    ("framewarden_normal_lessons", "Lessons that made the normal in force.", lambda life: life.lessons),
    ("framewarden_normal_threshold", "Score from which a picture is alarming.", lambda life: life.threshold),
    (
        "framewarden_normal_provisional",
        "1 while the threshold stands on too little footage.",
        lambda life: float(life.provisional),
    ),
    (
        "framewarden_normal_blocks",
        "Stretches of ten seconds that the threshold stands on.",
        lambda life: life.blocks,
    ),
    (
        "framewarden_normal_drift",
        "log10 of what a bet on rising scores has won; at 5 it is learned again.",
        lambda life: life.drift,
    ),
)


class HouseCollector(Collector):
    """Reads the counts of all floors. Nothing below this floor knows of metrics."""

    def __init__(self, house: House) -> None:
        self._house = house

    def collect(self) -> Iterator[Metric]:
        """Every family, afresh."""
        yield from self._streams()
        yield self._blind()
        yield from self._detectors()
        yield from self._normals()
        yield from object_metrics(self._house.detectors)
        yield from self._alerts()
        yield from upload_metrics(self._house.folders)

    def _streams(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("framewarden_stream_up", "1 while pictures come.", labels=["stream"])
        judged = GaugeMetricFamily(
            "framewarden_stream_judged_until_timestamp_seconds",
            "Capture time of the last frame that was judged, seconds since 1970.",
            labels=["stream"],
        )
        events = CounterMetricFamily(
            "framewarden_stream_events",
            "What happened to frames and connections.",
            labels=["stream", "event"],
        )
        frames = CounterMetricFamily(
            "framewarden_stream_judged_frames", "Frames that were judged.", labels=["stream"]
        )
        wanted = GaugeMetricFamily(
            "framewarden_stream_wanted_fps",
            "Pictures a second that are to be judged, by the configuration.",
            labels=["stream"],
        )
        sampled = GaugeMetricFamily(
            "framewarden_stream_sample_fps",
            "Pictures a second that are kept now: fewer than wanted where there is no time for all.",
            labels=["stream"],
        )
        watched = GaugeMetricFamily(
            "framewarden_stream_watched_ratio",
            "How much it is watched: judged pictures, as a share of those that were due in the last minute.",
            labels=["stream"],
        )
        load = self._house.load
        for name, watch in self._house.watches.items():
            up.add_metric([name], float(watch.source.state == "online"))
            if watch.judged_until:
                judged.add_metric([name], watch.judged_until.timestamp())
            for event, count in sorted(watch.source.counts.items()):
                events.add_metric([name, event], count)
            if effort := self._house.examiner.efforts.get(name):
                events.add_metric([name, "dropped_stale"], effort.dropped_stale)
            frames.add_metric([name], watch.frames)
            wanted.add_metric([name], watch.sample_fps)
            if watch.live:
                sampled.add_metric([name], watch.sample_fps * load.shares.shares.get(name, 1.0))
                if attention := load.attention.get(name):
                    watched.add_metric([name], attention.share)
        room = GaugeMetricFamily(
            "framewarden_device_room_ratio",
            "The share of the detectors' time that cameras may fill.",
            load.shares.room,
        )
        return up, judged, events, frames, wanted, sampled, watched, room

    def _blind(self) -> Metric:
        blind = CounterMetricFamily(
            "framewarden_blind_seconds",
            "For how long nobody could tell what happens before a camera, by the gravest cause.",
            labels=["stream", "cause"],
        )
        for name, causes in self._house.blind.totals().items():
            for cause in CAUSES:  # all of them, so that the first seconds of one are a rise, too
                blind.add_metric([name, cause], causes.get(cause, 0.0))
        return blind

    def _detectors(self) -> Iterable[Metric]:
        examiner = self._house.examiner
        seconds = CounterMetricFamily(
            "framewarden_detector_seconds", "Time the detectors took.", labels=["detector"]
        )
        frames = CounterMetricFamily(
            "framewarden_detector_frames", "Frames that the detectors looked at.", labels=["detector"]
        )
        for name, spent in sorted(examiner.seconds.items()):
            seconds.add_metric([name], spent)
        for name, looked in sorted(examiner.frames.items()):
            frames.add_metric([name], looked)
        events = CounterMetricFamily(
            "framewarden_examiner_events",
            "Batches, and frames dropped before a detector saw them.",
            labels=["event"],
        )
        for event, count in sorted(examiner.counts.items()):
            events.add_metric([event], count)
        return seconds, frames, events

    def _normals(self) -> Iterable[Metric]:
        learner = self._house.learner
        lives = sorted(learner.lives.items()) if learner else []
        for name, words, value in _OF_A_NORMAL:
            gauge = GaugeMetricFamily(name, words, labels=["stream"])
            for stream, life in lives:
                gauge.add_metric([stream], value(life))
            yield gauge
        events = CounterMetricFamily(
            "framewarden_normal_events",
            "What became of lessons: learned, relearned, kept_old, refused, switched, drifted, unsaved ...",
            labels=["event"],
        )
        for event, count in sorted(learner.counts.items() if learner else ()):
            events.add_metric([event], count)
        yield events

    def _alerts(self) -> Iterable[Metric]:
        verdicts = CounterMetricFamily(
            "framewarden_verdicts", "What the judge decided.", labels=["stream", "verdict"]
        )
        for name, watch in self._house.watches.items():
            for verdict, count in sorted(watch.judge.counts.items()):
                verdicts.add_metric([name, verdict], count)
        gate = self._house.gatekeeper.gate
        alerts = CounterMetricFamily(
            "framewarden_alerts",
            "Alerts that were told, and alerts that were held back, by why.",
            labels=["decision", "kind"],
        )
        for decided, count in sorted(gate.counts.items()):
            alerts.add_metric(decided.split(":"), count)
        storm = GaugeMetricFamily(
            "framewarden_alert_storm", "1 while one alert speaks for all that open.", float(gate.storming)
        )
        silences = GaugeMetricFamily("framewarden_silences", "Silences that hold now.", float(gate.silences))
        waiting = GaugeMetricFamily(
            "framewarden_channel_waiting",
            "Messages on disk that the channel has not taken.",
            labels=["channel"],
        )
        up = GaugeMetricFamily(
            "framewarden_channel_up", "1 while the channel takes messages.", labels=["channel"]
        )
        events = CounterMetricFamily(
            "framewarden_channel_events",
            "Messages delivered, and attempts that failed.",
            labels=["channel", "event"],
        )
        size = GaugeMetricFamily(
            "framewarden_channel_waiting_bytes", "The size of those messages.", labels=["channel"]
        )
        dead = GaugeMetricFamily(
            "framewarden_channel_dead_letters",
            "Messages that the channel refused for good, see framewarden outbox.",
            labels=["channel"],
        )
        for delivery in self._house.deliveries:
            waiting.add_metric([delivery.channel.name], delivery.waiting)
            standing = self._house.outbox.standing(delivery.channel.name)
            size.add_metric([delivery.channel.name], standing.size)
            dead.add_metric([delivery.channel.name], standing.dead)
            dropped = self._house.outbox.dropped[delivery.channel.name]
            events.add_metric([delivery.channel.name, "dropped"], dropped)
            up.add_metric([delivery.channel.name], float(delivery.connected is not False))
            for event, count in sorted(delivery.counts.items()):
                events.add_metric([delivery.channel.name, event], count)
        kept = CounterMetricFamily(
            "framewarden_store_events",
            "What outbox and evidence did and could not do.",
            labels=["store", "event"],
        )
        for store, counts in (
            ("outbox", self._house.outbox.counts),
            ("evidence", self._house.evidence.counts),
        ):
            for event, count in sorted(counts.items()):
                kept.add_metric([store, event], count)
        durable = GaugeMetricFamily(
            "framewarden_outbox_durable",
            "0 while the disk does not take alerts.",
            float(self._house.outbox.durable),
        )
        return verdicts, alerts, storm, silences, waiting, size, dead, up, events, kept, durable
