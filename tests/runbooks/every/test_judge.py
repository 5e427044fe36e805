"""The judge of calls refuses what changes something, and lets pass what the words of runbooks ask."""

import pytest

from tests.runbooks.every.judge import READ_ONLY, forbidden
from tests.runbooks.every.world import Call


def call(line: str, said: str = "", options: str = "") -> Call:
    name, *argv = line.split()
    return Call(name, "001-look", options, said, argv)


BAD = [
    "curl -X POST http://a/",
    "curl -XDELETE http://a/",
    "curl --request PUT http://a/",
    "curl -X DELETE http://a/ -X GET",
    "curl --data-binary x http://a/",
    "curl -d x http://a/",
    "curl --request GET --upload-file x http://a/",
    "curl -o /etc/passwd http://a/",
    "curl --output here http://a/",
    "curl -K file http://a/",
    "curl --request POST --data x http://a/trading",
    "curl http://a/bot1:x/sendMessage?text=x",
    "psql -c SELECT",
    "pg_amcheck all",
    "pgbench all",
    "createdb x",
    "docker restart bot",
    "docker kill --signal HUP bot",
    "docker inspect bot",
    "docker inspect --format {{.Config.Env}} bot",
    "docker inspect --format {{json .}} bot",
    "docker exec -i bot rm x",
    "docker exec -i bot timeout -k 2 5 kill -HUP 1",
    "docker exec -e A=b bot kill 1",
    "docker compose up",
    "kubectl --namespace=a scale --replicas=0 b",
    "kubectl delete pod a",
    "kubectl get secret a",
    "kubectl exec -i a -- timeout -k 2 5 kill 1",
    "kubectl exec a rm b",
    "systemctl stop a",
    "systemctl kill --signal=CONT a",
    "supervisorctl --configuration a restart b",
    "timedatectl set-ntp true",
    "journalctl --vacuum-size=1M",
    "python -m bot halt --level 1",
    "python -c program POST /trading {}",
    "kill -HUP 1",
    "rsync a b",
    "scp a b",
    "unheard-of",
]
GOOD = [
    "curl --get --data-urlencode query=up http://a/",
    "curl --output /dev/null http://a/",
    "curl http://a/bot1:x/getMe",
    "psql --version",
    "docker ps --all",
    "docker inspect --format {{.State.Status}} a",
    "docker exec -i a timeout -k 2 5 env A=b psql",
    "docker logs a",
    "kubectl --namespace=a get pods",
    "kubectl exec -i a -- timeout -k 2 5 cat /proc/loadavg",
    "systemctl show --property=A b",
    "supervisorctl --configuration a status b",
    "journalctl --no-pager --lines=5",
    "python -m bot status",
    "python -c program GET /status",
    "kill -0 1",
]


@pytest.mark.parametrize("line", BAD)
def test_what_changes_something_is_refused(line: str) -> None:
    assert forbidden(call(line))


@pytest.mark.parametrize("line", GOOD)
def test_what_reads_passes(line: str) -> None:
    assert forbidden(call(line)) == ""


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ('url = "http://a/x"\nrequest = "GET"\n', True),
        ('url = "http://a/x"\nrequest = "POST"\ndata = ""\n', False),
        ('url = "http://a/x"\ndata = "x"\n', False),
        ('url = "http://a/bot1:x/getMe"\n', True),
        ('url = "http://a/bot1:x/sendMessage"\n', False),
        ('url = "http://a/x"\nupload-file = "x"\n', False),
        ('url = "http://a/x"\noutput = "x"\n', False),
    ],
)
def test_what_curl_reads_counts_as_well(said: str, *, passes: bool) -> None:
    assert (forbidden(call("curl --config -", said)) == "") is passes


def test_a_session_is_one_that_only_reads() -> None:
    assert forbidden(call("psql -f -", "SELECT 1", f"-c {READ_ONLY}")) == ""
    assert forbidden(call("psql -f -", "SELECT 1", "-c default_transaction_read_only=off"))


def test_the_bot_may_be_asked_what_it_would_do() -> None:
    line = "curl --request POST --data-binary {} http://a/debug/signal"
    assert forbidden(call(line)) == ""
    assert forbidden(call(line.replace("{}", '{"execute":true}')))
