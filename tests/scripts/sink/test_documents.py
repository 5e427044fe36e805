"""Runbook pages: readable, escaped, and only those that are in the directory."""

from pathlib import Path
from typing import Any

import pytest

from scripts.sink.markdown import render


@pytest.fixture(autouse=True)
def pages(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("# outside")
    directory = tmp_path / "runbooks"
    directory.mkdir()
    (directory / "orders.md").write_text("# Orders <b>\n\nSee [it](http://sink.example/).\n")
    (directory / "orders.sh").write_text("# a script")


@pytest.mark.parametrize("name", ["orders", "orders.md"])
async def test_a_page_is_shown(desk: Any, name: str) -> None:
    answer = await desk.get(f"/runbooks/{name}")
    page = await answer.text()
    assert answer.status == 200
    assert '<h1 id="orders-b">Orders &lt;b&gt;</h1>' in page
    assert '<a href="http://sink.example/" rel="noopener noreferrer">it</a>' in page
    assert "<script" not in page


@pytest.mark.parametrize(
    "name", ["none", "..%2Fsecret", "%2e%2e%2fsecret.md", "orders.sh", "x/orders", "%00"]
)
async def test_any_other_name_lists_what_is_there(desk: Any, name: str) -> None:
    answer = await desk.client.get(f"/runbooks/{name}")
    page = await answer.text()
    assert answer.status == 404
    assert "outside" not in page
    assert '<a href="/runbooks/orders">orders</a>' in page


async def test_the_index_lists_the_pages(desk: Any) -> None:
    assert '<a href="/runbooks/orders">orders</a>' in await desk.text("/runbooks/")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a `b <c>` **d** *e*", "<p>a <code>b &lt;c&gt;</code> <strong>d</strong> <em>e</em></p>"),
        ("order_by_status 2 * 3 * 4", "<p>order_by_status 2 * 3 * 4</p>"),
        ("one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>"),
        (
            "```bash\necho <x> `y`\n# no heading\n```\nend",
            "<pre><code>echo &lt;x&gt; `y`\n# no heading</code></pre><p>end</p>",
        ),
        ("```\nunclosed", "<pre><code>unclosed</code></pre>"),
        ("- a\n- b\n  more", "<ul><li>a</li><li>b\nmore</li></ul>"),
        (
            "2. a\n   ```\n   x\n   ```\n3. b",
            '<ol start="2"><li>a<pre><code>x</code></pre></li><li>b</li></ol>',
        ),
        ("- a\n  - b\n- c", "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>"),
        ("> a\n> b", "<blockquote><p>a\nb</p></blockquote>"),
        ("---", "<hr>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](other.md#part)", '<p><a href="other.md#part" rel="noopener noreferrer">x</a></p>'),
        ("[x](//evil.example)", "<p>[x](//evil.example)</p>"),
        ("<b onclick=x>", "<p>&lt;b onclick=x&gt;</p>"),
        (
            "at https://x.example/a.",
            '<p>at <a href="https://x.example/a" rel="noopener noreferrer">https://x.example/a</a>.</p>',
        ),
        (
            "| a | b |\n|---|:-:|\n| `x` | 1 \\| 2 |",
            '<div class="wide"><table><thead><tr><th>a</th><th>b</th></tr></thead>'
            "<tbody><tr><td><code>x</code></td><td>1 | 2</td></tr></tbody></table></div>",
        ),
    ],
)
def test_markdown(text: str, html: str) -> None:
    assert render(text) == html
