import { applicationGateway, azureEdge } from '../azure/azure.ts';
import { cloudFront } from '../cdn/cdn.ts';
import { knownDetails } from '../platforms/gcp-details.ts';
import type { FragmentForm } from './fragment.ts';

/** The word alone, wherever it stands; longer words come first, so that none is taken for the beginning of another. */
function anyOf(words: readonly string[]): RegExp {
  const sorted = words.toSorted((a, b) => b.length - a.length);
  return new RegExp(`(?<![\\w.])(${sorted.join('|')})(?![\\w.])`);
}

/** Words that only this gateway writes: two words at least, as `OriginTimeout` and `failed_to_pick_backend` are. */
const isDistinct = (word: string): boolean =>
  /[a-z][A-Z]|_/.test(word) && !/^(?:InvalidRequest|OriginError|AppOffline)$/.test(word);

const statusIn = (text: string): number | undefined => {
  const [, status] = /\b([45]\d\d)\b/.exec(text) ?? [];
  return status === undefined ? undefined : Number(status);
};

/** A gateway's own word for an outcome, alone or in a sentence: the tables of its log say what it means. */
export const namedReasons: readonly FragmentForm[] = [
  {
    of: "a gateway's own word for an outcome",
    gateways: ['gcp-lb'],
    isOfJson: true,
    words: anyOf(knownDetails.filter(isDistinct)),
    complete: (text, found) => {
      const type = 'type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry';
      const status = statusIn(text);
      return JSON.stringify({ jsonPayload: { '@type': type, statusDetails: found[1] }, httpRequest: { status } });
    },
  },
  {
    of: "a gateway's own word for an outcome",
    gateways: ['azure-app-gateway'],
    isOfJson: true,
    words: anyOf(Object.keys(applicationGateway.reasons)),
    complete: (text, found) =>
      JSON.stringify({
        category: 'ApplicationGatewayAccessLog',
        properties: { error_info: found[1], httpStatus: statusIn(text) },
      }),
  },
  {
    of: "a gateway's own word for an outcome",
    gateways: ['azure-front-door'],
    isOfJson: true,
    words: anyOf(Object.keys(azureEdge.reasons).filter(isDistinct)),
    complete: (text, found) =>
      JSON.stringify({
        category: 'FrontDoorAccessLog',
        properties: { errorInfo: found[1], httpStatusCode: statusIn(text) },
      }),
  },
  {
    of: "a gateway's own word for an outcome",
    gateways: ['cloudfront'],
    isOfJson: true,
    words: anyOf(Object.keys(cloudFront.reasons).filter(isDistinct)),
    complete: (text, found) => JSON.stringify({ 'x-edge-detailed-result-type': found[1], 'sc-status': statusIn(text) }),
  },
];
