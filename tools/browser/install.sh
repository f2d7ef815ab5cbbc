#!/usr/bin/env bash
# Makes sure that there is a Chromium for the browser tests: FOURNIL_CHROMIUM, one already here, Playwright's own
# download, or, where that cannot be reached, the system's package manager.
set -euo pipefail
cd "$(dirname "$0")/../.."

found() { npx tsx -e "import('./tools/browser/chromium.ts').then((m) => process.exit(m.findChromium() ? 0 : 1))"; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

if found; then exit 0; fi
echo 'No Chromium yet: trying Playwright’s own.'
if timeout 300 npx playwright install --with-deps chromium && found; then exit 0; fi
echo 'Playwright’s download could not be reached: trying the system’s package manager.'
if command -v apt-get >/dev/null; then
  as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y chromium ||
    as_root apt-get install -y chromium-browser
elif command -v dnf >/dev/null; then
  as_root dnf install -y chromium
elif command -v pacman >/dev/null; then
  as_root pacman -Sy --noconfirm chromium
elif command -v apk >/dev/null; then
  as_root apk add chromium
elif command -v brew >/dev/null; then
  brew install --cask chromium
fi
found || {
  echo 'No Chromium could be installed: install one, or set FOURNIL_CHROMIUM to its path.' >&2
  exit 1
}
