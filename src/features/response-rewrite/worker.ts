import type { AnsweredRequest, ResponseValues } from '../../core/response-values.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { type ResponseRewriteSpec, responseRewriteName } from './settings.ts';
import { cookieForClient, hostOfAuthority } from './worker-cookies.ts';
import { refreshForClient, urlForClient } from './worker-urls.ts';

export const responseRewrite = workerFeature<ResponseRewriteSpec, FeaturePart>({
  name: responseRewriteName,
  prepare: (_, spec) => ({ hooks: { responseValues: valuesOf(spec) } }),
});

const urlHeaders = ['location', 'content-location', 'refresh'];

function valuesOf(spec: ResponseRewriteSpec): ResponseValues {
  const names = [...(spec.urls === null ? [] : urlHeaders), ...(spec.cookies === null ? [] : ['set-cookie'])];
  return { names, changed: (name, value, answered) => changedValue(name, value, spec, answered) };
}

function changedValue(
  name: string,
  value: string,
  { urls, cookies, prefix }: ResponseRewriteSpec,
  answered: AnsweredRequest,
): string {
  if (cookies !== null && name === 'set-cookie') {
    const ownHosts = [...answered.ownAuthorities, ...(urls?.hosts ?? [])].map(hostOfAuthority);
    return cookieForClient(value, cookies, { prefix, answered, ownHosts });
  }
  if (urls === null) return value;
  const ofUrl = (url: string): string => urlForClient(url, urls, prefix, answered);
  return name === 'refresh' ? refreshForClient(value, ofUrl) : ofUrl(value);
}
