import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureTable } from '#failures/failure-table.ts';
import { shapeOfType, specOfCause } from '#failures/failure-texts.ts';
import type { Cause } from '#failures/failure.ts';
import { familyOf, familyOfCause } from './failure-family.ts';

const causes = Object.keys(failureTable) as Cause[];

describe('the family of a failure', () => {
  test('is none for what clients do or ask for in vain, what operators ask for, and tunnels that end without a word', () => {
    const none = causes.filter((cause) => familyOfCause(cause) === null);
    const ofClients = none.filter((cause) => shapeOfType(specOfCause(cause).type) === 'client_abort');
    assert.deepEqual(
      ofClients,
      causes.filter((cause) => shapeOfType(specOfCause(cause).type) === 'client_abort'),
    );
    assert.deepEqual(none.filter((cause) => !ofClients.includes(cause)).toSorted(), [
      ...['access_denied', 'closed_by_route', 'drained', 'file_not_found', 'gateway_stopping', 'link_refused'],
      ...['login_failed', 'maintenance', 'no_route', 'not_authenticated', 'not_permitted', 'rate_limited'],
      ...['script_not_found', 'too_many_requests_at_once', 'tunnel_idle', 'tunnel_unclosed'],
    ]);
  });

  test('follows from the cause, else from the shape', () => {
    assert.deepEqual(
      [familyOfCause('connect_refused'), familyOfCause('dns_timeout'), familyOfCause('tls_alert')],
      ['gone', 'dns', 'tls'],
    );
    assert.deepEqual([familyOf('none', 'app_error'), familyOf('none', 'none')], ['application', null]);
  });
});
