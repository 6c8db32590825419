"""A real Redmine 5 from Debian packages, as tests see it and as its staff works in it."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx2

SCRIPT: Final = Path(__file__).parent / "redmine.sh"
PROJECT: Final = "safeguarding"
"""Has all fields. `facilities` lacks Severity; in `open` our account may keep nothing among staff; in `archive` it may
look and nothing else; of `closed-to-us` it knows nothing; `elsewhere` is as good as this one."""
SEVERITIES: Final = {"low": "LOW", "medium": "NORMAL", "high": "HIGH", "critical": "IMMEDIATE"}
"""Our severities, and the names of the priorities there."""


@dataclass(frozen=True)
class Peer:
    """The running Redmine."""

    url: str
    told: Mapping[str, str]
    """What the script printed: keys of accounts, ids of fields, states and priorities."""

    @classmethod
    def start(cls) -> Self:
        """Start it, unless it runs."""
        started = subprocess.run([SCRIPT, "start"], stdout=subprocess.PIPE, text=True, check=True, timeout=280)
        told = dict(line.split("=", 1) for line in started.stdout.splitlines())
        return cls(told["REDMINE_URL"], told)

    def stop(self) -> None:
        """Stop it; `start` goes on with what it holds."""
        subprocess.run([SCRIPT, "stop"], check=True, timeout=60)

    # What a channel's settings say.

    @property
    def key(self) -> str:
        """The key of the router's own account."""
        return self.told["REDMINE_KEY"]

    @property
    def tracker(self) -> int:
        return int(self.told["REDMINE_TRACKER"])

    @property
    def fields(self) -> dict[str, int]:
        """Our fields, and the ids of their custom fields there."""
        names = {"reference": "REFERENCE_ID"} | {
            name: name.upper() for name in ("category", "severity", "claim_by", "link")
        }
        return {name: int(self.told[f"REDMINE_FIELD_{there}"]) for name, there in names.items()}

    @property
    def priorities(self) -> dict[str, int]:
        return {severity: int(self.told[f"REDMINE_PRIORITY_{name}"]) for severity, name in SEVERITIES.items()}

    @property
    def home(self) -> Path:
        return Path(self.told["REDMINE_HOME"])

    @property
    def mail(self) -> Path:
        return Path(self.told["REDMINE_MAIL_DIR"])

    def project_number(self, project: str) -> int:
        """Return a project's id."""
        return int(self._get(f"projects/{project}", self._officer)["project"]["id"])

    def status(self, name: str) -> int:
        """Return the id of a state: `new`, `in_progress`, `resolved` (open, in Redmine), `closed`, `rejected`."""
        return int(self.told[f"REDMINE_STATUS_{name.upper()}"])

    # What stands there.

    def numbers(self, reference: str) -> list[str]:
        """Return the number of every issue with this reference, the oldest first."""
        asked = {f"cf_{self.fields['reference']}": reference, "status_id": "*", "sort": "id", "limit": "100"}
        return [str(issue["id"]) for issue in self._get("issues", self._officer, **asked)["issues"]]

    def tickets(self, reference: str) -> list[dict[str, Any]]:
        """Return every issue with this reference as `shown`, the oldest first."""
        return [self.shown(number) for number in self.numbers(reference)]

    def shown(self, number: str) -> dict[str, Any]:
        """Return an issue as Redmine shows it to staff, with its journals."""
        return dict(self._get(f"issues/{number}", self._officer, include="journals")["issue"])

    def filled(self, number: str) -> dict[str, str]:
        """Return an issue's custom fields that have a value, by our names."""
        ours = {there: name for name, there in self.fields.items()}
        return {
            ours[f["id"]]: f["value"] for f in self.shown(number)["custom_fields"] if f["value"] and f["id"] in ours
        }

    def said(self, number: str) -> list[tuple[bool, str]]:
        """Return what was said in an issue: whether only staff can read it, and the text."""
        return [(entry["private_notes"], entry["notes"]) for entry in self.shown(number)["journals"] if entry["notes"]]

    def outsider_sees(self, number: str) -> bool:
        """Say whether a member of the project who is not meant to know sees the issue at all."""
        answer = httpx2.get(f"{self.url}/issues/{number}.json", headers=self._as("REDMINE_OUTSIDER_KEY"))
        assert answer.status_code in {200, 403}
        return answer.status_code == httpx2.codes.OK

    # What staff do.

    def again(self, reference: str, *, by_staff: bool = False, project: str = PROJECT) -> str:
        """Make an issue of the reference by hand, with the router's own account if staff does not."""
        fields = [{"id": self.fields["reference"], "value": reference}]
        issue = {"project_id": project, "tracker_id": self.tracker, "subject": "by hand", "custom_fields": fields}
        headers = self._officer if by_staff else self._as("REDMINE_KEY")
        made = httpx2.post(f"{self.url}/issues.json", json={"issue": issue}, headers=headers).raise_for_status()
        return str(made.json()["issue"]["id"])

    def take(self, number: str) -> None:
        """Have the issue assigned to oneself."""
        self._put(number, assigned_to_id=int(self.told["REDMINE_OFFICER"]))
        assert self.shown(number)["assigned_to"]["id"] == int(self.told["REDMINE_OFFICER"])

    def put(self, number: str, status: str) -> None:
        """Change the issue's state."""
        self._put(number, status_id=self.status(status))
        assert self.shown(number)["status"]["id"] == self.status(status)

    def move(self, number: str, project: str) -> None:
        """Put the issue into another project."""
        self._put(number, project_id=project)

    def write(self, number: str, text: str) -> None:
        """Say something in the issue."""
        self._put(number, notes=text)

    def delete(self, number: str) -> None:
        httpx2.delete(f"{self.url}/issues/{number}.json", headers=self._officer).raise_for_status()

    def _put(self, number: str, **wanted: Any) -> None:
        answer = httpx2.put(f"{self.url}/issues/{number}.json", json={"issue": wanted}, headers=self._officer)
        answer.raise_for_status()

    @property
    def _officer(self) -> dict[str, str]:
        return self._as("REDMINE_OFFICER_KEY")

    def _as(self, who: str) -> dict[str, str]:
        return {"X-Redmine-API-Key": self.told[who]}

    def _get(self, path: str, headers: Mapping[str, str], **asked: str) -> Any:
        return httpx2.get(f"{self.url}/{path}.json", params=asked, headers=headers).raise_for_status().json()
