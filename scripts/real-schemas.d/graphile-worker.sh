# shellcheck shell=bash disable=SC2034
# Graphile Worker (MIT), a job queue in PostgreSQL. Sourced by scripts/real-schema.
#
#   000000.sql      what the product runs before its first migration: its schema, and the table of its migrations
#   NNNNNN.sql      its migrations
#   LOAD-ORDER      all of these
#
# The product notes each migration in its table; here nobody does, and the table is one to fill like the others.

version=0.17.3
stamp="graphile-worker $version, layout 1"

download() {
    download_from_npm graphile-worker "$version" \
        sha512-5vX/nDit7vXDw6JauGE7CpE4uYWu8XLTDkcL3msqwVRwrtxBqawL1C55INfXGtoyV1DIkWvvPdeKtXuLRGYyLg== "$1"
}

unpack() {
    python3 - "$1" "$2" <<'PYTHON'
import pathlib
import re
import sys
import tarfile

package, folder = tarfile.open(sys.argv[1]), pathlib.Path(sys.argv[2])
MIGRATION = re.compile(r"package/sql/(\d{6}\.sql)")
# The first migration's ground is a string in the product's program.
GROUND = re.compile(r"query\(`\\\n(create schema if not exists .*?)`\)", re.DOTALL)
# As the product itself puts the name of its schema, whose default this is.
NAME, SCHEMA = re.compile(r":GRAPHILE_WORKER_SCHEMA\b|\$\{escapedWorkerSchema\}"), "graphile_worker"


def read(name):
    return package.extractfile(name).read().decode()


files = {"000000.sql": GROUND.search(read("package/dist/migrate.js"))}
if not files["000000.sql"]:
    sys.exit("dist/migrate.js creates no schema")
files["000000.sql"] = files["000000.sql"][1]
for name in package.getnames():
    if found := MIGRATION.fullmatch(name):
        # The product runs each in a transaction.
        files[found[1]] = f"begin;\n{read(name)}\ncommit;\n"
if len(files) < 2:
    sys.exit("the package holds no migrations")
for name, text in files.items():
    (folder / name).write_text(NAME.sub(SCHEMA, text))
(folder / "LOAD-ORDER").write_text("".join(f"{name}\n" for name in sorted(files)))
PYTHON
}
