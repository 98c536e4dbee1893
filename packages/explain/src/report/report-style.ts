/** The styles of the page of `candor explain --html`. */
export const reportStyle = `
:root {
  --ink: #1b1f24; --soft: #59636e; --paper: #fff; --raised: #f5f7f9; --line: #dde2e7;
  --failure: #c0261c; --app-error: #c98a1b; --unclear: #d9784a; --client: #8a94a0; --link: #2467b4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6eaee; --soft: #9aa5b1; --paper: #13161a; --raised: #1c2126; --line: #333a42;
    --failure: #ff7a70; --app-error: #e8b35a; --unclear: #f0a07c; --client: #76818d; --link: #8ab8f0;
  }
}
* { box-sizing: border-box; }
body {
  font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 64rem; padding: 2rem 1.25rem 4rem; overflow-wrap: anywhere;
}
h1 { font-size: 2rem; line-height: 1.2; margin: 0; letter-spacing: -.02em; }
header p { margin: .25rem 0 1.25rem; color: var(--soft); }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0 0 .25rem; }
h3 small, .facts, .line small, .left-out, footer, figcaption, .axis { color: var(--soft); font-weight: 400; }
p { margin: .35rem 0; }
ul { list-style: none; padding: 0; margin: 0; }
.formats { display: grid; gap: .15rem; }
figure { margin: 0; }
figure svg { width: 100%; height: 11rem; display: block; background: var(--raised); border-radius: .4rem; }
figure line { stroke: var(--line); }
.axis { display: flex; justify-content: space-between; gap: 1rem; font-size: .85rem; margin: .3rem 0; }
figcaption { font-size: .9rem; }
figcaption i { display: inline-block; width: .75rem; height: .75rem; border-radius: .2rem; margin: 0 .35rem 0 1rem; }
figcaption i:first-child { margin-left: 0; }
rect.failure { fill: var(--failure); } i.failure { background: var(--failure); }
rect.unclear { fill: var(--unclear); } i.unclear { background: var(--unclear); }
rect.app-error { fill: var(--app-error); } i.app-error { background: var(--app-error); }
rect.client, rect.other { fill: var(--client); } i.client { background: var(--client); }
.bars { border-collapse: collapse; width: 100%; }
.bars th { text-align: left; font-weight: 400; padding: .2rem 1rem .2rem 0; width: 45%; }
.bars .number { text-align: right; padding-right: 1rem; white-space: nowrap; font-variant-numeric: tabular-nums; width: 6rem; }
.bars svg { width: 100%; height: .8rem; display: block; }
article { background: var(--raised); border-radius: .5rem; padding: .85rem 1rem; margin: 0 0 .75rem; break-inside: avoid; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
.line code { color: var(--soft); }
.fix { border-left: 3px solid var(--link); padding-left: .75rem; margin-top: .6rem; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; margin: .4rem 0 0; overflow-x: auto; }
footer { margin-top: 3rem; font-size: .9rem; }
`;
