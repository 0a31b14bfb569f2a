"""Files of one's own: any of three forms, under the names that a schema declares."""

import sys

import duckdb
import pytest

from portfolio_project import dataset, events, ingest, provenance, sources

ROWS = (
    "(1, TIMESTAMP '2024-05-01 10:00:00', 'c1', 't1', 12.5::DECIMAL(9,2), false),"
    "(2, TIMESTAMP '2024-05-01 10:05:00', 'c1', 't2', 20, true),"
    "(3, NULL, 'c1', 't2', 20, false),"
    "(4, TIMESTAMP '2024-05-01 10:06:00', 'c2', 't2', -1, false)"
)
NAMES = "(event_id, occurred_at, card_id, terminal_id, amount, fraud)"
SCHEMA = """
[columns]
event_id = "TRANSACTION_ID"
occurred_at = "TX_DATETIME"
card_id = "CUSTOMER_ID"
terminal_id = "TERMINAL_ID"
amount = "CENTS"
fraud = "TX_FRAUD"

[amount]
unit = "minor"
"""


def files(folder):
    """The same rows in each form."""
    database = duckdb.connect()
    database.execute(f"CREATE TABLE rows AS SELECT * FROM (VALUES {ROWS}) AS t{NAMES}")
    for name, form in (("a.parquet", "PARQUET"), ("a.csv", "CSV, HEADER"), ("a.jsonl", "JSON")):
        database.execute(f"COPY rows TO '{folder / name}' (FORMAT {form})")
        yield folder / name
    database.close()


def test_all_three_forms_of_a_file_give_the_same_data_set(tmp_path):
    found = set()
    for source in files(tmp_path):
        folder = tmp_path / f"from-{source.suffix}"
        done = ingest.ingest_file(source, folder)
        assert (done.events, done.labels, done.refused) == (3, 1, 2)
        found.add((folder / ingest.EVENTS_FILE).read_bytes())
        letters = list(provenance.DeadLetters(folder / ingest.LETTERS_FILE))
        assert [letter.reason.split(":")[0] for letter in letters] == [
            "occurred_at",
            "amount_cents",
        ]
    assert len(found) == 1


def test_a_schema_says_what_the_columns_are_called_and_what_amounts_are_in(tmp_path):
    (tmp_path / "schema.toml").write_text(SCHEMA)
    source = tmp_path / "mine.csv"
    source.write_text(
        "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,CENTS,TX_FRAUD,OTHER\n"
        "1,2024-05-01 10:00:00,7,9,1250,1,x\n"
    )
    schema = sources.read_schema(tmp_path / "schema.toml")
    assert ingest.ingest_file(source, tmp_path / "data", schema).labels == 1
    first = next(iter(dataset.read_events(tmp_path / "data" / ingest.EVENTS_FILE)))
    event = events.read_event(*first[1:], first.arrived_at)
    assert isinstance(event, events.Transaction)
    assert (event.card_id, event.amount_cents) == ("7", 1_250)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[columns]\nevent = 'x'", "columns.event"),
        ("[amount]\nunit = 'dozen'", "amount.unit: Input should be 'major' or 'minor'"),
        ("[colums]", "colums: Extra inputs"),
        ("nonsense", "is no TOML"),
        (None, "No such file"),
    ],
)
def test_a_wrong_schema_is_told_in_one_line(tmp_path, text, said):
    path = tmp_path / "schema.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(dataset.DatasetError) as caught:
        sources.read_schema(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"PAR1 and then nonsense", "a.parquet: "), (None, "No such file")],
)
def test_a_parquet_file_that_cannot_be_read_is_told_in_one_line(tmp_path, content, said):
    source = tmp_path / "a.parquet"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(dataset.DatasetError) as caught:
        ingest.ingest_file(source, tmp_path / "data")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_parquet_file_without_a_column_says_which(tmp_path):
    source = tmp_path / "a.parquet"
    duckdb.connect().execute(f"COPY (SELECT 1 AS event_id) TO '{source}' (FORMAT PARQUET)")
    with pytest.raises(dataset.DatasetError, match="column 'occurred_at' is missing"):
        ingest.ingest_file(source, tmp_path / "data")


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(dataset.DatasetError, match="needs the extra `parquet`"):
        ingest.ingest_file(tmp_path / "a.parquet", tmp_path / "data")
