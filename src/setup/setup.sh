#!/bin/sh
# Makes a fresh clone ready: installs what the lockfile pins and generates the schema artefacts. Does nothing when both are current.
set -eu
cd "$(dirname "$0")/../.."
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "Installing dependencies …" >&2
  # Not `npm ci`: it refuses a lockfile in which a binary for some other platform is missing, and mirrors lag behind with those.
  npm install --no-save --no-progress --loglevel=error >&2
  touch node_modules/.package-lock.json
fi
node src/setup/generate-schema.ts
if [ ! -d .generated/compile-cache ]; then
  NODE_COMPILE_CACHE=.generated/compile-cache node src/setup/warm-compile-cache.ts
fi
