import json

import pytest
import torch

from datamodules.errors import InputError
from lightning_module.evaluation.evaluation_record import EvaluationRecord, read_record
from lightning_module.evaluation.nme import NMEReport
from lightning_module.evaluation.protocols import Protocol

JAW = Protocol("nme_jaw", "line of the jaw, x y", "As nme_dense, over the jaw.", "a stranger")
REPORT = NMEReport(torch.tensor([1.0, 3, 4]), torch.tensor([0.0, 45, 80]), torch.ones(3))


@pytest.fixture
def written(tmp_path):
    record = EvaluationRecord("some faces", "some-faces", {"nme": REPORT, "nme_jaw": REPORT}, "abc", [JAW])
    figures, _ = record.write(tmp_path, record.summaries())
    return figures


def test_a_record_comes_back_with_its_errors_and_what_they_measure(written):
    record = read_record(written)
    assert (record.dataset, record.slug, record.fingerprint) == ("some faces", "some-faces", "abc")
    assert torch.equal(record.reports["nme_jaw"].per_face, REPORT.per_face)
    assert record.protocol("nme_jaw") == JAW
    assert record.protocol("nme").title == "68 landmarks, x y"
    assert record.summaries()["nme_jaw"].title == "line of the jaw, x y"


def test_a_record_of_an_earlier_version_names_its_protocols_by_what_they_are_called(written):
    content = json.loads(written.read_text())
    for protocol in content["protocols"].values():
        del protocol["title"]
    written.write_text(json.dumps(content))
    record = read_record(written)
    assert record.protocol("nme").title == "68 landmarks, x y"
    assert record.protocol("nme_jaw").title == "jaw, x y"


def test_what_is_no_record_is_refused_in_one_line(written, tmp_path):
    written.with_suffix(".npz").unlink()
    with pytest.raises(InputError, match=r"some-faces.json: is no record .* Run the test again"):
        read_record(written)
    written.write_text("{}")
    with pytest.raises(InputError, match="is no record of an evaluation"):
        read_record(written)
