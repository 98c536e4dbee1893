import { bodyCharactersMax, gather, type KeptResponse } from './kept-response.ts';

/** RFC 9112 §4, and what curl writes for HTTP/2 and 3. */
const statusLine = /^HTTP\/\d(?:\.\d)? (\d{3})(?: .*)?$/;

/**
 * What `curl -i`, `-iL` and `-v` write: heads, each with what follows it. Interim answers (1xx) and a tunnel's opening are
 * nobody's answer to the request, and are passed over.
 */
export function readCurlOutput(text: string): readonly KeptResponse[] {
  const lines = withoutMarks(text.split(/\r?\n/));
  const starts = lines.flatMap((line, at) => (statusLine.test(line) ? [at] : []));
  return starts.flatMap((start, index) => {
    const response = responseAt(lines.slice(start, starts[index + 1] ?? lines.length));
    return response === null ? [] : [response];
  });
}

/** What `-v` writes beside the response: its own words, the request, how much came, and its progress. */
const notOfTheResponse = /^(?:\*(?: |$)|>(?: |$)|[{}] \[\d+ bytes data\]|\s*\d+ +\d.*[\d-]+:[\d-]+:[\d-]+ +\S+$)/;

/**
 * `-v` marks the head that came with "< ", and a blank at the end may have been lost in copying; without such a line the text
 * is as it came. The body stands unmarked between its words, and the last ones may follow it on the same line.
 */
function withoutMarks(lines: string[]): string[] {
  if (!lines.some((line) => /^< HTTP\//.test(line))) return lines;
  return lines
    .filter((line) => !notOfTheResponse.test(line))
    .map((line) => line.replace(/^<(?: |$)/, '').replace(/\* Connection #\d+ to host \S+ left intact$/, ''));
}

function responseAt(lines: readonly string[]): KeptResponse | null {
  const [first = '', ...rest] = lines;
  const status = Number(statusLine.exec(first)?.[1]);
  const blank = rest.indexOf('');
  const head = blank === -1 ? rest : rest.slice(0, blank);
  const body = blank === -1 ? null : rest.slice(blank + 1).join('\n');
  if (status < 200 || /^HTTP\/1\.\d 200 connection established/i.test(first)) return null;
  const headers = gather(head.flatMap(pairOf));
  return {
    from: null,
    response: { status, headers, ...(body === null ? {} : { body: body.slice(0, bodyCharactersMax) }) },
  };
}

function pairOf(line: string): [string, string][] {
  const colon = line.indexOf(':');
  return colon < 1 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
}
