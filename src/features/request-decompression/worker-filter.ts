import type { BodySink, BodyTransform, Filter, FilterContext, FilterDecision } from '../../core/filter.ts';
import { hasNoBody } from '../../core/message.ts';
import {
  DecompressBody,
  type DecompressionLimits,
  type Decompressors,
  isRequestCoding,
  type RequestCoding,
} from '../../filters/decompress-body.ts';
import { codingName } from '../../wire/accept-encoding.ts';

/** More codings of one body have no use. */
const codingsMax = 3;

/** They say something of the bytes as they came. */
const headersRemoved = ['content-encoding', 'content-digest', 'content-md5'];

/** Removes one coding of the request's body. A body may have several: each filter removes the outermost that is left. */
class DecompressionFilter implements Filter {
  readonly name = 'decompress_requests';
  readonly stage = 'coding';
  readonly #layer: number;
  readonly #limits: DecompressionLimits;
  readonly #decompressors: Decompressors;

  constructor(layer: number, limits: DecompressionLimits, decompressors: Decompressors) {
    this.#layer = layer;
    this.#limits = limits;
    this.#decompressors = decompressors;
  }

  onRequestHead(exchange: FilterContext): FilterDecision {
    const coding = codingsOf(exchange).at(-1 - this.#layer);
    if (coding === undefined) return 'continue';
    exchange.setState(this, coding);
    for (const name of headersRemoved) exchange.removeRequestHeader(name);
    return 'continue';
  }

  requestBody(exchange: FilterContext, sink: BodySink): BodyTransform | null {
    const coding = exchange.getState(this) as RequestCoding | undefined;
    return coding === undefined ? null : new DecompressBody(coding, this.#limits, this.#decompressors, sink);
  }
}

export function decompressionFilters(limits: DecompressionLimits, decompressors: Decompressors): readonly Filter[] {
  return Array.from({ length: codingsMax }, (_, layer) => new DecompressionFilter(layer, limits, decompressors));
}

/** In the order in which they were applied (RFC 9110 §8.4). None where one of them is not known: only the application can know it. */
function codingsOf({ request }: FilterContext): readonly RequestCoding[] {
  const written = request.headers.get('content-encoding');
  if (written === null || hasNoBody(request.framing)) return [];
  const names = written
    .split(',', 2 * codingsMax)
    .map((part) => codingName(part.trim()))
    .filter((name) => name !== '' && name !== 'identity');
  return names.length <= codingsMax && names.every(isRequestCoding) ? names : [];
}
