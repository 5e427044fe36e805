"""Tables as Grafana shows them: rows by labels, columns named, ordered, coloured and linked."""

import re
from typing import Any

import pytest

from scripts.sink.columns import draw_table, read_columns, rows
from scripts.sink.markup import Markup

FIRING: dict[str, Any] = {
    "transformations": [
        {
            "id": "organize",
            "options": {"indexByName": {"severity": 0, "Value": 2}, "renameByName": {"Value": "lasts"}},
        }
    ],
    "options": {"sortBy": [{"displayName": "severity"}, {"displayName": "lasts"}]},
    "fieldConfig": {
        "overrides": [
            {
                "matcher": {"id": "byName", "options": "severity"},
                "properties": [
                    {
                        "id": "mappings",
                        "value": [{"type": "value", "options": {"critical": {"color": "red"}}}],
                    },
                    {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                ],
            },
            {
                "matcher": {"id": "byName", "options": "page"},
                "properties": [{"id": "links", "value": [{"url": "http://a.example/${__data.fields.page}"}]}],
            },
        ]
    },
}


def number(value: float) -> Markup:
    return Markup(f"{value:g}")


def cells(markup: str) -> list[list[str]]:
    return [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in markup.split("<tr>")[1:]]


def test_a_table_is_named_ordered_and_sorted_as_the_json_says() -> None:
    found = rows(
        [
            ("A", {"severity": "info", "name": "a", "__name__": "x"}, 1.0),
            ("A", {"severity": "critical", "name": "b"}, 9.0),
            ("A", {"severity": "critical", "name": "c"}, 2.0),
        ],
        is_alone=True,
    )
    assert cells(draw_table(read_columns(FIRING), found, number)) == [
        ["severity", "lasts", "name"],
        ['<b class="tone-red">critical</b>', "2", "c"],
        ['<b class="tone-red">critical</b>', "9", "b"],
        ["info", "1", "a"],
    ]


def test_a_column_leads_to_what_its_row_names_and_nowhere_without_a_name() -> None:
    found = rows([("A", {"page": 'a b"'}, 1.0), ("A", {"other": "x"}, 1.0)], is_alone=True)
    markup = draw_table(read_columns(FIRING), found, number)
    assert re.findall(r'href="([^"]*)"', markup) == ["http://a.example/a%20b%22"]
    assert ">a b&quot;</a>" in markup


def test_values_of_several_queries_stand_in_one_row() -> None:
    labels = {"symbol": "BTC"}
    found = rows([("A", labels, 1.0), ("B", labels, 2.0), ("B", {"symbol": "ETH"}, 3.0)], is_alone=False)
    assert found == [{"symbol": "BTC", "Value #A": 1.0, "Value #B": 2.0}, {"symbol": "ETH", "Value #B": 3.0}]
    assert cells(draw_table(read_columns({}), found, number))[2] == ["ETH", "", "3"]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"transformations": 1, "fieldConfig": [], "options": {"sortBy": {}}},
        {"transformations": [{"id": "organize", "options": {"indexByName": {"a": "x"}, "renameByName": 1}}]},
        {"fieldConfig": {"overrides": [{"properties": [{"id": "links", "value": 3}, 5], "matcher": 1}]}},
    ],
)
def test_strange_settings_leave_a_plain_table(data: dict[str, Any]) -> None:
    assert cells(draw_table(read_columns(data), [{"a": "<b>", "Value": 1.0}], number)) == [
        ["a", "Value"],
        ["&lt;b&gt;", "1"],
    ]
