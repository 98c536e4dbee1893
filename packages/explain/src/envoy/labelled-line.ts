import type { JsonLine } from '../json-fields.ts';
import { parseLogfmt } from '../logfmt.ts';
import { type JsonExchange, jsonExchange } from './json-line.ts';

/** A name for the flags and what may be one: `flags=UF`, `response_flag: UT`. Other lines are not taken apart. */
const named =
  /(?:^|[\s,;|])"?(?:(?:envoy_)?resp(?:onse)?_?)?flags?(?:_long|_short)?"?(?:=|: ?)"?(?:-|[A-Z]{2,6}|[A-Z][a-z]+[A-Z])/;
/** Names stand from the beginning on, after a time and a level at most. */
const beginning = /^(?:\[[^\]"]{1,60}\] {1,4}|[^\s"=,]{1,60} {1,4}){0,3}[A-Za-z][\w.-]{0,63}[=:]/;
const ofUpstream = /upstream|response_code|cluster|(?:^|[\s,;|])(?:code|status|response_?code)(?:=|:)/i;

/** The text formats in which operators name Envoy's fields: `code=503 flags=UF`, with colons, or with tabs between. */
export function labelledExchange(line: string): JsonExchange | null {
  if (!beginning.test(line) || line.includes('{"') || !named.test(line) || !ofUpstream.test(line)) return null;
  const found = jsonExchange(fieldsOf(line));
  return found === null || found.exchange.flags === null ? null : { ...found, certainty: 2 };
}

function fieldsOf(line: string): JsonLine {
  const isOfColons = !/\w=\S/.test(line);
  const text = line.includes('\t') ? line.replaceAll('\t', ' ') : line;
  return Object.fromEntries(parseLogfmt(isOfColons ? withEquals(text) : text));
}

/** `status: 503 flags: UF` as `status=503 flags=UF`. Colons within a value stay. */
function withEquals(text: string): string {
  return text.replace(/(^|[\s,;|])"?([A-Za-z][\w.-]{0,63})"?: ?(?=\S)/g, '$1$2=').replace(/,(?= |$)/g, '');
}
