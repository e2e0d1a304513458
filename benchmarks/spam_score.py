"""What SpamAssassin's rules say of our mail: the example campaign and every real newsletter at hand.

Debian's rules as they are installed, offline (-L), without Bayes and without anybody's preferences:
what is left are the rules about headers, MIME, HTML and words, which any server can apply. The messages
are those that would leave, unsigned, without the Received fields that only servers write.

Run: python -m benchmarks.spam_score
"""

from __future__ import annotations

import mailbox
import os
import re
import shutil
import statistics
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.table import Row, missing, run_alone
from mailer.application import open_site
from mailer.site import SiteFolder
from mailer.starter import complete_site
from tests.newsletters import at_home, newsletters, put

REACH = 1.0
#: Points below which a rule only informs.
_INFORMS = 0.01
_ROOT = Path(__file__).parents[1]
_RULES = Path("/usr/share/spamassassin")
_SCORED = re.compile(r"([A-Z_0-9]+)=(-?[\d.]+)")


@dataclass(frozen=True)
class Score:
    """One message, judged."""

    name: str
    rules: Mapping[str, float]  #: points by rule that hit

    @cached_property
    def points(self) -> float:
        """The score."""
        return sum(self.rules.values())

    @cached_property
    def against(self) -> float:
        """The score without what counts for the message, such as being list mail."""
        return sum(points for points in self.rules.values() if points > 0)


def rows() -> list[Row]:
    """The worst and the middle score, and the worst without credit; rules that hit are named."""
    if not has_spamassassin():
        return [missing("spam_score", "SpamAssassin")]
    paths = newsletters()
    with tempfile.TemporaryDirectory(prefix="mailer-spam-") as folder:
        scores = judged(example_and(paths, Path(folder)), Path(folder))
    worst = max(scores, key=lambda score: score.points)
    hardest = max(scores, key=lambda score: score.against)
    middle = statistics.median(score.points for score in scores)
    figures = (
        ("spam_score worst", worst.points, f"{worst.name}, of {len(scores)} messages"),
        ("spam_score median", middle, f"hits: {_hits(scores)}"),
        ("spam_score against", hardest.against, f"{hardest.name}: points for being list mail left out"),
    )
    none = (
        []
        if paths
        else [missing("spam_score newsletters", "a folder of MJML newsletters in MAILER_MJML_CORPUS")]
    )
    return [*(_row(*figure) for figure in figures), *none]


def has_spamassassin() -> bool:
    """Whether SpamAssassin and its rules are installed."""
    return shutil.which("spamassassin") is not None and _RULES.is_dir()


def example_and(paths: Sequence[Path], folder: Path) -> dict[str, bytes]:
    """The final bytes of this repository's campaign and of these newsletters, by name, from a public site."""
    root = folder / "site"
    shutil.copytree(_ROOT / "campaigns", root / "campaigns")
    names = [path.name for path in (root / "campaigns").iterdir()]
    names += [put(path, root / "campaigns") for path in paths]
    text = (_ROOT / "mailer.toml").read_text(encoding="utf-8")
    (root / "mailer.toml").write_text(at_home(text, list(paths)), encoding="utf-8")
    environ = {"MAILER_SITE__BASE_URL": "https://news.ohm-and-volt.example"}
    complete_site(SiteFolder(root, environ))
    with closing(open_site(root, environ)) as site:
        return {name: site.campaigns.preview(name).raw for name in names}


def judged(messages: Mapping[str, bytes], folder: Path) -> list[Score]:
    """Each message's score, from one run of SpamAssassin; raises CalledProcessError when it fails."""
    asked, home = folder / "messages.mbox", folder / "home"
    home.mkdir()
    with closing(mailbox.mbox(asked)) as box:
        for name, data in messages.items():
            box.add(f"X-Bench: {name}\n".encode() + data.replace(b"\r\n", b"\n"))
    command = ["spamassassin", "-L", "-x", f"--configpath={_RULES}", "--mbox", "--cf=use_bayes 0"]
    command += ["--cf=report_safe 0", "--cf=add_header all Bench _TESTSSCORES(,)_", str(asked)]
    done = subprocess.run(command, check=True, capture_output=True, env={**os.environ, "HOME": str(home)})
    (folder / "judged.mbox").write_bytes(done.stdout)
    with closing(mailbox.mbox(folder / "judged.mbox")) as box:
        found = [Score(message["X-Bench"], _rules(message["X-Spam-Bench"])) for message in box]
    assert {score.name for score in found} == set(messages), "SpamAssassin did not judge every message"
    return found


def _rules(text: str) -> dict[str, float]:
    return {name: float(points) for name, points in _SCORED.findall(text)}


def _hits(scores: Sequence[Score]) -> str:
    """Every rule that counted for or against a message, and in which."""
    found: dict[str, list[str]] = defaultdict(list)
    for score in scores:
        for name, points in score.rules.items():
            if abs(points) >= _INFORMS:
                found[f"{name} {points:g}"].append(score.name)
    return "; ".join(
        f"{rule} in {'all' if len(names) == len(scores) else ', '.join(sorted(names))}"
        for rule, names in sorted(found.items())
    )


def _row(name: str, points: float, note: str) -> Row:
    return Row(name=name, value=points, unit="points", reach=f"≤ {REACH}", reached=points <= REACH, note=note)


if __name__ == "__main__":
    run_alone(rows)
