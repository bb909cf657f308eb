"""The Airflow provider: a connection type, a hook, operators and DAGs; see README.md."""
