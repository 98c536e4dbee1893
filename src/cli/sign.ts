import { isIP } from 'node:net';
import { explainRoute, loadPatternsOf } from '../control/explain-route.ts';
import { readRouteQuestion } from '../control/route-question.ts';
import { signedFolder, signedTarget } from '../features/signed-links/link.ts';
import { signedLinksOf } from '../features/signed-links/settings.ts';
import { CommandFailure } from './command-failure.ts';
import { errorsIn } from './configuration-read.ts';
import { harmless, printJson } from './layout.ts';
import type { ProcessContext } from './process-context.ts';
import { readConfiguration } from './read-configuration.ts';

export interface SignFlags {
  readonly config: string;
  /** Milliseconds. */
  readonly for?: number;
  readonly address?: string;
  readonly folder: boolean;
  readonly json: boolean;
}

const lifeMs = 3_600_000;

/** `candor sign`: the URL as the route that takes it would accept it. */
export async function sign(flags: SignFlags, written: string, context: ProcessContext): Promise<void> {
  const url = urlOf(written);
  const { configuration, errors } = await readConfiguration(flags.config, context);
  if (configuration === null) throw errorsIn(flags.config, errors);
  const question = readRouteQuestion({ client: null, listener: null, method: 'GET', url: url.whole, headers: [] });
  if (!question.ok) throw new CommandFailure('usage', question.problem);
  await loadPatternsOf(configuration);
  const { route, reason } = explainRoute(question.value, configuration);
  if (route === null) throw new CommandFailure('not_found', `No route takes this URL: ${reason}`);
  const spec = signedLinksOf(configuration.routes.find(({ id }) => id === route)?.features);
  const name = harmless(route);
  if (spec === null)
    throw new CommandFailure(
      'usage',
      `The route ${name} takes this URL, and has no signed_links: it needs no signature.`,
    );
  const address = addressOf(flags.address, spec.isBoundToAddress, name);
  const expiresS = Math.floor((context.clock.wallTime() + (flags.for ?? lifeMs)) / 1000);
  const key = spec.linkKeys[0] ?? '';
  const signed = flags.folder
    ? `${url.origin}${url.target}?${signedFolder(folderOf(url.target), expiresS, key, address)}`
    : `${url.origin}${signedTarget(url.target, expiresS, key, address)}`;
  if (flags.json) printJson({ url: signed, expires: new Date(expiresS * 1000).toISOString(), route }, context);
  else context.stdout.write(`${signed}\n`);
}

/** As a client sends it: its path is resolved, and what a URL may not have is encoded. */
function urlOf(written: string): { readonly whole: string; readonly origin: string; readonly target: string } {
  const isTarget = written.startsWith('/');
  const url = URL.parse(isTarget ? `http://localhost${written}` : written);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CommandFailure('usage', 'This is no URL: write one such as https://shop.example.org/files/a.pdf.');
  if (url.searchParams.has('expires') || url.searchParams.has('signature'))
    throw new CommandFailure('usage', 'The URL has "expires" or "signature" already: give it without them.');
  const target = `${url.pathname}${url.search}`;
  return { whole: isTarget ? target : `${url.origin}${target}`, origin: isTarget ? '' : url.origin, target };
}

/** Of one without a slash at its end, links for what begins alike would be valid too. */
function folderOf(target: string): string {
  if (!target.includes('?') && target.endsWith('/')) return target;
  throw new CommandFailure('usage', 'This is no URL of a folder: it ends with "/", and has no query.');
}

function addressOf(written: string | undefined, isBound: boolean, route: string): string | null {
  if (!isBound && written === undefined) return null;
  if (!isBound) throw new CommandFailure('usage', `Links of the route ${route} are bound to no address.`);
  if (written === undefined || isIP(written) === 0)
    throw new CommandFailure('usage', `Links of the route ${route} are bound to an address: name it by --address.`);
  return written;
}
