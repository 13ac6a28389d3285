"""What a weight does: effects that were planted are found with intervals that hold, and few trials claim nothing."""

import json

import numpy as np
import pytest
from optuna.trial import TrialState, create_trial

from lightning_module.evaluation.nme import YAW_BINS
from lightning_module.region_weights import RegionWeights
from sweeps.effects_figure import effects_figure
from sweeps.effects_table import effects_table
from sweeps.search_space import SearchSpace, stored_weights, weights_from_store
from sweeps.storage import open_storage, search_study
from sweeps.sweep_figures import sweep_figures
from sweeps.sweep_markdown import as_markdown
from sweeps.sweep_report import make_report
from sweeps.training import TrainingResult
from sweeps.weight_effects import weight_effects
from tests.sweeps.stubs import DATA, branched, finished_search, keep, settings

NOISE = 0.01
# Percent for each tenfold weight, on the 68 landmarks, eyes and nose, and the mouth.
SLOPES = {"landmarks": (-0.03, 0.01, 0.01), "eyes_nose": (0.01, -0.03, 0.0), "mouth": (0.0, 0.02, -0.04)}
PROTOCOLS = ("nme", "nme_eyes_nose", "nme_mouth")


def _trial(asked, weights, seeds, rng, state=TrialState.COMPLETE):
    """A trial with the planted effects; landmarks of radius 2 add 0.05."""
    logarithms = {name: np.log10(weights.by_name[name] / asked.reference.by_name[name]) for name in SLOPES}
    change = sum(np.array(slopes) * logarithms[name] for name, slopes in SLOPES.items())
    change = change + 0.05 * (weights.landmark_radius_texels == 2)
    errors = 4 + change[:, None] + rng.normal(0, NOISE, (3, seeds))
    attributes = {
        "measured": dict(zip(PROTOCOLS, errors.tolist(), strict=True)),
        "measured_less_trunk": dict(zip(PROTOCOLS, (errors - 4).tolist(), strict=True)),
        "weights": stored_weights(weights),
    }
    return create_trial(state=state, value=4.0, user_attrs=attributes)


def _trials(asked, count, seeds=2, seed=0):
    rng = np.random.default_rng(seed)
    ranges = asked.space.ranges_of(asked.regions)
    trials = [_trial(asked, asked.reference, seeds, rng)]
    while len(trials) < count:
        drawn = {name: float(10 ** rng.uniform(*np.log10(ends))) for name, ends in ranges.items()}
        drawn["neck"] *= rng.integers(2)
        weights = RegionWeights.of(asked.regions, drawn, rng.choice(asked.space.landmark_radius_texels))
        trials.append(_trial(asked, weights, seeds, rng))
    return trials


@pytest.mark.parametrize(("count", "degree", "seeds"), [(14, 1, 1), (14, 1, 3), (30, 2, 2)])
def test_intervals_cover_planted_effects_and_are_not_wide(tmp_path, count, degree, seeds):
    asked, covered, widths = branched(tmp_path, search_seeds=seeds), [], []
    for seed in range(12):
        effects = weight_effects(_trials(asked, count, seeds, seed), asked)
        assert effects.fit.degree == degree
        for factor in effects.factors[:3]:
            _, (lows, highs) = effects.slope(factor)
            covered.append((lows[0] <= SLOPES[factor.name]) & (highs[0] >= SLOPES[factor.name]))
            widths.append(highs - lows)
    assert 0.85 < np.mean(covered) <= 1  # of 108; those of one search are not independent
    assert np.mean(widths) < 0.06  # of effects of 0.03 and more


def test_an_effect_is_a_difference_from_the_reference(tmp_path):
    asked = branched(tmp_path, search_seeds=2)
    effects = weight_effects(_trials(asked, 40), asked)
    names = [factor.name for factor in effects.factors]
    assert names == ["landmarks", "eyes_nose", "mouth", "neck", "landmark_radius_texels"]
    for factor in effects.factors:
        change, ends = effects.curve(factor, np.array([factor.reference]))
        np.testing.assert_allclose(change, 0, atol=1e-12)
        np.testing.assert_allclose(ends, 0, atol=1e-12)
    change, (lows, highs) = effects.curve(effects.factors[-1], np.array([2.0]))
    np.testing.assert_allclose(change, 0.05, atol=0.02)
    assert (lows > 0).all()
    assert (highs < 0.1).all()
    np.testing.assert_allclose(effects.noise, NOISE, rtol=0.35)
    points = effects.points(effects.factors[0])  # without the effects of the other weights
    expected = np.log10(effects.factors[0].values / 16)[:, None] * SLOPES["landmarks"]
    assert np.sqrt(np.mean((points - expected) ** 2)) < 2 * NOISE


def test_full_trainings_need_no_trial_of_the_reference(tmp_path):
    asked = settings(tmp_path, search_seeds=2)
    with_it, without = (weight_effects(trials, asked) for trials in (_trials(asked, 31), _trials(asked, 31)[1:]))
    for factor in without.factors[:3]:
        np.testing.assert_allclose(without.slope(factor)[0], with_it.slope(factor)[0], atol=0.01)


