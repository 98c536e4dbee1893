import { upperFirst } from '../first-letter.ts';
import type { ScriptFault } from '../failure.ts';
import type { CaseTexts, FailureTable } from '../failure-spec.ts';
import { clause, duration, quoted } from './formatting.ts';

/** The gateway found no route for the request, or no endpoint that may have it. */
export const noEndpoint = {
  script_not_found: {
    type: 'destination_not_found',
    status: 404,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'There is no such program',
    sentence: ({ script, root, why }) =>
      why === 'bad_path'
        ? `The path ${quoted(script)} has an encoded slash or NUL, and no program is asked for it.`
        : `The program ${quoted(script)} below ${quoted(root)} ${scriptFaults[why]}.`,
    forClient: 'This page does not exist. Check the address for typing errors, or start from the home page.',
    usualCauses: [
      'a scanner asks for programs of other sites, or a page links to one that has been removed',
      '`root` of `php` is not the folder that has the programs',
      'php-fpm runs elsewhere, and the files are not on this machine: then `php` needs `remote: true`',
    ],
    nextStep:
      'Look with `ls -l` whether the program is at that path, and compare `root` of the route with the folder of the application.',
    inThisCase: ({ why }) => casesOfScript[why] ?? null,
  },
  no_route: {
    type: 'destination_not_found',
    status: 404,
    whose: 'client',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'info',
    temporary: false,
    title: 'There is nothing at this address',
    sentence: ({ host, path, allow }) =>
      allow === undefined
        ? `No route matches host ${quoted(host)} and path ${quoted(path)}.`
        : `Host ${quoted(host)} and path ${quoted(path)} have a route for ${allow}, and none for the method of the request.`,
    forClient: 'There is nothing at this address. Check it for typing errors, or start from the home page.',
    usualCauses: [
      'a visitor followed an old link, or a scanner is guessing addresses',
      'DNS leads the host name to this gateway, but no route names it',
      'the route also matches by method or header, and this request has another value',
    ],
    nextStep:
      'Compare host, path and method with each of `routes` in the configuration, from the top: the gateway takes the first route that matches, and none did.',
    inThisCase: ({ allow }) =>
      allow === undefined
        ? null
        : {
            title: 'This address takes other methods',
            forClient: `This address takes ${allow}, and not the method of this request.`,
            usualCauses: [
              'the route matches by method, and this one was not thought of, such as HEAD beside GET',
              'a client sends the form or call to the wrong address, or with the wrong method',
              'a scanner tries methods',
            ],
            nextStep:
              'If the application takes this method, add it to `methods` of the route; without that key the route matches any method. `candor route METHOD URL` says why each route matches or not.',
          },
  },
  no_endpoint_ready: {
    type: 'destination_unavailable',
    status: 503,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: true,
    title: 'The application is unavailable',
    sentence: ({ upstream, endpoints, reason, endpointCause }) =>
      `${noneReady(quoted(upstream), endpoints)}${reason === '' ? '' : `: ${clause(reason)}`}${endpointCause === undefined ? '' : ` (${endpointCause})`}.`,
    forClient:
      'The application behind this site is unavailable right now. It is being checked all the time, so try again shortly.',
    usualCauses: [
      'the application is down on every machine',
      'the path of the health check needs a login, redirects, or does not exist',
      'a database or another service that the health check depends upon is down',
      'a deploy replaced all instances at once',
    ],
    nextStep: 'Run `candor status`: it shows the state and the last check of every endpoint.',
    inThisCase: (evidence) =>
      evidence.drained !== undefined
        ? drainedTexts(evidence.drained)
        : evidence.stopped !== undefined
          ? stoppedTexts(evidence.stopped)
          : fixTexts(evidence),
  },
  instance_starting: {
    type: 'destination_unavailable',
    status: 503,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'The application is not ready yet',
    sentence: ({ upstream, application, sinceMs, last }) =>
      `The application ${quoted(application)} of upstream ${quoted(upstream)} has been starting for ${duration(sinceMs)} and ${last === undefined ? 'has not shown that it is ready' : `is not ready: ${clause(last)}`}.`,
    forClient: 'The application behind this site is starting and is not ready yet. Please try again in a moment.',
    usualCauses: [
      'it was started a moment ago and needs a few seconds',
      'it waits for a database, a migration or a download before it listens',
      'it does not listen on the port that PORT names, or listens on another address',
      'its readiness path does not answer 200',
    ],
    nextStep:
      'Read its output with `candor status`; if it says that it listens, compare the port with the PORT that it was given, and request `readiness.path` with curl.',
    inThisCase: (evidence) => ({
      ...fixTexts(evidence),
      ...(evidence.lasting === true ? { forClient: notReadyForClient } : {}),
    }),
  },
  circuit_open: {
    type: 'destination_unavailable',
    status: 503,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'warn',
    temporary: true,
    title: 'The application is failing, and is given a pause',
    sentence: ({ upstream, endpoints, route, reason }) =>
      route === undefined
        ? `The circuit breaker of ${endpoints === 1 ? 'the endpoint' : `each of the ${endpoints} endpoints`} of ${quoted(upstream)} is open: ${clause(reason)}.`
        : `The circuit breaker of the route ${quoted(route)} to ${quoted(upstream)} is open: ${clause(reason)}.`,
    forClient: 'The application behind this site is failing right now. It is tried again within seconds.',
    usualCauses: [
      'the application accepts connections and does not answer in time, because a database or another service that it needs does not',
      'the application is overloaded: the pause lets it recover',
      'something else than the application listens at its address',
    ],
    nextStep:
      'Run `candor events`: it shows what the requests met that opened the breaker. It closes by itself when requests succeed.',
  },
} satisfies Partial<FailureTable>;

