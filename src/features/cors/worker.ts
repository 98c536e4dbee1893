import type { Filter, FilterAnswer } from '../../core/filter.ts';
import type { VariableSource } from '../../core/variables.ts';
import { type FeaturePart, type RequestedHeaders, workerFeature } from '../worker-feature.ts';
import { corsName, type CorsSpec } from './settings.ts';
import { originTest } from './worker-origin.ts';

export const cors = workerFeature<CorsSpec, FeaturePart>({
  name: corsName,
  prepare: (_, spec) => ({ hooks: { filters: [preflightFilter(spec)], responseHeaders: headersOf(spec) } }),
});

/** The application says nothing of it: two values of one of them would be none to a browser. */
const names = ['allow-origin', 'allow-credentials', 'allow-methods', 'allow-headers', 'expose-headers', 'max-age'].map(
  (rest) => `access-control-${rest}`,
);

/** On every response of the route, also on failures of the gateway: else a page could not tell a 502 from a refused origin. */
function headersOf({ origins, expose, credentials }: CorsSpec): RequestedHeaders {
  const isAllowed = originTest(origins);
  const isOfAll = origins.includes('*');
  const exposed = expose.join(', ');
  return {
    names,
    ...(isOfAll ? {} : { vary: 'origin' }),
    write(request, sink) {
      const origin = request.header('origin');
      // Where the answer is the same for every origin, caches may keep one for all.
      if (!isOfAll) sink.header('Vary', 'Origin');
      if (!isOfAll && (origin === null || !isAllowed(origin))) return;
      sink.header('Access-Control-Allow-Origin', isOfAll ? '*' : (origin as string));
      if (credentials) sink.header('Access-Control-Allow-Credentials', 'true');
      if (exposed !== '' && !isPreflight(request)) sink.header('Access-Control-Expose-Headers', exposed);
    },
  };
}

/** Fetch §3.2.2: OPTIONS without these headers is a request like any other. */
function isPreflight(request: VariableSource): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.header('origin') !== null &&
    request.header('access-control-request-method') !== null
  );
}

function preflightFilter(spec: CorsSpec): Filter {
  const isAllowed = originTest(spec.origins);
  return {
    name: corsName,
    stage: 'preflight',
    onRequestHead({ variables }) {
      if (!isPreflight(variables)) return 'continue';
      return answerTo(variables, spec, isAllowed(variables.header('origin') ?? ''));
    },
  };
}

function answerTo(request: VariableSource, { methods, headers, maxAgeS }: CorsSpec, isAllowed: boolean): FilterAnswer {
  const wantedMethod = request.header('access-control-request-method') ?? '';
  const wantedHeaders = request.header('access-control-request-headers') ?? '';
  const allowedMethods = methods.includes('*') ? tokensIn(wantedMethod) : methods.join(', ');
  // "*" stands for no name where there are credentials, and never for Authorization: what is asked for is allowed by name.
  const allowedHeaders = headers.includes('*') ? tokensIn(wantedHeaders) : headers.join(', ');
  const varying = [
    ...(methods.includes('*') ? ['Access-Control-Request-Method'] : []),
    ...(headers.includes('*') ? ['Access-Control-Request-Headers'] : []),
  ];
  const granted = [
    ['Access-Control-Allow-Methods', allowedMethods],
    ['Access-Control-Allow-Headers', allowedHeaders],
    ['Access-Control-Max-Age', String(maxAgeS)],
  ] as const;
  return {
    status: 204,
    headers: [
      ...(isAllowed ? granted.filter(([, value]) => value !== '') : []),
      ...varying.map((name) => ['Vary', name] as const),
    ],
    body: new Uint8Array(0),
  };
}

const listMax = 4096;

/** The list, if it is one of tokens; else ''. */
function tokensIn(list: string): string {
  if (list.length > listMax) return '';
  const tokens = list.split(',').map((one) => one.trim());
  return tokens.every((one) => /^[!#$%&'*+\-.^_`|~\w]+$/.test(one)) ? tokens.join(', ') : '';
}
