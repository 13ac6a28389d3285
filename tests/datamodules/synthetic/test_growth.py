import numpy as np
import pytest

from datamodules.synthetic.anthropometry import MEASUREMENTS
from datamodules.synthetic.growth import CHILD_AGES
from datamodules.synthetic.head import make_head
from datamodules.synthetic.head_measurements import HeadMeasurements
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.population import Population
from datamodules.synthetic.variety import NO_VARIETY, Variety

NAMES = [measurement.name for measurement in MEASUREMENTS]
AGES = Variety(children=0.5, elderly=0.5)


@pytest.fixture(scope="module")
def values():
    """Measurements of the mean adult, of children of 1, 6 and 12 years, and of an old person, by name."""
    ruler, face = HeadMeasurements(make_head()), synthetic_model(AGES).face
    heads = [face.mean, *(face.mean + np.moveaxis(face.identity_basis[..., 40:], 2, 0))]
    return [dict(zip(NAMES, ruler.values(head), strict=True)) for head in heads]


def test_the_adult_is_the_default_head():
    np.testing.assert_array_equal(synthetic_model(AGES).face.mean, synthetic_model().face.mean)
    np.testing.assert_array_equal(
        synthetic_model(AGES).face.identity_basis[..., :40], synthetic_model().face.identity_basis
    )


def test_the_younger_a_child_the_shorter_its_face_and_the_larger_its_eyes(values):
    adult, *children, _ = values
    for younger, older in zip(children, [*children[1:], adult], strict=True):
        for lower, upper in (
            ("n-gn", "zy-zy"),
            ("zy-zy", "eu-eu"),
            ("ch-ch", "ex-ex"),
            ("sn-prn", "en-en"),
        ):
            assert younger[lower] / younger[upper] < older[lower] / older[upper], (lower, upper)
        assert younger["ex-ex"] / younger["n-gn"] > older["ex-ex"] / older["n-gn"]


def test_a_six_year_olds_face_has_grown_by_as_much_as_in_the_tables(values):
    """Relative to the width of the head, of which 94 % is reached then."""
    adult, child = values[0], values[1 + CHILD_AGES.index(6.0)]
    for name, grown in (
        ("n-gn", 0.79),
        ("zy-zy", 0.87),
        ("go-go", 0.87),
        ("en-en", 0.91),
        ("ch-ch", 0.81),
        ("al-al", 0.86),
    ):
        assert child[name] / adult[name] * 0.94 == pytest.approx(grown, abs=0.02), name


def test_old_people_have_long_noses_thin_lips_and_low_lids(values):
    adult, *_, old = values
    changes = {name: old[name] - adult[name] for name in NAMES}
    assert changes["n-sn"] > 1
    assert changes["al-al"] > 1.5
    assert changes["ls-upper_sto"] < -1.5
    assert changes["lower_sto-li"] < -1.5
    assert changes["ps-pi"] < -1
    assert abs(changes["zy-zy"]) < 3


def test_children_have_no_beard_and_no_wrinkles():
    population = Population(0, 64, variety=Variety(children=1))
    adults = [Population(0, 64).person(person)[1] for person in range(30)]
    assert any(look.beard for look in adults)
    for person, adult in enumerate(adults):
        identity, look = population.person(person)
        assert identity[40:].any()
        assert (look.beard, look.stubble, look.moustache, look.lid_shadow, look.age) == (0, 0, 0, 0, 0)
        np.testing.assert_array_equal(look.skin, adult.skin)


def test_old_people_are_wrinkled_and_greyer():
    population = Population(0, 64, variety=Variety(elderly=1))
    pairs = [(population.person(person)[1], Population(0, 64).person(person)[1]) for person in range(30)]
    assert min(look.age for look, _ in pairs) > 0.7
    darkness = [(255 - look.hair).mean() for look, _ in pairs], [(255 - adult.hair).mean() for _, adult in pairs]
    assert np.mean(darkness[0]) < 0.75 * np.mean(darkness[1])


def test_nobody_is_both_a_child_and_old():
    population = Population(0, 64, variety=Variety(children=0.6, elderly=0.6))
    identities = np.stack([population.person(person)[0] for person in range(100)])
    is_child, is_old = identities[:, 40:43].any(axis=1), identities[:, 43] > 0
    assert not (is_child & is_old).any()
    assert is_child.sum() > 40
    assert is_old.sum() > 10


def test_deviations_of_ages_follow_their_shares():
    few, many = (synthetic_model(Variety(children=share)).identity_deviations for share in (0.04, 0.64))
    np.testing.assert_array_equal(few[:40], many[:40])
    np.testing.assert_allclose(many[40:] / few[40:], 4)
    assert len(synthetic_model(NO_VARIETY).identity_deviations) == 40
