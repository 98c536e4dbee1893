import { applicationProducts, type Finding, type GatewayProduct } from './finding.ts';
import type { ReportedFailure } from './joined-failures.ts';
import { plainErrorFormat } from './node/node-proxy-reader.ts';

/** Errors that are remembered until another gateway's lines come. */
const waitingMax = 1000;

/**
 * Errors of Node that no line of a proxy has announced (`Error: read ECONNRESET`). In a log by itself such an error is taken for
 * that of a proxy written in Node. Beside the log of another gateway it is what an application prints of its own connections.
 */
export class PlainNodeErrors {
  #waiting: ReportedFailure[] | null = [];

  /** Whether the finding is an application's own error, since there is another gateway. */
  isOfApplication({ format }: Finding): boolean {
    return this.#waiting === null && format === plainErrorFormat;
  }

  /** Adds a failure that was counted. */
  counted(reported: ReportedFailure): void {
    if (reported.first.format === plainErrorFormat && (this.#waiting?.length ?? waitingMax) < waitingMax)
      this.#waiting?.push(reported);
  }

  /** Adds a product whose lines are there. Returns the failures that turn out to be none. */
  seen(gateway: GatewayProduct): readonly ReportedFailure[] {
    if (this.#waiting === null || gateway === 'node' || ofApplications.has(gateway)) return [];
    const waiting = this.#waiting;
    this.#waiting = null;
    return waiting;
  }
}

const ofApplications: ReadonlySet<GatewayProduct> = new Set(applicationProducts);

/** The same line as an event of the application. */
export function asApplicationEvent(finding: Finding): Finding {
  const [what = ''] = finding.evidence;
  const sentence = `An application reported an error of a connection of its own (${what}).`;
  return {
    ...finding,
    gateway: 'nodejs',
    kind: 'event',
    shape: 'none',
    type: null,
    stage: null,
    born: null,
    whose: null,
    sentence,
    fix: null,
  };
}
