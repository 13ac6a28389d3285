"""Zip and tar files whose names, sizes or content cannot be trusted."""

import io
import struct
import tarfile
import zipfile

import pytest

from datamodules.errors import InputError
from datamodules.files.archives import opened_archive
from datamodules.files.downloads import find_downloads

NAME, CONTENT = "folder/Model.mat", b"content" * 1000


def write_zip(path, members=((NAME, CONTENT),), compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def write_tar(path, members=((NAME, CONTENT),), mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def contents(path):
    with opened_archive(path) as archive:
        return {member.name: archive.read(member) for member in archive.members()}


def fault(path):
    with pytest.raises(InputError) as caught:
        contents(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_the_content_of_a_tar_file_is_read(mode, tmp_path):
    assert contents(write_tar(tmp_path / "a.tar", mode=mode)) == {NAME: CONTENT}


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_content_of_a_zip_file_is_read(compression, tmp_path):
    assert contents(write_zip(tmp_path / "a.zip", compression=compression)) == {NAME: CONTENT}


@pytest.mark.parametrize("write", [write_zip, write_tar])
@pytest.mark.parametrize("name", ["/etc/passwd", "../out", "a/../../out", "..\\out", "C:\\out", "C:out"])
def test_a_name_outside_the_folder_is_refused(write, name, tmp_path):
    assert "lies outside the folder" in fault(write(tmp_path / "a", [(NAME, CONTENT), (name, b"x")]))


@pytest.mark.parametrize("write", [write_zip, write_tar])
@pytest.mark.parametrize("name", ["line\nbreak", "\x1b[2J"])
def test_a_name_that_cannot_be_printed_is_refused(write, name, tmp_path):
    assert "no name of a file" in fault(write(tmp_path / "a", [(name, b"x")]))


@pytest.mark.parametrize("write", [write_zip, write_tar])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_occurs_twice_is_refused(write, tmp_path):
    assert "twice" in fault(write(tmp_path / "a", [(NAME, CONTENT), (NAME, b"other")]))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_device_in_a_tar_file_is_refused(kind, tmp_path):
    entry = tarfile.TarInfo("link")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.addfile(entry)
    assert "link is a link or a device" in fault(tmp_path / "a.tar")


def test_a_link_in_a_zip_file_is_refused(tmp_path):
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    write_zip(tmp_path / "a.zip", [(entry, "/etc/passwd")])
    assert "link is a link or a device" in fault(tmp_path / "a.zip")


def test_an_encrypted_file_is_named(tmp_path):
    path = write_zip(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert f"{NAME} is encrypted" in fault(path)


def test_a_compression_that_python_lacks_is_named(tmp_path):
    path = write_zip(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", data, data.index(signature) + place, 9)  # Deflate64
    path.write_bytes(data)
    assert "cannot be unpacked here" in fault(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><title>Google Drive", "is a web page"),
        (b"Rar!\x1a\x07\x01", "is a RAR file"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip file"),
        (b"\x00" * 100, "is neither a zip nor a tar file"),
    ],
)
def test_what_is_no_archive_is_named(content, words, tmp_path):
    (tmp_path / "a.zip").write_bytes(content)
    assert words in fault(tmp_path / "a.zip")


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_half_a_download_is_named(write, tmp_path):
    path = write(tmp_path / "a", [(f"{number}.mat", bytes(range(256)) * 40) for number in range(20)])
    data = path.read_bytes()
    for length in range(10, len(data) - 1, max(len(data) // 40, 1)):
        path.write_bytes(data[:length])
        message = fault(path)
        assert "incomplete" in message or "damaged" in message or "neither" in message


@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_a_changed_byte_gives_the_content_or_one_line(write, tmp_path):
    path = write(tmp_path / "a")
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            assert set(contents(path).values()) <= {CONTENT}
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017  # both outcomes are right


def test_more_content_than_the_archive_says_is_not_read(tmp_path):
    path = write_zip(tmp_path / "a.zip", [(NAME, bytes(10**7))])
    data = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + place, 100)
    path.write_bytes(data)
    assert "is damaged" in fault(path)


def test_a_file_of_absurd_size_is_not_read(tmp_path):
    path = write_zip(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 0x7FFFFFFF)
    path.write_bytes(data)
    (file,) = find_downloads(tmp_path, ["Model.mat"]).files["model.mat"]
    with pytest.raises(InputError, match=r"has 2.0 GiB, far more"):
        file.read()


def test_files_are_found_in_any_case_and_in_linked_folders(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "MODEL.MAT").write_bytes(b"x")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(outside)
    (outside / "back").symlink_to(tmp_path / "root")  # a circle
    write_zip(tmp_path / "root" / "a.ZIP")
    files = find_downloads(tmp_path / "root", ["Model.mat"]).files["model.mat"]
    assert [file.read() for file in files] == [CONTENT, b"x"]
    assert files[0].place == tmp_path / "root" / "a.ZIP" / NAME


def test_an_archive_that_is_damaged_is_told_only_as_a_fault(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"<html>")
    downloads = find_downloads(tmp_path, ["Model.mat"])
    assert downloads.files == {"model.mat": []}
    assert len(downloads.faults) == 1
    assert "web page" in downloads.faults[0]
