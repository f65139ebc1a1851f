"""A comment as GitHub would show it: `python -m tests.report.render COMMENT.md OUT.html [options]`.

GitHub-flavoured Markdown, then an allow-list of tags like GitHub's own. Nothing is downloaded: the style
sheet (github-markdown-css) and mermaid.min.js are local files that the caller names.
"""

import argparse
import html
from pathlib import Path

import cmarkgfm
import nh3
from cmarkgfm.cmark import Options

ALLOWED_TAGS = frozenset(
    {"a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h1", "h2", "h3"}
    | {"h4", "h5", "h6", "hr", "i", "img", "input", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp"}
    | {"strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul"}
)
_ATTRIBUTES = {
    "a": {"href"},
    "code": {"class"},
    "img": {"src", "alt"},
    "input": {"type", "checked", "disabled"},
    "details": {"open"},
    "td": {"align"},
    "th": {"align"},
    "pre": {"lang"},
}
_PAGE = """<!doctype html>
<html data-color-mode="{theme}"><head><meta charset="utf-8"><style>{css}
body {{ background: {background}; margin: 0; padding: 24px; }}
.markdown-body {{ max-width: 850px; padding: 16px; border: 1px solid #8884; font-size: 14px; }}
</style></head><body><article class="markdown-body">{body}</article>
<script>{mermaid}</script>
<script>
for (const block of document.querySelectorAll('pre[lang=mermaid]')) {{
  block.className = 'mermaid'; block.textContent = block.innerText;
}}
if (window.mermaid) mermaid.initialize({{startOnLoad: true, theme: '{mermaid_theme}'}});
</script></body></html>
"""


def to_html(markdown: str) -> str:
    """What the renderer makes of a comment before tags are removed; a newline is a break in comments."""
    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_HARDBREAKS | Options.CMARK_OPT_GITHUB_PRE_LANG
    rendered: str = cmarkgfm.github_flavored_markdown_to_html(markdown, options)
    return rendered


def sanitised(markdown: str) -> str:
    """As GitHub shows it: only allowed tags and attributes are left."""
    return nh3.clean(to_html(markdown), tags=set(ALLOWED_TAGS), attributes=_ATTRIBUTES, link_rel=None)


def page(markdown: str, *, css: str = "", mermaid: str = "", dark: bool = False, unfold: bool = False) -> str:
    """A page that needs nothing else."""
    body = sanitised(markdown)
    return _PAGE.format(
        body=body.replace("<details>", "<details open>") if unfold else body,
        css=css,
        mermaid=mermaid,
        theme="dark" if dark else "light",
        background="#0d1117" if dark else "#ffffff",
        mermaid_theme="dark" if dark else "default",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=html.escape(__doc__ or ""))
    parser.add_argument("comment", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--css", type=Path)
    parser.add_argument("--mermaid", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--unfold", action="store_true")
    given = parser.parse_args()
    css, mermaid = (path.read_text("utf-8") if path else "" for path in (given.css, given.mermaid))
    shown = page(
        given.comment.read_text("utf-8"), css=css, mermaid=mermaid, dark=given.dark, unfold=given.unfold
    )
    given.out.write_text(shown, "utf-8")


if __name__ == "__main__":
    main()
