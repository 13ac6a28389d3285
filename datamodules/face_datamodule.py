"""Fitted photographs on disk to batches with position maps on the training device."""

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from datamodules.augmentation.photometric import Augmentation
from datamodules.augmentation.pose.policy import choose_profiler
from datamodules.augmentation.pose.pose_augmentation import Profiler
from datamodules.augmentation.pose.view_sampling import Profiling
from datamodules.augmentation.pose.view_writer import FaceViews, Poses
from datamodules.data_checks import given, warn_of_shared_faces
from datamodules.dataset import FaceDataset, SampleMaker
from datamodules.epoch_sampler import EpochSampler
from datamodules.errors import InputError
from datamodules.files.bfm import read_morphable_model
from datamodules.files.dataset_card import DatasetCard, read_card
from datamodules.files.face_folders import FolderLayout, scan
from datamodules.files.face_index import FaceIndex, Verification, open_index
from datamodules.geometry.morphable_model import MorphableModel
from datamodules.geometry.regions import RegionTable, checked_table, five_regions
from datamodules.geometry.uv_layout import MAP_SIZE, UVLayout, make_uv_layout
from datamodules.opened_dataset import FaceSource
from datamodules.position_map import PositionMapper
from datamodules.replaced_landmarks import with_landmarks
from datamodules.synthetic.default_data import EmbeddedData, SyntheticFaces
from datamodules.synthetic.stream import StreamedFaces
from datamodules.types import FaceBatch, FaceSample

_log = logging.getLogger(__name__)

DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weightmask"


