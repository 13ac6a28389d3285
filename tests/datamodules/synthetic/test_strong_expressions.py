import numpy as np
import pytest

from datamodules.geometry.landmarks import MIRROR_68
from datamodules.synthetic.expression import EXPRESSIONS, expression_names
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.population import Population
from datamodules.synthetic.variety import NO_VARIETY, Variety

STRONG = Variety(expressions=1)
FACES = 240


def _moved(amounts):
    """(68, 3) landmarks of the mean head, and how far an expression moves them."""
    face, names = synthetic_model(STRONG).face, expression_names(STRONG)
    coefficients = np.zeros(len(names))
    for name, amount in amounts.items():
        coefficients[names.index(name)] = amount
    vertices = face.landmark_vertices
    return face.mean[vertices].astype(float), face.expression_basis[vertices] @ coefficients


@pytest.fixture(scope="module")
def shapes():
    """(N, 68, 3) landmarks of the mean head with the expressions that are drawn, without and with the option."""
    drawn = []
    for variety in (NO_VARIETY, STRONG):
        face, population = synthetic_model(variety).face, Population(0, 64, variety=variety)
        amounts = np.stack([population.face(person, 0)[0].expression for person in range(FACES)])
        vertices = face.landmark_vertices
        drawn.append(face.mean[vertices] + np.einsum("vak,nk->nva", face.expression_basis[vertices], amounts))
    return drawn


def _mouth(landmarks):
    return landmarks[:, 62, 1] - landmarks[:, 66, 1]


def _lids(landmarks):
    """(N, 2) openings of the eyes."""
    y = landmarks[..., 1]
    return np.stack(
        [
            y[:, upper].mean(axis=1) - y[:, lower].mean(axis=1)
            for upper, lower in (((37, 38), (40, 41)), ((43, 44), (46, 47)))
        ],
        1,
    )


def test_the_default_has_twelve_modes_and_keeps_them():
    assert expression_names(NO_VARIETY) == EXPRESSIONS
    assert expression_names(STRONG)[:12] == EXPRESSIONS
    plain, strong = synthetic_model().face, synthetic_model(STRONG).face
    np.testing.assert_array_equal(strong.expression_basis[..., :12], plain.expression_basis)
    np.testing.assert_array_equal(strong.mean, plain.mean)


def test_mouths_open_wider(shapes):
    plain, strong = (_mouth(landmarks) for landmarks in shapes)
    widest = np.quantile(plain, 0.95)
    assert (strong > widest).mean() > 0.2
    assert strong.max() < 60  # the widest that people can


def test_eyes_are_shut_in_a_quarter_of_the_faces_and_no_lid_passes_the_other(shapes):
    plain, strong = (_lids(landmarks) for landmarks in shapes)
    is_shut = [(openings < 2).all(axis=1).mean() for openings in (plain, strong)]
    assert is_shut[0] < 0.15
    assert 0.15 < is_shut[1] < 0.45
    assert strong.min() > -1
    assert strong.max() > plain.max()


def test_faces_are_one_sided(shapes):
    """By the distance between landmarks and their mirror images, apart from sideways movement as a whole."""
    figures = []
    for landmarks in shapes:
        odd = (landmarks - landmarks[:, MIRROR_68] * [-1, 1, 1])[..., 1]
        figures.append(np.abs(odd).mean(axis=1))
    assert np.quantile(figures[1], 0.9) > 1.5 * np.quantile(figures[0], 0.9)


@pytest.mark.parametrize(
    ("amounts", "moves", "rests"),
    [
        ({"smile": 0.5, "smile_side": 0.5}, 54, 48),
        ({"smile": 0.5, "smile_side": -0.5}, 48, 54),
        ({"brows_up": 0.5, "brows_side": 0.5}, 24, 19),
        ({"upper_lip": 0.5, "upper_lip_side": -0.5}, 49, 53),
    ],
)
def test_a_sum_of_a_mode_and_its_side_moves_one_side(amounts, moves, rests):
    _, moved = _moved(amounts)
    lengths = np.linalg.norm(moved, axis=1)
    assert lengths[moves] > 2
    assert lengths[rests] < 0.25 * lengths[moves]


def test_a_jaw_that_moves_sideways_takes_the_chin_along_and_leaves_the_nose():
    _, moved = _moved({"jaw_side": 1})
    assert moved[8, 0] > 5
    assert np.abs(moved[[27, 30, 33, 36, 45]]).max() < 0.5


def test_a_squint_lifts_the_lower_lids():
    _, moved = _moved({"squint": 1})
    assert (moved[[40, 41, 46, 47], 1] > 1.2).all()
    assert (np.abs(moved[[37, 38, 43, 44], 1]) < 0.8).all()
