"""The founding promises, and how the demo showed each of them."""

from __future__ import annotations

from dataclasses import dataclass

#: The promises of the privacy page, in the order in which they are read there.
PROMISES: dict[str, str] = {
    "opt-in": "The newsletter is opt-in: only who confirmed is mailed.",
    "opt-out": "Anyone can leave at any time, with immediate effect.",
    "instructions": "Clear unsubscribe instructions are in every mailing.",
    "no-remembered": "A no is remembered: who left is not asked again by anybody but themselves.",
    "nobody-twice": "Nobody gets a mailing twice, nobody is forgotten.",
    "no-third-party": "No third party sees who reads: no foreign image, font, script or cookie.",
    "policy-posted": "The policy is posted, and each consent knows the version it saw.",
    "guarded": "Data is guarded, and nobody can quietly rewrite what happened.",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One observation that bears a promise out, or breaks it."""

    promise: str  #: key of PROMISES
    how: str
    kept: bool


class Evidence:
    """Collects what was seen; a promise nobody looked at counts as broken."""

    def __init__(self) -> None:
        self._shown: list[Shown] = []

    def show(self, promise: str, how: str, *, kept: bool) -> None:
        """Note one observation."""
        assert promise in PROMISES
        self._shown.append(Shown(promise, how, kept))

    def rows(self) -> list[tuple[str, str, bool]]:
        """Promise, how it was shown, whether it was kept, one row per promise."""
        table = []
        for key, promise in PROMISES.items():
            seen = [each for each in self._shown if each.promise == key]
            told = [each for each in seen if not each.kept] or seen
            how = "; ".join(each.how for each in told) or "not shown"
            table.append((promise, how, bool(seen) and all(each.kept for each in seen)))
        return table

    @property
    def all_kept(self) -> bool:
        """Whether every promise was shown and none was broken."""
        return all(kept for _, _, kept in self.rows())
