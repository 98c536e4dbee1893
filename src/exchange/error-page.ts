import type { Shape } from '#failures/shape.ts';
import type { Account, OperatorAccount } from './account.ts';
import { adviseOnResending, isSafe, retryAdvice } from './error-text.ts';
import { escapeHtml } from './custom-page.ts';
import { pageStyle } from './page-style.ts';
import { reasonPhrase } from '../wire/reason-phrases.ts';

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
<style>${pageStyle}</style>
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
  const again = account.temporary && isSafe(account.method) ? { href: '', text: 'Try again' } : null;
  const link = account.wayOn ?? again;
  if (link !== null) paragraphs.push(`<p><a class="again" href="${escapeHtml(link.href)}">${link.text}</a></p>`);
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