class FaceDataModule(LightningDataModule):
    """300W-3D, 300W-LP or AFLW2000-3D with a Basel-like face model; without them, faces by formula.

    Args:
        root: Folder to train and validate on.
        morphable_model: BFM.mat in face3d's layout, which the samples' coefficients refer to; by default the one that
            the data set's card names.
        uv_coordinates: Its texture coordinates; BFM_UV.mat beside it by default.
        test_root: Folder to test (and to predict) on.
        test_landmarks: Other true landmarks for it, such as AFLW2000-3D's re-annotation: .npy, .npz or .mat of
            (N, 68, 3) or (N, 68, 2) or transposed, in the order of the sorted names of the complete folder.
        test_landmarks_first_pixel: What that file calls the first pixel: 0 for the re-annotation, 1 for `pt3d_68`.
        test_holdout: Whether to test only on the share of it that validates a fit with the same val_fraction, such as
            300W-LP's, whose other photographs were trained on.
        regions: A function that returns the table of the face's regions, such as some.module.function.
        synthetic: The faces to use where neither folder is given.
        repeats: How often a training face comes in an epoch, varied each time: more for a handful of photographs.
        batch_size: Faces a step, on each device.
        num_workers: Processes that decode and warp; any number gives the same run.
        image_size: Pixels a side of the network's input.
        val_fraction: Share of the photographs that validate; 0 for none.
        augment: Whether training faces are varied.
        augmentation: How.
        profile_probability: How often a training face that is varied is turned to another pose; by default 0.6 where
            few of the data set's faces look to the side (300W-3D), 0 where many do (300W-LP).
        profiling: How.
        folder_layout: Which data set's folders these are; "auto" looks.
        verify: "full" decodes every image when a data set is first seen; "header" reads their sizes.
        max_bad_fraction: Stop where more than this share of the samples cannot be used.
        cache_dir: Where indices of data sets are kept; ~/.cache/weightmask by default.
        seed: Decides order and augmentation; the command line sets it to seed_everything.
    """

    def __init__(
        self,
        root: Path | None = None,
        morphable_model: Path | None = None,
        uv_coordinates: Path | None = None,
        test_root: Path | None = None,
        test_landmarks: Path | None = None,
        test_landmarks_first_pixel: Literal[0, 1] = 0,
        test_holdout: bool = False,
        regions: Callable[[], RegionTable] = five_regions,
        synthetic: SyntheticFaces = SyntheticFaces(),  # noqa: B008  # frozen
        repeats: int = 1,
        batch_size: int = 16,
        num_workers: int = 2,
        image_size: int = 256,
        val_fraction: float = 0.05,
        augment: bool = True,
        augmentation: Augmentation = Augmentation(),  # noqa: B008  # frozen
        profile_probability: float | None = None,
        profiling: Profiling = Profiling(),  # noqa: B008  # frozen
        folder_layout: FolderLayout = "auto",
        verify: Verification = "header",
        max_bad_fraction: float = 0.01,
        cache_dir: Path | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("num_workers", num_workers, 0),
            ("repeats", repeats, 1),
        ):
            if value < least:
                raise InputError(f"--data.{name} is {value}: give at least {least}.")
        if not 0 <= val_fraction < 1:
            raise InputError(f"--data.val_fraction is {val_fraction:g}: give a number from 0 to below 1.")
        if profile_probability is not None and not 0 <= profile_probability <= 1:
            raise InputError(f"--data.profile_probability is {profile_probability:g}: give a number from 0 to 1.")
        if root is None and test_root is None and synthetic.stream and (profile_probability or repeats > 1):
            raise InputError(
                "--data.profile_probability or --data.repeats is set, but faces that are streamed come once and as they are: "
                "leave both out, or --data.synthetic.stream."
            )
        if root is None and test_root is None and (morphable_model is not None or uv_coordinates is not None):
            raise InputError(
                "--data.morphable_model is set, but neither --data.root nor --data.test_root: give the data that it "
                "belongs to, or nothing, for synthetic faces."
            )
        cache = cache_dir or DEFAULT_CACHE
        self._embedded = EmbeddedData(synthetic, cache) if root is None and test_root is None else None
        self.root = self._embedded.root if self._embedded else root
        self.test_root = self._embedded.test_root if self._embedded else test_root
        self._test_landmarks = test_landmarks
        self._test_landmarks_first_pixel = test_landmarks_first_pixel
        self._test_holdout = test_holdout
        self._regions = checked_table(regions)
        self._repeats = repeats
        self.batch_size = batch_size
        self.val_fraction = val_fraction
        self._morphable_model = self._embedded.morphable_model if self._embedded else morphable_model
        self._uv_coordinates = uv_coordinates
        self.num_workers = num_workers
        self._image_size = image_size
        self._augmentation = augmentation if augment else None
        self._profile_probability = profile_probability
        self._profiling = profiling
        self._folder_layout = folder_layout
        self._verify: Verification = verify
        self._max_bad_fraction = max_bad_fraction
        self._cache_dir = cache
        self._seed = seed
        self._model: MorphableModel | None = None
        self._layout: UVLayout | None = None
        self._mappers: dict[int, PositionMapper] = {}
        self._indices: dict[tuple[Path, Path | None], FaceIndex] = {}
        self.turned_faces = "none"  # how many training faces are shown in other poses too
        self.train_faces: FaceDataset | StreamedFaces | None = None
        self.val_faces: FaceDataset | None = None
        self.test_faces: FaceDataset | None = None

    def check(self, stage: str) -> None:
        """Refuses at once what is missing, before anything else is begun.

        Raises:
            InputError: If an option that the stage needs is not set, or names nothing.
        """
        if stage == "validate" and not self.val_fraction:
            raise InputError("--data.val_fraction is 0: nothing validates. Give the share that the fit had.")
        if self._embedded:
            return
        roots = [(self.root, "--data.root", "the folder of 300W-3D or 300W-LP")]
        if stage in ("test", "predict"):
            roots = []
        if stage in ("test", "predict") or self.test_root is not None:
            roots.append((self.test_root, "--data.test_root", "the folder of AFLW2000-3D"))
        for root, option, what in roots:
            if not given(root, option, what).is_dir():
                raise InputError(f"{root}: there is no such folder. Set {option} to {what}.")
        if not self.model_path.is_file():
            raise InputError(
                f"{self.model_path}: there is no such file. Set --data.morphable_model to the path of BFM.mat."
            )

    def prepare_data(self) -> None:
        """Builds what is missing in the cache, once a machine."""
        if self._embedded:
            self._embedded.make(max(self.num_workers, 1))
        for root, is_test in ((self.root, False), (self.test_root, True)):
            if root is not None:
                self._open_index(root, is_test)

    def setup(self, stage: str) -> None:
        """Opens the data sets that a stage needs."""
        if stage in ("fit", "validate"):
            self._setup_training(given(self.root, "--data.root", "the folder of 300W-3D or 300W-LP"), stage)
        if stage in ("test", "predict") or self.test_root is not None:
            root = given(self.test_root, "--data.test_root", "the folder of AFLW2000-3D")
            source = self._source(root, is_test=True)
            chosen = source.validates(self.val_fraction) if self._test_holdout else None
            if chosen is not None and not chosen.any():
                raise InputError(f"{root}: no face falls into the validation share of {self.val_fraction:g}.")
            self.test_faces = source.faces(self._maker(), chosen)
        if stage == "fit":
            warn_of_shared_faces(self.train_faces, self.test_faces)

    @property
    def model(self) -> MorphableModel:
        """The face model, read when first asked for."""
        if self._model is None:
            self._model = read_morphable_model(self.model_path, self._uv_coordinates)
        return self._model

    @property
    def uv_layout(self) -> UVLayout:
        """The layout of the model's UV space, which the network learns."""
        if self._layout is None:
            try:
                self._layout = make_uv_layout(self.model, regions=self._regions)
            except ValueError as error:
                raise InputError(f"{self._uv_coordinates or self.model_path}: {error}") from error
        return self._layout

    def fingerprints(self) -> dict[str, str]:
        """What identifies model and data, by name: runs that share them saw the same numbers."""
        found = {"morphable_model": self.model.fingerprint()}
        for name, root in (("data", self.root), ("test_data", self.test_root)):
            if root is not None:
                found[name] = self._open_index(root, is_test=name == "test_data").fingerprint
        return found

    def card(self, stage: str) -> DatasetCard:
        """Name and kind of the data set of a stage."""
        is_test = stage in ("test", "predict")
        card = read_card(
            given(
                self.test_root if is_test else self.root, "--data.test_root" if is_test else "--data.root", "a folder"
            )
        )
        if is_test and self._test_landmarks is not None:
            card = replace(card, name=f"{card.name}, {self._test_landmarks.stem}")
        return replace(card, name=f"{card.name}, hold-out") if is_test and self._test_holdout else card

    def plain_faces(self) -> FaceDataset:
        """All usable faces below --data.root, not augmented."""
        return self._source(given(self.root, "--data.root", "the folder of 300W-3D or 300W-LP")).faces(self._maker())

    def views(self, poses: Poses, out: Path) -> FaceViews:
        """All usable faces below --data.root in chosen poses, to be written to a folder."""
        root = given(self.root, "--data.root", "the folder of 300W-3D")
        source = self._source(root)
        profiler = choose_profiler(source.index, source.rows, self.model, 1.0)
        if profiler is None:
            raise InputError(f"{root}: none of its faces has a fit that is good enough to be turned.")
        return FaceViews(source, profiler, poses, out)

    def train_dataloader(self) -> DataLoader[FaceSample]:
        """Every training face once an epoch, in an order of its own."""
        return self._loader(self.train_faces, shuffle=True)

    def val_dataloader(self) -> list[DataLoader[FaceSample]]:
        """The validation faces, or nothing where there are none."""
        return [self._loader(self.val_faces)] if self.val_faces is not None and len(self.val_faces) else []

    def test_dataloader(self) -> DataLoader[FaceSample]:
        """The test faces."""
        return self._loader(self.test_faces)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Position maps are made here: on the training device, from a kilobyte a sample."""
        if not isinstance(batch, FaceSample):
            return batch
        trainer: Any = self.trainer
        is_training = trainer is not None and trainer.training
        return self.complete(batch, trainer.lightning_module.map_size if is_training else MAP_SIZE)

    def complete(self, batch: FaceSample, map_size: int = MAP_SIZE) -> FaceBatch:
        """A collated batch with images as floats, and with its position maps."""
        if map_size not in self._mappers:
            self._mappers[map_size] = PositionMapper(self.model, map_size)
        mapper = self._mappers[map_size].to(batch.image.device)
        with torch.no_grad():
            maps = mapper(batch.coefficients, batch.projection, batch.is_mirrored)
            image = batch.image.permute(0, 3, 1, 2).float().div_(255)  # a permuted (N, H, W, 3) is channels_last
        return FaceBatch(image, maps, batch.landmarks_68_px, batch.yaw_deg, batch.number, list(batch.key))

    @property
    def model_path(self) -> Path:
        """The face model's file."""
        root = self.root or self.test_root
        named = read_card(root).morphable_model if root and root.is_dir() else ""
        path = root / named if root and named and self._morphable_model is None else self._morphable_model
        return given(path, "--data.morphable_model", "the path of BFM.mat")

    def _setup_training(self, root: Path, stage: str) -> None:
        if self._embedded and self._embedded.faces.stream:
            self.train_faces = self._embedded.faces.streamed(self._maker(self._augmentation))
            self.val_faces = self._source(root).faces(self._maker())
            return
        source = self._source(root)
        validates = source.validates(self.val_fraction)
        if validates.all():
            raise InputError(
                f"{root}: all {len(validates)} faces fall into the validation share of {self.val_fraction:g}, none is left "
                "to train on. Set --data.val_fraction lower, or 0."
            )
        if self.val_fraction and not validates.any():
            _log.warning(
                "%s: none of the %d faces falls into the validation share of %g; nothing validates.",
                root,
                len(validates),
                self.val_fraction,
            )
        profiler = None
        if self._augmentation is not None and stage == "fit":
            rows = source.rows[~validates]
            profiler = choose_profiler(source.index, rows, self.model, self._profile_probability, self._profiling)
            if profiler is not None:
                self.turned_faces = f"{len(profiler.rows)} of {len(rows)}, {profiler.probability:.0%} of the times"
        self.train_faces = source.faces(self._maker(self._augmentation, profiler), ~validates, self._repeats)
        self.val_faces = source.faces(self._maker(), validates)

    def _maker(self, augmentation: Augmentation | None = None, profiler: Profiler | None = None) -> SampleMaker:
        return SampleMaker(self.model, self._image_size, augmentation, self._seed, profiler)

    def _source(self, root: Path, is_test: bool = False) -> FaceSource:
        return FaceSource.of(self._open_index(root, is_test), self.model, self._max_bad_fraction)

    def _open_index(self, root: Path, is_test: bool = False) -> FaceIndex:
        landmarks = self._test_landmarks if is_test else None
        if (root, landmarks) not in self._indices:
            folders = scan(root, self._folder_layout)
            processes = max(self.num_workers, 1)
            index = open_index(folders, self._cache_dir, self._verify, processes)
            if landmarks is not None:
                index = with_landmarks(index, folders, landmarks, self._test_landmarks_first_pixel)
            self._indices[root, landmarks] = index
        return self._indices[root, landmarks]

    def _loader(self, faces: FaceDataset | StreamedFaces | None, shuffle: bool = False) -> DataLoader[FaceSample]:
        if faces is None:
            raise RuntimeError("setup has not run for this stage")
        replicas, rank = (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        sampler = EpochSampler(faces, replicas, rank, shuffle, self._seed)
        if self.trainer is not None:
            # Lightning sets the epoch, but only after workers of a fit that goes on have fetched their first batches
            progress: Any = self.trainer.fit_loop.epoch_progress.current
            sampler.set_epoch(progress.processed)
        return DataLoader(
            faces,
            batch_size=self.batch_size,
            sampler=sampler,
            # batch norm has no statistics in a last batch of one face: another face misses each epoch
            drop_last=shuffle and len(sampler) > self.batch_size and len(sampler) % self.batch_size == 1,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
        )
