import type { Dialect, DialectReader } from '../dialect.ts';
import { recogniseNodeLine, type NodeLine, parseNodeLine, type Why } from './node-lines.ts';
import type { Finding } from '../finding.ts';
import { appErrorVerdict, clientLeftVerdict, findingOf, fixOf, type Verdict, harmlessVerdict } from '../verdict.ts';
import { judgeNode, addressIn, unknownNode } from './node-verdict.ts';

/** An error without a line that names the proxy: every program of Node prints such errors. */
export const plainErrorFormat = 'Node error';

type Failed = Extract<NodeLine, { kind: 'failed' }>;

/** A line that named the failed request; the next one names the cause. */
interface Awaited {
  readonly failed: Failed;
  readonly joins: string;
}

/** Vite and Create React App write two lines for one failure. This reader remembers the first one. */
class NodeProxyReader implements DialectReader {
  #awaited: Awaited | null = null;
  #failures = 0;

  read(line: string): Finding | null {
    const parsed = parseNodeLine(line);
    if (parsed === null) return null;
    const awaited = this.#awaited;
    if (parsed.kind === 'detail' && awaited === null) return null;
    this.#awaited = null;
    if (parsed.kind === 'failed') return this.#readFailed(parsed);
    if (parsed.kind === 'why' || parsed.kind === 'detail') return findingOfWhy(parsed.why, awaited);
    if (parsed.kind === 'client_left') return findingOfLostClient(parsed.why);
    return parsed.kind === 'passed' ? findingOfPassed(parsed) : harmlessFinding;
  }

  #readFailed(failed: Failed): Finding {
    if (failed.why !== null) return findingOfFailure(failed, failed.why, null);
    this.#failures += 1;
    const joins = `node-proxy-${this.#failures}`;
    this.#awaited = { failed, joins };
    const verdict = failed.isClients ? clientLeft : unknownNode(failed.target ?? 'the target');
    // If the next line names the cause, that line counts.
    return findingOf(
      { ...factsOf(failed), evidence: [announcement(failed)], joins },
      { ...verdict, isConsequence: true },
    );
  }
}

const harmlessFinding = findingOf(
  { gateway: 'node', format: 'http-proxy-middleware log', kind: 'event' },
  harmlessVerdict,
);

const clientLeft = clientLeftVerdict('The browser closed the WebSocket.', 'body');

const requestCut = clientLeftVerdict('The client closed its connection before it had sent its whole request.', 'body');

function findingOfLostClient(why: Why): Finding {
  return findingOf({ gateway: 'node', format: plainErrorFormat, kind: 'error', evidence: evidenceOf(why) }, requestCut);
}

function findingOfWhy(why: Why, awaited: Awaited | null): Finding {
  if (awaited !== null) return findingOfFailure(awaited.failed, why, awaited.joins);
  const facts = { gateway: 'node', format: plainErrorFormat, kind: 'error', confidence: 'likely' } as const;
  return findingOf({ ...facts, upstream: addressIn(why.words), evidence: evidenceOf(why) }, judgeNode(why, null));
}

function findingOfFailure(failed: Failed, why: Why, joins: string | null): Finding {
  const verdict: Verdict = failed.isClients ? clientLeft : judgeNode(why, failed.target);
  const facts = factsOf(failed);
  return findingOf(
    { ...facts, upstream: facts.upstream ?? addressIn(why.words), evidence: evidenceOf(why), joins },
    verdict,
  );
}

function factsOf({ format, request, target }: Failed) {
  return { gateway: 'node', format, kind: 'error', request, upstream: target } as const;
}

/** The prefix of the line that tells of a failure but not of its cause. */
function announcement({ format }: Failed): string {
  if (format.startsWith('Vite')) return 'proxy error:';
  return format.startsWith('Next') ? 'Failed to proxy' : 'proxy request';
}

function evidenceOf({ code, words }: Why): string[] {
  const evidence = [code, words.slice(0, 160)].filter((part) => part !== null && part !== '');
  return evidence as string[];
}

function findingOfPassed({ request, target, status }: Extract<NodeLine, { kind: 'passed' }>): Finding {
  const isAppError = status !== null && status >= 500;
  return findingOf(
    {
      gateway: 'node',
      format: 'http-proxy-middleware log',
      kind: 'access',
      request,
      upstream: target.slice(0, 200),
      status,
      evidence: isAppError ? [`[${status}]`] : [],
    },
    isAppError
      ? appErrorVerdict(
          `The application itself answered ${status}; the middleware passed it on.`,
          fixOf("Read the application's own log"),
        )
      : harmlessVerdict,
  );
}

/** One dialect for all proxies, since the line with the request and the line with the cause may have two forms. */
const nodeProxy: Dialect = {
  gateway: 'node',
  format: 'Node proxy log',
  recognise: recogniseNodeLine,
  open: () => new NodeProxyReader(),
};

/** http-proxy, http-proxy-middleware, and tools built on them: Vite, Create React App, the rewrites of Next.js. */
export const nodeDialects: readonly Dialect[] = [nodeProxy];
