#!/usr/bin/env bash
# The parity that must hold for every commit: both reference checkpoints, both devices, fp32 and q4.
set -euo pipefail
cd "$(dirname "$0")/../.."
for folder in reference/text reference/vision; do
  for device in webgpu wasm; do
    for dtype in fp32 q4; do
      echo "== $folder, $dtype on $device"
      npx tsx tools/parity/main.ts "$folder" --dtype "$dtype" --device "$device" 2>/dev/null
    done
  done
done
