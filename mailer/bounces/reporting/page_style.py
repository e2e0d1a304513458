"""The style sheet of the page that stands alone: the site's own calm colours, in light and dark."""

PAGE_CSS = """\
:root { color-scheme: light dark; --paper: #fbfaf6; --field: #fff; --ink: #1c2321; --soft: #56605c;
  --line: #e0ddd3; --accent: #0b5d54; --error: #a4270f; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #131716; --field: #1b211f; --ink: #ebe8e0; --soft: #a9b3ae; --line: #303836;
    --accent: #7fd4c5; --error: #ffa08c; }
}
*, *::before, *::after { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: break-word;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .8rem; }
h3 { font-size: 1rem; margin: 0 0 .2rem; }
p { margin: 0 0 .5rem; max-width: 46rem; }
.site, .span, footer { color: var(--soft); font-size: .9rem; }
.site { margin: 0; } .span { margin-top: .3rem; }
.verdict { background: var(--field); border: 1px solid var(--line); border-left: .35rem solid var(--error);
  border-radius: .4rem; padding: .1rem 1.1rem .7rem; margin-top: 1.4rem; }
.verdict h2 { margin: .8rem 0; color: var(--error); }
.verdict.calm { border-left-color: var(--accent); } .verdict.calm h2 { color: var(--accent); font-size: 1.05rem; }
.verdict ol { margin: 0; padding-left: 1.3rem; } .verdict li { margin-bottom: 1.1rem; }
.verdict li::marker { font-weight: 700; color: var(--error); }
.remedy strong { color: var(--accent); }
.waits { border-top: 1px solid var(--line); padding-top: .6rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.2rem, 1fr)); gap: .6rem; margin: 0; }
.cards div { background: var(--field); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; }
.cards dt { color: var(--soft); font-size: .85rem; } .cards dd { margin: 0; }
.cards b { display: block; font-size: 1.45rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.cards span { color: var(--soft); font-size: .85rem; }
footer { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: .8rem; }
code { font: .9em ui-monospace, "Liberation Mono", monospace; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media print { body { background: none; } main { max-width: none; padding: 0; } }
"""
