"""The version of this checkout, by its git tags: `python -m hack.version [--snapshot]`.

Without --snapshot, only what may be released has a version: a tagged commit without changes.
"""

import argparse
import re
import subprocess
import sys

TAG = re.compile(r"v?(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)")


def released() -> str:
    """The version that a tag gives to exactly this tree."""
    if changed := git("status", "--porcelain"):
        sys.exit(f"the tree has changes; commit or stash them, or use --snapshot:\n{changed}")
    versions = [match[1] for tag in git("tag", "--points-at", "HEAD").split() if (match := TAG.fullmatch(tag))]
    if len(versions) != 1:
        sys.exit(f"this commit has {len(versions)} tags of a version; tag it (v1.2.3), or use --snapshot")
    return versions[0]


def snapshot() -> str:
    """A version with the commit: newer than the last release, older than the next one."""
    tag = git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", tolerant=True)
    count = git("rev-list", "--count", f"{tag}..HEAD" if tag else "HEAD")
    local = f"g{git('rev-parse', '--short=8', 'HEAD')}" + (".dirty" if git("status", "--porcelain") else "")
    return f"{next_release(tag)}.dev{count}+{local}"


def next_release(tag: str) -> str:
    """What may come next after a tag; the first release is 0.1.0."""
    base = TAG.fullmatch(tag)
    if not base:
        return "0.1.0"
    return re.sub(r"\d+$", lambda last: str(int(last[0]) + 1), base[1])  # 1.2.3 → 1.2.4, 1.3.0rc1 → 1.3.0rc2


def git(*arguments: str, tolerant: bool = False) -> str:
    """What git says."""
    command = ["git", *arguments]
    return subprocess.run(
        command, check=not tolerant, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if tolerant else None
    ).stdout.strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="hack/version", description=__doc__)
    parser.add_argument("--snapshot", action="store_true", help="any tree, with a version that says so")
    print(snapshot() if parser.parse_args().snapshot else released())
