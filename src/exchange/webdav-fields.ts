import { type FieldFilter, fieldId } from '../core/field-names.ts';
import { conditionSent, destinationSent, type OwnUrls } from '../wire/webdav-urls.ts';
import type { ClientFacts } from '../core/exchange.ts';
import type { Fields, OutgoingRequest, RequestHead } from '../core/message.ts';
import { forwardedValue } from './forwarded-value.ts';
import type { Route } from './ports.ts';

const destinationId = fieldId('destination');
const ifId = fieldId('if');

/** A field that is sent with another value than it came with; null: it is not sent. */
export type ChangedField = readonly [name: 'Destination' | 'If', value: string | null];

/** Whether `changedUrlFields` may have something to change. */
export function mayNameUrls(fields: Fields): boolean {
  return fields.hasId(destinationId) || fields.hasId(ifId);
}

/** The fields of WebDAV that name URLs of the request's own origin, as the endpoint is sent them. Other fields, such as Referer, tell what the client sees. */
export function changedUrlFields(
  request: RequestHead,
  client: ClientFacts,
  route: Route,
  sent: Pick<OutgoingRequest, 'scheme' | 'authority'>,
  drop: FieldFilter,
): readonly ChangedField[] {
  const { fields } = request;
  const urls: OwnUrls = {
    scheme: client.scheme,
    authorities: authoritiesOf(request, client),
    sent: `${sent.scheme}://${sent.authority}`,
    pathSent: (path) => (route.rewrites(path) ? route.rewrite(path) : null),
  };
  const changed: ChangedField[] = [];
  for (const [name, sentOf] of translations) {
    const value = forwardedValue(fields, name.toLowerCase(), drop);
    const sent = value === null ? null : sentOf(value, urls);
    if (sent !== value) changed.push([name, sent]);
  }
  return changed;
}

const translations = [
  ['Destination', destinationSent],
  ['If', conditionSent],
] as const;

/** A trusted peer may have been asked for another host than it asks for. */
function authoritiesOf({ authority, fields }: RequestHead, { trusted }: ClientFacts): readonly string[] {
  const named = trusted ? fields.get('x-forwarded-host')?.split(',', 1)[0]?.trim().toLowerCase() : undefined;
  return named === undefined || named === '' ? [authority] : [authority, named];
}
