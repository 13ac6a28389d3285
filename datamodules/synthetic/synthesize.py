"""`run.py synthesize`: writes synthetic faces as files."""

import os
from pathlib import Path

from datamodules.errors import cannot_write
from datamodules.files.images import write_jpeg
from datamodules.synthetic.contact_sheets import people_sheet, samples_sheet
from datamodules.synthetic.faces_on_disk import MODEL_FILE, SyntheticSettings, make_data_set
from datamodules.synthetic.head_poses import TILT_DEG
from datamodules.synthetic.population import Population
from datamodules.synthetic.variety import NO_VARIETY, Variety


def synthesize(
    out: Path = Path("synthetic-faces"),
    samples: int = 600,
    seed: int = 0,
    image_size: int = 256,
    first_person: int = 0,
    tilt_deg: tuple[float, float] = TILT_DEG,
    variety: Variety = NO_VARIETY,
    processes: int | None = None,
    sheet: bool = False,
) -> int:
    """Draws synthetic faces, and writes them with their face model in the layout of the real data sets.

    Args:
        out: Folder for the data set, new or empty. After an interruption, the same command continues.
        samples: Number of faces; there are six of each person.
        seed: Seed of all faces.
        image_size: Pixels per side of the photographs.
        first_person: Number of the first person; data sets of one seed with disjoint numbers have no person in common.
        tilt_deg: Standard deviations of pitch and roll; yaw goes from -90 to 90 degrees.
        variety: What the faces vary in beyond the default.
        processes: Number of processes that draw, by default one per core; it does not change the files.
        sheet: Write contact sheets of the first faces to --out instead of a data set.

    Returns:
        Number of faces drawn.
    """
    settings = SyntheticSettings(samples, seed, image_size, first_person, tilt_deg, variety)
    if sheet:
        return _write_sheets(out, Population(seed, image_size, tilt_deg, variety))
    drawn = make_data_set(settings, out.absolute(), processes or os.cpu_count() or 1)
    print(
        f"{drawn} faces drawn, {samples} in {out}.\nTrain on them: python run.py fit --data.root {out}  "
        f"(their face model, {out / MODEL_FILE}, is found without an option)"
    )
    return drawn


def _write_sheets(out: Path, population: Population) -> int:
    sheets = {"faces.jpg": samples_sheet(population), "people.jpg": people_sheet(population)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, picture in sheets.items():
            write_jpeg(out / name, picture)
    except OSError as error:
        raise cannot_write(out, error, "--out") from error
    print(f"Contact sheets: {', '.join(str(out / name) for name in sheets)}")
    return 0
