import { type Dialect, dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { type JsonLine, jsonLine } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { isJsonAccess, readCommonLine, readJsonAccess } from './access-line.ts';
import { readTraefikLine } from './error-line.ts';
import { consoleLine, jsonLogLine, logfmtLine, type Recognised } from './traefik-line.ts';

const common = dialect(
  'traefik',
  'Traefik access log (CLF)',
  (line) => (readCommonLine(judgedText(line)) === null ? 0 : 2),
  (line) => readCommonLine(judgedText(line)),
);

function ofJson(line: string): JsonLine | null {
  return line.startsWith('{') ? jsonLine(judgedText(line)) : null;
}

const json = dialect(
  'traefik',
  'Traefik access log (JSON)',
  (line) => {
    const object = ofJson(line);
    return object !== null && isJsonAccess(object) ? 2 : 0;
  },
  (line) => {
    const object = ofJson(line);
    return object !== null && isJsonAccess(object) ? readJsonAccess(object) : null;
  },
);

function recognised(line: string): Recognised | null {
  const text = judgedText(line);
  if (text.startsWith('time=')) return logfmtLine(text);
  const object = ofJson(line);
  if (object !== null) return isJsonAccess(object) ? null : jsonLogLine(object);
  return consoleLine(text);
}

const own = dialect(
  'traefik',
  'Traefik log',
  (line) => recognised(line)?.certainty ?? 0,
  (line): Finding | null => {
    const read = recognised(line);
    if (read === null || (read.certainty < 2 && read.line.isError)) return null;
    return readTraefikLine(read.line);
  },
);

/** Traefik's access log in both formats, and its own log of versions 1 to 3. */
export const traefikDialects: readonly Dialect[] = [common, json, own];
