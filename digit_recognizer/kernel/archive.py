"""Zip archives whose bytes do not depend on when and where they are written.

In: names and contents. Out: bytes. What always holds: neither the clock, the file system nor the
order in which somebody lists the members shows in them.
"""

import io
import zipfile

# The earliest moment that the format can express.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16
_UNIX = 3


def zip_members(members: dict[str, bytes], packed: bool) -> bytes:
    """Return an archive of the members, deflated or as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(members):
            member = zipfile.ZipInfo(name, _MOMENT)
            member.create_system = _UNIX
            member.external_attr = _PLAIN_FILE
            member.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            archive.writestr(member, members[name], compresslevel=9 if packed else None)
    return buffer.getvalue()
