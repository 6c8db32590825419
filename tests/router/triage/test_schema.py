"""The schemas take what the loader takes, and refuse a typo, in an editor's own words."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest

from router.channels import KINDS
from router.configfile.yamltext import read
from router.triage.schema import schema_of
from tests.configs import to_rt, to_sink
from tests.policies import CONFIG

FILES: dict[Literal["policy", "channels", "examples"], str] = {
    "policy": "policy.yaml",
    "channels": "channels.yaml",
    "examples": "policy.examples.yaml",
}
FILLED_IN = {"bodies"}
"""Settings that no file says: `catalogue` finds them."""
FOLDERS = sorted(path.parent for path in CONFIG.rglob("policy.yaml"))


def checked(tmp_path: Path, file: Literal["policy", "channels", "examples"], *instances: Path) -> str:
    """Return what check-jsonschema says of the files; nothing when it finds nothing wrong."""
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(schema_of(file)))
    done = subprocess.run(
        [Path(sys.executable).parent / "check-jsonschema", "--schemafile", schema, *instances],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("file", FILES)
def test_the_shipped_files_are_right(tmp_path: Path, file: Literal["policy", "channels", "examples"]) -> None:
    assert checked(tmp_path, file, *(folder / FILES[file] for folder in FOLDERS)) == ""


def test_other_kinds_of_channels_are_right(tmp_path: Path) -> None:
    folders = (to_rt(tmp_path / "rt", "http://127.0.0.1:1", "token"), to_sink(tmp_path / "sink", "http://127.0.0.1:1"))

    assert checked(tmp_path, "channels", *(folder / "channels.yaml" for folder in folders)) == ""


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("policy", "routes:", "rotues:", "rotues"),
        ("policy", "floor: critical", "floor: critcal", "critcal"),
        ("policy", "noticed_how: police_notice", "noticed_how: police_notise", "police_notise"),
        ("policy", "claim: 1h", "claim: 1 hour", "1 hour"),
        ("policy", "claim: 1h", "claim: 60", "60"),
        ("policy", "    {label: Fraud", "    {lable: Fraud", "lable"),
        ("channels", "kind: folder", "kind: foldr", "foldr"),
        ("channels", "path: outbox/hr-desk", "url: outbox/hr-desk", "hr-desk"),
        ("channels", "\n  scope: external", "\n  scope: outside", "outside"),
        ("channels", "\nhr-desk:", "\nHR desk:", "HR desk"),
        ("examples", "expect:", "expects:", "expects"),
        ("examples", "severity: critical", "severity: critcal", "critcal"),
    ],
)
def test_a_typo_is_caught(
    tmp_path: Path, file: Literal["policy", "channels", "examples"], old: str, new: str, told: str
) -> None:
    text = (CONFIG / FILES[file]).read_text()
    assert old in text
    spoilt = tmp_path / FILES[file]
    spoilt.write_text(text.replace(old, new, 1))

    assert told in checked(tmp_path, file, spoilt)


@pytest.mark.parametrize(
    ("said", "good"),
    [
        ("networks: [10.20.0.0/16, 'fd12::/48', 10.1.2.3]", True),
        ("ca: /etc/ssl/our-ca.pem, client_certificate: /run/secrets/us.pem, client_key: /run/secrets/us.key", True),
        ("proxy: 'http://proxy.example.org:3128'", True),
        ("networks: [intranet]", False),
        ("ca: our-ca.pem", False),
        ("proxy: proxy.example.org", False),
    ],
)
def test_the_way_to_a_service_is_said_as_the_loader_takes_it(tmp_path: Path, said: str, *, good: bool) -> None:
    file = tmp_path / "channels.yaml"
    way = f"url: 'https://a.example.org', secret: 'command:/usr/local/bin/secret', {said}"
    file.write_text(f"desk: {{kind: webhook, scope: external, carries: [], {way}}}\n")

    assert (checked(tmp_path, "channels", file) == "") is good


@pytest.mark.parametrize(("field", "good"), [("category", True), ("narrative", False)])
def test_a_channel_carries_fields_of_referrals_only(tmp_path: Path, field: str, *, good: bool) -> None:
    file = tmp_path / "channels.yaml"
    file.write_text(f"desk: {{kind: folder, scope: internal, carries: [{field}], readable_by: [legal], path: a}}\n")

    assert (checked(tmp_path, "channels", file) == "") is good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("{category: fraud, from: person}", True),
        ("{category: [fraud, other], from: [person, client]}", True),
        ("{reported_by: person}", False),
        ("{category: []}", False),
        ("{urgency: live_now, severity_at_least: high}", True),
        ("{severity_at_least: [high]}", False),
    ],
)
def test_a_condition_takes_one_value_or_a_list_and_names_as_in_the_file(
    tmp_path: Path, text: str, *, good: bool
) -> None:
    shipped = (CONFIG / "policy.yaml").read_text()
    end = shipped.index("\nroutes:")
    file = tmp_path / "policy.yaml"
    file.write_text(f"{shipped[:end]}\nroutes:\n  - {{id: x, when: {text}, continue: true}}\nfallback: legal\n")

    assert (checked(tmp_path, "policy", file) == "") is good


def values_of(schema: Any) -> list[Any]:
    if isinstance(schema, dict):
        return [schema, *(found for value in schema.values() for found in values_of(value))]
    return [found for value in schema for found in values_of(value)] if isinstance(schema, list) else []


@pytest.mark.parametrize("file", FILES)
def test_nothing_in_it_is_what_only_the_loader_knows(file: Literal["policy", "channels", "examples"]) -> None:
    schema = schema_of(file)

    assert not any("prefixItems" in one or one.get("type") == "null" for one in values_of(schema))
    for one in values_of(schema):
        assert one.get("type") != "object" or "additionalProperties" in one or "oneOf" in one


def test_each_kind_of_channel_has_its_own_settings() -> None:
    defined = schema_of("channels")["$defs"]

    for kind, module in KINDS.items():
        assert defined[f"channel_{kind}"]["properties"]["kind"] == {"const": kind}
        written = {name for name in module.Settings.model_fields if name not in FILLED_IN}
        assert written <= set(defined[f"channel_{kind}"]["properties"])


def test_the_shipped_files_are_read_the_same_by_our_own_reader() -> None:
    assert all(read((folder / file).read_text(), file).problems == [] for folder in FOLDERS for file in FILES.values())


def test_a_default_that_an_editor_fills_in_could_stand_there() -> None:
    shown = [kind["properties"] for name, kind in schema_of("channels")["$defs"].items() if name.startswith("channel_")]
    defaults = {name: key for keys in shown for name, key in keys.items() if "default" in key and "pattern" in key}

    assert defaults["late_after"]["default"] == "15m"
    assert [name for name, key in defaults.items() if not re.search(key["pattern"], key["default"])] == []
