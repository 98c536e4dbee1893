import { suggestForFeature } from './explain-feature-form.ts';
import { allWord, offWord, suggestForLog, suggestForShortForm } from './explain-short-form.ts';
import type { Path } from '../schema/findings.ts';

/**
 * What to write where one word stands in place of a map or a list and it is clear what was meant; null where it is not.
 * What is suggested is accepted.
 */
export function suggestForWord(path: Path, input: unknown): string | null {
  const short = suggestForShortForm(path, input);
  if (short !== null) return short;
  if (path.at(-1) === 'when_none_ready' && typeof input === 'string')
    return offWord.test(input) ? 'write { wait: none }' : /^\d/.test(input) ? `write { wait: ${input} }` : null;
  const form = suggestForFeature(path, input);
  if (form !== null) return form;
  if (path.at(-1) === 'workers' || path.join('.') === 'workers.count') {
    const count = suggestForWorkers(input);
    if (count !== null) return count;
  }
  if (
    typeof input === 'string' &&
    /^(?:unlimited|infinite|infinity|none|no|off|-1)$/i.test(input) &&
    /_max$|^max$/.test(String(path.at(-1)))
  )
    return 'write a number: there is always a limit here; without the key it is the default';
  if (path.at(-1) === 'wait_max' && input === 0) return 'write "wait: none" in its place: then no request waits';
  if (path.at(-1) === 'buffer') return suggestForBuffer(input);
  if (path.at(-1) === 'http2' && typeof input === 'string' && /^(?:h2c?|http\/?2)$/i.test(input))
    return 'write true: within TLS that is h2, in clear text h2c';
  if ((path[0] === 'upstreams' || path[2] === 'readiness') && path.length > 3) {
    const forEndpoint = suggestForEndpoint(path.at(-1), input);
    if (forEndpoint !== null) return forEndpoint;
  }
  if (path.length === 2 && path[0] === 'log') return suggestForLog(String(path[1]), input);
  if (typeof input !== 'string' && typeof input !== 'boolean') return null;
  const word = String(input);
  const [section, , key, ...more] = path;
  if (path.length === 1) return suggestForSection(String(section), word);
  if (section === 'listeners' && path.length === 3 && key === 'tls') return suggestForListenerTls(word);
  if (section === 'listeners' && path.slice(2).join('.') === 'tls.auto.on_demand')
    return offWord.test(word) ? 'remove the key' : onDemandHelp;
  if (section !== 'applications' || more.length > 0) return null;
  if (path.length === 2) return typeof input === 'string' ? `write { command: ${JSON.stringify(word)} }` : null;
  return key === 'restart' ? suggestForRestart(word) : null;
}

/** Who may have certificates ordered is named: otherwise every stranger may. */
export const onDemandHelp = 'name the hosts as "allow", or as "ask" a URL that says which names are yours';

function suggestForWorkers(input: unknown): string | null {
  if (typeof input !== 'number' || Number.isInteger(input) || input < 0) return null;
  const least = Math.max(1, Math.floor(input));
  return `write ${least} or ${least + 1}: threads are whole`;
}

function suggestForBuffer(input: unknown): string | null {
  if (typeof input !== 'string' && typeof input !== 'boolean' && typeof input !== 'number') return null;
  const word = String(input);
  if (offWord.test(word)) return 'write none';
  if (allWord.test(word)) return 'remove the key: bodies are buffered without it';
  return /^\d/.test(word) ? `write { request: ${word} } or { response: ${word} }, whose body is to wait` : null;
}

function suggestForEndpoint(key: string | number | undefined, input: unknown): string | null {
  if (key === 'weight' && typeof input === 'number' && !Number.isInteger(input))
    return 'multiply all weights of the upstream until each is whole: only their proportion counts';
  if (key === 'expect' && (typeof input === 'string' || typeof input === 'number'))
    return /^\d{3}$|^\dxx$/.test(String(input))
      ? `write { status: ${String(input)} }`
      : `write { body: ${JSON.stringify(input)} }`;
  if (key === 'grpc' && input === true) return 'write "" for the whole server, or the name of a service';
  if (key === 'headers' && Array.isArray(input)) {
    const [name, value] = String(input[0] ?? '').split(/:\s*/);
    return /^[\w-]+$/.test(name ?? '')
      ? `write { ${name}: ${value === undefined ? '"its value"' : JSON.stringify(value)} }`
      : null;
  }
  if (key === 'port' && typeof input === 'string') return 'write its number; ports have no names here';
  if (key === 'priority' && typeof input === 'string' && !/^\d+$/.test(input))
    return 'write 0 for an endpoint that gets the requests, 1 for one that gets them while none of those is ready';
  return null;
}

function suggestForListenerTls(word: string): string | null {
  if (offWord.test(word)) return 'remove the key: without it connections are in clear text';
  if (/^(?:dev|local|localhost|self-?signed)$/i.test(word)) return 'write internal';
  return allWord.test(word) || /^(?:acme|lets-?encrypt|zerossl|automatic|https|enabled?)$/i.test(word)
    ? 'write auto to obtain certificates, internal for development, or name files as "certificates"'
    : null;
}

function suggestForSection(section: string, word: string): string | null {
  switch (section) {
    case 'log':
      if (offWord.test(word)) return 'write { path: none }';
      return /^[./]/.test(word) ? `write { path: ${JSON.stringify(word)} }` : null;
    case 'store':
      if (offWord.test(word)) return 'write none';
      if (allWord.test(word)) return 'write {}, or { path: ./store }';
      return /^[./]/.test(word) ? `write { path: ${JSON.stringify(word)} }` : null;
    case 'admin':
      return offWord.test(word) ? 'write { socket: none }' : null;
    case 'trusted_peers':
      if (offWord.test(word)) return 'write [], or remove the key';
      return allWord.test(word) ? 'write the addresses of what stands before Candor, such as [10.0.0.0/8]' : null;
    default:
      return null;
  }
}

/** The words of Docker, Kubernetes and systemd. */
function suggestForRestart(word: string): string | null {
  if (/^(?:always|on-?failure|unless-stopped|yes|on|true)$/i.test(word))
    return 'remove the key: an application is always started again; "first_delay" says how soon';
  return offWord.test(word)
    ? 'remove the key: an application is always started again, which cannot be switched off'
    : null;
}
