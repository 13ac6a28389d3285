"""`run.py synthesize`: synthetic faces as files."""

import os
from pathlib import Path

from datamodules.errors import cannot_write
from datamodules.files.images import write_jpeg
from datamodules.synthetic.contact_sheets import people_sheet, samples_sheet
from datamodules.synthetic.faces_on_disk import MODEL_FILE, SyntheticSettings, make_data_set
from datamodules.synthetic.population import TILT_DEG, Population


def synthesize(
    out: Path = Path("synthetic-faces"),
    samples: int = 600,
    seed: int = 0,
    image_size: int = 256,
    first_person: int = 0,
    tilt_deg: tuple[float, float] = TILT_DEG,
    processes: int | None = None,
    sheet: bool = False,
) -> int:
    """Draws synthetic faces, in the layout of the real data sets, with the face model that belongs to them.

    Args:
        out: Folder for the data set, new or empty; an interrupted command goes on with --out as it was.
        samples: How many faces; six of each person.
        seed: Decides all the faces.
        image_size: Pixels a side of the photographs.
        first_person: Number of the first person: sets of one seed whose numbers differ have no person in common.
        tilt_deg: Standard deviations of pitch and roll; yaw goes from -90 to 90 degrees.
        processes: How many processes draw, one for each core by default; any number makes the same files.
        sheet: Write contact sheets of the first faces to --out instead of a data set.

    Returns:
        How many faces were drawn.
    """
    settings = SyntheticSettings(samples, seed, image_size, first_person, tilt_deg)
    if sheet:
        return _write_sheets(out, Population(seed, image_size, tilt_deg))
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
