"""A provider for Airflow 2.11 and 3: a connection type, a hook and operators; README.md beside this tells how."""
