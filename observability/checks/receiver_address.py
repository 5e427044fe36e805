"""In every environment, every job has targets and every receiver has the address that its kind needs.

Why: Alertmanager starts without a phone number or a key file, and fails when it must page.
Fix: add the missing key to the environment's `receivers`, or the job to its `targets`.
"""

from collections.abc import Iterator

from config.spec.model import Address, Project, Receiver
from observability.checks.finding import Finding

NEEDS = {
    "pagerduty": ("routing_key_file",),
    "sns": ("region", "profile", "phone_number"),
    "email": ("smarthost", "from", "to"),
    "webhook": (),
}


def check(project: Project) -> Iterator[Finding]:
    for environment in project.environments.values():
        for job in project.scrape.jobs:
            if job not in environment.targets:
                yield Finding(environment.where.key("targets"), f"job {job!r} has no targets")
        for name, receiver in project.routing.receivers.items():
            address = environment.receivers.get(name)
            if address is None:
                yield Finding(environment.where.key("receivers"), f"receiver {name!r} has no address")
            else:
                yield from _address(receiver, address)


def _address(receiver: Receiver, address: Address) -> Iterator[Finding]:
    for key in NEEDS[receiver.kind]:
        if getattr(address, "from_" if key == "from" else key) is None:
            yield Finding(address.where(), f"receiver {receiver.name!r} is {receiver.kind} and needs {key!r}")
    if receiver.kind == "webhook" and (address.url is None) is (address.url_file is None):
        text = f"receiver {receiver.name!r} is webhook and needs either 'url' or 'url_file'"
        yield Finding(address.where(), text)
    if (address.username is None) is not (address.password_file is None):
        text = f"receiver {receiver.name!r} needs 'username' and 'password_file' together, or neither"
        yield Finding(address.where(), text)
