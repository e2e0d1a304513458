"""The keys of a site: those that sign, by stream, and those that are announced or retiring."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mailer.dkim.keys import DkimKey, DkimKeyInvalid, KeyKind, load_key, selectors_in
from mailer.dkim.signer import DkimSigner
from mailer.settings.dkim import DkimSettings


@dataclass(frozen=True, slots=True)
class SiteKeys:
    """Every DKIM key of a site, loaded once."""

    campaign: tuple[DkimKey, ...]  #: sign campaigns and proofs: RSA, then perhaps Ed25519
    system: tuple[DkimKey, ...]  #: sign confirmations and alerts
    idle: tuple[DkimKey, ...]  #: in the folder, and sign nothing: announced, or retiring (A47)
    broken: tuple[str, ...] = ()  #: of those that sign nothing, why one cannot be used; a sentence each

    @property
    def signing(self) -> tuple[DkimKey, ...]:
        """Those that sign anything, each once."""
        return tuple({key.selector: key for key in (*self.campaign, *self.system)}.values())


@dataclass(frozen=True, slots=True)
class SiteSigners:
    """Who signs which mail; None: nobody here."""

    campaign: DkimSigner | None
    system: DkimSigner | None


def load_keys(settings: DkimSettings, folder: Path) -> SiteKeys:
    """All keys in the folder, and which of them sign. Raises DkimKeyInvalid for one that is to sign and cannot."""
    campaign, system = load_signing(settings, folder)
    signing = {key.selector for key in (*campaign, *system)}
    idle: list[DkimKey] = []
    broken: list[str] = []
    for name in selectors_in(folder):
        try:
            idle += [load_key(folder, name)] if name not in signing else []
        except DkimKeyInvalid as error:
            broken.append(str(error))
    return SiteKeys(campaign, system, tuple(idle), tuple(broken))


def load_signing(settings: DkimSettings, folder: Path) -> tuple[tuple[DkimKey, ...], tuple[DkimKey, ...]]:
    """The keys that sign campaigns, and those that sign system mail. Raises DkimKeyInvalid."""
    if settings.selector is None:
        return (), ()
    loaded = {name: load_key(folder, name) for name in settings.selectors}
    main = _of_kind(loaded[settings.selector], KeyKind.RSA, "selector")
    system = loaded[settings.system_selector] if settings.system_selector else main
    second: tuple[DkimKey, ...] = ()
    if settings.ed25519_selector is not None:
        second = (_of_kind(loaded[settings.ed25519_selector], KeyKind.ED25519, "ed25519_selector"),)
    return (main, *second), (_of_kind(system, KeyKind.RSA, "system_selector"), *second)


def site_signers(settings: DkimSettings, folder: Path) -> SiteSigners:
    """The signers of a site; a key that signs nothing is not looked at. Raises DkimKeyInvalid."""
    if not settings.signs:
        return SiteSigners(None, None)
    campaign, system = load_signing(settings, folder)
    return SiteSigners(
        DkimSigner(campaign, domain=settings.domain), DkimSigner(system, domain=settings.domain)
    )


def _of_kind(key: DkimKey, kind: KeyKind, setting: str) -> DkimKey:
    if key.kind is not kind:
        raise DkimKeyInvalid(f"[dkim] {setting} names {key.path}, which is no {kind} key. Name one that is.")
    return key
