#!/usr/bin/env bash
# The parity that must hold for every commit. On the CPU every case; on a software GPU, where one token takes a third of
# a second, those that together cover windows, chunks and pictures (`npm run parity -- FOLDER` runs all of them).
set -euo pipefail
cd "$(dirname "$0")/../.."

parity() {
  echo "== $*"
  npx tsx tools/parity/main.ts "$@" 2>/dev/null
}

for dtype in fp32 q4; do
  parity reference/text --dtype "$dtype" --device wasm
  parity reference/vision --dtype "$dtype" --device wasm
done
parity reference/text --dtype fp32 --device webgpu --only len33,len200
parity reference/text --dtype q4 --device webgpu --only len65
parity reference/vision --dtype fp32 --device webgpu --only image-late,two-images
parity reference/vision --dtype q4 --device webgpu --only second-turn
