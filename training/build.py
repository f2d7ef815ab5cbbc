"""Makes the built-in model from nothing: python -m training.build

Draws the scenes, teaches the vision tower, then the whole model, and evaluates it. Lessons are
given by the clock, so a faster machine trains more; the seed fixes everything else.
"""

import argparse
import subprocess
import sys
from pathlib import Path


def main() -> None:
    here = Path(__file__).parent
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=here / "checkpoint")
    parser.add_argument("--work", type=Path, default=here / "work", help="folder for scenes and what is only needed meanwhile (5 GB)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenes", type=int, default=100_000)
    parser.add_argument("--see-minutes", type=float, default=22)
    parser.add_argument("--first-minutes", type=float, default=8)
    parser.add_argument("--main-minutes", type=float, default=120)
    parser.add_argument("--threads", type=int, default=3)
    a = parser.parse_args()
    seed, threads = ["--seed", str(a.seed)], ["--threads", str(a.threads)]

    def run(module: str, *arguments) -> None:
        print("→", module, *arguments, flush=True)
        subprocess.run([sys.executable, "-m", f"training.{module}", *map(str, arguments)], check=True, cwd=here.parent)

    scenes, vision, first = a.work / "scenes", a.work / "vision.pt", a.work / "first"
    photos = a.work / "photos"
    run("scenes", scenes, "--count", a.scenes, *seed, *(["--photos", photos] if photos.is_dir() else []))
    run("see", scenes, vision, "--minutes", a.see_minutes, *seed, *threads)
    run("train", scenes, first, "--vision", vision, "--minutes", a.first_minutes, *seed, *threads)
    run("train", scenes, a.out, "--begin", first, "--minutes", a.main_minutes, "--seed", a.seed + 1, *threads)
    run("evaluate", a.out, "--q4", *threads)


if __name__ == "__main__":
    main()
