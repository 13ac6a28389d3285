import pytest

from datamodules.errors import InputError
from datamodules.files.dataset_card import read_card


def test_a_folder_without_a_card_goes_by_its_name(tmp_path):
    assert str(read_card(tmp_path)) == tmp_path.name


def test_a_card_says_name_and_kind(tmp_path):
    (tmp_path / "dataset.yaml").write_text("name: Formula faces\nkind: synthetic\n")
    assert str(read_card(tmp_path)) == "Formula faces (synthetic)"


@pytest.mark.parametrize("text", ["- a list", "nome: x", "a: [", ""])
def test_a_card_that_cannot_be_read_is_named(tmp_path, text):
    (tmp_path / "dataset.yaml").write_text(text)
    with pytest.raises(InputError, match=r"dataset\.yaml: is no data set card"):
        read_card(tmp_path)
