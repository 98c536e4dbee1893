/**
 * How pages of the gateway look: the system's own type, one accent, light or dark as the reader prefers, and as
 * narrow as a small phone. Contrast of text is 4.5:1 or better in both.
 */
export const pageStyle = `
:root{--page:#f4f2ee;--card:#fff;--ink:#20242b;--soft:#5c6370;--line:#dcd8d0;--bad:#b3261e;--badpage:#fdeeec;--link:#22577a;--code:#f1efea}
@media(prefers-color-scheme:dark){:root{--page:#121418;--card:#1b1f25;--ink:#e7e9ed;--soft:#a3abb8;--line:#343a44;--bad:#ff9e92;--badpage:#3a1f1d;--link:#8fc7ee;--code:#252a32}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;min-height:100vh;min-height:100svh;display:grid;grid-template-columns:minmax(0,40rem);place-content:center;padding:1.5rem 1rem;background:var(--page);color:var(--ink);font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{background:var(--card);border:1px solid var(--line);border-radius:.9rem;padding:clamp(1.25rem,5vw,2.5rem)}
h1{font-size:clamp(1.4rem,5.2vw,1.85rem);line-height:1.2;margin:0 0 .75rem;letter-spacing:-.01em;text-wrap:balance}
h2{font-size:1.05rem;margin:0 0 .5rem}
h3{font-size:.9rem;margin:1.1rem 0 .25rem;color:var(--soft)}
p{margin:0 0 .75rem}
.first{font-size:1.125rem}
.path{display:flex;align-items:center;margin:0 0 1.75rem;font-size:.875rem;color:var(--soft)}
.path>span,.path>b{border:1px solid var(--line);border-radius:2rem;padding:.2rem .75rem;white-space:nowrap}
.path>b{border-color:var(--bad);background:var(--badpage);color:var(--bad);font-weight:600}
.path i{flex:1;min-width:1.5rem;height:2px;background:var(--line);font-style:normal}
.path i.bad{height:0;background:none;border-top:2px dashed var(--bad);display:flex;justify-content:center;align-items:center}
.path i b{padding:0 .4rem;margin-top:-2px;background:var(--card);color:var(--bad);font-size:1rem;line-height:1}
a.again{display:inline-block;margin-top:.25rem;padding:.55rem 1.1rem;border-radius:.5rem;background:var(--link);color:var(--card);text-decoration:none;font-weight:600}
a.again:hover,a.again:focus-visible{text-decoration:underline}
a.again:focus-visible{outline:3px solid var(--link);outline-offset:2px}
footer{margin-top:1.5rem;padding-top:1.1rem;border-top:1px solid var(--line);font-size:.9375rem;color:var(--soft)}
footer p:last-child{margin:0}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em;background:var(--code);border-radius:.3rem;padding:.1em .35em;overflow-wrap:anywhere}
code.id{display:inline-block;padding:.4em .65em;color:var(--ink);-webkit-user-select:all;user-select:all}
.small{font-size:.8125rem}
section{margin-top:1.5rem;padding-top:1.25rem;border-top:1px solid var(--line);font-size:.9375rem}
ul{margin:0 0 .75rem;padding-left:1.2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem;margin:1.1rem 0 0}
dt{color:var(--soft)}
dd{margin:0;min-width:0}
@media(max-width:24rem){.path{font-size:.8rem}.path>span,.path>b{padding:.2rem .5rem}.path i{min-width:1rem}}
`.trim();
