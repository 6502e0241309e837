/** The page's stylesheet: light and dark, no fonts or pictures from elsewhere, printable. */
export const css = `
:root { color-scheme: light dark; --paper: #fbfaf6; --card: #fff; --ink: #1c211d; --soft: #5d665f; --line: #e2e1d8;
  --accent: #24764a; --warn: #9a4a00; --warn-paper: #fff3e2; --s0: #24764a; --s1: #2463b8; --s2: #c2570c; --s3: #767d78; }
@media (prefers-color-scheme: dark) { :root { --paper: #121513; --card: #1a1f1c; --ink: #e7ebe7; --soft: #a0aaa3;
  --line: #2d342f; --accent: #67d198; --warn: #ffc27a; --warn-paper: #34270f; --s0: #67d198; --s1: #7db4ff;
  --s2: #ff9d57; --s3: #939b95; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1280px; margin: 0 auto; padding: 40px 28px 80px; }
h1 { font-size: 2.1rem; line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 8px; text-wrap: balance; }
h2 { font-size: 1.25rem; letter-spacing: -0.01em; margin: 56px 0 6px; }
p { margin: 6px 0 14px; max-width: 72ch; }
.lede, .soft { color: var(--soft); }
.lede { font-size: 1.05rem; }
.eyebrow { color: var(--accent); font-weight: 650; font-size: 0.85rem; letter-spacing: 0.04em; margin: 0 0 10px; }
.state { border: 1px solid currentColor; border-radius: 99px; padding: 1px 10px; margin-left: 8px; font-size: 0.78rem; }
.notice { background: var(--warn-paper); color: var(--warn); border-radius: 10px; padding: 10px 16px; max-width: none; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 14px; margin: 28px 0 0; padding: 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px; margin: 0; }
.card dt { color: var(--soft); font-size: 0.85rem; }
.card dd { margin: 0; }
.card .value { font-size: 1.75rem; font-weight: 680; letter-spacing: -0.02em; line-height: 1.3; white-space: nowrap; font-variant-numeric: tabular-nums; }
.card .note { color: var(--soft); font-size: 0.82rem; line-height: 1.4; }
.card.main .value { color: var(--accent); }
.scroll { overflow-x: auto; margin: 14px 0 0; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 12px; text-align: right; white-space: nowrap; border-top: 1px solid var(--line); }
thead th { border-top: 0; white-space: normal; color: var(--soft); font-weight: 550; font-size: 0.82rem; vertical-align: bottom; }
th:first-child, .words th, .words td { text-align: left; }
tbody th { font-weight: 550; }
tr.baseline { color: var(--soft); font-style: italic; }
.best { color: var(--accent); font-weight: 680; }
.samples { table-layout: fixed; }
.samples th, .samples td { text-align: center; padding: 10px 5px; vertical-align: top; white-space: normal; font-weight: 400; }
.samples img { display: block; margin: 0 auto 5px; max-width: 100%; max-height: 170px; width: auto; height: auto; border-radius: 6px; }
.samples small { display: block; color: var(--soft); font-size: 0.76rem; overflow-wrap: anywhere; line-height: 1.35; }
.samples .tag { margin: 0 4px; }
.missing { display: grid; place-items: center; min-height: 84px; border-radius: 6px; border: 1px dashed var(--line);
  color: var(--soft); font-size: 0.78rem; }
details { margin-top: 14px; }
.tag { display: inline-flex; align-items: center; gap: 6px; color: var(--ink); font-weight: 600; font-size: 0.85rem; margin-right: 10px; }
.tag i { width: 12px; height: 12px; border-radius: 3px; flex: none; }
.tag .hatched { background-image: repeating-linear-gradient(135deg, #0007 0 2px, #0000 2px 4px); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; margin-top: 14px; }
.charts.small { grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); }
.chart { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px 8px; margin: 0; max-width: 640px; }
.chart figcaption { font-weight: 600; display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 16px; }
.chart svg { display: block; width: 100%; height: auto; margin-top: 6px; }
.axis line { stroke: var(--line); }
.axis text { fill: var(--soft); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.s0 { --color: var(--s0); } .s1 { --color: var(--s1); } .s2 { --color: var(--s2); } .s3 { --color: var(--s3); }
.series path { fill: none; stroke: var(--color); stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round; }
.series circle { fill: var(--color); stroke: var(--card); stroke-width: 1.5; }
.series.faint path { opacity: 0.3; stroke-width: 1; }
.series.dashed path { stroke-dasharray: 5 5; stroke-width: 1.6; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; font-weight: 400; font-size: 0.82rem; color: var(--soft); }
.key { display: inline-flex; align-items: center; gap: 6px; }
.key i { width: 18px; border-top: 3px solid var(--color); border-radius: 2px; }
.key.dashed i { border-top-style: dashed; border-top-width: 2px; }
.bars td.bar { width: 60%; padding-right: 18px; }
.track { position: relative; height: 14px; background: var(--line); border-radius: 4px; }
.track b { position: absolute; inset: 0 auto 0 0; border-radius: 4px; }
.track u { position: absolute; top: -4px; bottom: -4px; width: 2px; background: var(--ink); }
.reel, .near { display: grid; gap: 16px; margin-top: 14px; }
.reel { grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); }
.near { grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); }
.reel figure, .near figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 10px; }
.window { overflow: hidden; border-radius: 8px; }
.window img { display: block; height: auto; max-width: none; animation: reel var(--seconds) steps(var(--frames)) infinite; }
@keyframes reel { to { transform: translateX(-100%); } }
.reel figcaption, .near figcaption { display: flex; gap: 4px 12px; align-items: baseline; flex-wrap: wrap; margin-top: 8px; font-size: 0.88rem; }
.reel small, .near small { color: var(--soft); font-size: 0.76rem; overflow-wrap: anywhere; }
.titles { height: 1.5em; line-height: 1.5em; overflow: hidden; }
.titles span, .titles b { display: block; }
.titles span { animation: titles var(--seconds) steps(var(--frames)) infinite; }
@keyframes titles { to { transform: translateY(-100%); } }
.films:has(.stop :checked) :is(.window img, .titles span) { animation-play-state: paused; }
.stop { margin-left: 12px; color: var(--ink); white-space: nowrap; }
@media (prefers-reduced-motion: reduce) { .window img { animation: none; transform: translateX(var(--still)); }
  .titles span { animation: none; transform: translateY(var(--still)); } .stop { display: none; } }
.near .pair { display: flex; gap: 8px; }
.near .pair > span { flex: 1; min-width: 0; }
.near .pair img { display: block; width: 100%; height: auto; border-radius: 6px; margin-bottom: 3px; }
.time { position: relative; height: 62px; margin-top: 14px; }
.time b { position: absolute; top: 0; height: 36px; background: var(--color); color: var(--card); font: 550 0.76rem/36px system-ui, sans-serif;
  padding: 0 5px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; border-right: 1px solid var(--paper); }
.time b:first-child { border-radius: 8px 0 0 8px; }
.time i { position: absolute; top: 42px; width: 3px; height: 14px; background: var(--soft); border-radius: 2px; }
.time i.bad { background: var(--warn); width: 5px; }
.log { list-style: none; padding: 0; font-size: 0.88rem; }
.log span { color: var(--soft); font-variant-numeric: tabular-nums; margin-right: 8px; }
.log .bad { color: var(--warn); font-weight: 600; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 18px; overflow-x: auto;
  font: 0.86rem/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; margin: 12px 0; }
code { font: 0.9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--accent); font-weight: 550; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 22px; margin: 14px 0; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; overflow-wrap: anywhere; }
footer { margin-top: 56px; color: var(--soft); font-size: 0.85rem; }
@media print { .scroll { overflow: visible; } main { padding: 0; } tr, .chart { break-inside: avoid; } }
`;
