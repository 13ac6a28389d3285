"""Lightning's data module: from faces on disk to batches with position maps on the training device."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.augmentation.pose.pose_options import PoseAugmentation
from datamodules.data_checks import check_range, warn_of_shared_faces
from datamodules.data_folders import DataFolders
from datamodules.dataset import FaceDataset
from datamodules.default_data_checks import refuse_options_of_files, refuse_options_of_folders
from datamodules.errors import InputError
from datamodules.face_loader import face_loader
from datamodules.face_model import FaceModelOptions
from datamodules.files.dataset_card import DatasetCard
from datamodules.fitted_labels import FittedLabels
from datamodules.geometry.crop import CROP_MARGIN, NetworkCrop
from datamodules.geometry.regions import RegionTable, checked_table, five_regions
from datamodules.geometry.uv_layout import MAP_SIZE, UVLayout
from datamodules.network_input import network_input
from datamodules.readers.index_options import IndexOptions
from datamodules.readers.reader_300w import Reader300W
from datamodules.readers.sample_reader import MapReader, SampleReader
from datamodules.sample_maker import SampleMaker
from datamodules.synthetic.default_data import EmbeddedData, SyntheticFaces
from datamodules.synthetic.stream import StreamedFaces
from datamodules.test_set import FaceTestOptions
from datamodules.types import FaceBatch, FaceSample
from datamodules.worker_processes import one_time_processes, sample_workers

_log = logging.getLogger(__name__)


class FaceDataModule(LightningDataModule):
    """Faces to train, validate and test on. Without a folder of data, they are synthetic.

    Args:
        root: Folder to train and validate on.
        reader: Reads the data sets: by default 300W-3D, 300W-LP and AFLW2000-3D.
        face_model: The face model that samples' coefficients refer to.
        test: The test set.
        index: Options of the index.
        regions: A function that returns the table of the regions, such as some.module.function.
        synthetic: The synthetic faces, which are used if neither folder is set.
        repeats: Number of times that each training face is used per epoch, each time with other augmentations; more
            than 1 is for a handful of photographs.
        batch_size: Faces per step, on each device.
        num_workers: Processes that make samples, which they do not change; by default 2, or 0 if decoded images are kept.
        image_size: Pixels per side of the network's input.
        crop_margin: Side of the network's crops / mean side of the box of the 68 landmarks; a checkpoint brings its own.
        val_fraction: Fraction of the photographs used for validation; 0 for none.
        augment: Whether training faces are augmented.
        augmentation: Ranges of the augmentations that keep a face's pose.
        pose_augmentation: How training faces are rendered at other poses.
        seed: Seed of order and augmentation; the command line sets it to seed_everything.
    """

    def __init__(
        self,
        root: Path | None = None,
        reader: SampleReader | MapReader = Reader300W(),  # noqa: B008  # frozen
        face_model: FaceModelOptions = FaceModelOptions(),  # noqa: B008  # frozen
        test: FaceTestOptions = FaceTestOptions(),  # noqa: B008  # frozen
        index: IndexOptions = IndexOptions(),  # noqa: B008  # frozen
        regions: Callable[[], RegionTable] = five_regions,
        synthetic: SyntheticFaces = SyntheticFaces(),  # noqa: B008  # frozen
        repeats: int = 1,
        batch_size: int = 16,
        num_workers: int | None = None,
        image_size: int = 256,
        crop_margin: float = CROP_MARGIN,
        val_fraction: float = 0.05,
        augment: bool = True,
        augmentation: Augmentation = Augmentation(),  # noqa: B008  # frozen
        pose_augmentation: PoseAugmentation = PoseAugmentation(),  # noqa: B008  # frozen
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_range("--data.batch_size", batch_size, 1)
        check_range("--data.num_workers", num_workers or 0, 0)
        check_range("--data.repeats", repeats, 1)
        check_range("--data.val_fraction", val_fraction, 0, below=1)
        self._embedded = labels = None
        processes = one_time_processes(num_workers)
        if root is None and test.root is None:
            refuse_options_of_folders(reader, face_model)
            refuse_options_of_files(synthetic, pose_augmentation, repeats)
            self._embedded = EmbeddedData(synthetic, index.cache)
            root, face_model = self._embedded.root, self._embedded.face_model
            test = replace(test, root=self._embedded.test_root)
            index = index.keeping_decoded(self._embedded.is_small)
            if synthetic.labels == "fitted":
                labels = FittedLabels(self._embedded.face_model_file, index.cache, synthetic.seed, processes)
        self.folders = DataFolders(root, test, reader, face_model, checked_table(regions), index, processes, labels)
        self._repeats = repeats
        self.batch_size = batch_size
        self.num_workers = sample_workers(num_workers, bool(index.keeps_decoded))
        self.val_fraction = val_fraction
        self._image_size = image_size
        self._crop = NetworkCrop.of_options(crop_margin, None)
        self._augmentation = augmentation if augment else None
        self._pose_augmentation = pose_augmentation
        self._seed = seed
        self.rendered_faces = "none"  # how many training faces are rendered at other poses, in words
        self.train_faces: FaceDataset | StreamedFaces | None = None
        self.val_faces: FaceDataset | None = None
        self.test_faces: FaceDataset | None = None

    def check(self, stage: str) -> None:
        """Checks that everything a stage needs is there, before anything else is started.

        Args:
            stage: Lightning's name of the stage, or "write" for a command that writes the faces in another form.

        Raises:
            InputError: If an option that the stage needs is not set, or names nothing.
        """
        if stage == "validate" and not self.val_fraction:
            raise InputError("--data.val_fraction is 0: there are no validation faces. Give the fraction of the fit.")
        if stage == "write" and self.folders.labels is not None:
            raise InputError("--data.synthetic.labels is fitted, which is for training only. Leave it out.")
        if not self._embedded:
            self.folders.check(stage)

    @property
    def test_root(self) -> Path | None:
        """Folder to test on."""
        return self.folders.test.root

    def prepare_data(self) -> None:
        """Builds what is missing in the cache, once per machine."""
        if self._embedded:
            self._embedded.make(self.folders.processes)
        self.folders.build_indices()

    def setup(self, stage: str) -> None:
        """Opens the data sets that a stage needs."""
        if stage in ("fit", "validate"):
            self._setup_training(stage)
        if (stage == "test" or self.test_root is not None) and self.test_faces is None:
            self._setup_test()
        if stage == "fit":
            warn_of_shared_faces(self.train_faces, self.test_faces)

    @property
    def uv_layout(self) -> UVLayout:
        """The layout of the UV space that the network learns."""
        return self.folders.targets.layout.in_crop(self._crop.margin)

    def fingerprints(self) -> dict[str, str]:
        """Fingerprints of the face model and the data, by name: runs that share them saw the same numbers."""
        return self.folders.fingerprints()

    def card(self, stage: str) -> DatasetCard:
        """Name and kind of the data set of a stage."""
        return self.folders.card(stage)

    def plain_faces(self) -> FaceDataset:
        """All usable faces below --data.root, not augmented."""
        return self.folders.training_data().faces(self._maker())

    def train_dataloader(self) -> DataLoader[FaceSample]:
        """The training faces, in a different order in each epoch."""
        return self._loader(self.train_faces, shuffle=True)

    def val_dataloader(self) -> list[DataLoader[FaceSample]]:
        """The validation faces; an empty list if there are none."""
        return [self._loader(self.val_faces)] if self.val_faces is not None and len(self.val_faces) else []

    def test_dataloader(self) -> DataLoader[FaceSample]:
        """The test faces."""
        return self._loader(self.test_faces)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Computes the position maps on the training device, from about a kilobyte per sample."""
        if not isinstance(batch, FaceSample):
            return batch
        module: Any = self.trainer.lightning_module if self.trainer and self.trainer.training else None
        return self.complete(batch, MAP_SIZE if module is None else module.map_size)

    def complete(self, batch: FaceSample, map_size: int = MAP_SIZE) -> FaceBatch:
        """A collated batch with its images as floats and its position maps."""
        mapper = self.folders.targets.mapper(map_size).to(batch.image.device)
        with torch.no_grad():
            maps = mapper(batch.surface, batch.projection, batch.is_mirrored)
        image = network_input(batch.image)
        return FaceBatch(image, maps, batch.landmarks_crop_px, batch.yaw_deg, batch.number, list(batch.key))

    def _setup_training(self, stage: str) -> None:
        maker = self._maker(self._augmentation)
        opened = self.folders.training_data()
        if self._embedded and self._embedded.faces.stream:
            self.train_faces = self._embedded.faces.streamed(opened.placement, maker)
            self.val_faces = opened.faces(self._maker())
            return
        validates = opened.validates(self.val_fraction)
        if validates.all():
            raise InputError(
                f"{self.folders.root}: all {len(validates)} faces fall into the validation fraction of "
                f"{self.val_fraction:g}, so none is left to train on. Set --data.val_fraction lower, or 0."
            )
        if self.val_fraction and not validates.any():
            _log.warning(
                "%s: none of the %d faces falls into the validation fraction of %g, so there is no validation.",
                self.folders.root,
                len(validates),
                self.val_fraction,
            )
        self.val_faces = opened.faces(self._maker(), validates)
        labelled = self.folders.labelled_data()
        validates = labelled.validates(self.val_fraction)
        if self._augmentation is not None and stage == "fit":
            rows = labelled.rows[~validates]
            placement = self.folders.targets.training_placement(labelled.index, rows, self._pose_augmentation)
            labelled = labelled.placed(placement)
            self.rendered_faces = placement.pose_augmentation
        self.train_faces = labelled.faces(maker, ~validates, self._repeats)

    def _setup_test(self) -> None:
        opened = self.folders.test_data()
        chosen = opened.validates(self.val_fraction) if self.folders.test.holdout else None
        if chosen is not None and not chosen.any():
            raise InputError(f"{self.test_root}: no face falls into the validation fraction of {self.val_fraction:g}.")
        self.test_faces = opened.faces(self._maker(), chosen)

    def _maker(self, augmentation: Augmentation | None = None) -> SampleMaker:
        return SampleMaker(self._image_size, augmentation, self._seed, self._crop)

    def _loader(self, faces: FaceDataset | StreamedFaces | None, shuffle: bool = False) -> DataLoader[FaceSample]:
        if faces is None:
            raise RuntimeError("setup has not run for this stage")
        return face_loader(faces, self.trainer, shuffle, self._seed, self.batch_size, self.num_workers)
