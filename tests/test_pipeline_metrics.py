"""Metrics: what a scraper reads, and the waterfall under an injected clock."""

from prometheus_client.parser import text_string_to_metric_families

from pipeline.metrics import Metrics, Waterfall


def values(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Samples by name and label values, as a scraper reads them."""
    families = text_string_to_metric_families(metrics.exposition())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_waterfall_counts_the_first_time_of_each_stage() -> None:
    now = iter([10.0, 10.08, 10.1, 10.5])
    waterfall = Waterfall(lambda: next(now))
    for stage in ("clause", "voice", "clause"):
        waterfall.mark(stage)
    assert waterfall.as_dict() == {"clause": 80.0, "voice": 100.0}
    assert list(waterfall.as_dict()) == ["clause", "voice"]


def test_turns_are_counted_by_status() -> None:
    metrics = Metrics()
    metrics.turn("done", {"clause": 40.0, "first_packet": 120.0})
    metrics.turn("interrupted")
    got = values(metrics)
    assert got["limner_turns_total", "done"] == 1
    assert got["limner_interrupts_total",] == 1
    assert got["limner_first_packet_seconds_bucket", "0.1"] == 0
    assert got["limner_first_packet_seconds_bucket", "0.15"] == 1
    assert got["limner_stage_seconds_sum", "clause"] == 0.04


def test_frames_workers_and_sessions() -> None:
    metrics = Metrics()
    metrics.frames(sent=25, dropped=2)
    metrics.frames(sent=1, dropped=0)
    metrics.worker_died("voice")
    metrics.worker_memory("voice", 10**8)
    metrics.sessions(3)
    metrics.sessions(2)
    got = values(metrics)
    assert got["limner_frames_total", "sent"] == 26
    assert got["limner_frames_total", "dropped"] == 2
    assert got["limner_worker_restarts_total", "voice"] == 1
    assert got["limner_worker_memory_bytes", "voice"] == 1e8
    assert got["limner_sessions",] == 2


def test_servers_do_not_share_figures() -> None:
    one, two = Metrics(), Metrics()
    one.turn("done")
    assert ("limner_turns_total", "done") not in values(two)
