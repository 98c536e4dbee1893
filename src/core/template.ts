/**
 * Texts with variables, as users write them: `https://{host}{path}`. `{word}` is a variable of `variables.ts`, `{{` is a brace, and any other brace is
 * itself, so that JSON in a header needs no second brace.
 *
 * - The file: `templateError(text)` is what is wrong with a text, for `parsed` and `review`; `foreignVariable(text)` finds those of other gateways.
 * - The worker: `compileTemplate(text)`, once for each route. It returns a string where the text has no variables. `fillText(compiled, source,
 *   encode)` is the text of one exchange. `encode` makes each value safe where the text goes: `headerText` for headers; a location, a path and
 *   a line of a log need their own. The text between variables is not encoded.
 * - Who needs the variables of a text asks `variablesIn(text)`.
 */
import { nearest } from './nearest.ts';
import { utf8Text } from './utf8-text.ts';
import { type ValueOf, variableForms, variableNamed, type VariableSource } from './variables.ts';

/** `variables` stand between each two of `texts`. */
export class Template {
  readonly texts: readonly string[];
  readonly variables: readonly TemplateVariable[];

  constructor(texts: readonly string[], variables: readonly TemplateVariable[]) {
    this.texts = texts;
    this.variables = variables;
  }

  /** `encode` gets each value and how its variable is written, such as `header.Accept`. */
  fill(source: VariableSource, encode: (value: string, written: string) => string): string {
    let text = this.texts[0] as string;
    for (let at = 0; at < this.variables.length; at++) {
      const { written, valueOf } = this.variables[at] as TemplateVariable;
      text += encode(valueOf(source), written) + (this.texts[at + 1] as string);
    }
    return text;
  }
}

interface TemplateVariable {
  readonly written: string;
  readonly valueOf: ValueOf;
}

export type CompiledText = string | Template;

/** A text that `templateError` has passed; what is no variable in one that it has not is left as it is. */
export function compileTemplate(text: string): CompiledText {
  const texts: string[] = [''];
  const variables: TemplateVariable[] = [];
  for (const { literal, written } of partsOf(text)) {
    const valueOf = written === null ? null : variableNamed(written);
    if (valueOf === null || written === null) texts[texts.length - 1] += literal;
    else {
      variables.push({ written, valueOf });
      texts.push('');
    }
  }
  return variables.length === 0 ? (texts[0] as string) : new Template(texts, variables);
}

export function fillText(
  compiled: CompiledText,
  source: VariableSource,
  encode: (value: string, written: string) => string,
): string {
  return typeof compiled === 'string' ? compiled : compiled.fill(source, encode);
}

/** A value as it may stand in a header: what is not visible ASCII or a space is percent-encoded, so that no value ends its line. */
export function headerText(value: string): string {
  return utf8Text(value).replace(/[^\x20-\x7e]/gu, (character) => encodeURIComponent(character.toWellFormed()));
}

/** The value of a header; '': the line is left out. */
export function headerValue(compiled: CompiledText, source: VariableSource): string {
  return typeof compiled === 'string' ? compiled : compiled.fill(source, headerText).trim();
}

/** Where a text has variables, ours, those of another gateway or misspelt ones: no secret begins or ends there. */
export function variableSpans(text: string): readonly { readonly start: number; readonly end: number }[] {
  return [...text.matchAll(anyVariable)].flatMap(({ index: start, 0: written, 1: name }) =>
    (name === undefined ? ourVariable(written.replace(marksOfForeign, '')) !== null : isVariable(name))
      ? [{ start, end: start + written.length }]
      : [],
  );
}

function isVariable(name: string): boolean {
  return (
    variableNamed(name) !== null ||
    /^http\.[a-z_]+(?:\.[\w-]+)*$/.test(name) ||
    (/^[a-z_]{1,24}(?:\.[\w-]{1,40})?$/.test(name) && adviceFor(name) !== null)
  );
}

/** How the variables of a text are written, such as `path` and `capture.id`. */
export function variablesIn(text: string): readonly string[] {
  return [...partsOf(text)].flatMap(({ written }) => written ?? []);
}

