# shellcheck shell=bash disable=SC2034
# Procrastinate (MIT), a task queue in PostgreSQL. Sourced by scripts/real-schema.
#
#   schema.sql          the whole schema of this version
#   migrations/FILE     how older ones become it
#   LOAD-ORDER          schema.sql alone

version=3.10.0
stamp="procrastinate $version, layout 1"

download() {
    download_from_pypi procrastinate "$version" \
        sha256:949ad25b4377c30e03a9d0e053d15dfa47ef02b3f12ae8a7f3254686183c152c "$1" \
        --platform any --python-version 3.13 --implementation py --abi none
}

unpack() {
    python3 - "$1" "$2" <<'PYTHON'
import pathlib
import re
import sys
import zipfile

wheel, folder = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
SQL = re.compile(r"procrastinate/sql/(schema\.sql|migrations/[^/]+\.sql)")

for name in wheel.namelist():
    if found := SQL.fullmatch(name):
        target = folder / found[1]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(wheel.read(name))
if not (folder / "schema.sql").exists():
    sys.exit("the package holds no schema.sql")
(folder / "LOAD-ORDER").write_text("schema.sql\n")
PYTHON
}
