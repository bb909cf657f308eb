"""An Airflow of its own: database, API server, DAG processor, and scheduler with LocalExecutor."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from readstate.simulator.server.server import RunningSimulator
from tests.helpers.repository import ROOT

AIRFLOW = str(Path(sys.executable).parent / "airflow")
FINISHED = {"success", "failed"}


@dataclass(frozen=True)
class Try:
    task_id: str
    map_index: int
    state: str | None
    try_number: int
    pid: int | None


@dataclass
class AirflowSite:
    """An installation below *home* that reads DAGs from *dags*."""

    home: Path
    dags: Path
    variables: dict[str, Any]
    twilio: RunningSimulator
    store: Mapping[str, str] = field(default_factory=dict)
    """The environment variables of an object store."""
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home.mkdir(parents=True, exist_ok=True)
        self.airflow("db", "migrate")

    @property
    def environment(self) -> dict[str, str]:
        account = self.twilio.credentials
        connection = {
            "conn_type": "twilio_conversations",
            "login": account.account_sid,
            "password": account.auth_token,
            "extra": {"base_url": self.twilio.base_url},
        }
        settings = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self.port}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}?timeout=60",
            "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW_CONN_TWILIO_CONVERSATIONS_DEFAULT": json.dumps(connection),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
        }
        variables = {f"AIRFLOW_VAR_{name.upper()}": value for name, value in self.variables.items()}
        return {**os.environ, **self.store, **settings, **variables}

    @property
    def database(self) -> Path:
        return self.home / "airflow.db"

    def airflow(self, *words: str) -> str:
        """Run one command to its end; return what it printed."""
        done = subprocess.run(
            [AIRFLOW, *words], env=self.environment, cwd=self.home, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
        return done.stdout

    def start(self) -> None:
        """Start the servers that run tasks."""
        for name in ("api-server", "dag-processor", "scheduler"):
            with (self.home / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(
                    [AIRFLOW, name], env=self.environment, cwd=self.home, stdout=log, stderr=log, start_new_session=True
                )
            self.processes.append(process)

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def trigger(self, dag_id: str, **conf: Any) -> None:
        """Start a run of the DAG, with *conf* as its parameters."""
        if self.wait_for_dag(dag_id):
            self.airflow("dags", "unpause", dag_id)
        self.airflow("dags", "trigger", dag_id, "--conf", json.dumps(conf))

    def approve(self, dag_id: str, task_id: str) -> None:
        """Choose *Approve*, as Airflow's page does, once the scheduler has recorded that the task waits."""
        key = f"TaskInstanceKey(dag_id='{dag_id}', task_id='{task_id}'"
        recorded = f"executor event with state success for task instance {key}"
        self.wait_until(lambda: recorded in (self.home / "scheduler.log").read_text(errors="replace"))
        self._call("PATCH", f"dags/{dag_id}/dagRuns/{self.run_id(dag_id)}/taskInstances/{task_id}/-1/hitlDetails",
                   {"chosen_options": ["Approve"], "params_input": {}})  # fmt: skip

    def run_id(self, dag_id: str) -> str:
        return str(self._query("select run_id from dag_run where dag_id = ?", dag_id)[0][0])

    def xcom(self, dag_id: str, task_id: str) -> Any:
        query = "select value from xcom where dag_id = ? and task_id = ? and key = 'return_value'"
        found = self._query(query, dag_id, task_id)
        value = json.loads(found[0][0]) if found else None
        return json.loads(value) if isinstance(value, str) else value

    def asset_events(self) -> int:
        return int(self._query("select count(*) from asset_event")[0][0])

    def _call(self, method: str, path: str, body: dict[str, Any]) -> Any:
        origin = f"http://127.0.0.1:{self.port}"
        with urlopen(f"{origin}/auth/token") as answer:
            token = json.load(answer)["access_token"]
        request = Request(
            f"{origin}/api/v2/{quote(path)}",
            method=method,
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urlopen(request) as answer:
            return json.load(answer)

    def wait_for_dag(self, dag_id: str) -> bool:
        """Wait until Airflow has read the DAG; return whether it is paused."""
        rows = self.wait_until(lambda: self._query("select is_paused from dag where dag_id = ?", dag_id))
        return bool(rows[0][0])

    def tries(self, dag_id: str) -> list[Try]:
        rows = self._query(
            "select task_id, map_index, state, try_number, pid from task_instance where dag_id = ?", dag_id
        )
        return [Try(*row) for row in rows]

    def state(self, dag_id: str) -> str:
        rows = self._query("select state from dag_run where dag_id = ?", dag_id)
        return str(rows[0][0]) if rows else "none"

    def wait_until(self, reached: Callable[[], Any], *, seconds: float = 600) -> Any:
        """Poll until *reached* is true; fail with Airflow's logs after *seconds*."""
        until = time.monotonic() + seconds
        while not (found := reached()):
            assert time.monotonic() < until, self._logs()
            time.sleep(0.1)
        return found

    def _query(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=60)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def _logs(self) -> str:
        logs = [*self.home.glob("*.log"), *sorted(self.home.glob("logs/**/attempt=*.log"))[-3:]]
        return "\n".join(f"== {log}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)
