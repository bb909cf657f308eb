"""One readstate command as a child process: its environment, its log, its end. Without Airflow."""
