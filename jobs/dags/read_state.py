"""The DAGs `readstate_nightly` and `readstate_bulk` of readstate's Airflow provider."""

from readstate_jobs.airflow.dags import bulk, nightly

nightly()
bulk()
