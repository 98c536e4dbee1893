interface ForeignFile {
  /** Where it begins to be one. */
  readonly at: number;
  readonly program: string;
  readonly suggestion: string;
}

interface Dialect {
  readonly program: string;
  readonly begins: RegExp;
  /** Finds the address that requests go to. */
  readonly address: RegExp;
}

/** Files that `candor adapt` converts, by a line of theirs. */
const adapted: readonly { readonly kind: string; readonly what: string; readonly has: RegExp }[] = [
  { kind: 'systemd', what: 'a unit of systemd', has: /^\[(?:Unit|Service|Timer)\]\s*$/m },
  {
    kind: 'pm2',
    what: 'an ecosystem file of pm2',
    has: /^\s*(?:module\.exports\s*=|exports\.apps\s*=|export default\b)/m,
  },
  { kind: 'procfile', what: 'a Procfile', has: /^(?:web|worker|release):[ \t]+\S/m },
];

/** The outermost keys of files in YAML and JSON that `candor adapt` converts. */
const adaptedKeys: readonly {
  readonly kind: string;
  readonly what: string;
  readonly key: RegExp;
  readonly value: RegExp;
}[] = [
  { kind: 'compose', what: 'a compose file', key: /^services$/, value: /^map$/ },
  { kind: 'pm2', what: 'an ecosystem file of pm2', key: /^apps$/, value: /^list$/ },
  { kind: 'procfile', what: 'a Procfile', key: /^(?:web|worker|release)$/, value: /^text$/ },
];

/**
 * Whether a map in YAML is a file of another program, by its outermost keys. `known`: whether a key is one of Candor's. Null: it is none that is
 * known.
 */
export function foreignKeys(
  keys: readonly { readonly name: string; readonly at: number; readonly value: 'map' | 'list' | 'text' | 'other' }[],
  known: (name: string) => boolean,
  file: string,
): ForeignFile | null {
  if (keys.some(({ name }) => known(name))) return null;
  for (const { name, at, value } of keys) {
    const found = adaptedKeys.find((one) => one.key.test(name) && one.value.test(value));
    if (found !== undefined) return { at, program: found.what, suggestion: adaptStep(found.kind, file) };
  }
  return null;
}

function adaptStep(kind: string, file: string): string {
  // Standard input is named by the path of "-".
  return `convert it: candor adapt ${kind} ${file.endsWith('/-') ? '-' : file} -o NEW.yaml`;
}

const address = String.raw`(?:https?:\/\/)?((?:[\w.-]+|\[[0-9a-f:]+\]):\d{1,5})\b`;

const dialects: readonly Dialect[] = [
  {
    program: 'nginx',
    begins:
      /^(?:(?:server|http|events|stream|upstream\s+\S+|location\s[^{]*)\s*\{|(?:user|worker_processes|error_log|pid|load_module|include)\s[^:]*;)/,
    address: new RegExp(String.raw`^\s*(?:proxy_pass|server)\s+${address}`, 'm'),
  },
  {
    program: 'Apache',
    begins: /^(?:<(?:VirtualHost|IfModule|Location|Directory|Proxy)\b|(?:Listen|LoadModule|ProxyPass|ServerName)\s)/,
    address: new RegExp(String.raw`\b(?:ProxyPass|BalancerMember)\s[^\n]*?${address}`),
  },
  {
    program: 'HAProxy',
    begins: /^(?:global|defaults(?: \S+)?|(?:frontend|backend|listen) \S+)\s*$/,
    address: new RegExp(String.raw`^\s+server\s+\S+\s+${address}`, 'm'),
  },
  // The name of a site, or a block of options.
  {
    program: 'Caddy',
    begins: /^[^\s"'{}[\]#&*!|>%@`]*[^\s:"'{}[\]](?:, \S+)*\s*\{$/,
    address: new RegExp(String.raw`\breverse_proxy\s[^\n]*?${address}`),
  },
];

/** Which other gateway has files like it, by its first line that says something. `text`: what is no map in YAML. Null: it is none that is known. */
export function foreignFile(text: string, file: string): ForeignFile | null {
  const isOwn = /^(?:applications|listeners|routes|upstreams):/m.test(text);
  for (const { kind, what, has } of adapted) {
    const at = isOwn ? null : has.exec(text);
    if (at !== null) return { at: at.index + at[0].search(/\S/), program: what, suggestion: adaptStep(kind, file) };
  }
  const lines = text.split('\n');
  const first = lines.findIndex((one) => /^\s*[^\s#]/.test(one));
  const line = (lines[first] ?? '').replace(/\s#.*$/, '').trim();
  const found = dialects.find(({ begins }) => begins.test(line));
  if (found === undefined) return null;
  const endpoint = found.address.exec(text)?.[1] ?? '127.0.0.1:3000';
  return {
    at: lines.slice(0, first).join('\n').length + (first === 0 ? 0 : 1) + (lines[first] ?? '').search(/\S/),
    program: `a configuration of ${found.program}`,
    suggestion: `begin with: upstreams: { app: "${endpoint}" }`,
  };
}
