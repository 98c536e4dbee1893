import { allDialects as foreignDialects } from '#explain/all-dialects.ts';
import { type Dialect, dialect } from '#explain/dialect.ts';
import { recogniseRecordLine, readRecordLine } from './record-line.ts';
import type { Finding } from '#explain/finding.ts';
import { isoTimeMs, jsonLine, jsonText } from '#explain/json-fields.ts';
import { judgedText } from '#explain/line-text.ts';
import { findingOf, harmlessVerdict } from '#explain/verdict.ts';

/** Our own log: the records of exchanges, and the lines of the control plane. */
export const candorDialects: readonly Dialect[] = [
  dialect('candor', 'Candor exchange log', recogniseRecordLine, readRecordLine),
  dialect('candor', 'Candor control plane log', recogniseEventLine, readEventLine),
];

const format = 'Candor control plane log';

const beginning = /^\{"level":"(?:debug|info|warn|error|fatal)","at":"\d{4}-\d\d-\d\dT[\d:.]{8,13}Z",/;

function recogniseEventLine(line: string): 0 | 1 | 2 {
  return beginning.test(line) && line.includes('"kind":"') ? 2 : beginning.test(line) ? 1 : 0;
}

/** An event of the gateway, or of an application or endpoint behind it. Failures of requests are in the records. */
function readEventLine(line: string): Finding | null {
  if (!beginning.test(line)) return null;
  const fields = jsonLine(judgedText(line));
  const kind = jsonText(fields?.kind);
  if (fields === null || kind === null) return null;
  const subject = jsonText(fields.subject);
  const cause = jsonText(fields.cause);
  return findingOf(
    {
      gateway: 'candor',
      format,
      kind: 'event',
      atMs: isoTimeMs(fields.at),
      upstream: subject?.startsWith('endpoint:') === true ? subject.slice('endpoint:'.length) : subject,
      evidence: [`"kind":"${kind}"`, ...(cause === null ? [] : [`"cause":"${cause}"`])],
    },
    harmlessVerdict,
  );
}

/** The logs of other gateways, and Candor's own. In the order in which they are asked. */
export const allDialects: readonly Dialect[] = [...foreignDialects, ...candorDialects];
