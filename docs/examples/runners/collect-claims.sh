#!/bin/sh
# A command runner for the stage extract: hands on the Claim-IR documents that the
# corpus already holds, in files named *.claims.jsonl. See docs/runners.md.
set -eu
export LC_ALL=C                  # so that the order is the same everywhere

cat > request.json               # the request; this program needs nothing of it

find inputs/files -name '*.claims.jsonl' -type f > found
if ! [ -s found ]; then
    echo '{"error":{"code":"INPUT_EMPTY","message":"no file is named *.claims.jsonl","final":true}}'
    exit 1
fi
sort found | tr '\n' '\0' | xargs -0 cat > outputs/claims.jsonl
echo "collected $(wc -l < found) files" >&2

echo '{"outputs":[{"name":"claims","media_type":"application/jsonl","file":"claims.jsonl"}]}'
