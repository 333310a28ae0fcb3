"""Style sheet of the report."""

__all__ = ["STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #22252a; --quiet: #666b73; --line: #e4e1da; --accent: #7a4a1d;
  --chosen: #f5efe6;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --card: #1e2125; --ink: #e9e6df; --quiet: #a2a6ad; --line: #373b41; --accent: #e0a873;
    --chosen: #2b2822;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 var(--sans); }
main { max-width: 1160px; margin: 0 auto; padding: 48px 24px 72px; }
h1, h2, h3 { line-height: 1.2; margin: 0; text-wrap: balance; overflow-wrap: anywhere; }
h1 { font-size: clamp(1.8rem, 1.3rem + 2.2vw, 2.6rem); letter-spacing: -0.01em; }
h2 { font-size: 1.4rem; margin-top: 56px; }
h3 { font-size: 1.02rem; margin: 28px 0 0; }
p { max-width: 75ch; margin: 10px 0; }
.kicker { color: var(--accent); font-size: .8rem; font-weight: 600; letter-spacing: .08em; text-transform: uppercase; }
.quiet { color: var(--quiet); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 20px 0 0; }
summary { cursor: pointer; margin-top: 24px; font-weight: 600; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.findings { margin: 20px 0 0; padding: 0; list-style: none; max-width: 85ch; }
.findings li { padding: 8px 0 8px 16px; border-left: 3px solid var(--accent); margin-bottom: 8px;
  overflow-wrap: anywhere; }
pre { margin: 12px 0 0; padding: 12px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  font: .82rem/1.55 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-family: var(--mono); font-size: .88em; overflow-wrap: anywhere; }
.wide { overflow-x: auto; width: fit-content; max-width: 100%; margin: 16px 0 0; border: 1px solid var(--line);
  border-radius: 10px; background: var(--card); }
.wide:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .86rem; line-height: 1.4;
  font-variant-numeric: tabular-nums lining-nums; }
th, td { padding: 7px 12px; text-align: right; vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
th { color: var(--quiet); font-weight: 600; vertical-align: bottom; white-space: normal; }
td:first-child, th:first-child, .words { text-align: left; }
td.words { white-space: normal; overflow-wrap: break-word; }
td.long { min-width: 20rem; }
.chosen td { background: var(--chosen); }
.plots { display: grid; grid-template-columns: minmax(0, 1fr); gap: 20px; margin-top: 16px; }
@media (min-width: 1000px) { .plots.two { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
figure { margin: 0; padding: 16px 14px 12px; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; min-width: 0; align-self: start; }
figure h3 { margin: 0 0 4px; padding: 0 4px; }
figcaption { color: var(--quiet); font-size: .86rem; padding: 4px 4px 0; }
.plot { min-height: 120px; }
footer { margin-top: 64px; padding-top: 16px; border-top: 1px solid var(--line); color: var(--quiet);
  font-size: .86rem; }
@media (max-width: 640px) {
  main { padding: 28px 14px 48px; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin-bottom: 8px; }
  figure { padding: 12px 6px 10px; }
}
@media print { body { background: #fff; } .wide { overflow: visible; } figure { break-inside: avoid; } }
"""
