"""Configurations for tests: the shipped policy, its internal channels turned into webhooks to a loopback sink."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import yaml

from tests.servers import SINK_SECRET

SHIPPED = Path(__file__).parents[1] / "config"


def shipped(to: Path) -> Path:
    """Copy the shipped configuration to `to` and return it."""
    return Path(copytree(SHIPPED, to))


def to_sink(to: Path, url: str, *, carries: list[str] | None = None) -> Path:
    """Copy the shipped configuration, each internal channel a webhook to `url`; return the folder.

    `carries` replaces what each of them may carry.
    """
    shipped(to)
    secret = to / "sink.secret"
    secret.write_text(SINK_SECRET)
    secret.chmod(0o600)
    channels: dict[str, dict[str, Any]] = yaml.safe_load((to / "channels.yaml").read_text())
    for name, channel in channels.items():
        if channel["scope"] == "internal":
            kept: dict[str, Any] = {key: channel[key] for key in ("scope", "carries", "readable_by") if key in channel}
            channels[name] = {**kept, "kind": "webhook", "url": f"{url}/{name}", "secret": f"file:{secret}"}
            channels[name]["carries"] = list(carries or channel["carries"])
    (to / "channels.yaml").write_text(yaml.safe_dump(channels, sort_keys=False))
    return to


def change_policy(config: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write policy.yaml of `config` anew, as `change` leaves it; whole, as a careful editor does."""
    policy = yaml.safe_load((config / "policy.yaml").read_text())
    change(policy)
    new = config / ".policy.new"
    new.write_text(yaml.safe_dump(policy, sort_keys=False))
    new.replace(config / "policy.yaml")


def to_rt(to: Path, url: str, token: str, **more: Any) -> Path:
    """Copy the shipped configuration with the security desk a queue of the RT at `url`; return the folder.

    `more` replaces keys of that channel. The other internal channels stay folders.
    """
    shipped(to)
    secret = to / "rt.token"
    secret.write_text(token)
    secret.chmod(0o600)
    channels: dict[str, dict[str, Any]] = yaml.safe_load((to / "channels.yaml").read_text())
    channels["security-desk"] = {
        "kind": "rt",
        "scope": "internal",
        "carries": ["category", "severity", "noticed_how", "where_found", "site", "urgency", "claim_by", "link"],
        "readable_by": channels["security-desk"]["readable_by"],
        "url": url,
        "token": f"file:{secret}",
        "queue": "Safeguarding",
        "custom_fields": {
            "reference": "Reference id",
            "category": "Category",
            "severity": "Severity",
            "claim_by": "Claim by",
            "link": "Link",
        },
        **more,
    }
    (to / "channels.yaml").write_text(yaml.safe_dump(channels, sort_keys=False))
    return to
