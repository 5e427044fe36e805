"""How far the containers are shut, seen from inside them and by what the engine tells of them."""

import json

from scripts.compose_proof.judge import exposed, open_doors, wrong_ways
from scripts.compose_proof.place import Json
from scripts.compose_proof.report import StepError
from scripts.compose_proof.stage import Stage

# What the documentation says of the bot's way to others, whatever the networks of the file are.
_MUST = {"db": True, "simulator": True, "alertmanager": False, "grafana": False, "sink": False}
_PORTS = {
    "db": 5432, "simulator": 8090, "prometheus": 9090, "node-exporter": 9100, "postgres-exporter": 9187,
    "alertmanager": 9093, "grafana": 3000, "sink": 9080,
}  # fmt: skip
# Runs in the container of the bot; what is dropped on its way is given up after three seconds.
_KNOCK = """
import concurrent.futures, json, socket, sys
def knock(address):
    try:
        socket.create_connection(address.rsplit(":", 1), 3).close()
        return True
    except OSError:
        return False
with concurrent.futures.ThreadPoolExecutor(32) as pool:
    print(json.dumps(dict(zip(sys.argv[1:], pool.map(knock, sys.argv[1:])))))
"""


async def hardening(stage: Stage) -> str:
    faults, containers = [], await stage.place.containers()
    for name, one in containers.items():
        look = ("exec", one["Id"], "cat")
        status = (await stage.place.docker(*look, "/proc/1/status")).out
        mounts = (await stage.place.docker(*look, "/proc/1/mounts")).out
        faults += open_doors(name, status, mounts, one)
    if faults:
        raise StepError(*faults)
    return f"{len(containers)} services: not root, no capabilities, no new privileges, read-only root, limits"


async def secrets(stage: Stage) -> str:
    place = stage.place
    values = {file.name: file.read_text("utf-8") for file in sorted(place.secrets.iterdir())}
    told = {"docker compose config": (await place.compose("config")).out}
    for name, one in (await place.containers()).items():
        told[f"docker inspect of {name}"] = json.dumps(one)
        logs = await place.docker("logs", one["Id"])
        told[f"the log of {name}"] = logs.out + logs.err
        told[f"the image of {name}"] = (
            await place.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", one["Image"])
        ).out
    if faults := exposed(values, told):
        raise StepError(*faults)
    return f"none of {len(values)} shows in inspect, config, history or log of {len(told) // 3} services"


async def ways(stage: Stage) -> str:
    """From the bot, by name and by address: a name that is not found alone would shut nothing."""
    containers, config = await stage.place.containers(), await stage.place.config()
    mine = set(config["services"]["bot"]["networks"])
    may: dict[str, bool] = {}
    for name, port in _PORTS.items():
        reached = bool(mine & set(config["services"][name]["networks"]))
        if name in _MUST and _MUST[name] is not reached:
            raise StepError(
                f"docker-compose.yml lets the bot reach {name}: {reached}; docs/compose.md says the opposite"
            )
        may |= {
            f"{where}:{port}": reached
            for where in (name, *_addresses(containers[name], mine if reached else None))
        }
    knocked = await stage.place.docker("exec", containers["bot"]["Id"], "python", "-c", _KNOCK, *may)
    if faults := wrong_ways(may, json.loads(knocked.out)):
        raise StepError(*(f"from the bot {fault}" for fault in faults))
    shut = sum(not each for each in may.values())
    return f"from the bot {len(may) - shut} addresses are reached and {shut} are not, as the networks say"


def _addresses(container: Json, networks: set[str] | None) -> list[str]:
    """The addresses of a container: in these networks, or in all."""
    found = container["NetworkSettings"]["Networks"]
    return [
        one["IPAddress"]
        for name, one in found.items()
        if networks is None or any(name.endswith(f"_{mine}") for mine in networks)
    ]
