"""Which disks are in other machines."""

from pathlib import Path

import pytest

from readstate.changes.runs.mounts import file_system, network_file_system

MOUNTINFO = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:20 / /proc rw,nosuid shared:5 - proc proc rw
30 21 0:40 / /home rw,relatime shared:9 - nfs4 filer:/home rw,vers=4.2
31 30 8:2 / /home/ann/local rw,relatime shared:10 - xfs /dev/sdb1 rw
32 21 0:41 / /mnt/with\\040space rw,relatime - cifs //filer/share rw
33 21 0:42 / /mnt/key rw - fuse.sshfs ann@host: rw
34 21 0:43 / /mnt/disk rw - fuse.ntfs-3g /dev/sdc1 rw
35 21 0:44 / /mnt/twice rw - ext4 /dev/sdd1 rw
36 35 0:45 / /mnt/twice rw - nfs filer:/twice rw
37 21 0:46 / /mnt/smb rw master:3 propagate_from:2 - smb3 //filer/share rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", None),
        ("/var/lib/readstate", None),
        ("/home", "nfs4"),
        ("/home/ann/work", "nfs4"),
        ("/home/ann/local/work", None),
        ("/homeless/work", None),
        ("/mnt/with space/work", "cifs"),
        ("/mnt/key/work", "fuse.sshfs"),
        ("/mnt/disk/work", None),
        ("/mnt/twice/work", "nfs"),
        ("/mnt/smb", "smb3"),
    ],
)
def test_a_path_is_on_the_file_system_of_its_nearest_mount(path: str, kind: str | None) -> None:
    assert network_file_system(path, MOUNTINFO) == kind


@pytest.mark.parametrize("kind", ["9p", "ceph", "glusterfs", "fuse.glusterfs", "lustre", "fuse.s3fs", "fuse.gcsfuse"])
def test_what_lies_on_other_machines_is_known_by_its_type(kind: str) -> None:
    assert network_file_system("/a", f"1 0 0:1 / / rw - {kind} source rw") == kind


@pytest.mark.parametrize("text", ["", "\n", "nonsense", "1 2 3 - ext4", "21 1 8:1 / /elsewhere rw - ext4 /dev/sda1 rw"])
def test_where_nothing_is_told_nothing_is_known(text: str) -> None:
    assert file_system("/var", text) is None


def test_this_machine_tells_of_itself() -> None:
    assert file_system("/proc/self", Path("/proc/self/mountinfo").read_text()) == "proc"
