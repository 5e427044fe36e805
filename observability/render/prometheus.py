"""prometheus.yml of each environment."""

from typing import Any

from config.spec.model import Environment, Job, Project
from observability.render.document import to_yaml


def render(project: Project) -> dict[str, str]:
    return {
        f"{name}/prometheus.yml": to_yaml(
            f"config/scrape.yaml and config/environments/{name}.yaml", _config(project, name, environment)
        )
        for name, environment in project.environments.items()
    }


def _config(project: Project, name: str, environment: Environment) -> dict[str, Any]:
    scrape = project.scrape
    return {
        "global": {
            "scrape_interval": str(scrape.scrape_interval),
            "scrape_timeout": str(scrape.scrape_timeout),
            "evaluation_interval": str(scrape.evaluation_interval),
        },
        "rule_files": ["../rules/*.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(environment.alertmanagers)}]}]},
        "scrape_configs": [_job(job, name, environment) for job in scrape.jobs.values()],
    }


def _job(job: Job, name: str, environment: Environment) -> dict[str, Any]:
    return {
        "job_name": job.name,
        "metrics_path": job.metrics_path,
        "static_configs": [{"targets": list(environment.targets[job.name]), "labels": {"environment": name}}],
    }
