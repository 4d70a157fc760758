"""How a report looks. Fonts are the reader's own, since the page may load nothing."""

STYLESHEET = """
:root { --ink: #1f2933; --soft: #616e7c; --faint: #e4e8ec; --accent: #0b6e99; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #f7f8f9; line-height: 1.5;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 48px 40px 72px; background: #fff; min-height: 100vh; }
header p { margin: 0; color: var(--soft); }
.kicker { color: var(--accent) !important; font-size: 13px; font-weight: 600; }
h1 { margin: 2px 0 4px; font-size: 32px; line-height: 1.2; letter-spacing: -0.02em; }
h2 { margin: 0 0 16px; font-size: 21px; letter-spacing: -0.01em; }
h3 { margin: 32px 0 8px; font-size: 16px; }
section { margin-top: 40px; padding-top: 32px; border-top: 1px solid var(--faint); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px; margin-top: 28px; }
.card { padding: 14px 16px; border: 1px solid var(--faint); border-radius: 8px; }
.card b { display: block; font-size: 27px; line-height: 1.25; letter-spacing: -0.02em; color: var(--accent);
  font-variant-numeric: tabular-nums; }
.card span, .card em { display: block; font-size: 13px; line-height: 1.35; }
.card em { margin-top: 4px; font-style: normal; color: var(--soft); }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; text-align: right; vertical-align: baseline; white-space: nowrap;
  border-bottom: 1px solid var(--faint); }
th:first-child { padding-left: 0; text-align: left; font-weight: 500; }
thead th { color: var(--soft); font-size: 13px; font-weight: 500; border-bottom: 1px solid #cbd2d9; }
.group th { padding-top: 16px; font-weight: 600; border-bottom: 0; }
th.inner { padding-left: 14px; font-weight: 400; }
td small { display: block; color: var(--soft); font-size: 12px; line-height: 1.3; }
.note, figcaption { margin: 10px 0 0; color: var(--soft); font-size: 13px; max-width: 78ch; }
figure { margin: 20px 0; }
figure img { max-width: 100%; height: auto; display: block; }
figure.gif { display: inline-block; margin-right: 24px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 24px; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
@media print { body { background: #fff; } main { padding: 0; } section { break-inside: avoid-page; } }
"""
