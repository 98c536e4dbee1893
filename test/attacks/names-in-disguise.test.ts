import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RawOrigin } from '../gateway/raw-origin.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';

/** CGI, WSGI and Rack turn `X_Real_IP` and `X-Real-IP` into the same variable. */
function variableOf(name: string): string {
  return `HTTP_${name.toUpperCase().replaceAll('-', '_')}`;
}

describe('a header name with "_" for "-"', () => {
  let origin: RawOrigin;
  let gateway: YamlGateway;

  before(async () => {
    origin = await RawOrigin.start();
    gateway = await startFromYaml(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
routes: [{ to: app, request_headers: { set: { X-User: "nobody" }, remove: [X-Secret] } }]`);
  });

  after(async () => {
    await gateway.stop();
    await origin.close();
  });

  for (const name of [
    'X_Forwarded_For',
    'X-Forwarded_For',
    'x_forwarded_proto',
    'X_REAL_IP',
    'X_Request_Id',
    'Content_Length',
    'Transfer_Encoding',
    'X_User',
    'X_Secret',
  ]) {
    it(`${name} never reaches an application beside or instead of the gateway's own header`, async () => {
      await gateway.get('/', [`${name}: forged`]);
      const names = origin.last.headers.map(([one]) => one);
      const same = names.filter((one) => variableOf(one) === variableOf(name));
      assert.ok(!same.includes(name), `${same.join(', ')} came through`);
    });
  }

  it('Proxy never reaches an application: CGI programs take it for the variable of their own proxy', async () => {
    await gateway.get('/', ['Proxy: http://forged']);
    assert.ok(!origin.last.headers.some(([name]) => name.toLowerCase() === 'proxy'));
  });

  it('X_Custom, which only the application knows, is forwarded', async () => {
    await gateway.get('/', ['X_Custom: 1']);
    assert.ok(origin.last.headers.some(([name, value]) => name === 'X_Custom' && value === '1'));
  });
});
