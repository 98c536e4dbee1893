import type { Shape } from '#failures/shape.ts';
import type { Account, OperatorAccount } from './account.ts';
import { adviseOnResending, isSafe, retryAdvice } from './error-text.ts';
import { escapeHtml } from './custom-page.ts';
import { reasonPhrase } from '../wire/reason-phrases.ts';

/**
 * How the error page looks: the system's own type, one accent, light or dark as the reader prefers, and as
 * narrow as a small phone. Contrast of text is 4.5:1 or better in both.
 */
const errorPageStyle = `
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

/**
 * The page that a browser shows when the gateway answers itself: what happened, what to do, and the request id
 * to quote. One document without scripts or anything to fetch: it must work when nothing else does.
 */
export function renderErrorPage(account: Account): string {
  const heading = escapeHtml(headings[account.shape] ?? account.title);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${heading} (${account.status})</title>
<link rel="icon" href="data:,">
<style>${errorPageStyle}</style>
</head>
<body>
<main>
${path(account)}<h1>${heading}</h1>
${forClients(account)}
${footer(account)}
${account.forOperators === null ? '' : forOperators(account, account.forOperators)}</main>
</body>
</html>
`;
}

/** The four shapes in a few words. The others have titles that say more than their shape could. */
const headings: Partial<Record<Shape, string>> = {
  unreachable: 'We cannot reach the application',
  too_slow: 'The application is taking too long',
  reset: 'The connection to the application broke off',
  garbage: 'We cannot make sense of the answer',
};

/** Which part of the path is in trouble: a station, or the link after it, which then has a mark. */
type Trouble = { readonly station: number } | { readonly stretch: number; readonly mark: string };

function troubleOf({ shape, type, whose, cause }: Account): Trouble | null {
  // A mistyped address, or a route closed on purpose, is no breakage.
  if (whose === 'client' || cause === 'maintenance') return null;
  switch (shape) {
    case 'unreachable':
      return { stretch: 1, mark: '✕' };
    case 'reset':
      return { stretch: 1, mark: '//' };
    case 'garbage':
      return { stretch: 1, mark: '?' };
    case 'too_slow':
      return { station: 2 };
    case 'refused_by_gateway':
      return { station: type === 'destination_unavailable' ? 2 : 1 };
    default:
      return null;
  }
}

const stations = ['You', 'This site', 'Application'];

/** A picture of the path. It is hidden from screen readers: the heading says the same. */
function path(account: Account): string {
  const trouble = troubleOf(account);
  if (trouble === null) return '';
  const parts = stations.flatMap((name, index) => {
    const station = 'station' in trouble && trouble.station === index ? `<b>${name}</b>` : `<span>${name}</span>`;
    if (index === stations.length - 1) return [station];
    const broken = 'stretch' in trouble && trouble.stretch === index;
    return [station, broken ? `<i class="bad"><b>${trouble.mark}</b></i>` : '<i></i>'];
  });
  return `<p class="path" aria-hidden="true">${parts.join('')}</p>\n`;
}

function forClients(account: Account): string {
  const sentences = [account.forClient, adviseOnResending(account), retryAdvice(account)].filter(
    (sentence) => sentence !== null,
  );
  const [first = '', ...more] = sentences.map(escapeHtml);
  const paragraphs = [`<p class="first">${first}</p>`, ...more.map((sentence) => `<p>${sentence}</p>`)];
  // An empty reference asks for this page again, with GET; after anything but a safe method it must not be offered.
  if (account.temporary && isSafe(account.method)) paragraphs.push('<p><a class="again" href="">Try again</a></p>');
  return paragraphs.join('\n');
}

function footer({ status, requestId, wallTime }: Account): string {
  return `<footer>
<p>If you write to the people who run this site, send them this request id:</p>
<p><code class="id">${escapeHtml(requestId)}</code></p>
<p class="small">${status} ${reasonPhrase(status)} · ${timeText(wallTime)}</p>
</footer>`;
}

function forOperators(
  account: Account,
  { sentence, endpoint, receivedStatus, usualCauses, nextStep }: OperatorAccount,
): string {
  const rows: readonly (readonly [name: string, value: string | null])[] = [
    ['Cause', account.cause],
    ['Shape', account.shape],
    ['Type', account.type],
    ['Whose', account.whose],
    ['Endpoint', endpoint],
    ['Status it sent', receivedStatus === null ? null : String(receivedStatus)],
    ['Delivery', account.delivery],
  ];
  const list = rows.map(([name, value]) =>
    value === null ? '' : `<dt>${name}</dt><dd><code>${escapeHtml(value)}</code></dd>`,
  );
  return `<section aria-labelledby="operators">
<h2 id="operators">For operators</h2>
<p>${escapeHtml(sentence)}</p>
<h3>Next step</h3>
<p>${withCode(nextStep)}</p>
${usualCausesList(usualCauses)}<dl>${list.join('')}</dl>
</section>
`;
}

/** Nothing where the cause itself is known, as after an exit of the process. */
function usualCausesList(causes: readonly string[]): string {
  if (causes.length === 0) return '';
  return `<h3>Usual causes</h3>
<ul>${causes.map((cause) => `<li>${withCode(cause)}</li>`).join('')}</ul>
`;
}

/** The failure table writes commands between backquotes. */
function withCode(text: string): string {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? `<code>${escapeHtml(part)}</code>` : escapeHtml(part)))
    .join('');
}

/** "2026-11-20 14:03:22 UTC", or nothing for a time that no calendar has. */
function timeText(wallTime: number): string {
  const date = new Date(wallTime);
  return Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
