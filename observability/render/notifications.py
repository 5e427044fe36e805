"""notifications.tmpl of each environment: the texts that people get, with the links of that environment."""

from importlib.resources import files

from config.spec.model import Project
from observability.render.document import header


def render(project: Project) -> dict[str, str]:
    texts = files("observability").joinpath("templates", "notifications.tmpl").read_text("utf-8")
    rendered = {}
    for name, environment in project.environments.items():
        made_from = header(f"observability/templates/notifications.tmpl and config/environments/{name}.yaml")
        defined = {
            "product": project.bundle.title,
            "runbooks": environment.links.runbooks,
            "dashboards": environment.links.dashboards,
        }
        definitions = "\n".join(
            f'{{{{ define "tradewatch.{key}" }}}}{value}{{{{ end }}}}' for key, value in defined.items()
        )
        comment = f"{{{{/* {made_from.removeprefix('# ').strip()} */}}}}"
        rendered[f"{name}/notifications.tmpl"] = f"{comment}\n{definitions}\n{texts}"
    return rendered
