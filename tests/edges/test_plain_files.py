"""Which files a path on the command line stands for."""

import os
from pathlib import Path

import pytest

from ftgate.edges.plain_files import files_below
from ftgate.errors import InputError


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("{}")
    (tmp_path / "folder.jsonl").mkdir()
    assert files_below([tmp_path, file, tmp_path / "." / "a.jsonl"]) == [file]


def test_a_pipe_below_a_directory_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match=r"pipe\.jsonl: not a plain file"):
        files_below([tmp_path])
    assert files_below([pipe]) == [pipe]


def test_a_link_to_nothing_is_not_left_out(tmp_path: Path) -> None:
    link = tmp_path / "gone.jsonl"
    link.symlink_to("nowhere")
    assert files_below([tmp_path]) == [link]
