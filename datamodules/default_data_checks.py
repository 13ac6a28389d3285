"""Options that are for other data than the default ones, the synthetic faces, and are refused with them."""

from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.errors import InputError
from datamodules.face_model import FaceModelOptions
from datamodules.readers.reader_300w import Reader300W
from datamodules.readers.sample_reader import MapReader, SampleReader
from datamodules.synthetic.default_data import SyntheticFaces


def refuse_options_of_folders(reader: SampleReader | MapReader, face_model: FaceModelOptions) -> None:
    """Raises InputError if an option of a data folder is set without a folder."""
    is_set = {"--data.face_model": face_model != FaceModelOptions(), "--data.reader": reader != Reader300W()}
    for option, has_value in is_set.items():
        if has_value:
            raise InputError(
                f"{option} is set, but neither --data.root nor --data.test.root is. Set one of them, or leave out {option} "
                "to use synthetic faces."
            )


def refuse_options_of_files(faces: SyntheticFaces, pose_augmentation: PoseAugmentation, repeats: int) -> None:
    """Raises InputError if an option of faces in files is set for streamed faces."""
    if faces.stream and (pose_augmentation.probability or repeats > 1):
        raise InputError(
            "--data.pose_augmentation.probability or --data.repeats is set, but streamed faces are used once and at "
            "their own pose. Leave both out, or leave out --data.synthetic.stream."
        )
    if faces.stream and faces.labels == "fitted":
        raise InputError(
            "--data.synthetic.labels is fitted, but streamed faces have exact labels. Leave it out, or leave out "
            "--data.synthetic.stream."
        )
