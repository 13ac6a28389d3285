from datamodules.opened_dataset import is_validation


def test_adding_a_face_moves_no_other_to_validation():
    keys = [f"image{i:05d}" for i in range(2000)]
    chosen = [is_validation(key, 0.1) for key in keys]
    assert 150 < sum(chosen) < 250
    assert chosen == [is_validation(key, 0.1) for key in keys]
    assert not any(is_validation(key, 0) for key in keys)
    more = [is_validation(key, 0.2) for key in keys]
    assert all(larger for smaller, larger in zip(chosen, more, strict=True) if smaller)