/** They are filled in for each request, and a client may make some of them long. */
const variablesMax = 16;

export interface TemplateError {
  readonly message: string;
  readonly suggestion: string;
}

/** What is wrong with a text; null: nothing. `captures` are those of the route. */
export function templateError(text: string, captures: readonly string[] = []): TemplateError | null {
  const doubled = /\{\{\s*\.?([\w.-]+)\s*\}\}/.exec(text);
  if (doubled !== null)
    return {
      message: `"${doubled[0]}" is no variable`,
      suggestion: adviceFor(doubled[1] as string) ?? listOfVariables,
    };
  const all = variablesIn(text);
  if (all.length > variablesMax)
    return { message: `the text has ${all.length} variables, and ${variablesMax} is the most`, suggestion: 'say less' };
  for (const written of all) {
    const error = variableError(written, captures);
    if (error !== null) return error;
  }
  return null;
}

function variableError(written: string, captures: readonly string[]): TemplateError | null {
  if (variableNamed(written) === null)
    return {
      message: `there is no variable "${written}"`,
      suggestion: captures.includes(written) ? `write {capture.${written}}` : (adviceFor(written) ?? listOfVariables),
    };
  const [kind, capture = ''] = written.split('.');
  if (kind !== 'capture' || captures.includes(capture)) return null;
  return {
    message: `the path of the route has no capture "${capture}"`,
    suggestion: captures.length === 0 ? 'remove it' : `write {capture.${captures[0]}}`,
  };
}

const listOfVariables = `write one of ${variableForms.map(([form]) => `{${form}}`).join(' ')}; a brace that is meant is {{`;

function adviceFor(written: string): string | null {
  const known = ourVariable(written);
  if (known !== null) return known === '' ? null : `write ${known}; a brace that is meant is {{`;
  const [head = '', ...rest] = written.split('.');
  const forms = variableForms.map(([form]) => form);
  const near = nearest(
    written,
    forms.filter((form) => !form.includes('.')),
    1,
  )[0];
  if (near !== undefined) return `did you mean {${near}}? A brace that is meant is {{`;
  const named = forms.filter((form) => form.endsWith('.NAME')).map((form) => form.replace('.NAME', ''));
  const nearNamed = nearest(head, named, 1)[0];
  return nearNamed === undefined ? null : `did you mean {${nearNamed}.${rest.join('.') || 'NAME'}}?`;
}

/** A word of another gateway that looks like a variable and is none here, and ours; null: there is none. */
export function foreignVariable(text: string): { readonly written: string; readonly ours: string | null } | null {
  const written = foreign.exec(text)?.[0];
  if (written === undefined) return null;
  const ours = ourVariable(written.replace(marksOfForeign, ''));
  return { written, ours: ours === '' ? null : ours };
}

/** What a group of a regular expression has found, as other gateways write it: `$1`, `\1`, `${1}`, `:splat`. Null: there is none. */
export function foreignGroup(text: string): { readonly written: string; readonly ours: string } | null {
  const [written, ...groups] = /\$(\d)|\\(\d)|\$\{(\w+)\}|:(splat)\b/.exec(text) ?? [];
  const group = groups.find((found) => found !== undefined);
  if (written === undefined || group === undefined) return null;
  return { written, ours: `{capture.${group === 'splat' ? 1 : group}}` };
}

/** Of nginx, Apache, HAProxy and Envoy. Two letters and more: $5 is a price. */
const foreign = /\$[a-z][a-z_\d]+\b|%\{[^{}]*\}\w*|%\[[^\][]*\]|%[A-Z][A-Z_]+(?:\([^()]*\))?%/;

const marksOfForeign = /^\$|^%\{|\}\w*$|^%\[|\]$|^%|%$/g;

const anyVariable = new RegExp(`\\{([a-z_][\\w.>-]*)\\}|${foreign.source}`, 'gi');

