"""What is committed is what the specs make, and making it again changes nothing."""

from pathlib import Path

import yaml

from observability.compile import Request, compile_bundle
from observability.write import compare, parted, write


def test_the_committed_files_are_what_the_specs_make(root: Path) -> None:
    outcome = compile_bundle(Request(config_dir=root / "config"))
    rest, runbooks = parted(outcome.files, "runbooks/")
    assert outcome.problems == ()
    for folder, files in {root / "observability" / "generated": rest, root / "runbooks": runbooks}.items():
        changes = compare(folder, files)
        assert (changes.written, changes.removed) == ((), ()), "run `make generate` and commit what it wrote"


def test_a_second_run_writes_nothing(root: Path, tmp_path: Path) -> None:
    files = compile_bundle(Request(config_dir=root / "config")).files
    assert write(tmp_path, files).written
    again = write(tmp_path, compile_bundle(Request(config_dir=root / "config")).files)
    assert (again.written, again.removed) == ((), ())


def test_a_new_threshold_reaches_rule_panel_test_and_texts(root: Path, tmp_path: Path) -> None:
    before = compile_bundle(Request(config_dir=root / "config")).files
    config = tmp_path / "config"
    for file in [*(root / "config").rglob("*.yaml"), *(root / "config" / "runbooks").rglob("*.sh")]:
        copy = config / file.relative_to(root / "config")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text("utf-8").replace("critical: {above: 0.10", "critical: {above: 0.17"))
    (config / "schemas").symlink_to(root / "config" / "schemas")
    (tmp_path / "runbooks").symlink_to(root / "runbooks")
    after = compile_bundle(Request(config_dir=config)).files
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {
        "rules/orders.yml",
        "tests/HighOrderFailureRate.yml",
        "tests/edges/HighOrderFailureRate.yml",
        "compose/dashboards/trading_overview.json",
        "local/dashboards/trading_overview.json",
        "runbooks/high_order_failure_rate.md",
        "runbooks/high_order_failure_rate.sh",
    }
    critical = yaml.safe_load(after["rules/orders.yml"])["groups"][0]["rules"][1]
    assert critical["expr"].endswith(" > 0.17")
    assert "limit 17%" in critical["annotations"]["summary"]
    assert "limit 17%" in after["tests/HighOrderFailureRate.yml"]
