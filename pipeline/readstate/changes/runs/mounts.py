"""What kind of file system a path lies on, as Linux tells it. Pure."""

import re

_NETWORK = {
    "nfs", "nfs4", "cifs", "smbfs", "9p", "ceph", "glusterfs", "lustre", "beegfs", "gpfs", "afs", "coda", "ncpfs",
    "orangefs", "pvfs2", "panfs", "davfs", "davfs2",
}  # fmt: skip
_NETWORK_IN_USER_SPACE = {
    "sshfs", "glusterfs", "ceph", "davfs2", "rclone", "s3fs", "gcsfuse", "goofys", "blobfuse", "blobfuse2", "juicefs",
    "mfs", "moosefs", "lizardfs", "smbnetfs", "curlftpfs", "mount-s3",
}  # fmt: skip
_ESCAPED = re.compile(r"\\([0-7]{3})")


def network_file_system(path: str, mountinfo: str) -> str | None:
    """The type of the file system of *path*, absolute and without links, where it lies on another machine; or None.

    *mountinfo* is the text of ``/proc/self/mountinfo``.
    """
    kind = file_system(path, mountinfo)
    return kind if kind is not None and _is_network(kind) else None


def file_system(path: str, mountinfo: str) -> str | None:
    """The type of the file system of *path*; None where *mountinfo* does not tell."""
    best: tuple[int, str] | None = None
    for line in mountinfo.splitlines():
        mount, separator, source = line.partition(" - ")
        fields, kinds = mount.split(" "), source.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4]).rstrip("/") + "/"
        # Of two mounts at one place the later one covers the earlier.
        if f"{path}/".startswith(point) and (best is None or len(point) >= best[0]):
            best = len(point), kinds[0]
    return None if best is None else best[1]


def _is_network(kind: str) -> bool:
    if kind.startswith("fuse."):
        return kind.removeprefix("fuse.") in _NETWORK_IN_USER_SPACE
    return kind in _NETWORK or kind.startswith("smb")