/** Our words for those of nginx, Caddy, HAProxy, Envoy and Apache. */
function ourVariable(written: string): string | null {
  const plain = written.toLowerCase();
  for (const [ours, theirs] of foreignNames) if (theirs.includes(plain)) return ours;
  for (const [pattern, ours] of foreignForms) {
    const name = pattern.exec(written)?.[1];
    if (name !== undefined) return ours(name);
  }
  return null;
}

const foreignNames = Object.entries({
  '{scheme}': 'scheme request_scheme http.request.scheme',
  '{host}':
    'host req(host) http_host server_name hostname http.request.host http.request.hostport hostport request.host req.hdr(host) hdr(host) req(:authority)',
  '{port}': 'server_port http.request.port http.request.local.port dst_port',
  '{method}': 'request_method http.request.method req(:method)',
  '{path}': 'uri document_uri http.request.uri.path path_info req.path request.path',
  '{path}{query}':
    'request_uri http.request.uri http.request.orig_uri uri_with_query req(:path) req(x-envoy-original-path?:path) pathq url',
  '{query}': 'args query_string http.request.uri.query is_args',
  '{protocol}': 'server_protocol http.request.proto req.ver',
  '{client_address}':
    'remote_addr binary_remote_addr realip_remote_addr remote remote_host client_ip http.request.remote.host http.request.remote http.vars.client_ip src downstream_remote_address downstream_remote_address_without_port downstream_direct_remote_address_without_port proxy_add_x_forwarded_for client ip',
  '{client_port}': 'remote_port http.request.remote.port src_port',
  '{request_id}': 'http.request.uuid uuid unique-id unique_id req(x-request-id) trace_id',
  '{server_name}': 'ssl_server_name http.request.tls.server_name ssl_fc_sni requested_server_name ssl_tls_sni',
  '{tls_version}': 'ssl_protocol http.request.tls.version ssl_fc_protocol downstream_tls_version',
  '{tls_cipher}': 'ssl_cipher http.request.tls.cipher_suite ssl_fc_cipher downstream_tls_cipher',
  '{certificate_subject}':
    'ssl_client_s_dn http.request.tls.client.subject tls_client_subject ssl_c_s_dn downstream_peer_subject',
  '{certificate_fingerprint}':
    'ssl_client_fingerprint http.request.tls.client.fingerprint tls_client_fingerprint ssl_c_sha1 downstream_peer_fingerprint_256',
  '{time}': 'time_iso8601 time_local msec time.now start_time http.time_local now date',
  '{deployment}': 'system.hostname',
}).map(([ours, theirs]) => [ours, theirs.split(' ')] as const);

const foreignForms: readonly (readonly [RegExp, (name: string) => string])[] = [
  [/^http\.request\.header\.(.+)$/i, (name) => `{header.${name}}`],
  [/^http\.request\.cookie\.(.+)$/i, (name) => `{cookie.${name}}`],
  [/^http\.request\.uri\.query\.(.+)$/i, (name) => `{query.${name}}`],
  [/^(?:re|http\.regexp)\.(.+)$/i, (name) => `{capture.${name.split('.').at(-1)}}`],
  [/^http_(.+)$/, (name) => `{header.${name.replaceAll('_', '-')}}`],
  [/^cookie_(.+)$/, (name) => `{cookie.${name}}`],
  [/^arg_(.+)$/, (name) => `{query.${name}}`],
  [/^REQ\(([\w-]+)\)$/, (name) => `{header.${name}}`],
  [/^(?:req\.)?f?hdr\(([\w-]+)\)$/, (name) => `{header.${name}}`],
];

/** Each variable, and each text between them as it is meant. */
function* partsOf(text: string): Generator<{ readonly literal: string; readonly written: string | null }> {
  let at = 0;
  for (const { index, 0: literal, 1: written } of text.matchAll(/\{\{|\{([a-z_][\w.>-]*)\}/gi)) {
    yield { literal: text.slice(at, index), written: null };
    yield { literal: written === undefined ? '{' : literal, written: written ?? null };
    at = index + literal.length;
  }
  yield { literal: text.slice(at), written: null };
}
