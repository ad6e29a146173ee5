"""Frames, tokens and dollars."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock.errors import UnpricedError
from bedrock.pricing import (
    FREE,
    NOTHING,
    USD_STEP,
    Price,
    Range,
    Sampling,
    Usage,
    estimate,
    price_of,
    text_tokens,
)

V1 = Sampling()
NOVA_2 = Sampling(frames_high=2700)
LITE = Price(rates={"input_per_1k": Decimal("0.00033"), "output_per_1k": Decimal("0.00275")}, as_of="2026-09-01")


@pytest.mark.parametrize(
    ("duration_s", "low", "high"),
    [(0, 288, 2400), (1, 288, 2400), (10, 2880, 2880), (30, 8640, 8640), (960, 276_480, 276_480),
     (1200, 276_480, 345_600), (2700, 276_480, 777_600), (5400, 276_480, 777_600)],
)  # fmt: skip
def test_video_tokens_follow_the_table_of_the_user_guide(duration_s: float, low: int, high: int) -> None:
    assert NOVA_2.tokens(duration_s) == Range(low=low, high=high)


def test_v1_never_takes_more_than_960_frames() -> None:
    assert V1.tokens(5400) == Range(low=276_480, high=276_480)
    assert V1.knee_s == 960


def test_a_call_costs_its_tokens_exactly() -> None:
    assert LITE.cost(Usage(input_tokens=276_480, output_tokens=1200)) == Decimal("0.0945384")
    assert LITE.times(Decimal("0.5")).cost(Usage(input_tokens=276_480, output_tokens=1200)) == Decimal("0.0472692")


def test_a_unit_without_a_rate_is_unpriced_and_never_free() -> None:
    with pytest.raises(UnpricedError, match="per video s"):
        LITE.cost(Usage(video_s=Decimal(5)))

    assert LITE.cost(Usage()) == 0


def test_cached_input_without_a_rate_of_its_own_counts_as_fresh() -> None:
    assert LITE.cost(Usage(cache_read_tokens=1000)) == Decimal("0.00033")


def test_rejects_rates_and_amounts_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="unknown rates"):
        Price(rates={"input_per_1m": Decimal(1)})
    with pytest.raises(ValueError, match="negative"):
        Usage(input_tokens=-1)
    with pytest.raises(ValueError, match="not a range"):
        Range(low=2, high=1)


def test_reads_bedrocks_usage_with_and_without_cache() -> None:
    usage = Usage.from_bedrock({"inputTokens": 5, "outputTokens": 2, "totalTokens": 7, "cacheReadInputTokens": None})

    assert usage == Usage(input_tokens=5, output_tokens=2)
    assert Usage.from_json(usage.as_json()) == usage


@pytest.mark.parametrize("end", ["Tokens", "TokenCount"])
def test_reads_the_cache_in_converses_words_and_in_novas_own(end: str) -> None:
    """Source: Nova user guide, "Using the Invoke API": its usage has `cacheReadInputTokenCount`."""
    told = {"inputTokens": 5, "outputTokens": 2, f"cacheReadInput{end}": 1000, f"cacheWriteInput{end}": 70}

    assert Usage.from_bedrock(told) == Usage(input_tokens=75, output_tokens=2, cache_read_tokens=1000)


@pytest.mark.parametrize("told", [[], "none", {"inputTokens": "many"}, {"inputTokens": -3}, {"inputTokens": [1]}])
def test_usage_that_is_none_is_not_told(told: Any) -> None:
    """It then counts as its worst case; the answer itself is kept."""
    assert Usage.from_bedrock(told) == Usage()


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.decimals("0", "9000", places=3))
def test_usage_and_price_survive_json(tokens: int, images: int, seconds: Decimal) -> None:
    usage = Usage(input_tokens=tokens, images=images, video_s=seconds, audio_s=seconds)

    assert Usage.from_json(usage.as_json()) == usage
    assert Price.from_json(LITE.as_json()) == LITE


@given(st.integers(0, 10**8), st.integers(0, 10**6), st.integers(0, 10**8), st.integers(0, 10**6))
def test_cost_grows_with_usage_and_adds_up_to_a_step(i1: int, o1: int, i2: int, o2: int) -> None:
    one, two = LITE.cost(Usage(input_tokens=i1, output_tokens=o1)), LITE.cost(Usage(input_tokens=i2, output_tokens=o2))
    both = LITE.cost(Usage(input_tokens=i1 + i2, output_tokens=o1 + o2))

    assert max(one, two) <= both <= one + two <= both + USD_STEP


@given(st.floats(0, 10**6), st.floats(0, 10**6))
def test_longer_videos_never_take_fewer_tokens(a: float, b: float) -> None:
    short, long = NOVA_2.tokens(min(a, b)), NOVA_2.tokens(max(a, b))

    assert short.low <= long.low <= long.high
    assert short.high <= long.high


@given(st.text(max_size=300))
def test_a_text_has_a_low_and_a_high_figure(text: str) -> None:
    tokens = text_tokens(text)

    assert tokens.low <= tokens.high or not text


def test_an_estimate_is_a_range_of_dollars_or_unpriced() -> None:
    known = estimate(price=LITE, input_tokens=Range(low=1000, high=2000), output_tokens=Range(low=0, high=1000))
    unknown = estimate(price=None, input_tokens=Range(low=1000, high=2000), output_tokens=Range(low=0, high=1000))

    assert (known.usd_low, known.usd_high) == (Decimal("0.00033"), Decimal("0.00341"))
    assert known.is_priced
    assert not unknown.is_priced
    assert (known + unknown).usd_high is None
    assert (NOTHING + known) == known
    assert FREE.cost(Usage(input_tokens=10**9)) == 0


def test_a_price_is_found_by_place_and_mode_or_is_unknown() -> None:
    prices = {
        "us-east-1": {
            "as_of": "2026-09-01",
            "realtime": {"input_per_1k": "0.0008"},
            "flex": {"input_per_1k": "0.0004"},
        },
        "global": {"realtime": {"input_per_1k": "0.0003"}},
    }

    def rate(place: str, mode: str, discounts: dict[str, str]) -> Decimal | None:
        price = price_of(prices, places=(place, "*"), mode=mode, discounts=discounts)
        return price.rates["input_per_1k"] if price else None

    assert rate("us-east-1", "flex", {}) == Decimal("0.0004")
    assert rate("us-east-1", "batch", {"batch": "0.5"}) == Decimal("0.0004")
    assert rate("us-east-1", "batch", {}) is None
    assert rate("global", "realtime", {}) == Decimal("0.0003")
    assert rate("eu-west-1", "realtime", {}) is None
