"""Where runs are kept, and the command that shows them."""

import pytest

from lightning_module.project import PROJECT
from lightning_module.tracking.tracking_place import TrackingOptions, TrackingPlace


@pytest.mark.parametrize("folder", ["mlruns", "my runs"])
def test_another_folder_is_named_by_the_command_that_shows_its_runs(tmp_path, folder):
    place = TrackingOptions(folder=tmp_path / folder).place(PROJECT)
    quoted = f"'{tmp_path / folder}'" if " " in folder else tmp_path / folder
    assert place.how_to_view == f"python run.py ui --tracking.folder {quoted}"


def test_the_projects_own_folder_needs_no_name():
    assert TrackingOptions().place(PROJECT).how_to_view == "python run.py ui"


def test_a_server_is_shown_by_its_address_without_its_password(tmp_path):
    place = TrackingPlace("http://me:secret@127.0.0.1:5000", tmp_path, "weightmask")
    assert "secret" not in place.how_to_view
    assert "127.0.0.1:5000" in place.how_to_view
