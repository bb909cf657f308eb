"""The DAGs `readstate_nightly` and `readstate_bulk` of readstate's Airflow provider."""

from readstate_jobs.airflow.dags import bulk, nightly

nightly()  # on_failure=SmtpNotifier(to="data@example.com") for a mail about a night that failed
bulk()
