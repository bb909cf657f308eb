"""What the source of the Airflow operators says about their arguments; read without Airflow."""

import ast
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.repository import ROOT

ROOM = ROOT / "jobs" / "readstate_jobs" / "airflow"
BASE = "ReadstateOperator"
_SPELT_OUT = {"TwilioConversationsHook.default_conn_name": "'twilio_conversations_default'"}


@dataclass(frozen=True)
class Argument:
    default: str
    is_templated: bool


@dataclass(frozen=True)
class Operator:
    arguments: dict[str, Argument]
    """Those of the class and of its bases; of `BASE`, only what has another default here."""
    xcom: str
    links: tuple[str, ...]
    command: str
    """The command that it runs; empty where the DAG says it."""
    flags: frozenset[str]
    """The options that it may give to the command."""


def exported_operators() -> dict[str, Operator]:
    """Return every operator that DAGs import, by its name."""
    classes: dict[str, ast.ClassDef] = {}
    for file in ROOM.glob("*_operator*.py"):
        classes |= {node.name: node for node in _parse(file).body if isinstance(node, ast.ClassDef)}
    exported = next(node for node in _parse(ROOM / "operators.py").body if isinstance(node, ast.Assign))
    return {name: _operator(name, classes) for name in ast.literal_eval(exported.value)}


def _operator(name: str, classes: dict[str, ast.ClassDef]) -> Operator:
    lineage = [classes[name]]
    while (base := ast.unparse(lineage[-1].bases[0])) in classes:
        lineage.append(classes[base])
    defaults: dict[str, str] = {}
    for node in reversed(lineage):
        if node.name != BASE or name == BASE:
            defaults |= _defaults(node)
    templated = {field for node in lineage for field in _template_fields(node)}
    return Operator(
        {argument: Argument(default, argument in templated) for argument, default in defaults.items()},
        next(found for node in lineage if (found := _xcom(node))),
        next((links for node in lineage if (links := _links(node))), ()),
        *_command_line(lineage),
    )


def _command_line(lineage: list[ast.ClassDef]) -> tuple[str, frozenset[str]]:
    methods = [_method(node, name) for node in lineage for name in ("arguments", "_planning_options")]
    nodes = [node for method in filter(None, methods) for node in ast.walk(method)]
    firsts = [node.elts[0] for node in nodes if isinstance(node, ast.List) and node.elts]
    words = {node.value for node in nodes if _is_text(node)}
    commands = {first.value for first in firsts if _is_text(first) and not first.value.startswith("-")}
    return "".join(commands), frozenset(word for word in words if word.startswith("--"))


def _defaults(node: ast.ClassDef) -> dict[str, str]:
    made = _method(node, "__init__")
    if made is None:
        return {}
    pairs = zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True)
    shown = {one.arg: "required" if default is None else ast.unparse(default) for one, default in pairs}
    return {argument: _SPELT_OUT.get(default, default) for argument, default in shown.items()}


def _template_fields(node: ast.ClassDef) -> list[str]:
    value = _assigned(node, "template_fields")
    return [] if value is None else [one.value for one in ast.walk(value) if _is_text(one)]


def _links(node: ast.ClassDef) -> tuple[str, ...]:
    value = _assigned(node, "operator_extra_links")
    called = [] if value is None else [one.func for one in ast.walk(value) if isinstance(one, ast.Call)]
    return tuple(ast.unparse(one).removesuffix("Link") for one in called)


def _xcom(node: ast.ClassDef) -> str:
    method = _method(node, "to_xcom")
    return "" if method is None else (ast.get_docstring(method) or "").removeprefix("Return ")


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == name), None)


def _assigned(node: ast.ClassDef, name: str) -> ast.expr | None:
    for one in node.body:
        targets = [one.target] if isinstance(one, ast.AnnAssign) else one.targets if isinstance(one, ast.Assign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return one.value
    return None


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))
