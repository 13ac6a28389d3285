"""`run.py assemble-bfm`: makes BFM.mat and BFM_UV.mat in face3d's layout from the files that their authors publish."""

from pathlib import Path

from datamodules.errors import InputError, cannot_write
from datamodules.files.bfm import UV_FILE
from datamodules.files.bfm_assembly import assemble
from datamodules.files.downloads import find_downloads
from datamodules.files.raw_face_models import IDENTITY, RAW_NAMES, VERTICES


def assemble_bfm(raw: Path, out: Path = Path("BFM.mat")) -> Path:
    """Makes BFM.mat and BFM_UV.mat in face3d's layout from the files that their authors publish.

    It does what face3d's MATLAB script does: it cuts the Basel Face Model of 2009 to the vertices of 3DDFA, adds its
    expressions, landmarks and mouth, and repairs the texture coordinates of 3DMMasSTN.

    Args:
        raw: Folder of the downloads: 01_MorphableModel.mat (or Model_Shape.mat of 3DDFA), model_info.mat,
            Model_Expression.mat (or Model_Exp.mat), Model_tri_mouth.mat and BFM_UV.mat, in any of its subfolders or of
            its zip and tar files.
        out: The model file to write; BFM_UV.mat is written beside it. Existing ones are replaced.

    Returns:
        The model file.

    Raises:
        InputError: If a file is missing, damaged or another one, or the model cannot be written.
    """
    raw, out = raw.expanduser(), out.expanduser()
    if out.name == UV_FILE or out.suffix.lower() != ".mat":
        raise InputError(f"{out}: is no name of a model file. Set --out to a name such as BFM.mat.")
    downloads = find_downloads(raw, RAW_NAMES)
    taken = {file.path.resolve() for files in downloads.files.values() for file in files}
    for path in (out, out.with_name(UV_FILE)):
        if path.resolve() in taken:
            raise InputError(f"{path}: is one of the raw files. Set --out to another folder.")
    model = assemble(downloads)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        model.write(out)
    except OSError as error:
        raise cannot_write(out, error, "--out") from error
    width = max(len(source.file.place.name) for source in model.sources)
    for source in model.sources:
        print(f"{source.file.place.name:<{width}}  from {source.file.place.parent}")
    triangles = model.fields["tri"].shape[1] + model.fields["tri_mouth"].shape[1]
    print(
        f"{out} and {UV_FILE}: {VERTICES} vertices, {triangles} triangles, {IDENTITY} identity and "
        f"{model.fields['expPC'].shape[1]} expression components.\n"
        f"Train with it: python run.py fit --data.root DIR --data.face_model.path {out}"
    )
    return out
