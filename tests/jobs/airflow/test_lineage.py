from readstate_jobs.airflow.lineage import asset_uri, dataset_name


def test_a_folder_is_named_as_an_asset_and_as_a_dataset() -> None:
    assert asset_uri("/data/our chats/") == "file:///data/our%20chats/user_conversations"
    assert dataset_name("/data/our chats/") == ("file", "/data/our chats/user_conversations")


def test_a_bucket_is_named_as_an_asset_and_as_a_dataset() -> None:
    assert asset_uri("s3://bucket/nightly") == "s3://bucket/nightly/user_conversations"
    assert dataset_name("s3://bucket/nightly") == ("s3://bucket", "nightly/user_conversations")


def test_a_bucket_with_a_key_that_a_url_escapes_keeps_its_name_as_a_dataset() -> None:
    assert asset_uri("gcs://bucket/team#1/50%") == "gs://bucket/team%231/50%25/user_conversations"
    assert dataset_name("gcs://bucket/team#1/50%") == ("gs://bucket", "team#1/50%/user_conversations")