function noneReady(upstream: string, endpoints: number): string {
  if (endpoints === 0) return `Upstream ${upstream} has no endpoint`;
  return endpoints === 1
    ? `The one endpoint of upstream ${upstream} is not ready`
    : `None of the ${endpoints} endpoints of upstream ${upstream} is ready`;
}

/** What keeps all endpoints from being ready. */
interface FoundTexts {
  readonly fix?: string;
  readonly lasting?: true;
  readonly exits?: number;
}

/** The step that a readiness check suggests replaces the general one. */
function fixTexts({ fix, lasting, exits }: FoundTexts): CaseTexts | null {
  if (fix === undefined) return null;
  return {
    nextStep: `${upperFirst(fix)}.`,
    ...(lasting === true ? { temporary: false } : {}),
    // How it ended is known, so that nothing has to be guessed.
    ...(exits === undefined ? {} : { usualCauses: [] }),
  };
}

/** No check brings back what an operator has taken out. `drained` comes from records too, and stands in a command. */
function drainedTexts(drained: string): CaseTexts {
  const change = /^drain:[\w.:/[\]-]{1,200}$/.test(drained) ? drained : 'drain:ENDPOINT';
  return {
    whose: 'operator',
    forClient: 'This site is being worked on and will be back soon.',
    usualCauses: [
      'an operator has drained all endpoints of the upstream',
      'the drains of a release or of a repair were never ended',
    ],
    nextStep: `Ask who drained the endpoints: \`candor status\` has each drain under OVERLAY. \`candor restore ${change}\` gives that endpoint requests again.`,
  };
}

/** Nothing but an operator starts it again. `application` comes from records too, and stands in a command. */
function stoppedTexts(application: string): CaseTexts {
  const name = /^[\w.-]{1,200}$/.test(application) ? application : 'NAME';
  return {
    whose: 'operator',
    title: 'The application is stopped',
    forClient: 'This site is being worked on and will be back soon.',
    usualCauses: ['an operator has stopped the application (`candor app stop`), and not started it again'],
    nextStep: `\`candor app list\` shows who has stopped it. \`candor app start ${name}\` starts it again.`,
  };
}

const notReadyForClient =
  'The application behind this site has started, but is not ready. Its operators must look at it.';

const scriptFaults: Readonly<Record<Exclude<ScriptFault, 'bad_path'>, string>> = {
  missing: 'does not exist',
  outside: 'leads by a symbolic link out of that folder',
  not_a_file: 'is not a file',
  unreadable: 'cannot be looked at: the gateway may not enter a folder on its way',
};

const casesOfScript: Partial<Readonly<Record<ScriptFault, CaseTexts>>> = {
  unreadable: {
    whose: 'operator',
    usualCauses: ['the user of the gateway must not enter a folder on the way to the program'],
    nextStep:
      'Show the permissions with `namei -l PATH`, and let the user of the gateway enter each folder (`chmod o+x` or a group); it need not read the file. Or set `remote: true`: then the gateway does not look.',
  },
  outside: {
    whose: 'operator',
    usualCauses: ['a symbolic link below `root` leads to a program elsewhere'],
    nextStep: 'Set `root` to a folder that contains both, or copy the program; links within the folder are followed.',
  },
  bad_path: {
    usualCauses: [
      'a client hides a slash from the routes, which are found by the path as it is spelt',
      'the application puts names with a slash into its paths',
    ],
    nextStep: 'Put such names into the query: FastCGI programs are told their path decoded.',
  },
};
