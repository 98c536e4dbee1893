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
export function foreignFile(text: string): ForeignFile | null {
  const lines = text.split('\n');
  const first = lines.findIndex((one) => /^\s*[^\s#]/.test(one));
  const line = (lines[first] ?? '').replace(/\s#.*$/, '').trim();
  const found = dialects.find(({ begins }) => begins.test(line));
  if (found === undefined) return null;
  const endpoint = found.address.exec(text)?.[1] ?? '127.0.0.1:3000';
  return {
    at: lines.slice(0, first).join('\n').length + (first === 0 ? 0 : 1) + (lines[first] ?? '').search(/\S/),
    program: found.program,
    suggestion: `begin with: upstreams: { app: "${endpoint}" }`,
  };
}
