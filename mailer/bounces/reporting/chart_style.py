"""The style sheet of charts: colours that hold on paper and at night, and for those who see few of them."""

#: Rust, blue, ochre, plum: apart in lightness as well as in hue. A page may set the five variables itself.
CHART_CSS = """\
.chart { --c0: #a33a00; --c1: #0a68a8; --c2: #7d6200; --c3: #9c3b76; --rule: #d8d5cb; margin: 2rem 0; }
@media (prefers-color-scheme: dark) {
  .chart { --c0: #ff9d6e; --c1: #74c4f7; --c2: #efd265; --c3: #f2a6d2; --rule: #39423f; }
}
.chart figcaption { font-weight: 600; margin-bottom: .25rem; }
.chart svg { display: block; overflow: visible; }
.chart svg text { fill: currentColor; font-size: 14px; }
.chart svg .axis { font-size: 12px; opacity: .78; }
.chart .c0 { --c: var(--c0); } .chart .c1 { --c: var(--c1); }
.chart .c2 { --c: var(--c2); } .chart .c3 { --c: var(--c3); }
.chart pattern > *, .chart .solid { fill: var(--c); }
.chart pattern > .thin { opacity: .3; }
.chart g > rect[fill], .chart .legend rect { stroke: var(--c); stroke-width: 1px; }
.chart .grid { stroke: var(--rule); stroke-width: 1px; shape-rendering: crispEdges; }
.chart .rail { fill: var(--rule); opacity: .55; }
.chart .touch { fill: transparent; }
.chart g:hover > .touch { fill: currentColor; opacity: .07; }
.chart .legend { display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; list-style: none; margin: 0 0 .6rem;
  padding: 0; font-size: .875rem; }
.chart .legend li { display: flex; align-items: center; gap: .4rem; }
.chart details { font-size: .875rem; margin-top: .5rem; }
.chart summary { cursor: pointer; padding: .35rem 0; opacity: .85; }
.chart .wide { overflow-x: auto; }
.chart table { border-collapse: collapse; min-width: 100%; font-variant-numeric: tabular-nums; }
.chart th, .chart td { border-bottom: 1px solid var(--rule); padding: .3rem .6rem .3rem 0; text-align: right; }
.chart th:first-child { text-align: left; font-weight: 400; }
.chart thead th:nth-child(n) { font-weight: 600; vertical-align: bottom; }
@media (max-width: 36rem) { .chart .many { display: none; } }
@media (forced-colors: active) {
  .chart { --c0: CanvasText; --c1: CanvasText; --c2: CanvasText; --c3: CanvasText; --rule: GrayText; }
}
@media print { .chart { break-inside: avoid; } }
"""
