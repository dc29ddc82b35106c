"""Attempts on files that are nobody's business but the supervisor's."""

import os
from pathlib import Path

from tests.attacks.attempts import FACTS, attempt


@attempt
def read_a_secret_beside_the_kernel() -> object:
    return Path(FACTS["secret"]).read_text()


@attempt
def read_the_input_cache() -> object:
    return Path(FACTS["cached"]).read_text()


@attempt
def read_the_journal() -> object:
    return Path(FACTS["journal"]).read_text()


@attempt
def read_another_kernels_cache() -> object:
    return Path(FACTS["foreign"]).read_text()


@attempt
def read_passwords() -> object:
    return Path("/etc/shadow").read_text()


@attempt
def overwrite_the_kernel() -> object:
    return Path(FACTS["kernel"]).write_text("changed")


@attempt
def overwrite_the_harness() -> object:
    with Path(FACTS["harness"]).open("a") as file:
        return file.write("")


@attempt
def truncate_the_harness() -> object:
    os.truncate(FACTS["harness"], Path(FACTS["harness"]).stat().st_size)
    return True


@attempt
def overwrite_the_journal() -> object:
    return Path(FACTS["journal"]).write_text("changed")


@attempt
def write_into_another_kernels_cache() -> object:
    return Path(FACTS["foreign"]).write_text("changed")


@attempt
def write_beside_the_kernel() -> object:
    return (Path(FACTS["kernel"]).parent / "numpy.py").write_text("raise SystemExit")


@attempt
def write_into_tmp() -> object:
    return Path(FACTS["tmp"]).write_text("here")


@attempt
def move_a_file_out_of_the_cache() -> object:
    mine = Path(os.environ["NUMBA_CACHE_DIR"]) / "mine"
    mine.write_text("here")
    return mine.rename(FACTS["tmp"])


@attempt
def link_a_file_into_the_cache() -> object:
    os.link(FACTS["secret"], Path(os.environ["NUMBA_CACHE_DIR"]) / "link")
    return True


@attempt
def change_a_mode() -> object:
    Path(FACTS["kernel"]).chmod(0o777)
    return True


@attempt
def change_a_time() -> object:
    os.utime(FACTS["kernel"], (0, 0))
    return True


@attempt
def open_a_disk() -> object:
    return os.open("/dev/vda", os.O_RDONLY)


@attempt
def print_elsewhere() -> object:
    return os.open("/proc/self/fd/1", os.O_RDONLY)
