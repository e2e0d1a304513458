"""DKIM: under each selector DNS holds the public half of the key that signs, for mail, in earnest (A46, A47)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailer.dkim import (
    EXPLAINED,
    DkimKey,
    DkimKeyInvalid,
    SiteKeys,
    Standing,
    compare,
    load_keys,
    record_name,
)
from mailer.dkim.keys import RSA_BITS, KeyKind
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene, nowhere


@dataclass(frozen=True, slots=True)
class DkimFacts:
    """One key at one domain, or why the keys cannot be used."""

    subject: str
    trouble: str = ""
    is_silent: bool = False  #: DNS did not tell
    standing: Standing = Standing.FITS
    selector: str = ""
    algorithm: str = ""
    bits: int = RSA_BITS
    signs: bool = True  #: else it is announced, or retiring


async def gather(scene: Scene) -> Sequence[DkimFacts | Unasked]:
    """Load the keys, fetch the record of each."""
    try:
        keys = _keys(scene)
    except DkimKeyInvalid as error:
        return [DkimFacts("[dkim]", trouble=str(error))]
    found: list[DkimFacts | Unasked] = [
        DkimFacts("data/dkim", trouble=sentence, signs=False) for sentence in keys.broken
    ]
    if not scene.signs:
        reason = "Nothing is signed here: your relay must do it, for your domain."
        remedy = "Prove it: mailer doctor --proof FILE. To sign here: mailer dkim new"
        found.append(Unasked("[dkim]", reason, remedy))
    for domain in dict.fromkeys(scene.settings.dkim.signing_domain(each) for each in scene.from_domains):
        unasked = nowhere(domain)
        if unasked is not None and (keys.signing or keys.idle):
            found.append(unasked)
        elif unasked is None:
            found += [await _ask(scene, key, domain, signs=True) for key in keys.signing]
            found += [await _ask(scene, key, domain, signs=False) for key in keys.idle]
    return found


def _keys(scene: Scene) -> SiteKeys:
    # The folder is asked for only where it can be: its property makes the one above it.
    if not (scene.signs or scene.dkim_key_files):
        return SiteKeys((), (), ())
    return load_keys(scene.settings.dkim, scene.folder.dkim_keys)


async def _ask(scene: Scene, key: DkimKey, domain: str, *, signs: bool) -> DkimFacts:
    name = record_name(key.selector, domain)
    answer = await scene.dns.txt(name)
    standing = compare(key, answer.records)
    bits = key.bits if key.kind is KeyKind.RSA else RSA_BITS
    return DkimFacts(
        name,
        is_silent=answer.is_unknown,
        standing=standing,
        selector=key.selector,
        algorithm=key.algorithm,
        bits=bits,
        signs=signs,
    )


def judge(facts: DkimFacts) -> Iterator[Finding]:
    """A signature without its record is worse than none; a key that signs nothing yet may wait for it."""
    name = facts.subject
    if facts.trouble and not facts.signs:
        yield Finding(name, Verdict.NOTE, f"A key that signs nothing cannot be used: {facts.trouble}")
    elif facts.trouble:
        remedy = "Mail is not sent unsigned: mend the key, or make one: mailer dkim new"
        yield Finding(name, Verdict.FAILURE, facts.trouble, remedy)
    elif facts.is_silent:
        yield Finding(name, Verdict.SKIPPED, "DNS did not answer.", "Ask again; if it stays so, see to DNS.")
    elif facts.standing is not Standing.FITS:
        words, remedy = EXPLAINED[facts.standing]
        idle = "" if facts.signs else " The key signs nothing: it is announced, or retiring."
        yield Finding(name, Verdict.FAILURE if facts.signs else Verdict.NOTE, words + idle, remedy)
    elif not facts.signs:
        remedy = f'To sign with it: [dkim] selector = "{facts.selector}". If it retires: 7 days after its last mail.'
        yield Finding(name, Verdict.OK, f"{facts.algorithm}: published, and signs nothing.", remedy)
    elif facts.bits < RSA_BITS:
        reason = f"{facts.algorithm}: the record fits the key, which has {facts.bits} bits only."
        yield Finding(name, Verdict.WARNING, reason, f"Make one of {RSA_BITS}: mailer dkim new")
    else:
        yield Finding(name, Verdict.OK, f"{facts.algorithm}: the record fits the key that signs.")
