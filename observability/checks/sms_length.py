"""The SMS of an alert fits into one: 160 characters of the alphabet that every phone has.

Why: a longer SMS is cut or sent in parts, and a letter outside that alphabet leaves room for 70 only.
Fix: shorten the summary, the alert's name or the runbook's id, or write the letter differently.
"""

from collections.abc import Iterator

from config.spec.model import Alert, Project
from observability.checks.finding import Finding
from observability.names import gravest
from observability.texts import absent_texts, widest

LONGEST = 160
# GSM 03.38, the basic table; letters of its extension table count twice and are left out.
ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def check(project: Project) -> Iterator[Finding]:
    for alert in project.alerts.values():
        if foreign := sorted(set(alert.summary) - ALPHABET - {"{", "}"}):
            yield Finding(
                alert.where("summary"), f"no SMS has the letter {foreign[0]!r}; write it differently"
            )
        for severity in alert.levels:
            if _is_told_by_sms(project, severity) and alert.measure in project.measures:
                yield from _length(project, alert, severity)


def _is_told_by_sms(project: Project, severity: str) -> bool:
    route, receivers = project.routing.severities.get(severity), project.routing.receivers
    return route is not None and any(receivers[n].kind == "sns" for n in route.receivers if n in receivers)


def _length(project: Project, alert: Alert, severity: str) -> Iterator[Finding]:
    # As the template tradewatch.sms writes it, with the widest number and the longest status and addition.
    measure = project.measures[alert.measure]
    texts = [widest(alert.summary, measure, alert.levels[severity])]
    if alert.absent_for is not None and severity == gravest(project, alert):
        texts.append(absent_texts(measure, alert.absent_for)["summary"])
    summary = max(texts, key=len)
    longest = f"[RESOLVED] {severity} {alert.name} was: {summary}. Runbook {alert.runbook}"
    if len(longest) > LONGEST:
        yield Finding(
            alert.where("summary"), f"its SMS may have {len(longest)} characters; {LONGEST} is the most"
        )
