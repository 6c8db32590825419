"""README.md shows what the program prints today."""

import re
import subprocess
import sys
from pathlib import Path

from router.settings import Settings
from tests.policies import CONFIG

ROOT = CONFIG.parent
README = (ROOT / "README.md").read_text()


def test_the_explanation_in_the_readme_is_the_one_that_is_printed(tmp_path: Path) -> None:
    shown = re.search(r"echo '(\{.*\})' \|\n +\S+ (policy explain - .*)\n\n```\n((?:.*\n)+?)```", README)
    assert shown

    done = subprocess.run(
        [sys.executable, "-m", "router.cli", *shown[2].split()],
        input=shown[1],
        env={"CONCERN_ROUTER_CONFIG_DIR": str(CONFIG), "CONCERN_ROUTER_STATE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(shown[3])


def test_the_readme_names_no_setting_that_there_is_not() -> None:
    named = set(re.findall(r"CONCERN_ROUTER_([A-Z_]+)", README))

    assert named <= {name.upper() for name in Settings.model_fields}
