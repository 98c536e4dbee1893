import type { Dialect } from '#explain/dialect.ts';
import { allDialects, customLogFormat, layerNames, ByteLog, whose } from '../../src/diagnose/diagnose.ts';
import { isGatewayFailure } from '#explain/finding.ts';
import type { LineVerdict } from '#explain/log-explainer.ts';
import { escapeHtml, proseHtml, reportHtml } from '#explain/report/summary-html.ts';
import { findingShapeWords } from '#explain/report/finding-words.ts';
import { readCurlOutput } from '#explain/whose/curl-output.ts';

/** The page on which people paste a log: all that is done with it is done here. */

const log = byId('log', HTMLTextAreaElement);
const format = byId('format', HTMLTextAreaElement);
const file = byId('file', HTMLInputElement);
const example = byId('example', HTMLButtonElement);
const state = byId('state', HTMLParagraphElement);
const result = byId('result', HTMLDivElement);

/** Work is given up when newer work begins. */
let newest = 0;

log.addEventListener('input', () => void show());
format.addEventListener('input', () => void show());
file.addEventListener('change', () => void showFile());
example.addEventListener('click', () => {
  log.value = exampleText;
  void show();
});

async function show(): Promise<void> {
  file.value = '';
  const text = log.value;
  if (/^(?:< )?HTTP\/\d/.test(text.trimStart())) return showResponses(text);
  if (text.trim() === '') return clear();
  await explain(new Blob([text]), 'what was pasted');
}

async function showFile(): Promise<void> {
  const [chosen] = file.files ?? [];
  if (chosen === undefined) return;
  log.value = '';
  const magic = new Uint8Array(await chosen.slice(0, 4).arrayBuffer());
  if (magic[0] === 0x28 && magic[1] === 0xb5) return say('A browser does not unpack zstd; `candor explain` does.');
  await explain(chosen, chosen.name, magic[0] === 0x1f && magic[1] === 0x8b);
}

function clear(): void {
  newest += 1;
  result.replaceChildren();
  say('');
}

const pieceBytes = 256 * 1024;

async function explain(blob: Blob, name: string, isGzip = false): Promise<void> {
  newest += 1;
  const mine = newest;
  const dialects = dialectsOf(format.value.trim());
  if (dialects === null) return;
  const verdicts: string[] = [];
  const onLine = (verdict: LineVerdict, text: string, number: number): void => {
    if (verdicts.length < verdictsMax && verdict !== null && isGatewayFailure(verdict))
      verdicts.push(verdictRow(verdict, text, number));
  };
  const reading = new ByteLog({ dialects, onLine });
  const bytes = isGzip ? blob.stream().pipeThrough(new DecompressionStream('gzip')) : blob.stream();
  const reader = bytes.getReader();
  let read = 0;
  let defect = '';
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      defect = 'The archive is damaged or cut off; what was read before counts.';
      return { done: true, value: undefined } as const;
    });
    if (mine !== newest) return void reader.cancel().catch(() => undefined);
    if (done || value === undefined) break;
    for (let at = 0; at < value.length; at += pieceBytes) reading.push(value.subarray(at, at + pieceBytes));
    read += value.length;
    say(`${Math.round(read / 1e6)} MB read …`);
  }
  result.innerHTML = reportHtml(reading.end(), [name]) + verdictTable(verdicts);
  say(defect);
}

/** Null, and said why, where the format of one's own is none. */
function dialectsOf(text: string): readonly Dialect[] | null {
  if (text === '') return allDialects;
  const read = customLogFormat(text);
  if (read.ok) return [read.value, ...allDialects];
  say(`This format cannot be used: ${read.failure}`);
  return null;
}

/** Further ones are in the summary above. */
const verdictsMax = 200;

function verdictRow(verdict: NonNullable<LineVerdict>, text: string, number: number): string {
  const name = `${findingShapeWords[verdict.shape]}${verdict.type === null ? '' : ` (${verdict.type})`}`;
  return `<tr><td>${number}<td><b>${escapeHtml(name)}</b> ${proseHtml(verdict.sentence)}<code>${escapeHtml(text.slice(0, 300))}</code></tr>`;
}

function verdictTable(rows: readonly string[]): string {
  if (rows.length === 0) return '';
  const which = rows.length === verdictsMax ? `The first ${verdictsMax} failures` : 'Line by line';
  return `<section><h2>${which}</h2><table class="verdicts">${rows.join('')}</table></section>`;
}

function showResponses(text: string): void {
  newest += 1;
  const articles = readCurlOutput(text).map(({ response }) => {
    const { author, passed, confidence, evidence, sentence } = whose(response);
    const chain = ['you', ...passed.map((layer) => layerNames[layer])].join(' ← ');
    const words = evidence.map((one) => `<code>${escapeHtml(one)}</code>`).join(' ');
    return `<article><h3>${response.status}: ${escapeHtml(layerNames[author])} wrote it <small>${confidence}</small></h3>
<p>${escapeHtml(`${chain} ← ${layerNames[author]}`)}</p><p>${proseHtml(sentence)}</p><p class="evidence">${words}</p></article>`;
  });
  result.innerHTML = articles.join('\n');
  say(articles.length === 0 ? 'There is no whole response in it.' : '');
}

function say(text: string): void {
  state.textContent = text;
}

function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${id}`);
  return found;
}

const exampleText = `2026/11/21 21:14:03 [error] 31#31: *5 connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.7, server: shop.example.org, request: "GET /basket HTTP/1.1", upstream: "http://10.0.0.5:3000/basket", host: "shop.example.org"
2026/11/21 21:14:09 [error] 31#31: *8 upstream timed out (110: Connection timed out) while reading response header from upstream, client: 192.0.2.9, server: shop.example.org, request: "POST /orders HTTP/1.1", upstream: "http://10.0.0.6:3000/orders", host: "shop.example.org"
`;
