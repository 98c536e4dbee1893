import type { AnsweredResponse } from './answer.ts';

/** A saved response, and where it came from if that is known. */
export interface KeptResponse {
  readonly from: string | null;
  readonly response: AnsweredResponse;
}

/** How much of a body is looked at: a template names its author in its first lines. */
export const bodyCharactersMax = 64 * 1024;

/** Names in lower case; a header that comes several times is an array. */
export function gather(pairs: Iterable<readonly [string, string]>): AnsweredResponse['headers'] {
  const fields = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const values = fields.get(name.toLowerCase()) ?? [];
    values.push(value);
    fields.set(name.toLowerCase(), values);
  }
  return Object.fromEntries(
    [...fields].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
}

/** RFC 9112 §4, and the status lines that curl writes for HTTP/2 and HTTP/3. */
const statusLine = /^HTTP\/\d(?:\.\d)? (\d{3})(?: .*)?$/;

/**
 * Reads the output of `curl -i`, `-iL` and `-v`: each head with the body that follows it. Skips interim responses (1xx)
 * and the response to CONNECT, since they do not answer the request.
 */
export function readCurlOutput(text: string): readonly KeptResponse[] {
  const lines = withoutMarks(text.split(/\r?\n/));
  const starts = lines.flatMap((line, at) => (statusLine.test(line) ? [at] : []));
  return starts.flatMap((start, index) => {
    const response = responseAt(lines.slice(start, starts[index + 1] ?? lines.length));
    return response === null ? [] : [response];
  });
}

/** What `-v` writes besides the response: curl's own notes, the request, byte counts and the progress. */
const notOfTheResponse = /^(?:\*(?: |$)|>(?: |$)|[{}] \[\d+ bytes data\]|\s*\d+ +\d.*[\d-]+:[\d-]+:[\d-]+ +\S+$)/;

/**
 * `-v` marks the lines of the response head with "< "; the space at the end may have been lost in copying. Without such
 * a line the text is taken unchanged. The body is not marked, and curl's last notes may follow it on the same line.
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
