/** How the page of `candor torture --html` looks. */
export const pageStyle = `
:root {
  --ink: #1b1f24; --soft: #59636e; --paper: #fff; --raised: #f5f7f9; --line: #dde2e7;
  --right: #1a7f46; --acceptable: #2467b4; --misleading: #96600a; --dangerous: #c0261c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6eaee; --soft: #9aa5b1; --paper: #13161a; --raised: #1c2126; --line: #333a42;
    --right: #6fcf97; --acceptable: #8ab8f0; --misleading: #e8b35a; --dangerous: #ff8a80;
  }
}
* { box-sizing: border-box; }
body {
  font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem;
}
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 2rem; margin-bottom: 1.5rem; }
header p, h1 { margin: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
header div p, small, .totals li, footer { color: var(--soft); }
.points { color: var(--soft); white-space: nowrap; }
.points b { font-size: 4rem; line-height: 1; letter-spacing: -.03em; color: var(--ink); }
ul { list-style: none; padding: 0; margin: 0; }
section ul { list-style: disc; padding-left: 1.25rem; }
.bar { display: flex; gap: 2px; height: .75rem; border-radius: .4rem; overflow: hidden; }
.bar li { min-width: 3px; }
.bar .right { background: var(--right); }
.bar .acceptable { background: var(--acceptable); }
.bar .misleading { background: var(--misleading); }
.bar .dangerous { background: var(--dangerous); }
.legend { display: flex; flex-wrap: wrap; gap: 0 1.75rem; margin: .5rem 0 1.5rem; }
.legend .right b, footer .right, tr.right .verdict { color: var(--right); }
.legend .acceptable b, footer .acceptable, tr.acceptable .verdict { color: var(--acceptable); }
.legend .misleading b, footer .misleading, tr.misleading .verdict { color: var(--misleading); }
.legend .dangerous b, footer .dangerous, tr.dangerous .verdict { color: var(--dangerous); }
.totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; }
.totals li { background: var(--raised); border-radius: .5rem; padding: .75rem 1rem; line-height: 1.35; }
.totals b { font-size: 1.6rem; color: var(--ink); }
.choice { margin: 1.5rem 0 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; min-width: 58rem; }
th, td { text-align: left; vertical-align: top; padding: .55rem 1.25rem .55rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; font-size: .85rem; padding-block: .3rem; }
th:nth-child(1) { width: 31%; } th:nth-child(2) { width: 10%; } th:nth-child(3) { width: 18%; }
th:nth-child(4) { width: 7.5%; } th:nth-child(5) { width: 6.5%; }
th:last-child, td:last-child { padding-right: 0; }
td { overflow-wrap: anywhere; }
small { display: block; font-size: .85rem; line-height: 1.4; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td:nth-child(3), td:nth-child(4) { font-variant-numeric: tabular-nums; }
.verdict { text-transform: capitalize; }
tr.misleading td:first-child, tr.dangerous td:first-child { box-shadow: inset 3px 0 var(--misleading); padding-left: .75rem; }
tr.dangerous td:first-child { box-shadow: inset 3px 0 var(--dangerous); }
body:has(#only-wrong:checked) :is(tr.right, section.right) { display: none; }
footer { margin-top: 2.5rem; font-size: .9rem; }
@media print { .choice { display: none; } tr { break-inside: avoid; } }
`;
