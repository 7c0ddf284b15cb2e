# shellcheck shell=bash disable=SC2034
# Synapse (AGPL-3.0), the Matrix homeserver. Sourced by scripts/real-schema.
#
#   full_schemas/DATABASE.sql   the schema at version 72, of the logical databases common, main and state
#   deltas/NN/FILE              the migrations 73 to 88 that are SQL and meant for PostgreSQL
#   LOAD-ORDER                  all of these, in the order in which Synapse runs them

version=1.120.0
stamp="matrix-synapse $version, layout 1"

# The wheel of one platform is named, whatever this one is: only SQL is taken out of it, and it is the same in all.
# The hash makes it the same file on every machine.
download() {
    download_from_pypi matrix-synapse "$version" \
        sha256:54587b7ed1fa55f92be18fd5f585d6b1f8cc7710448bbed83d066fff83d6779b "$1" \
        --platform manylinux2014_x86_64 --python-version 3.9 --implementation cp --abi abi3
}

unpack() {
    python3 - "$1" "$2" <<'PYTHON'
import pathlib
import re
import sys
import zipfile

wheel, folder = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
FULL = re.compile(r"synapse/storage/schema/(\w+)/full_schemas/72/full\.sql\.postgres")
DELTA = re.compile(r"synapse/storage/schema/\w+/delta/(\d+)/([^/]+\.sql(?:\.postgres)?)")
# Synapse itself puts PostgreSQL's words for this one mark; with them, all the files are plain SQL.
MARK, KEY = b"$%AUTO_INCREMENT_PRIMARY_KEY%$", b"BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY"

schemas, deltas = [], []
for name in wheel.namelist():
    if full := FULL.fullmatch(name):
        # `common` holds what the other two insert into.
        schemas.append(((full[1] != "common", full[1]), f"full_schemas/{full[1]}.sql", name))
    elif (delta := DELTA.fullmatch(name)) and 73 <= int(delta[1]) <= 88:
        # Synapse sorts the files of a version by name, whatever their database.
        deltas.append(((int(delta[1]), delta[2]), f"deltas/{delta[1]}/{delta[2]}", name))

order = []
for _, path, name in sorted(schemas) + sorted(deltas):
    if path in order:
        sys.exit(f"two files of the package would become {path}")
    order.append(path)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(wheel.read(name).replace(MARK, KEY))
if [path for _, path, _ in sorted(schemas)] != [f"full_schemas/{x}.sql" for x in ("common", "main", "state")]:
    sys.exit("the package holds other full schemas than common, main and state")
if not deltas:
    sys.exit("the package holds no migrations")
(folder / "LOAD-ORDER").write_text("".join(f"{path}\n" for path in order))
PYTHON
}
