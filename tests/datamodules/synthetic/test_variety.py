import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.bfm import read_coefficient_deviations, read_morphable_model
from datamodules.files.face_mat import read_face_mat
from datamodules.geometry.camera import HeadPose, project
from datamodules.synthetic.default_data import SyntheticFaces
from datamodules.synthetic.faces_on_disk import MODEL_FILE, SyntheticSettings
from datamodules.synthetic.head_model import synthetic_model
from datamodules.synthetic.population import Population
from datamodules.synthetic.variety import NO_VARIETY, Variety, option_generator
from run import main

ALL = Variety(proportions=True, children=0.3, elderly=0.3, expressions=0.5, wide_poses=0.5)
COMMAND = [f"--variety.{name}={str(value).lower()}" for name, value in vars(ALL).items()]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Twelve faces with all options."""
    place = tmp_path_factory.mktemp("varied") / "faces"
    main(["synthesize", f"--out={place}", "--samples=12", "--image_size=64", "--processes=1", *COMMAND])
    return place


def test_every_option_is_off_by_default():
    assert (
        SyntheticFaces().variety == SyntheticSettings(6).variety == Population(0, 64).variety == NO_VARIETY == Variety()
    )
    assert not any(vars(NO_VARIETY).values())
    assert NO_VARIETY.changes() == {}


def test_only_options_that_are_on_enter_the_name_of_a_data_set():
    """So that options which later versions add do not draw the faces of earlier ones again."""
    assert SyntheticSettings(6).fingerprint == SyntheticSettings(6, variety=Variety(children=0.0)).fingerprint
    options = {name: value or 0.5 for name, value in vars(ALL).items()}
    names = {SyntheticSettings(6, variety=Variety(**{name: value})).fingerprint for name, value in options.items()}
    names |= {SyntheticSettings(6).fingerprint, SyntheticSettings(6, variety=Variety(children=0.2)).fingerprint}
    assert len(names) == len(options) + 2
    assert Variety(children=0.2).changes() == {"children": 0.2}


def test_options_reach_training_validation_and_test():
    faces = SyntheticFaces(variety=ALL)
    for settings in (
        faces.train_settings,
        faces.test_settings,
        SyntheticFaces(stream=True, variety=ALL).train_settings,
    ):
        assert settings.variety == ALL
    assert faces.streamed(None, None)._population.variety == ALL


@pytest.mark.parametrize("name", [name for name, value in vars(ALL).items() if isinstance(value, float)])
@pytest.mark.parametrize("share", ["-0.1", "1.5"])
def test_a_share_outside_0_to_1_is_one_line(name, share, tmp_path):
    with pytest.raises(InputError, match=rf"variety\.{name} is {share}: give a share from 0 to 1\.") as error:
        main(["synthesize", f"--out={tmp_path / 'faces'}", f"--variety.{name}={share}"])
    assert "\n" not in str(error.value)


def test_an_options_generator_leaves_that_of_the_face_alone():
    one, other = (np.random.default_rng([1, 2]) for _ in range(2))
    option_generator(one, "hats").random(5)
    first = one.random()
    assert first == other.random()
    draws = [option_generator(rng, name).random() for rng in (one, other) for name in ("hats", "hats", "scarves")]
    assert draws[:3] == draws[3:]  # however much each has drawn
    assert draws[0] == draws[1] != draws[2]
    assert option_generator(np.random.default_rng([1, 3]), "hats").random() != draws[0]


def test_what_an_option_does_not_concern_stays_the_same():
    plain, tilted, shouting, aged = (
        Population(0, 64, variety=variety)
        for variety in (NO_VARIETY, Variety(wide_poses=1), Variety(expressions=1), Variety(elderly=1))
    )
    for person in range(8):
        views = [population.face(person, person % 6)[0] for population in (plain, tilted, shouting, aged)]
        for view in views:
            np.testing.assert_array_equal(view.identity[:40], views[0].identity)
            assert view.gaze == views[0].gaze
            np.testing.assert_array_equal(view.look.skin, views[0].look.skin)
        np.testing.assert_array_equal(views[1].expression, views[0].expression)
        np.testing.assert_array_equal(views[3].expression, views[0].expression)
        assert (views[2].expression[:12] != views[0].expression).any()
        np.testing.assert_array_equal(views[2].pose[:3], views[0].pose[:3])
        np.testing.assert_array_equal(views[3].pose[:3], views[0].pose[:3])
        assert (views[1].pose[:3] != views[0].pose[:3]).any()


def test_a_share_of_the_people_or_views_is_changed():
    people = [Population(0, 64, variety=Variety(children=0.4)).person(person)[0] for person in range(120)]
    assert 0.3 < np.mean([identity[40:].any() for identity in people]) < 0.5
    plain, mixed = (Population(0, 64, variety=variety) for variety in (NO_VARIETY, Variety(expressions=0.4)))
    changed = [mixed.face(person, 0)[0].expression[:12] != plain.face(person, 0)[0].expression for person in range(120)]
    assert 0.3 < np.mean([change.any() for change in changed]) < 0.5


def test_the_files_return_the_vertices_that_were_drawn(root):
    model, drawn = read_morphable_model(root / MODEL_FILE), synthetic_model(ALL)
    deviations = read_coefficient_deviations(root / MODEL_FILE, model)
    np.testing.assert_allclose(deviations[: len(drawn.identity_deviations)], drawn.identity_deviations, rtol=1e-6)
    for person, view in ((0, 0), (0, 3), (1, 5)):
        face, _ = Population(0, 64, variety=ALL).face(person, view)
        stored = read_face_mat(root / f"person{person:06d}_{view}.mat")
        points = model.vertices(stored.identity.astype(np.float64), stored.expression)
        read = project(points, HeadPose.from_pose_para(stored.pose).projection(64))
        expected = project(drawn.face.vertices(face.identity, face.expression), face.head_pose.projection(64))
        assert np.abs(read - expected).max() < 1e-3
        np.testing.assert_allclose(stored.landmarks_image_px, face.landmarks_image_px(), atol=1e-3)


def test_options_change_neither_the_texture_coordinates_nor_the_landmarks_texels():
    plain, varied = synthetic_model().face, synthetic_model(ALL).face
    for name in ("uv", "triangles", "landmark_vertices"):
        np.testing.assert_array_equal(getattr(varied, name), getattr(plain, name))
    assert np.abs(varied.mean - plain.mean).max() > 4
