"""The campaign that looks for faults finds those that are there, and no others."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.faults.findings import part_figures
from benchmarks.faults.full_disks import WritingPlaces, disk_cases
from benchmarks.faults.kills import Undisturbed, kill_cases, undisturbed_cases
from benchmarks.faults.lost_servers import disturbed_sweep
from benchmarks.faults.mutated_inputs import KINDS, mutation_cases
from benchmarks.faults.mutator import mutated
from benchmarks.faults.planted_faults import PLANTED, cases_until_found, unguarded_reader
from benchmarks.faults.scheduler import Case, CaseResult, Fault, make_slots, run_cases
from benchmarks.faults.slots import Slot
from benchmarks.faults.watched_commands import COMMANDS
from benchmarks.postgres_server import postgres_binaries
from tests.fakes import write_faces, write_model


@pytest.fixture
def slot(tmp_path):
    slot = Slot(tmp_path / "slot-0")
    slot.restore()
    return slot


def test_one_seed_damages_data_alike():
    data = bytes(range(256)) * 8
    first, again, other = (
        [mutated(data, np.random.default_rng([seed, number])) for number in range(50)] for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
    assert all(result != data for result, _ in first)
    done = " ".join(what for _, what in first)
    assert all(word in done for word in ("flipped", "cut", "left out", "zeros", "swapped"))


def test_what_has_one_byte_cannot_be_damaged_in_every_way():
    with pytest.raises(ValueError, match="1 bytes cannot be damaged"):
        mutated(b"x", np.random.default_rng(0))


def test_a_slot_puts_back_what_it_keeps(slot):
    (slot.given / "a.txt").write_text("a")
    slot.keep()
    (slot.given / "a.txt").write_text("b")
    (slot.path / "home" / "b.txt").write_text("b")
    assert slot.strays() == [str(slot.path / "home" / "b.txt")]
    slot.restore()
    assert (slot.given / "a.txt").read_text() == "a"
    assert slot.strays() == []


def test_digests_depend_on_neither_place_nor_time(tmp_path):
    digests = []
    for name in ("slot-0", "slot-1"):
        slot = Slot(tmp_path / name)
        slot.restore()
        (slot.given / "a.txt").write_text(f"{slot.given}/image.jpg")
        (slot.given / "a.mat").write_bytes(name.ljust(116).encode() + b"numbers")
        digests.append(slot.digests(slot.given))
    assert digests[0] == digests[1]
    assert set(digests[0]) == {"a.txt", "a.mat"}


def test_a_planted_fault_is_found_by_a_handful_of_cases(slot):
    write_model(slot.given / "model")
    write_faces(slot.given / "faces", [0.0, 20.0])
    slot.keep()
    sound, careless = (
        [fault for result in run_cases(mutation_cases(["bfm"], 3, 0, patch), [slot]) for fault in result.faults]
        for patch in (None, unguarded_reader)
    )
    assert not [fault for fault in sound if fault.kind == "traceback"]
    found = [fault for fault in careless if fault.kind == "traceback"]
    assert found
    assert all(fault.place.startswith("KeyError at datamodules/face_model.py") for fault in found)


def test_kills_are_shared_by_all_commands():
    names = [case.name.partition(":")[0] for case in kill_cases(list(COMMANDS), 60, 0, Undisturbed())]
    assert len(names) == 60
    assert set(names) == set(COMMANDS)
    assert min(Counter(names).values()) >= 8


def test_every_kind_of_input_is_damaged_as_often():
    assert Counter(case.name.partition(":")[0] for case in mutation_cases(None, 4, 0)) == dict.fromkeys(KINDS, 4)


def test_a_place_fails_with_both_errors_unless_it_frees_space():
    places = WritingPlaces({"prepare": ["a.py:1 open .npy", "a.py:2 os.remove .npy"]})
    names = [case.name for case in disk_cases(["prepare"], places, 0) if "EFBIG" not in case.name]
    assert names == [
        "prepare:ENOSPC a.py:1 open .npy",
        "prepare:EROFS a.py:1 open .npy",
        "prepare:EROFS a.py:2 os.remove .npy",
    ]
    assert len(list(disk_cases(["prepare"], places, 0, most=2))) == 2


def test_figures_name_the_command_that_repeats_each_cause():
    fault = Fault("traceback", "KeyError at a.py:1 read", "1 bits flipped")
    results = [
        CaseResult(Case(f"mat:{number}", lambda slot: None), [fault] * (number > 0), 1.0, "") for number in range(3)
    ]
    figures = part_figures("mutations", results, 0, 5)
    assert (figures["cases"], figures["cases with faults"]) == (3, 2)
    (cause,) = figures["faults"]
    assert cause["cases"] == 2
    assert cause["repeat"] == "python -m benchmarks.faults mutations --seed 0 --count 5 --only mat:1"


@pytest.fixture(scope="module")
def slots(tmp_path_factory):
    return make_slots(tmp_path_factory.mktemp("campaign"), 1)


@pytest.mark.slow
@pytest.mark.parametrize("fault", PLANTED, ids=lambda fault: fault.name)
def test_the_campaign_finds_what_was_put_in_on_purpose(fault, slots):
    assert cases_until_found(fault, slots, seed=0) is not None


@pytest.mark.slow
def test_killed_commands_end_as_if_they_had_not_been(slots):
    names = ["prepare", "synthesize"]
    whole = Undisturbed()
    results = [
        *run_cases(undisturbed_cases(names, whole), slots),
        *run_cases(kill_cases(names, 6, 0, whole), slots),
    ]
    assert len(results) == 8
    assert not [fault for result in results for fault in result.faults]


@pytest.mark.slow
def test_a_sweep_outlives_disturbed_servers():
    if postgres_binaries() is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    done, faults = disturbed_sweep(2, seed=0)
    assert len(done) == 2
    assert not faults