def test_few_trials_give_points_and_no_curve(tmp_path):
    asked = branched(tmp_path, search_seeds=1)
    effects = weight_effects(_trials(asked, 7, seeds=1), asked)
    assert effects.fit is None
    figure = effects_figure(effects, "16:5:4:3:0", "one branch")
    assert not any(axes.lines[1:-1] for axes in figure.axes)  # the zero line and the reference
    assert all(axes.collections for axes in figure.axes)
    assert "too few trials" in figure.get_suptitle()
    assert not [text.get_text() for text in figure.legends[0].get_texts() if "noise" in text.get_text()]
    assert effects_table(effects, "16:5:4:3:0", "one branch") == ""
    assert weight_effects(_trials(settings(tmp_path), 7)[1:], settings(tmp_path)) is None  # nothing to compare with


def test_two_values_of_a_weight_draw_no_line(tmp_path):
    asked = branched(tmp_path, search_seeds=2)
    rng = np.random.default_rng(3)
    without_neck = [
        weights_from_store(asked.regions, trial.user_attrs["weights"]) for trial in _trials(asked, 60, seed=4)
    ]
    trials = [_trial(asked, own, 2, rng) for own in without_neck if not own.by_name["neck"]]
    for neck in (0.3, 4.0):
        trials.append(_trial(asked, RegionWeights.of(asked.regions, {"neck": neck}), 2, rng))
    effects = weight_effects(trials, asked)
    factor = next(factor for factor in effects.factors if factor.name == "neck")
    assert effects.fit.degree == 2
    assert factor.highest_power(2) == 0
    both = effects.curve(factor, np.array(factor.tried))[0]
    np.testing.assert_array_equal(both[0], both[1])
    np.testing.assert_allclose(both, 0, atol=3 * NOISE)
    text = effects_table(effects, "16:5:4:3:0", "one branch")
    assert "neck 0.32 instead of 0" in text
    assert "neck × 10" not in text
    effects_figure(effects, "16:5:4:3:0", "one branch").canvas.draw()


def test_trials_that_were_pruned_or_belong_to_an_earlier_version_are_left_out(tmp_path):
    asked = branched(tmp_path, search_seeds=2)
    trials, rng = _trials(asked, 20), np.random.default_rng(1)
    pruned = _trial(asked, RegionWeights.of(asked.regions, {"mouth": 50.0}), 1, rng, TrialState.PRUNED)
    diverged = _trial(asked, RegionWeights.of(asked.regions, {"mouth": 60.0}), 2, rng, TrialState.PRUNED)
    earlier = create_trial(value=4.0, user_attrs={"weights": stored_weights(asked.reference)})
    effects = weight_effects([*trials, pruned, diverged, earlier], asked)
    np.testing.assert_array_equal(effects.changes, weight_effects(trials, asked).changes)
    assert weight_effects([earlier], asked) is None


def test_a_sweep_keeps_every_error_of_every_seed_and_shows_what_weights_do(tmp_path):
    def fit(request):
        run = f"{request.weights.ratio} {request.seed}"
        own = 4 + 0.1 * request.seed + 0.02 * np.log10(request.weights.by_name["mouth"])
        means = {"nme": own, "nme_dense": own + 1, "nme_eyes_nose": own + 2, "nme_mouth": own - 1, "nme_face": own}
        request.on_validation({name: dict.fromkeys(YAW_BINS, mean) for name, mean in means.items()})
        keep(request, run)
        return TrainingResult(run, False, DATA, None, 1)

    asked = branched(tmp_path, n_trials=12, search_seeds=2, confirm_seeds=0, sampler="random")
    trials = finished_search(asked, fit)
    reference, other = trials[0].user_attrs, trials[1].user_attrs
    assert reference["measured"]["nme_mouth"] == pytest.approx([3.012, 3.112], abs=1e-4)
    assert reference["measured_less_trunk"] == {name: [0.0] * 2 for name in reference["measured"]}
    assert other["measured_less_trunk"]["nme_dense"] == pytest.approx([0.02 * np.log10(3 / 4)] * 2, abs=1e-4)
    assert other["measured"].keys() == {"nme", "nme_dense", "nme_eyes_nose", "nme_mouth", "nme_face"}
    assert len(json.dumps(other["measured"])) < 200
    report = make_report(asked, search_study(asked, open_storage(asked.storage)), trials, None)
    figure = sweep_figures(report)["effects"]
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[1] == "eyes and nose weight 0.3 to 100"
    assert titles[-1] == "radius of the landmarks, in texels"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[:2] == ["error of 68 landmarks", "error of eyes and nose"]
    assert any(text.startswith("noise: one branch") for text in legend)
    text = as_markdown(report)
    assert "## What a weight does" in text
    assert "| mouth × 10 " in text
    assert "| neck × 10, where it is not 0 " in text  # ten times nothing is nothing
    assert "| noise: one branch" in text


def test_one_radius_is_no_factor(tmp_path):
    asked = branched(tmp_path, space=SearchSpace(landmark_radius_texels=(0.0,)))
    assert [factor.name for factor in weight_effects(_trials(asked, 20), asked).factors][-1] == "neck"
