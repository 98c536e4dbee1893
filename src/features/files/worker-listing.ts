import type { FilterAnswer } from '../../core/filter.ts';
import { escapeHtml } from '../../exchange/custom-page.ts';
import { pageStyle } from '../../exchange/page-style.ts';
import type { FolderEntry } from './worker-disk.ts';
import type { OpenFile, Root } from './worker-file.ts';

/** A listing of more would be no help to people, and would wait long for the disk. */
const entriesMax = 2000;

const listingStyle = `
body{place-content:start center;grid-template-columns:minmax(0,56rem)}
table{width:100%;border-collapse:collapse;font-size:.9375rem}
th{text-align:left;font-weight:600;color:var(--soft);border-bottom:1px solid var(--line)}
th,td{padding:.35rem .5rem;white-space:nowrap;vertical-align:top}
td:first-child{white-space:normal;overflow-wrap:anywhere}
tr:nth-child(even) td{background:var(--code)}
.number{text-align:right;font-variant-numeric:tabular-nums}
a{color:var(--link);text-decoration:none}
a:hover,a:focus-visible{text-decoration:underline}
@media(max-width:32rem){.date{display:none}}
`.trim();

/** A page with what is in a folder: folders first, then files, by name. `path` is that of the request. Within a turn of the disk. */
export async function listingOf(path: string, folder: OpenFile, root: Root): Promise<FilterAnswer> {
  const { entries, left } = await root.disk.calls.entries(folder.fd, entriesMax, (location) => root.serves(location));
  const sorted = [...entries.filter((one) => one.isFolder), ...entries.filter((one) => !one.isFolder)];
  const page = pageOf(shownPath(path), path !== '/', sorted, left);
  return {
    status: 200,
    headers: [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Cache-Control', 'no-cache'],
      ['X-Content-Type-Options', 'nosniff'],
      // Names of files may have been chosen by strangers.
      ['Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; img-src data:"],
    ],
    body: Buffer.from(page, 'utf8'),
  };
}

function shownPath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function pageOf(path: string, hasParent: boolean, entries: readonly FolderEntry[], left: number): string {
  const title = escapeHtml(`Files in ${path}`);
  const rows = entries.map(rowOf).join('\n');
  const parent = hasParent ? '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n' : '';
  const rest = left === 0 ? '' : `<p class="small">and ${left} more</p>\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${pageStyle}
${listingStyle}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<table>
<thead><tr><th scope="col">Name</th><th scope="col" class="number">Size</th><th scope="col" class="number date">Changed</th></tr></thead>
<tbody>
${parent}${rows}
</tbody>
</table>
${rest}</main>
</body>
</html>
`;
}

function rowOf({ name, isFolder, size, modifiedMs }: FolderEntry): string {
  const shown = escapeHtml(isFolder ? `${name}/` : name);
  // A name with a colon would be taken for a URL without "./".
  const link = `./${encodeURIComponent(name)}${isFolder ? '/' : ''}`;
  // A file system may keep times that no date of JavaScript can be.
  const changed = new Date(modifiedMs);
  const date = Number.isNaN(changed.getTime()) ? '' : changed.toISOString().slice(0, 16).replace('T', ' ');
  return `<tr><td><a href="${escapeHtml(link)}">${shown}</a></td><td class="number">${isFolder ? '' : sizeText(size)}</td><td class="number date">${date}</td></tr>`;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
